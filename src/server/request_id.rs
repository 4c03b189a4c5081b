//! An id for each request: in its log lines, in its answer's headers, and in the errors that only the log explains.

use std::fmt;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use uuid::Uuid;

/// The id of a request, which is letters, digits and dashes.
#[derive(Clone, Debug)]
pub(super) enum RequestId {
    /// By a proxy before us.
    Given(HeaderValue),
    /// By us.
    Made(Uuid),
}

/// Where it stands in requests and answers.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a request.
const LONGEST: usize = 128;

impl RequestId {
    /// The id of a request.
    pub(super) fn of(request: &ServiceRequest) -> Self {
        given(request).map_or_else(|| Self::Made(Uuid::new_v4()), |given| Self::Given(given.clone()))
    }

    /// As an answer carries it.
    ///
    /// # Errors
    /// Never: an id is what a header may hold.
    pub(super) fn to_header(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        match self {
            Self::Given(given) => Ok(given.clone()),
            Self::Made(id) => HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(given) => formatter.write_str(given.to_str().unwrap_or_default()),
            Self::Made(id) => id.fmt(formatter),
        }
    }
}

/// Anything could stand in the header, and what does goes to the log.
fn given(request: &ServiceRequest) -> Option<&HeaderValue> {
    let id = request.headers().get(HEADER)?;
    let is_plain = |letter: &u8| letter.is_ascii_alphanumeric() || b"._-".contains(letter);
    ((1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(is_plain)).then_some(id)
}
