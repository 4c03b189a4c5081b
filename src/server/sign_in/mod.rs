//! Sign-in: who sends a request, and how the request proves it.
//!
//! In this order: the administrator's secret, the secret of a proxy that has verified the caller, credentials that an
//! [`Identify`] verifies, no credentials. Bad credentials are never anonymous. Reasons are logged; credentials, claims and secrets are not.

mod access;
mod authenticator;
mod cookie;
mod fault;
mod identity;
mod jwt;
mod refusal;
mod remote;
mod secret;
mod tokens;
mod viewer_value;
mod webhook;

pub(super) use access::Access;
pub use authenticator::SignIn;
pub(super) use authenticator::{Authenticator, CREDENTIALS, PROXY_SECRET};
pub use fault::SignInFault;
pub use identity::{Identify, IdentifyError, Identity};
pub use jwt::{Jwt, JwtAlgorithm, JwtSettings};
pub(super) use refusal::SignInRefusal;
pub use secret::SignInSecret;
pub use tokens::Tokens;
pub use webhook::{Webhook, WebhookSettings};
