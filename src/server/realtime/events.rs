//! GraphQL over server-sent events, for clients without sockets: `graphql-sse` in distinct connections mode.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, FuturesUnordered};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::{Interval, interval, sleep_until};
use tracing::Span;

use crate::error::{Error, Result};
use crate::schema::{Executed, OperationKind};
use crate::server::http::answer::{self, HttpRefusal};
use crate::server::http::consistency;
use crate::server::http::negotiation::Media;
use crate::server::http::operation;
use crate::server::http::parameters::RequestBody;
use crate::server::http::request::{check_method, read};
use crate::server::operations::operation_record::{OperationRecord, RequestRecord};
use crate::server::realtime::permits::SocketPermit;
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
        Ok(executed) if executed.errors.is_empty() => {
            executed.event.get_or_init(|| next(&answer::body(&executed, None))).clone()
        }
        Ok(executed) => next(&answer::body(&executed, request.as_deref())),
        Err(refusal) => {
            let errors = refusal.into_errors();
            recorder.record(&OperationRecord::refused(&errors));
            next(&answer::refused(errors, request.as_deref()))
        }
    };
    let complete = || stream::iter([Bytes::from_static(COMPLETE.as_bytes())]);
    let interruptions = FuturesUnordered::from_iter([silence(interval(KEEP_ALIVE))]);
    if let Some(at) = admission.access.ends() {
        let write = write.clone();
        let expired = stream::iter([Error::expired()]).map(move |error| write(Err(error.into())));
        let last = expired.chain(complete()).boxed();
        interruptions.push(sleep_until(at).map(|()| Interruption::Expiry(last)).boxed());
    }
    let (kind, events) = match operation::prepare(sent, state, &admission, || RequestRecord::id(http)) {
        Ok(admitted) => {
            let kind = admitted.prepared.kind();
            check_method(http, kind)?;
            let results = operation::results(admitted, state, &admission);
            let events = results.map(move |result| write(result.map_err(HttpRefusal::from)));
            (kind, events.chain(complete()).boxed())
        }
        // A status would tell an `EventSource` nothing: errors of a document go into the stream.
        Err(refusal) if refusal.is_well_formed() => {
            let events = stream::iter([write(Err(refusal))]);
            (OperationKind::Query, events.chain(complete()).boxed())
        }
        Err(refusal) => return Err(refusal),
    };
    let events = operation::until_superseded(events, kind, state, &admission);
    let stream = EventStream { events, interruptions, span: Span::current(), _permit: permit };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        // Disables proxy buffering, which would hold events back.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream))
}

/// Events of a subscriber. The stream is polled only after the client has taken the last event, and dropped when the client
/// disconnects.
struct EventStream {
    events: BoxStream<'static, Bytes>,
    /// Each is polled only when it is woken, and not with each event.
    interruptions: FuturesUnordered<BoxFuture<'static, Interruption>>,
    span: Span,
    _permit: SocketPermit,
}

/// Interruption of the events.
enum Interruption {
    /// No event for a while: the client is to see that the service lives.
    Silence(Interval),
    /// The identity of the client ends: these events are the last ones.
    Expiry(BoxStream<'static, Bytes>),
}

fn silence(mut interval: Interval) -> BoxFuture<'static, Interruption> {
    let tick = async move {
        interval.tick().await;
        Interruption::Silence(interval)
    };
    tick.boxed()
}

impl Stream for EventStream {
    type Item = actix_web::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { events, interruptions, span, .. } = &mut *self;
        let _entered = span.enter();
        while let Poll::Ready(Some(interruption)) = interruptions.poll_next_unpin(context) {
            match interruption {
                Interruption::Silence(interval) => {
                    interruptions.push(silence(interval));
                    return Poll::Ready(Some(Ok(Bytes::from_static(NOTHING.as_bytes()))));
                }
                Interruption::Expiry(last) => *events = last,
            }
        }
        events.poll_next_unpin(context).map(|event| event.map(Ok))
    }
}

/// Formats a result as an event. The serialized JSON has no line ends: none between tokens, and strings escape them.
fn next(body: &[u8]) -> Bytes {
    [b"event: next\ndata: ", body, b"\n\n"].concat().into()
}
