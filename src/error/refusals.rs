//! Errors of requests that the server refuses, or ends.

use serde_json::{Value, json};

use super::database::RETRY_AFTER_SECONDS;
use super::{Code, Error};

impl Error {
    /// Reports a request that is malformed, or sent in an unsupported way.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message, Value::Null)
    }

    /// Reports that the caller is not signed in, or that its credentials prove no identity. The reason is for the log
    /// alone.
    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, message, Value::Null)
    }

    /// Reports that an identity has ended while an operation was running.
    pub(crate) fn expired() -> Self {
        Self::unauthenticated("the sign-in has expired")
    }

    /// Reports that credentials cannot be verified at the moment, because a provider cannot be reached.
    pub(crate) fn sign_in_unavailable() -> Self {
        Self::new(
            Code::Unavailable,
            "sign-in is not available at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// Reports a viewer that has sent too many operations, and may send the next one after so many seconds.
    pub(crate) fn too_many_requests(seconds: u64) -> Self {
        Self::new(
            Code::TooManyRequests,
            "too many operations were sent; try again later",
            json!({ "retryAfter": seconds }),
        )
    }

    /// Reports that an operation cannot be written into the audit log at the moment, and was not executed.
    pub(crate) fn audit_failing() -> Self {
        Self::new(
            Code::Unavailable,
            "the audit log cannot be written at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// Reports an unknown document hash. Clients look for exactly this message, or for the code.
    pub(crate) fn persisted_query_not_found() -> Self {
        Self::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound", Value::Null)
    }

    /// Reports a document outside the service's list.
    pub(crate) fn document_not_trusted(message: impl Into<String>) -> Self {
        Self::new(Code::DocumentNotTrusted, message, Value::Null)
    }

    /// Reports that the maximum number of requests is running.
    pub(crate) fn overloaded() -> Self {
        Self::new(
            Code::Unavailable,
            "concurrency limit reached: too many requests are running at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// Reports that the maximum number of operations, `limit`, is running on a socket.
    pub(crate) fn too_many_subscriptions(limit: usize) -> Self {
        Self::new(
            Code::Unavailable,
            format!("this socket has reached its limit of {limit} running operations"),
            json!({ "limit": limit, "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// Reports that the request timed out after this many seconds.
    pub(crate) fn out_of_time(seconds: u64) -> Self {
        Self::new(
            Code::Timeout,
            format!("the request exceeded the time limit of {seconds} s and was cancelled"),
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// Reports that `left_out` further errors do not fit into the response.
    pub(crate) fn too_many_errors(left_out: usize) -> Self {
        let message = format!("{left_out} further errors are omitted");
        Self::new(Code::TooManyErrors, message, json!({ "leftOut": left_out }))
    }
}
