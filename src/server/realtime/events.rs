//! GraphQL over server-sent events, for clients without sockets: `graphql-sse` in distinct connections mode.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::{Instant, interval, sleep_until};
use tracing::Instrument;

use crate::error::{Error, Result};
use crate::schema::{Executed, OperationKind};
use crate::server::http::answer::{self, HttpRefusal};
use crate::server::http::consistency;
use crate::server::http::negotiation::Media;
use crate::server::http::operation;
use crate::server::http::parameters::RequestBody;
use crate::server::http::request::{check_method, read};
use crate::server::operations::operation_record::{OperationRecord, RequestRecord};
use crate::server::state::ServiceState;

/// Interval of keep-alive comments: intermediaries close silent connections.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Empty comment of an event stream.
const NOTHING: &str = ":\n\n";

/// Final event. Its `data` is empty but present: without it, a browser's `EventSource` ignores the event.
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// Serves a request whose results are sent as events.
pub(in crate::server) async fn serve(
    http: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<ServiceState>,
) -> HttpResponse {
    match open(http, payload, state).await {
        Ok(response) => response,
        Err(refusal) => answer::write(http, Media::Json, Err(refusal)),
    }
}

async fn open(
    http: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<ServiceState>,
) -> Result<HttpResponse, HttpRefusal> {
    let admission = state.admit(http.head()).await?;
    let RequestBody::One(mut sent) = read(http, payload, state.body, 0).await? else {
        return Err(Error::bad_request("an event stream takes a single request").into());
    };
    consistency::require(http, &mut sent, None, state).await?;
    let permit = state.sockets.take(&state.recorder.metrics)?;
    let request = RequestRecord::id(http);
    let recorder = state.recorder.clone();
    let write = move |result: Result<Arc<Executed>, HttpRefusal>| match result {
        Ok(executed) => next(&answer::body(&executed, request.as_deref())),
        Err(refusal) => {
            let errors = refusal.into_errors();
            recorder.record(&OperationRecord::refused(&errors));
            next(&answer::refused(errors, request.as_deref()))
        }
    };
    let complete = || stream::iter([Bytes::from_static(COMPLETE.as_bytes())]);
    let (kind, results): (_, BoxStream<'static, Result<Arc<Executed>, HttpRefusal>>) =
        match operation::prepare(sent, state, &admission, || RequestRecord::id(http)) {
            Ok(admitted) => {
                let kind = admitted.prepared.kind();
                check_method(http, kind)?;
                let results = operation::results(admitted, state, &admission);
                (kind, results.map(|result| result.map_err(HttpRefusal::from)).boxed())
            }
            // A status would tell an `EventSource` nothing: errors of a document go into the stream.
            Err(refusal) if refusal.is_well_formed() => {
                (OperationKind::Query, stream::iter([Err(refusal)]).boxed())
            }
            Err(refusal) => return Err(refusal),
        };
    let end = admission.access.ends().map(|at| {
        let write = write.clone();
        let expired = stream::iter([Error::expired()]).map(move |error| write(Err(error.into())));
        (at, expired.chain(complete()).boxed())
    });
    let events = results.map(write).chain(complete()).boxed();
    let events = operation::until_superseded(events, kind, state, &admission);
    let span = tracing::Span::current();
    let start = (events, end, interval(KEEP_ALIVE), permit);
    // The stream is polled only after the client has taken the last event. It is dropped when the client
    // disconnects.
    let stream = stream::unfold(start, move |(mut events, mut end, mut silence, permit)| {
        let more = async move {
            let bytes = tokio::select! {
                last = last_events(&mut end) => {
                    events = last;
                    events.next().await?
                }
                event = events.next() => event?,
                _ = silence.tick() => Bytes::from_static(NOTHING.as_bytes()),
            };
            Some((Ok::<_, actix_web::Error>(bytes), (events, end, silence, permit)))
        };
        more.instrument(span.clone())
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        // Disables proxy buffering, which would hold events back.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream))
}

/// Waits until the identity ends, and takes the events that follow. Waits forever for an identity without an end.
async fn last_events<E>(end: &mut Option<(Instant, E)>) -> E {
    if let Some((at, _)) = end {
        sleep_until(*at).await;
    }
    match end.take() {
        Some((_, events)) => events,
        None => std::future::pending().await,
    }
}

/// Formats a result as an event. The serialized JSON has no line ends: none between tokens, and strings escape them.
fn next(body: &[u8]) -> Bytes {
    [b"event: next\ndata: ", body, b"\n\n"].concat().into()
}
