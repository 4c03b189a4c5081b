//! Identity that credentials prove, and the interface that verifies them.

use std::time::SystemTime;

use actix_web::http::header::HeaderMap;
use async_trait::async_trait;

use crate::policy::Viewer;

/// Identity that the credentials of a request prove.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Viewer with the role that applies unless the request takes another.
    pub viewer: Viewer,
    /// Other roles that the request may take with `Crowsfoot-Role`.
    pub roles: Vec<String>,
    /// End of the identity: sockets and event streams are closed then.
    pub expires: Option<SystemTime>,
}

impl Identity {
    /// Creates an identity without other roles and without an end.
    pub fn new(viewer: Viewer) -> Self {
        Self { viewer, roles: Vec::new(), expires: None }
    }

    /// Returns the viewer in a role that the identity may take.
    pub(super) fn in_role(self, role: &str) -> Option<Viewer> {
        let may = self.viewer.role == role || self.roles.iter().any(|other| other == role);
        may.then(|| Viewer { role: role.to_owned(), ..self.viewer })
    }
}

/// Failure to establish an identity. Reasons are logged and never sent: they contain no part of the credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// The credentials prove no identity.
    #[error("{0}")]
    Invalid(String),
    /// The credentials are not accepted from this sender.
    #[error("{0}")]
    Forbidden(String),
    /// The credentials cannot be verified at the moment.
    #[error("{0}")]
    Unavailable(String),
}

impl IdentifyError {
    /// Reports credentials that prove no identity.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

/// Verification of credentials. `Tokens`, of the feature `tokens`, implements it for tokens; an application implements it for
/// credentials of its own, such as sessions.
///
/// ```
/// use actix_web::http::header::{COOKIE, HeaderMap};
/// use crowsfoot::policy::Viewer;
/// use crowsfoot::server::{Identify, IdentifyError, Identity};
///
/// struct Sessions;
///
/// #[async_trait::async_trait]
/// impl Identify for Sessions {
///     async fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, IdentifyError> {
///         match headers.get(COOKIE).map(|cookie| cookie.as_bytes()) {
///             None => Ok(None),
///             Some(b"session=ada") => Ok(Some(Identity::new(Viewer::new("user").with("userId", 1)))),
///             Some(_) => Err(IdentifyError::invalid("no such session")),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Identify: Send + Sync {
    /// Returns the identity that the headers prove, or `None` if they contain no credentials.
    ///
    /// # Errors
    /// If there are credentials that prove no identity, or that cannot be verified at the moment.
    async fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, IdentifyError>;

    /// Checks that credentials can be verified, for the readiness probe.
    ///
    /// # Errors
    /// If they cannot.
    async fn ready(&self) -> Result<(), IdentifyError> {
        Ok(())
    }
}
