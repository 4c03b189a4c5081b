//! Sign-in: who sends a request, and how the request proves it.
//!
//! In this order: the administrator's secret, credentials that an [`Identify`] verifies, no credentials. Bad credentials
//! are never anonymous. Reasons are logged; credentials, claims and secrets are not.

mod access;
mod administrator;
mod authenticator;
mod identity;
mod jwt;
mod refusal;

pub(super) use access::Access;
pub use administrator::AdministratorSecret;
pub use authenticator::SignIn;
pub(super) use authenticator::{Authenticator, CREDENTIALS};
pub use identity::{Identify, IdentifyError, Identity};
pub use jwt::{Jwt, JwtAlgorithm, JwtFault, JwtSettings};
pub(super) use refusal::SignInRefusal;
