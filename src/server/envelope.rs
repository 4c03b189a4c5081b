//! What is around every request: its id, its span, the headers of its answer, and its line of the log.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use tracing::Instrument;
use tracing::field::Empty;

use super::observation::Observations;
use super::{State, headers, request_id};

/// Longest path that the log repeats.
const SHOWN_CHARACTERS: usize = 200;

/// Answers a request by what is inside. One middleware for all of it: each has a future of its own for each request.
pub(super) async fn around<B: MessageBody>(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = request_id::give(&request)?;
    let shown = id.to_str().unwrap_or_default();
    let path = request.path();
    let path = path.char_indices().nth(SHOWN_CHARACTERS).map_or(path, |(end, _)| &path[..end]);
    let span =
        tracing::info_span!("request", id = shown, method = %request.method(), path, otel.kind = Empty);
    #[cfg(feature = "opentelemetry")]
    super::traces::adopt(&span, request.headers());
    let started = Instant::now();
    let mut response = next.call(request).instrument(span.clone()).await?;
    headers::protect(response.headers_mut());
    response.headers_mut().insert(request_id::HEADER, id);
    span.in_scope(|| {
        let elapsed = started.elapsed();
        let observations = Observations::of(response.request());
        state.metrics.count_response(response.status());
        observations.count(&state.metrics, elapsed, state.slow_statement);
        observations.log(response.status().as_u16(), elapsed);
    });
    Ok(response)
}
