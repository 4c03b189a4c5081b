//! Faults of the settings of sign-in.

/// Fault of the settings of sign-in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sign-in: {0}")]
pub struct SignInFault(pub(super) String);
