//! GraphQL over server-sent events, for clients without sockets: `graphql-sse` in its mode of distinct connections.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::interval;
use tracing::Instrument;

use super::answer::{self, Refusal};
use super::negotiation::Media;
use super::observation::Observation;
use super::observation::Observations;
use super::parameters::Asked;
use super::{State, graphql, operation};
use crate::error::{Error, Result};
use crate::schema::Executed;

/// How often a word is said that means nothing: those between us and the client close what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A comment.
const NOTHING: &str = ":\n\n";

/// With an empty `data`: without one, a browser's `EventSource` passes the event over.
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// A request that wants its results as events.
pub(super) async fn serve(
    http: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<State>,
) -> HttpResponse {
    match open(http, payload, state).await {
        Ok(response) => response,
        Err(refusal) => answer::write(http, Media::Json, Err(refusal)),
    }
}

async fn open(
    http: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<State>,
) -> Result<HttpResponse, Refusal> {
    let Asked::One(parameters) = graphql::read(http, payload, state, 0).await? else {
        return Err(Error::bad_request("an event stream takes a single request").into());
    };
    let place = state.place()?;
    let request = Observations::id(http);
    let told = state.clone();
    let write = move |result: Result<Arc<Executed>, Refusal>| match result {
        Ok(executed) => next(&answer::body(&executed, request.as_deref())),
        Err(refusal) => {
            let errors = refusal.into_errors();
            Observation::refused(&errors).tell(&told);
            next(&answer::refused(errors, request.as_deref()))
        }
    };
    let results: BoxStream<'static, Result<Arc<Executed>, Refusal>> =
        match operation::prepare(parameters, state) {
            Ok(prepared) => {
                graphql::check_method(http, prepared.kind())?;
                operation::results(prepared, state).map(|result| result.map_err(Refusal::from)).boxed()
            }
            // A status would tell an `EventSource` nothing: what is wrong with a document goes into the stream.
            Err(refusal) if refusal.is_well_formed() => stream::iter([Err(refusal)]).boxed(),
            Err(refusal) => return Err(refusal),
        };
    let events = results.map(write).chain(stream::iter([Bytes::from_static(COMPLETE.as_bytes())]));
    let span = tracing::Span::current();
    let start = (events, interval(KEEP_ALIVE), Box::pin(state.shutdown.begun()), place);
    // It is asked for more only when the client has taken the last; when it is gone, all of this is dropped.
    let stream = stream::unfold(start, move |(mut events, mut silence, mut stopping, place)| {
        let more = async move {
            let bytes = tokio::select! {
                () = &mut stopping => return None,
                event = events.next() => event?,
                _ = silence.tick() => Bytes::from_static(NOTHING.as_bytes()),
            };
            Some((Ok::<_, actix_web::Error>(bytes), (events, silence, stopping, place)))
        };
        more.instrument(span.clone())
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        // A proxy would wait until it has a bufferful.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream))
}

/// An event with a result. JSON has no line ends outside its texts, and inside they are escaped.
fn next(body: &[u8]) -> Bytes {
    [b"event: next\ndata: ", body, b"\n\n"].concat().into()
}
