//! Tokens of several kinds: each is verified by the issuer that the token names, or by a webhook.

mod cookie;
mod fault;
mod jwt;
mod remote;
mod viewer_value;
mod webhook;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use async_trait::async_trait;

pub use fault::SignInFault;
use jwt::issuer_of;
pub use jwt::{Jwt, JwtAlgorithm, JwtSettings};
pub use webhook::{Webhook, WebhookSettings};

use super::identity::{Identify, IdentifyError, Identity};

/// Maximum size of a token, in bytes.
const LARGEST: usize = 16 << 10;

/// Verification of tokens of several issuers, and of opaque tokens.
///
/// A token comes in the header `Authorization: Bearer …`, or in a cookie that one of the verifications names. A JSON Web Token
/// goes to the issuer that its claim `iss` names. Every other token goes to the webhook.
///
/// ```
/// use crowsfoot::policy::Policies;
/// use crowsfoot::server::{Tokens, Webhook, WebhookSettings};
///
/// let settings: WebhookSettings = serde_json::from_str(r#"{ "url": "https://shop.example/sessions" }"#)?;
/// let policies = Policies::new().variable("userId", "Int!")?.role("user", |role| role);
/// let tokens = Tokens::default().webhook(Webhook::new(&settings, &policies)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Tokens {
    issuers: Vec<Jwt>,
    webhook: Option<Webhook>,
}

impl Tokens {
    /// Adds an issuer of JSON Web Tokens.
    pub fn issuer(mut self, issuer: Jwt) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Sets the webhook that verifies all other tokens.
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhook = Some(webhook);
        self
    }
}

#[async_trait]
impl Identify for Tokens {
    async fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, IdentifyError> {
        identify(&self.issuers, self.webhook.as_ref(), headers).await
    }

    async fn ready(&self) -> Result<(), IdentifyError> {
        for issuer in &self.issuers {
            issuer.ready().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Identify for Jwt {
    async fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, IdentifyError> {
        identify(std::slice::from_ref(self), None, headers).await
    }

    async fn ready(&self) -> Result<(), IdentifyError> {
        self.has_keys().await
    }
}

async fn identify(
    issuers: &[Jwt],
    webhook: Option<&Webhook>,
    headers: &HeaderMap,
) -> Result<Option<Identity>, IdentifyError> {
    if let Some(token) = bearer(headers)? {
        return verify(issuers.iter().collect(), webhook, token, headers).await.map(Some);
    }
    let names = issuers.iter().map(Jwt::cookie).chain([webhook.and_then(Webhook::cookie)]);
    let names: Vec<&str> = names.flatten().collect();
    for name in names {
        let Some(token) = cookie::read(headers, name)? else { continue };
        let issuers = issuers.iter().filter(|issuer| issuer.cookie() == Some(name)).collect();
        let webhook = webhook.filter(|webhook| webhook.cookie() == Some(name));
        return verify(issuers, webhook, token, headers).await.map(Some);
    }
    Ok(None)
}

/// Returns the token of the header `Authorization`.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, IdentifyError> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| IdentifyError::invalid("the header is not text"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(IdentifyError::invalid("the scheme of the header is not Bearer")),
    }
}

async fn verify(
    issuers: Vec<&Jwt>,
    webhook: Option<&Webhook>,
    token: &str,
    headers: &HeaderMap,
) -> Result<Identity, IdentifyError> {
    if token.len() > LARGEST {
        return Err(IdentifyError::invalid("the token is too large"));
    }
    // Without a choice, a token that is known already need not be read.
    if let ([only], None) = (issuers.as_slice(), webhook) {
        return only.verify(token).await;
    }
    let named = issuer_of(token);
    let is_of = |issuer: &Jwt| named.as_ref().is_some_and(|name| issuer.is_of(name.as_deref()));
    let mut result = None;
    for issuer in issuers {
        if !is_of(issuer) {
            continue;
        }
        match issuer.verify(token).await {
            // Another verification of the same issuer may accept the token; an absence of keys says nothing of the token.
            Err(IdentifyError::Invalid(_)) if matches!(result, Some(Err(IdentifyError::Unavailable(_)))) => {}
            Err(error) => result = Some(Err(error)),
            Ok(identity) => return Ok(identity),
        }
    }
    match (result, webhook) {
        (Some(result), _) => result,
        (None, Some(webhook)) => webhook.verify(token, headers).await,
        (None, None) => Err(IdentifyError::invalid("the issuer of the token is none of the settings")),
    }
}
