//! Insight into how the service works: statements, metrics, the whole model.

use super::sign_in::Access;

/// Callers with insight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insight {
    /// Everybody who reaches the address for operators.
    Everybody,
    /// Administrators, and callers whom no policy restricts.
    Development,
    /// Administrators.
    Administrators,
    /// Nobody, because another address is for operators.
    Elsewhere,
}

impl Insight {
    /// Returns true for a caller with insight.
    pub(super) fn allows(self, access: &Access) -> bool {
        match self {
            Self::Everybody => true,
            Self::Development => access.is_administrator() || !access.is_restricted(),
            Self::Administrators => access.is_administrator(),
            Self::Elsewhere => false,
        }
    }
}
