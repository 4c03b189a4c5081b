//! Order of sign-in: administrator's secret, proxy's secret, credentials, no credentials.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::access::Access;
use super::identity::{Identify, IdentifyError};
use super::refusal::SignInRefusal;
use super::secret::{SignInSecret, is_secret};
use crate::policy::{Policies, Viewer};
use crate::schema::Schema;

/// Header with the administrator's secret.
const SECRET: &str = "crowsfoot-admin-secret";

/// Header with the secret of a proxy.
pub(in crate::server) const PROXY_SECRET: &str = "crowsfoot-proxy-secret";

/// Header with the role that the caller takes.
const ROLE: &str = "crowsfoot-role";

/// Header with the values of the viewer whom an administrator acts as, or whom a proxy has verified, as a JSON object.
const VIEWER: &str = "crowsfoot-viewer";

/// Headers of sign-in. A socket may send them in `connection_init`.
pub(in crate::server) const CREDENTIALS: [&str; 4] = ["authorization", SECRET, ROLE, VIEWER];

/// Ways of sign-in.
#[derive(Clone, Default)]
pub struct SignIn {
    secrets: Vec<SignInSecret>,
    proxies: Vec<SignInSecret>,
    identify: Option<Arc<dyn Identify>>,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secrets, proxies, identify } = self;
        let identifies = identify.is_some();
        let mut fields = formatter.debug_struct("SignIn");
        fields.field("secrets", secrets).field("proxies", proxies).field("identifies", &identifies).finish()
    }
}

impl SignIn {
    /// Accepts an administrator's secret in the header `Crowsfoot-Admin-Secret`, besides those accepted already.
    pub fn administrator(mut self, secret: SignInSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Trusts the headers `Crowsfoot-Role` and `Crowsfoot-Viewer` of requests with this secret in the header
    /// `Crowsfoot-Proxy-Secret`, besides secrets that are trusted already. The proxy removes all three from the requests that
    /// it receives. A request with the secret and without a role is anonymous.
    pub fn proxy(mut self, secret: SignInSecret) -> Self {
        self.proxies.push(secret);
        self
    }

    /// Verifies credentials with `identify`.
    pub fn identify(mut self, identify: impl Identify + 'static) -> Self {
        self.identify = Some(Arc::new(identify));
        self
    }

    /// Returns true if there is no way to sign in.
    pub(in crate::server) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.proxies.is_empty() && self.identify.is_none()
    }
}

/// Sender of a request.
#[derive(Debug, PartialEq)]
enum Caller {
    /// Holder of the administrator's secret.
    Administrator,
    /// Holder of the administrator's secret who acts as a viewer.
    AdministratorAs(Viewer),
    /// Viewer, until the identity ends.
    Viewer(Viewer, Option<SystemTime>),
}

/// Sign-in of a service with policies.
pub(in crate::server) struct Authenticator {
    ways: SignIn,
    has_anonymous: bool,
}

impl Authenticator {
    pub(in crate::server) fn new(ways: SignIn, policies: &Policies) -> Self {
        Self { ways, has_anonymous: policies.roles().any(|role| role == Viewer::ANONYMOUS) }
    }

    /// Returns the access of a request with these headers to `schema`.
    ///
    /// # Errors
    /// If the credentials prove no identity, or not the requested one.
    pub(in crate::server) async fn access(
        &self,
        headers: &HeaderMap,
        schema: &Schema,
    ) -> Result<Access, SignInRefusal> {
        let seen = |viewer: &Viewer| schema.seen_by(viewer);
        match self.caller(headers).await? {
            Caller::Administrator => Ok(Access::ADMINISTRATOR),
            Caller::AdministratorAs(viewer) => {
                let seen = seen(&viewer).map_err(|error| SignInRefusal::bad_request(error.message()))?;
                Ok(Access::of_viewer(seen, viewer, true, None))
            }
            Caller::Viewer(viewer, expires) => {
                let seen = seen(&viewer).map_err(|error| SignInRefusal::of_viewer(&error))?;
                Ok(Access::of_viewer(seen, viewer, false, expires))
            }
        }
    }

    /// Checks that credentials can be verified.
    pub(in crate::server) async fn ready(&self) -> Result<(), IdentifyError> {
        match &self.ways.identify {
            Some(identify) => identify.ready().await,
            None => Ok(()),
        }
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, SignInRefusal> {
        let authorization = only(headers, AUTHORIZATION.as_str())?;
        let (secret, role, viewer) = (only(headers, SECRET)?, only(headers, ROLE)?, only(headers, VIEWER)?);
        let role = role.map(text).transpose()?;
        if let Some(secret) = secret {
            return match is_secret(&self.ways.secrets, secret) {
                true => administrator(role, viewer),
                false => Err(SignInRefusal::bad_credentials("the administrator's secret is another")),
            };
        }
        if let Some(secret) = only(headers, PROXY_SECRET)? {
            return match is_secret(&self.ways.proxies, secret) {
                true => self.behind_proxy(role, viewer),
                false => Err(SignInRefusal::bad_credentials("the proxy's secret is another")),
            };
        }
        if viewer.is_some() {
            let message = format!("the header {VIEWER} needs the secret of an administrator or of a proxy");
            return Err(SignInRefusal::bad_request(message));
        }
        let identity = match &self.ways.identify {
            Some(identify) => identify.identify(headers).await?,
            None if authorization.is_some() => {
                return Err(SignInRefusal::bad_credentials("no verification of credentials is configured"));
            }
            None => None,
        };
        let Some(identity) = identity else {
            return match role {
                Some(role) if self.has_anonymous && role != Viewer::ANONYMOUS => Err(not_taken()),
                _ => self.anonymous(),
            };
        };
        let expires = identity.expires;
        let viewer = match role {
            None => identity.viewer,
            Some(role) => identity.in_role(role).ok_or_else(not_taken)?,
        };
        Ok(Caller::Viewer(viewer, expires))
    }

    fn anonymous(&self) -> Result<Caller, SignInRefusal> {
        match self.has_anonymous {
            true => Ok(Caller::Viewer(Viewer::new(Viewer::ANONYMOUS), None)),
            false => Err(SignInRefusal::no_credentials()),
        }
    }

    /// Returns the caller whom a proxy has verified.
    fn behind_proxy(
        &self,
        role: Option<&str>,
        viewer: Option<&HeaderValue>,
    ) -> Result<Caller, SignInRefusal> {
        match role {
            Some(role) => Ok(Caller::Viewer(stated(role, viewer)?, None)),
            None if viewer.is_some() => Err(lacks_role()),
            None => self.anonymous(),
        }
    }
}

fn not_taken() -> SignInRefusal {
    SignInRefusal::forbidden("the role is not one that the caller may take")
}

fn lacks_role() -> SignInRefusal {
    SignInRefusal::bad_request(format!("the header {VIEWER} needs the header {ROLE}"))
}

/// Returns the caller behind a correct administrator's secret.
fn administrator(role: Option<&str>, viewer: Option<&HeaderValue>) -> Result<Caller, SignInRefusal> {
    match role {
        Some(role) => {
            let viewer = stated(role, viewer)?;
            tracing::info!(role, "an administrator acts as a viewer");
            Ok(Caller::AdministratorAs(viewer))
        }
        None if viewer.is_some() => Err(lacks_role()),
        None => Ok(Caller::Administrator),
    }
}

/// Returns the viewer that headers state.
fn stated(role: &str, viewer: Option<&HeaderValue>) -> Result<Viewer, SignInRefusal> {
    let values = match viewer {
        None => serde_json::Map::new(),
        Some(json) => serde_json::from_slice(json.as_bytes())
            .map_err(|_| SignInRefusal::bad_request(format!("the header {VIEWER} is not a JSON object")))?,
    };
    Ok(Viewer { role: role.to_owned(), values })
}

/// Returns the value of a header that may occur once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, SignInRefusal> {
    let mut values = headers.get_all(name);
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(SignInRefusal::bad_request(format!("the header {name} occurs more than once"))),
    }
}

fn text(value: &HeaderValue) -> Result<&str, SignInRefusal> {
    value.to_str().map_err(|_| SignInRefusal::bad_request(format!("the header {ROLE} is not text")))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;
    use serde_json::json;

    use super::*;
    use crate::server::sign_in::identity::Identity;

    struct Fixed;

    #[async_trait::async_trait]
    impl Identify for Fixed {
        async fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, IdentifyError> {
            match headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) {
                None => Ok(None),
                Some(b"good") => Ok(Some(Identity {
                    roles: vec!["editor".to_owned()],
                    ..Identity::new(Viewer::new("user").with("userId", 1))
                })),
                Some(b"away") => Err(IdentifyError::Unavailable("no connection".to_owned())),
                Some(_) => Err(IdentifyError::invalid("bad")),
            }
        }
    }

    const ADMINISTRATOR: &str = "administrator's secret";
    const PROXY: &str = "the secret of a proxy";

    async fn caller(has_anonymous: bool, headers: &[(&str, &str)]) -> Result<Caller, u16> {
        let secret = |secret| SignInSecret::new(secret).unwrap();
        let ways =
            SignIn::default().administrator(secret(ADMINISTRATOR)).proxy(secret(PROXY)).identify(Fixed);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let caller = Authenticator { ways, has_anonymous }.caller(&map).await;
        caller.map_err(|refusal| refusal.status().as_u16())
    }

    #[actix_web::test]
    async fn the_secret_comes_before_the_token_and_the_token_before_anonymous() {
        let user = Viewer::new("user").with("userId", 1);
        let editor = Viewer { role: "editor".to_owned(), ..user.clone() };
        let viewer = |viewer: Viewer| Ok(Caller::Viewer(viewer, None));
        let anonymous = Viewer::new("anonymous");
        let acting = |values| {
            let serde_json::Value::Object(values) = values else { panic!("no object") };
            Ok(Caller::AdministratorAs(Viewer { role: "user".to_owned(), values }))
        };
        let (secret, proxy) = ((SECRET, ADMINISTRATOR), (PROXY_SECRET, PROXY));
        let second = Viewer::new("user").with("userId", 2);
        for (has_anonymous, headers, expected) in [
            (true, vec![], viewer(anonymous.clone())),
            (true, vec![(ROLE, "anonymous")], viewer(anonymous)),
            (true, vec![(ROLE, "user")], Err(403)),
            (false, vec![], Err(401)),
            (false, vec![(ROLE, "user")], Err(401)),
            (true, vec![("authorization", "good")], viewer(user)),
            (true, vec![("authorization", "good"), (ROLE, "editor")], viewer(editor)),
            (true, vec![("authorization", "good"), (ROLE, "admin")], Err(403)),
            (true, vec![("authorization", "good"), (VIEWER, "{}")], Err(400)),
            (true, vec![("authorization", "good"), ("authorization", "good")], Err(400)),
            (true, vec![("authorization", "bad")], Err(401)),
            (true, vec![("authorization", "away")], Err(503)),
            (true, vec![(VIEWER, "{}")], Err(400)),
            (true, vec![(SECRET, "wrong")], Err(401)),
            (true, vec![(SECRET, "wrong"), ("authorization", "good")], Err(401)),
            (true, vec![secret, secret], Err(400)),
            (true, vec![secret], Ok(Caller::Administrator)),
            (true, vec![secret, ("authorization", "bad")], Ok(Caller::Administrator)),
            (true, vec![secret, (ROLE, "user")], acting(json!({}))),
            (true, vec![secret, (ROLE, "user"), (VIEWER, "{\"userId\":2}")], acting(json!({ "userId": 2 }))),
            (true, vec![secret, (ROLE, "user"), (VIEWER, "[2]")], Err(400)),
            (true, vec![secret, (VIEWER, "{\"userId\":2}")], Err(400)),
            (true, vec![proxy], viewer(Viewer::new("anonymous"))),
            (false, vec![proxy], Err(401)),
            (false, vec![proxy, (ROLE, "user"), (VIEWER, "{\"userId\":2}")], viewer(second)),
            (true, vec![proxy, (ROLE, "user"), (VIEWER, "2")], Err(400)),
            (true, vec![proxy, (ROLE, "user"), (ROLE, "all")], Err(400)),
            (true, vec![proxy, (VIEWER, "{\"userId\":2}")], Err(400)),
            // The proxy has verified the token, or taken no notice of the header.
            (true, vec![proxy, ("authorization", "bad")], viewer(Viewer::new("anonymous"))),
            (true, vec![(PROXY_SECRET, ADMINISTRATOR)], Err(401)),
            (true, vec![(SECRET, PROXY)], Err(401)),
        ] {
            assert_eq!(caller(has_anonymous, &headers).await, expected, "{headers:?}");
        }
    }

    #[actix_web::test]
    async fn a_token_that_nothing_verifies_is_not_anonymous() {
        let authenticator = Authenticator { ways: SignIn::default(), has_anonymous: true };
        let mut headers = HeaderMap::new();
        assert!(authenticator.caller(&headers).await.is_ok());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert_eq!(authenticator.caller(&headers).await.unwrap_err().status(), 401);
    }
}
