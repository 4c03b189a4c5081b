//! Refusals of sign-in, as clients get them.

use actix_web::http::StatusCode;

use super::identity::IdentifyError;
use crate::error::{Code, Error};

/// Challenge to a client without credentials (RFC 6750, section 3).
const CHALLENGE: &str = "Bearer";

/// Challenge to a client with bad credentials.
const BAD_CREDENTIALS: &str = "Bearer error=\"invalid_token\"";

/// Refusal of a request before anything of it is read.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::server) struct SignInRefusal {
    error: Error,
    status: StatusCode,
    challenge: Option<&'static str>,
}

impl SignInRefusal {
    /// Refuses a request without credentials.
    pub(super) fn no_credentials() -> Self {
        Self {
            error: Error::unauthenticated("sign-in is required"),
            status: StatusCode::UNAUTHORIZED,
            challenge: Some(CHALLENGE),
        }
    }

    /// Refuses credentials that prove no identity. `reason` is logged.
    pub(super) fn bad_credentials(reason: &str) -> Self {
        tracing::info!(reason, "credentials are refused");
        Self {
            error: Error::unauthenticated("the credentials are not valid"),
            status: StatusCode::UNAUTHORIZED,
            challenge: Some(BAD_CREDENTIALS),
        }
    }

    /// Refuses what the identity may not do.
    pub(in crate::server) fn forbidden(message: &str) -> Self {
        Self { error: Error::forbidden(message), status: StatusCode::FORBIDDEN, challenge: None }
    }

    /// Refuses a page that shows how the service works.
    pub(in crate::server) fn no_insight() -> Self {
        Self::forbidden("this page is for administrators, and for operators at an address of their own")
    }

    /// Refuses headers that contradict each other, or are malformed.
    pub(in crate::server) fn bad_request(message: impl Into<String>) -> Self {
        Self { error: Error::bad_request(message), status: StatusCode::BAD_REQUEST, challenge: None }
    }

    /// Refuses a viewer that the schema's policies do not know.
    pub(super) fn of_viewer(error: &Error) -> Self {
        match error.code() {
            Code::Forbidden => Self::forbidden(error.message()),
            Code::BadUserInput => {
                Self::bad_credentials("a value of the viewer is missing or of another type")
            }
            _ => Self { error: error.clone(), status: StatusCode::INTERNAL_SERVER_ERROR, challenge: None },
        }
    }

    /// Returns the error of the response.
    pub(in crate::server) fn error(&self) -> &Error {
        &self.error
    }

    /// Returns the status of the response.
    pub(in crate::server) fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the header `WWW-Authenticate` of the response.
    pub(in crate::server) fn challenge(&self) -> Option<&'static str> {
        self.challenge
    }
}

impl From<IdentifyError> for SignInRefusal {
    fn from(error: IdentifyError) -> Self {
        match error {
            IdentifyError::Invalid(reason) => Self::bad_credentials(&reason),
            IdentifyError::Forbidden(reason) => Self::forbidden(&reason),
            IdentifyError::Unavailable(reason) => {
                tracing::warn!(reason, "credentials cannot be verified");
                Self {
                    error: Error::sign_in_unavailable(),
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    challenge: None,
                }
            }
        }
    }
}
