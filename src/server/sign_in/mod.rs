//! Sign-in: who sends a request, and how the request proves it.
//!
//! In this order: the administrator's secret, the secret of a proxy that has verified the caller, credentials that an
//! [`Identify`] verifies, no credentials. Bad credentials are never anonymous. Reasons are logged; credentials, claims and secrets are not.

mod access;
mod authenticator;
mod identity;
mod refusal;
mod secret;
#[cfg(feature = "tokens")]
mod tokens;

pub(super) use access::Access;
pub use authenticator::SignIn;
pub(super) use authenticator::{Authenticator, CREDENTIALS, PROXY_SECRET};
pub use identity::{Identify, IdentifyError, Identity};
pub(super) use refusal::SignInRefusal;
pub use secret::SignInSecret;
#[cfg(feature = "tokens")]
pub use tokens::{Jwt, JwtAlgorithm, JwtSettings, SignInFault, Tokens, Webhook, WebhookSettings};
