//! The body of a request, read as far as it may go.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{HttpRequest, web};
use tokio::time::timeout;

use super::answer::Refusal;
use super::negotiation;
use crate::error::Error;

/// How much is read, and how long.
#[derive(Clone, Copy)]
pub(super) struct BodyLimits {
    pub bytes: usize,
    pub time: Duration,
}

/// Reads a body that is said to be JSON. One that is too large or too slow is left where it is, and its connection
/// with it.
pub(super) async fn read(
    http: &HttpRequest,
    payload: web::Payload,
    limits: BodyLimits,
) -> Result<web::Bytes, Refusal> {
    if !negotiation::is_json(http) {
        let message = "the body's Content-Type is not application/json in UTF-8, and nothing else is read";
        return Err(Refusal::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, &Error::bad_request(message)));
    }
    // A small compressed body may hold a very large one.
    let encoding = http.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let message = "the body has a Content-Encoding; send it as it is";
        return Err(Refusal::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, &Error::bad_request(message)));
    }
    let too_large = || {
        let message = format!("the body is larger than {} bytes", limits.bytes);
        Refusal::of(StatusCode::PAYLOAD_TOO_LARGE, &Error::bad_request(message)).closing()
    };
    let announced = http.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limits.bytes) {
        return Err(too_large());
    }
    match timeout(limits.time, payload.to_bytes_limited(limits.bytes)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(error))) => {
            let message = format!("the body cannot be read: {error}");
            Err(Refusal::of(StatusCode::BAD_REQUEST, &Error::bad_request(message)).closing())
        }
        Ok(Err(_)) => Err(too_large()),
        Err(_) => {
            let message = format!("the body was not there after {} seconds", limits.time.as_secs());
            Err(Refusal::of(StatusCode::REQUEST_TIMEOUT, &Error::bad_request(message)).closing())
        }
    }
}
