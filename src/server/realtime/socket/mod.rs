//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`.
//!
//! A socket is one task. It reads messages only while the client takes the responses, and polls an operation
//! for its next result only after everything before has been sent. A slow client costs one pending result.

mod credentials;
mod message;
mod protocol;
mod wire;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use actix_ws::{AggregatedMessage, CloseReason, Closed, Message, Session};
use futures_util::future::{self, LocalBoxFuture, OptionFuture};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use message::{Payload, ServerMessage};
use protocol::{Action, Close, Protocol};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_stream::StreamMap;
use tracing::Instrument;
use wire::Incoming;

use super::permits::SocketPermit;
use crate::error::{Error, Result};
use crate::schema::Executed;
use crate::server::generation::Admission;
use crate::server::http::answer::{self, HttpRefusal};
use crate::server::http::negotiation::Media;
use crate::server::http::operation;
use crate::server::http::origin;
use crate::server::http::parameters::GraphqlRequest;
use crate::server::operations::operation_record::{OperationRecord, RequestRecord};
use crate::server::sign_in::{Access, SignInRefusal};
use crate::server::state::ServiceState;

/// Interval of pings.
const PING: Duration = Duration::from_secs(20);

/// Silence after which a client counts as disconnected.
const SILENCE: Duration = Duration::from_secs(60);

/// Time limit for the messages of an identity that has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Maximum number of queued responses; at this number, reading from the client pauses.
const MOST_WAITING: usize = 16;

/// Serves a WebSocket handshake at the GraphQL endpoint.
pub(in crate::server) async fn open(
    http: HttpRequest,
    payload: web::Payload,
    state: web::Data<ServiceState>,
) -> HttpResponse {
    if !origin::is_allowed(http.headers(), &state.origins) {
        let error = Error::forbidden("the origin of this page is not allowed");
        return answer::write(&http, Media::Json, Err(HttpRefusal::of(StatusCode::FORBIDDEN, &error)));
    }
    let permit = match state.sockets.take(&state.recorder.metrics) {
        Ok(permit) => permit,
        Err(error) => return answer::write(&http, Media::Json, Err(error.into())),
    };
    let (response, session, taken, incoming) =
        match wire::accept(&http, payload, state.socket_limits.frame).await {
            Ok(accepted) => accepted,
            Err(error) => return error.into(),
        };
    // A browser itself closes a socket without the requested subprotocol; other clients get the reason.
    if !response.headers().contains_key("sec-websocket-protocol") {
        let _ = session.close(Some(Close::Subprotocol.into())).await;
        return response;
    }
    let request = RequestRecord::id(&http).unwrap_or_default();
    // Not a child of the request's span: that request is answered.
    let span = tracing::info_span!(parent: None, "socket", id = request);
    let socket = Socket {
        headers: Some(http.headers().clone()),
        address: http.peer_addr().map(|address| address.ip()),
        signing: None,
        admission: None,
        superseded: future::pending().boxed_local(),
        draining: None,
        is_stopping: false,
        protocol: Protocol::new(state.socket_limits.subscriptions),
        operations: StreamMap::new(),
        waiting: VecDeque::new(),
        request,
        state,
        _permit: permit,
    };
    rt::spawn(socket.serve(session, taken, incoming).instrument(span));
    response
}

/// Event of an operation: a result, or `None` at its end.
type Event = Option<Result<Arc<Executed>>>;

/// Connection of a client.
struct Socket {
    /// Headers of the handshake until sign-in, with credentials of clients that send none in `connection_init`.
    headers: Option<HeaderMap>,
    /// Address of the client.
    address: Option<IpAddr>,
    /// Sign-in that runs since `connection_init`.
    signing: Option<LocalBoxFuture<'static, Result<Admission, SignInRefusal>>>,
    /// Client's admission, after sign-in.
    admission: Option<Admission>,
    /// Resolves when another generation takes over from that of the admission.
    superseded: LocalBoxFuture<'static, ()>,
    /// Time by which the last operations must end, once the generation is superseded or the service stops.
    draining: Option<Instant>,
    /// True once the service stops.
    is_stopping: bool,
    protocol: Protocol,
    /// Running operations by id.
    operations: StreamMap<String, BoxStream<'static, Event>>,
    /// Messages that wait to be sent.
    waiting: VecDeque<Message>,
    /// Request id of the handshake, for errors that only the log explains.
    request: String,
    state: web::Data<ServiceState>,
    _permit: SocketPermit,
}

/// End of a socket.
enum SocketEnd {
    /// The service closes the socket.
    Close(Close),
    /// The client closes the socket; its close reason is echoed.
    Closed(Option<CloseReason>),
    /// The client has disconnected.
    Gone,
}

impl Socket {
    async fn serve(mut self, mut session: Session, taken: Rc<Notify>, mut incoming: Incoming) {
        tracing::info!("opened");
        let end = self.talk(&mut session, &taken, &mut incoming).await;
        let reason = match end {
            SocketEnd::Close(close) => Some(close.into()),
            SocketEnd::Closed(reason) => reason,
            SocketEnd::Gone => {
                tracing::info!("the client disconnected");
                return;
            }
        };
        let code = reason.as_ref().map(|reason| u16::from(reason.code));
        let why = reason.as_ref().and_then(|reason| reason.description.as_deref());
        tracing::info!(code, why, "closed");
        // The client may have disconnected at the same moment.
        let _ = session.close(reason).await;
    }

    async fn talk(&mut self, session: &mut Session, taken: &Notify, incoming: &mut Incoming) -> SocketEnd {
        let mut stopping = std::pin::pin!(self.state.shutdown.begun());
        let init_until = Instant::now() + self.state.socket_limits.init_time;
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut is_under_way = false;
        loop {
            let is_drained = !is_under_way && self.waiting.is_empty() && self.operations.is_empty();
            if is_drained && self.draining.is_some() {
                return self.leave();
            }
            if !is_under_way && let Some(message) = self.waiting.pop_front() {
                if session.send(message).await.is_err() {
                    return SocketEnd::Gone;
                }
                is_under_way = true;
            }
            let ends = self.admission.as_ref().and_then(|admission| admission.access.ends());
            tokio::select! {
                () = &mut stopping, if !self.is_stopping => {
                    self.is_stopping = true;
                    self.drain();
                }
                () = sleep_until(init_until), if self.protocol.awaits_init() => {
                    return SocketEnd::Close(Close::InitTimeout);
                }
                Some(signed) = OptionFuture::from(self.signing.as_mut()) => {
                    self.signing = None;
                    match signed {
                        Ok(admission) => self.acknowledge(admission),
                        Err(_) => return SocketEnd::Close(Close::Forbidden),
                    }
                }
                () = sleep_until(ends.unwrap_or(init_until)), if ends.is_some() => {
                    return self.expire(session).await;
                }
                () = &mut self.superseded, if self.draining.is_none() => self.drain(),
                () = sleep_until(self.draining.unwrap_or(init_until)), if self.draining.is_some() => {
                    return self.leave();
                }
                () = taken.notified(), if is_under_way => is_under_way = false,
                message = incoming.next(), if self.waiting.len() < MOST_WAITING => {
                    heard = Instant::now();
                    if let Err(end) = self.hear(message) {
                        return end;
                    }
                }
                event = self.operations.next(), if !is_under_way && !self.operations.is_empty() => {
                    if let Some((id, event)) = event {
                        self.report(&id, event);
                    }
                }
                _ = pings.tick() => {
                    if heard.elapsed() > SILENCE {
                        return SocketEnd::Gone;
                    }
                    // Waits behind the message under way. Otherwise a busy socket would drop a client that reads.
                    if !self.waiting.iter().any(|waiting| matches!(waiting, Message::Ping(_))) {
                        self.waiting.push_back(Message::Ping(web::Bytes::new()));
                    }
                }
            }
        }
    }

    /// Lets the last operations end. A client that takes no messages is not waited for.
    fn drain(&mut self) {
        let time = if self.operations.is_empty() { Duration::ZERO } else { self.state.body.time };
        self.draining.get_or_insert(Instant::now() + time + LAST_WORDS);
    }

    /// Returns the end after the last operation.
    fn leave(&self) -> SocketEnd {
        SocketEnd::Close(if self.is_stopping { Close::GoingAway } else { Close::Superseded })
    }

    fn hear(&mut self, message: Option<Result<AggregatedMessage, Close>>) -> Result<(), SocketEnd> {
        match message {
            None => Err(SocketEnd::Gone),
            Some(Err(close)) => Err(SocketEnd::Close(close)),
            Some(Ok(AggregatedMessage::Close(reason))) => Err(SocketEnd::Closed(reason)),
            Some(Ok(AggregatedMessage::Binary(_))) => {
                Err(SocketEnd::Close(Close::Invalid("expected text, not a binary frame".to_owned())))
            }
            Some(Ok(AggregatedMessage::Ping(payload))) => {
                self.waiting.push_back(Message::Pong(payload));
                Ok(())
            }
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(()),
            Some(Ok(AggregatedMessage::Text(text))) => {
                let action = self.protocol.receive(&text).map_err(SocketEnd::Close)?;
                self.act(action);
                Ok(())
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Ignore => {}
            // The client sends it again over its next socket.
            Action::Start { .. } | Action::Refuse { .. } if self.draining.is_some() => {}
            Action::SignIn(payload) => self.sign_in(payload),
            Action::Pong(payload) => self.say(&ServerMessage::Pong { payload }),
            Action::Start { id, request } => self.start(id, request),
            Action::Refuse { id } => {
                let error = Error::too_many_subscriptions(self.state.socket_limits.subscriptions);
                self.refuse(&id, error.into());
            }
            Action::Stop { id } => {
                self.operations.remove(&id);
            }
        }
    }

    /// Begins to sign the client in; at once if the service has no policies.
    fn sign_in(&mut self, payload: Option<Payload>) {
        let generation = self.state.generation.get();
        if generation.authenticator.is_none() {
            let admission = self.state.admission(generation, Access::UNRESTRICTED, self.address);
            return self.acknowledge(admission);
        }
        let Some(headers) = self.headers.take() else { return };
        let state = self.state.clone();
        let headers = credentials::of_init(headers, payload);
        let address = self.address;
        self.signing = Some(async move { state.admit_with(&headers?, address).await }.boxed_local());
    }

    fn acknowledge(&mut self, admission: Admission) {
        self.superseded = admission.generation.superseded.begun().boxed_local();
        self.admission = Some(admission.lasting());
        self.protocol.acknowledge();
        self.say(&ServerMessage::ConnectionAck);
    }

    /// Ends all operations with an error, because the client's identity has ended.
    async fn expire(&mut self, session: &mut Session) -> SocketEnd {
        let running: Vec<String> = self.operations.keys().cloned().collect();
        for id in running {
            self.end(&id);
            self.refuse(&id, Error::expired().into());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let send = async {
            for message in waiting {
                session.send(message).await?;
            }
            Ok::<_, Closed>(())
        };
        // A client that takes no messages is not waited for.
        match timeout(LAST_WORDS, send).await {
            Ok(Err(_)) => SocketEnd::Gone,
            Ok(Ok(())) | Err(_) => SocketEnd::Close(Close::Forbidden),
        }
    }

    fn start(&mut self, id: String, request: GraphqlRequest) {
        // The protocol starts no operation before sign-in.
        let Some(admission) = &self.admission else { return };
        match operation::prepare(request, &self.state, admission, || Some(self.request.clone())) {
            Ok(admitted) => {
                let kind = admitted.prepared.kind();
                let results = operation::results(admitted, &self.state, admission);
                let events = results.map(Some).chain(stream::iter([None])).boxed();
                self.operations.insert(id, operation::until_superseded(events, kind, &self.state, admission));
            }
            Err(refusal) => {
                self.protocol.ended(&id);
                self.refuse(&id, refusal);
            }
        }
    }

    fn report(&mut self, id: &str, event: Event) {
        match event {
            Some(Ok(executed)) if executed.is_request_error() => {
                self.end(id);
                let payload = answer::client_errors(&executed.errors, Some(&self.request));
                self.say(&ServerMessage::Error { id, payload });
            }
            Some(Ok(executed)) => {
                let payload = answer::body(&executed, Some(&self.request));
                self.say(&ServerMessage::Next { id, payload });
            }
            Some(Err(error)) => {
                self.end(id);
                self.refuse(id, error.into());
            }
            None => {
                self.end(id);
                self.say(&ServerMessage::Complete { id });
            }
        }
    }

    fn end(&mut self, id: &str) {
        self.operations.remove(id);
        self.protocol.ended(id);
    }

    fn refuse(&mut self, id: &str, refusal: HttpRefusal) {
        let errors = refusal.into_errors();
        self.state.recorder.record(&OperationRecord::refused(&errors));
        let payload = answer::client_errors(&errors, Some(&self.request));
        self.say(&ServerMessage::Error { id, payload });
    }

    fn say(&mut self, message: &ServerMessage<'_>) {
        match web::Bytes::from(message.to_json()).try_into() {
            Ok(text) => self.waiting.push_back(Message::Text(text)),
            Err(error) => tracing::error!(%error, "the JSON of a message is not UTF-8"),
        }
    }
}
