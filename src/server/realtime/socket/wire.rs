//! Additions to actix-ws: a size limit of incomplete messages, and a notification when a frame is sent.

use std::cell::Cell;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::error::PayloadError;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use futures_util::Stream;
use tokio::sync::Notify;

use super::protocol::{Close, SUBPROTOCOL};

/// Allowance for frame headers, and for the size of one chunk.
const SLACK: usize = 64 << 10;

/// Accepts a handshake. Returns the response, the session, the notification of sent frames, and the incoming
/// messages.
pub(super) async fn accept(
    http: &HttpRequest,
    payload: web::Payload,
    largest: usize,
) -> actix_web::Result<(HttpResponse, Session, Rc<Notify>, Incoming)> {
    let unread = Rc::new(Cell::new(0));
    let bounded = BoundedPayload {
        inner: payload,
        unread: unread.clone(),
        // A message in many small frames has more header than content.
        most: largest.saturating_mul(2).saturating_add(SLACK),
        rests: false,
    };
    let mut bounded: dev::Payload = dev::Payload::Stream { payload: Box::pin(bounded) };
    let bounded = web::Payload::from_request(http, &mut bounded).await?;
    let (response, session, frames) = actix_ws::handle_with_protocols(http, bounded, &[SUBPROTOCOL])?;
    let frames = frames.max_frame_size(largest).aggregate_continuations().max_continuation_size(largest);
    let taken = Rc::new(Notify::new());
    let response = response.map_body(|_, inner| BoxBody::new(NotifyingBody { inner, taken: taken.clone() }));
    Ok((response, session, taken, Incoming { frames, unread }))
}

/// Incoming messages of a client.
pub(super) struct Incoming {
    frames: AggregatedMessageStream,
    unread: Rc<Cell<usize>>,
}

impl Incoming {
    /// Returns the next message, or `None` when the client has disconnected. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Result<AggregatedMessage, Close>> {
        let next = self.frames.recv().await?;
        self.unread.set(0);
        match next {
            Ok(message) => Some(Ok(message)),
            Err(error) => fault(&error).map(Err),
        }
    }
}

/// Maps a protocol error to a close; `None` for a broken connection, which cannot receive one.
fn fault(error: &ProtocolError) -> Option<Close> {
    let ProtocolError::Io(io) = error else {
        let is_large = matches!(error, ProtocolError::Overflow);
        return Some(if is_large { Close::TooLarge } else { Close::BrokenFrames });
    };
    match io.get_ref().and_then(|inner| inner.downcast_ref::<PayloadError>()) {
        Some(PayloadError::Overflow) => Some(Close::TooLarge),
        Some(_) => None,
        None if io.kind() == std::io::ErrorKind::InvalidData => Some(Close::NotText),
        None => Some(Close::TooLarge),
    }
}

/// Bytes of a client, limited between two complete messages: actix-ws checks a frame's size only when the
/// frame is complete.
struct BoundedPayload {
    inner: web::Payload,
    /// Bytes since the last message.
    unread: Rc<Cell<usize>>,
    most: usize,
    /// True while the last chunk is unprocessed: actix-ws reads on as long as bytes are available.
    rests: bool,
}

impl Stream for BoundedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if mem::take(&mut this.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(Pin::new(&mut this.inner).poll_next(context));
        if let Some(Ok(bytes)) = &piece {
            this.rests = true;
            this.unread.set(this.unread.get().saturating_add(bytes.len()));
            if this.unread.get() > this.most {
                return Poll::Ready(Some(Err(PayloadError::Overflow)));
            }
        }
        Poll::Ready(piece)
    }
}

/// Outgoing frames. Notifies when the connection takes one, so that the next is not sent earlier.
struct NotifyingBody {
    inner: BoxBody,
    taken: Rc<Notify>,
}

impl MessageBody for NotifyingBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let frames = ready!(Pin::new(&mut this.inner).poll_next(context));
        this.taken.notify_one();
        Poll::Ready(frames)
    }
}
