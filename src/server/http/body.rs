//! Request body, read within its limits.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::answer::HttpRefusal;
use super::negotiation;
use crate::error::Error;

/// Maximum size of a body and time limit for reading it.
#[derive(Clone, Copy)]
pub(in crate::server) struct BodyLimits {
    pub bytes: usize,
    pub time: Duration,
}

/// Reads a JSON body. The rest of a body that is too large or too slow stays unread.
pub(super) async fn read(
    http: &HttpRequest,
    payload: &mut web::Payload,
    limits: BodyLimits,
) -> Result<web::Bytes, HttpRefusal> {
    if !negotiation::is_json(http) {
        let message = "unsupported Content-Type of the body: expected application/json in UTF-8, and JSON such as {\"query\": \"{ __typename }\"}";
        return Err(HttpRefusal::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, &Error::bad_request(message)));
    }
    // A small compressed body may hold a very large one.
    let encoding = http.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let message = "unsupported Content-Encoding of the body: expected identity";
        return Err(HttpRefusal::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, &Error::bad_request(message)));
    }
    let too_large = || {
        let message = format!("the body is larger than {} bytes", limits.bytes);
        HttpRefusal::of(StatusCode::PAYLOAD_TOO_LARGE, &Error::bad_request(message))
    };
    let announced = http.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limits.bytes) {
        return Err(too_large());
    }
    let mut all = pin!(async {
        let mut body = web::BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                let message = format!("the body cannot be read: {error}");
                HttpRefusal::of(StatusCode::BAD_REQUEST, &Error::bad_request(message))
            })?;
            if body.len() + chunk.len() > limits.bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    });
    if let Poll::Ready(body) = at_once(all.as_mut()).await {
        return body;
    }
    timeout(limits.time, all).await.unwrap_or_else(|_| {
        let message = format!("the body was not received within {} s", limits.time.as_secs());
        Err(HttpRefusal::of(StatusCode::REQUEST_TIMEOUT, &Error::bad_request(message)))
    })
}

/// Polls once for a body that arrived together with its headers, as nearly all do.
///
/// actix-web calls a handler before it looks at the bytes behind the headers, and again right after. A waker
/// registered in between would cause a wasted wake-up of the connection task. So the first poll registers
/// none.
async fn at_once<T>(mut reading: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    let mut called = false;
    poll_fn(|context| {
        if std::mem::replace(&mut called, true) {
            return Poll::Ready(reading.as_mut().poll(context));
        }
        reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).map(Poll::Ready)
    })
    .await
}

/// Keeps the unread rest of a request's body alive with its response, which then closes the connection. If it
/// were dropped earlier, actix-web would read to the end of a chunked body, which may never come.
pub(super) fn end(unread: web::Payload, response: HttpResponse) -> HttpResponse {
    response.map_body(|_, body| BoxBody::new(UnreadRest { body, _unread: unread }))
}

struct UnreadRest {
    body: BoxBody,
    _unread: web::Payload,
}

impl MessageBody for UnreadRest {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
