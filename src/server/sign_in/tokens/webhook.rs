//! Opaque tokens, which a webhook of the application verifies.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use lru::LruCache;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::timeout;
use ureq::Agent;

use super::cookie::check_name;
use super::fault::SignInFault;
use super::remote::{agent, is_safe};
use super::viewer_value;
use crate::policy::{Policies, Viewer, ViewerType};
use crate::server::sign_in::identity::{IdentifyError, Identity};

/// Maximum size of an answer, in bytes.
const LARGEST: u64 = 64 << 10;

/// Maximum number of tokens whose answers are kept.
const MOST_KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// Maximum number of requests to the webhook at once; further tokens wait.
const MOST_AT_ONCE: usize = 32;

/// Time for which a refusal is kept.
const REFUSAL_KEPT: Duration = Duration::from_secs(5);

/// Time for which a failure of the webhook is kept.
const FAILURE_KEPT: Duration = Duration::from_secs(1);

/// Default of [`WebhookSettings::timeout`], and of [`WebhookSettings::keep`].
const TIMEOUT_SECONDS: u64 = 5;
const KEEP_SECONDS: u64 = 60;

/// Settings of a webhook: the table `[sign_in_webhook]` of an options file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// URL with https, or with http on this host's loopback address.
    pub url: String,
    /// Headers that are passed on besides `Authorization`.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Cookie with the token of requests that have no header `Authorization`. Such requests come from pages of this service.
    #[serde(default)]
    pub cookie: Option<String>,
    /// Seconds in which the webhook answers.
    #[serde(default = "timeout_seconds")]
    pub timeout: u64,
    /// Seconds for which an answer is kept, at most 60.
    #[serde(default = "keep_seconds")]
    pub keep: u64,
}

fn timeout_seconds() -> u64 {
    TIMEOUT_SECONDS
}

fn keep_seconds() -> u64 {
    KEEP_SECONDS
}

/// Verification of opaque tokens by a webhook.
///
/// The webhook gets a POST with the token in the header `Authorization`, and answers with status 200 and
/// `{ "role": "user", "roles": ["editor"], "values": { "userId": 1 }, "expires": 1767225600 }`, or with 401 or 403. `roles`, `values`
/// and `expires`, in seconds since 1970, may be missing. Everything else is a failure of the webhook: status 503, never anonymous.
/// An answer is kept under the token's hash until it expires, for 60 seconds at most. Equal tokens share one request.
pub struct Webhook(Arc<WebhookClient>);

struct WebhookClient {
    url: String,
    agent: Agent,
    time: Duration,
    keep: Duration,
    headers: Vec<HeaderName>,
    cookie: Option<String>,
    variables: Vec<(String, ViewerType)>,
    answers: Mutex<LruCache<[u8; 32], WebhookAnswer>>,
    permits: Arc<Semaphore>,
}

type Verdict = Result<Identity, IdentifyError>;

enum WebhookAnswer {
    /// Request that runs.
    Awaited(Shared<BoxFuture<'static, Verdict>>),
    Kept(Verdict, Instant),
}

/// Body of an answer.
#[derive(Deserialize)]
struct AnswerBody {
    role: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    values: Map<String, Json>,
    #[serde(default)]
    expires: Option<u64>,
}

impl Webhook {
    /// Creates a verification with these settings, for the viewer's variables of `policies`.
    ///
    /// # Errors
    /// If a setting is not possible.
    pub fn new(settings: &WebhookSettings, policies: &Policies) -> Result<Self, SignInFault> {
        let fault = |message: String| Err(SignInFault(format!("webhook: {message}")));
        if !is_safe(&settings.url) {
            return fault(
                "expected a url with https, or with http on this host's loopback address".to_owned(),
            );
        }
        if !(1..=60).contains(&settings.timeout) {
            return fault(format!("timeout: expected 1 to 60 seconds, but {} was given", settings.timeout));
        }
        if settings.keep > KEEP_SECONDS {
            return fault(format!("keep: expected at most 60 seconds, but {} was given", settings.keep));
        }
        if let Some(cookie) = &settings.cookie {
            check_name(cookie)?;
        }
        let names: Result<Vec<_>, _> =
            settings.headers.iter().map(|name| HeaderName::try_from(name.as_str())).collect();
        let Ok(headers) = names else {
            return fault(format!(
                "headers: expected names of headers, but {:?} was given",
                settings.headers
            ));
        };
        let time = Duration::from_secs(settings.timeout);
        Ok(Self(Arc::new(WebhookClient {
            url: settings.url.clone(),
            agent: agent(time),
            time,
            keep: Duration::from_secs(settings.keep),
            headers,
            cookie: settings.cookie.clone(),
            variables: policies.variables().map(|(name, of)| (name.to_owned(), of.clone())).collect(),
            answers: Mutex::new(LruCache::new(MOST_KEPT)),
            permits: Arc::new(Semaphore::new(MOST_AT_ONCE)),
        })))
    }

    /// Returns the name of the cookie with the token.
    pub(super) fn cookie(&self) -> Option<&str> {
        self.0.cookie.as_deref()
    }

    /// Returns the identity of a token.
    pub(super) async fn verify(&self, token: &str, headers: &HeaderMap) -> Verdict {
        let request = WebhookRequest::new(&self.0.headers, token, headers)?;
        let key = request.hash();
        let awaited = {
            let mut answers = self.0.answers();
            match answers.get(&key) {
                Some(WebhookAnswer::Kept(verdict, until)) if lives(verdict, *until) => {
                    return verdict.clone();
                }
                Some(WebhookAnswer::Awaited(awaited)) => awaited.clone(),
                _ => {
                    let awaited = self.0.clone().begin(request, key);
                    answers.put(key, WebhookAnswer::Awaited(awaited.clone()));
                    awaited
                }
            }
        };
        awaited.await
    }
}

fn lives(verdict: &Verdict, until: Instant) -> bool {
    let end = verdict.as_ref().ok().and_then(|identity| identity.expires);
    Instant::now() < until && end.is_none_or(|end| SystemTime::now() < end)
}

impl WebhookClient {
    fn answers(&self) -> MutexGuard<'_, LruCache<[u8; 32], WebhookAnswer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request, which runs to its end even if all its senders have gone.
    fn begin(self: Arc<Self>, request: WebhookRequest, key: [u8; 32]) -> Shared<BoxFuture<'static, Verdict>> {
        let running = task::spawn(async move {
            let verdict = self.clone().ask(request).await;
            if let Err(IdentifyError::Unavailable(reason)) = &verdict {
                tracing::warn!(url = self.url, reason, "the webhook fails");
            }
            let time = match &verdict {
                Ok(_) => self.keep,
                Err(IdentifyError::Unavailable(_)) => FAILURE_KEPT,
                Err(_) => REFUSAL_KEPT.min(self.keep),
            };
            self.answers().put(key, WebhookAnswer::Kept(verdict.clone(), Instant::now() + time));
            verdict
        });
        async move { running.await.unwrap_or_else(|_| away("the request was given up")) }.boxed().shared()
    }

    async fn ask(self: Arc<Self>, request: WebhookRequest) -> Verdict {
        let Ok(Ok(permit)) = timeout(self.time, self.permits.clone().acquire_owned()).await else {
            return away("too many requests are running");
        };
        let asked = task::spawn_blocking(move || {
            let verdict = self.send(&request);
            drop(permit);
            verdict
        });
        asked.await.unwrap_or_else(|_| away("the request was given up"))
    }

    fn send(&self, request: &WebhookRequest) -> Verdict {
        let mut post = self.agent.post(&self.url).header("accept", "application/json");
        for (name, value) in &request.headers {
            post = post.header(name.as_str(), value.as_bytes());
        }
        let mut response = match post.send_empty() {
            Ok(response) => response,
            Err(error) => return away(&error.to_string()),
        };
        match response.status().as_u16() {
            200 => {}
            401 | 403 => return Err(IdentifyError::invalid("the webhook refuses the token")),
            status => return away(&format!("the webhook answered with status {status}")),
        }
        let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        match body {
            Ok(body) => self.identity(&body),
            Err(error) => away(&error.to_string()),
        }
    }

    fn identity(&self, body: &[u8]) -> Verdict {
        let Ok(mut body) = serde_json::from_slice::<AnswerBody>(body) else {
            return away("the webhook's answer is not of the form { role, roles, values, expires }");
        };
        let mut viewer = Viewer::new(body.role);
        for (name, of) in &self.variables {
            match body.values.remove(name).filter(|value| !value.is_null()) {
                Some(given) => match viewer_value::read(&given, of) {
                    Some(value) => drop(viewer.values.insert(name.clone(), value)),
                    None => return away(&format!("values.{name}: expected a value of type {of}")),
                },
                None if of.nullable => {}
                None => return away(&format!("values.{name} is missing")),
            }
        }
        if let Some(name) = body.values.keys().next() {
            return away(&format!("values.{name}: no variable of the viewer has this name"));
        }
        let expires =
            body.expires.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end)));
        match expires {
            Some(end) if end <= SystemTime::now() => Err(IdentifyError::invalid("the token has expired")),
            _ => Ok(Identity { viewer, roles: body.roles, expires }),
        }
    }
}

/// Reports a webhook that does not verify: the token may be good.
fn away(reason: &str) -> Verdict {
    Err(IdentifyError::Unavailable(reason.to_owned()))
}

/// Headers of a request to the webhook.
struct WebhookRequest {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl WebhookRequest {
    fn new(names: &[HeaderName], token: &str, headers: &HeaderMap) -> Result<Self, IdentifyError> {
        let authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| IdentifyError::invalid("the token is not text"))?;
        let named = names.iter().filter(|name| *name != AUTHORIZATION);
        let others = named.flat_map(|name| headers.get_all(name).map(|value| (name.clone(), value.clone())));
        Ok(Self { headers: std::iter::once((AUTHORIZATION, authorization)).chain(others).collect() })
    }

    /// Returns the hash of everything that the answer may depend on.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (name, value) in &self.headers {
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                hash.update(part.len().to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().into()
    }
}
