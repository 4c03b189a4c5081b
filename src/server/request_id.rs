//! An id for each request: in its log lines, in its answer's headers, and in the errors that only the log explains.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

/// The id of the request at hand.
struct RequestId(HeaderValue);

/// The id of a request that [`give`] has seen.
pub(super) fn of(http: &HttpRequest) -> Option<String> {
    http.extensions().get::<RequestId>()?.0.to_str().ok().map(str::to_owned)
}

/// Where it stands in requests and answers.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a request.
const LONGEST: usize = 128;

/// Gives a request its id.
///
/// # Errors
/// Never: an id is letters, digits and dashes.
pub(super) fn give(request: &ServiceRequest) -> Result<HeaderValue, InvalidHeaderValue> {
    let id = match given(request) {
        Some(given) => given.clone(),
        None => HeaderValue::from_str(Uuid::new_v4().hyphenated().encode_lower(&mut Uuid::encode_buffer()))?,
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    Ok(id)
}

/// The id that a proxy before us has given; anything could stand in the header, and what does goes to the log.
fn given(request: &ServiceRequest) -> Option<&HeaderValue> {
    let id = request.headers().get(HEADER)?;
    let is_plain = |letter: &u8| letter.is_ascii_alphanumeric() || b"._-".contains(letter);
    ((1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(is_plain)).then_some(id)
}
