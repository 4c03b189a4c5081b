//! An id for each request: in its log lines, in its answer's headers, and in the errors that only the log explains.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing::Instrument;
use uuid::Uuid;

/// The id of the request at hand.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub String);

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id and logs how it ended.
pub(super) async fn give<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = Uuid::new_v4().to_string();
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.path());
    let started = Instant::now();
    let mut response = next.call(request).instrument(span.clone()).await?;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    span.in_scope(|| {
        tracing::info!(status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
    });
    Ok(response)
}
