//! An id for each request: in its log lines, in its answer's headers, and in the errors that only the log explains.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use tracing::Instrument;
use tracing::field::Empty;
use uuid::Uuid;

use super::State;
use super::observation::Observations;

/// The id of the request at hand.
struct RequestId(HeaderValue);

/// The id of a request that [`give`] has seen.
pub(super) fn of(http: &HttpRequest) -> Option<String> {
    http.extensions().get::<RequestId>()?.0.to_str().ok().map(str::to_owned)
}

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a request.
const LONGEST: usize = 128;

/// Longest path that the log repeats.
const SHOWN_CHARACTERS: usize = 200;

/// Gives the request an id, and says in one line how it ended.
pub(super) async fn give<B: MessageBody>(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = match given(&request) {
        Some(given) => given.clone(),
        None => HeaderValue::try_from(Uuid::new_v4().to_string())?,
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let path = request.path();
    let path = path.char_indices().nth(SHOWN_CHARACTERS).map_or(path, |(end, _)| &path[..end]);
    let shown = id.to_str().unwrap_or_default();
    let span =
        tracing::info_span!("request", id = shown, method = %request.method(), path, otel.kind = Empty);
    #[cfg(feature = "opentelemetry")]
    super::traces::adopt(&span, request.headers());
    let started = Instant::now();
    let mut response = next.call(request).instrument(span.clone()).await?;
    response.headers_mut().insert(HEADER, id);
    span.in_scope(|| {
        let elapsed = started.elapsed();
        let observations = Observations::of(response.request());
        state.metrics.count_response(response.status());
        observations.count(&state.metrics, elapsed, state.slow_statement);
        observations.log(response.status().as_u16(), elapsed);
    });
    Ok(response)
}

/// The id that a proxy before us has given; anything could stand in the header, and what does goes to the log.
fn given(request: &ServiceRequest) -> Option<&HeaderValue> {
    let id = request.headers().get(HEADER)?;
    let is_plain = |letter: &u8| letter.is_ascii_alphanumeric() || b"._-".contains(letter);
    ((1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(is_plain)).then_some(id)
}
