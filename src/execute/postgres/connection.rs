//! A connection whose statements do not wait for each other (PostgreSQL's documentation, section 55.2.4, Pipelining): each is
//! sent as soon as it comes, and the answers follow in the order of the statements. A task of its own has the socket.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use lru::LruCache;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend::{self, BindError};
use postgres_types::Type;
use sea_orm::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Handle, Id};
use tokio::sync::{mpsc, oneshot};

use super::decoder::Form;
use super::fault::Fault;
use super::parameters;
use super::startup::{self, Opened, Place};
use super::stream::Stream;
use crate::execute::row::RowSet;
use crate::execute::row_builder::RowSetBuilder;
use crate::model::ColumnType;

/// Prepared statements that are kept at the server: 256.
const KEPT_STATEMENTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// Bytes that are read at once. A larger message makes the room that it needs.
const READ_BYTES: usize = 64 << 10;

/// The largest message that PostgreSQL sends (`utils/memutils.h`, MaxAllocSize).
const LARGEST_MESSAGE: usize = 1 << 30;

/// From how many unsent bytes on no further statement is taken.
const UNSENT_BYTES: usize = 1 << 20;

/// The way to the task of a connection. When it is dropped, the task ends with the last answer that anybody waits for.
#[derive(Debug)]
pub(super) struct Connection {
    requests: mpsc::UnboundedSender<Request>,
    /// Since when it has been open.
    pub since: Instant,
    /// Where its task runs: requests of other runtimes are served, and woken from there.
    pub home: Id,
}

/// What a statement brought.
pub(super) struct Answer {
    pub rows: RowSet,
    /// How long the server worked for it, the statements before it not counted.
    pub worked: Duration,
}

struct Request {
    sql: Arc<str>,
    values: Arc<[Value]>,
    /// Where its rows go; none is there yet.
    rows: RowSetBuilder,
    reply: oneshot::Sender<Result<Answer, Fault>>,
}

impl Connection {
    /// Opens one, whose task runs on this runtime.
    pub async fn open(place: &Arc<Place>) -> Result<Self, Fault> {
        let opened = startup::open(place).await?;
        let (requests, inbox) = mpsc::unbounded_channel();
        tokio::spawn(Task::new(place.clone(), opened, inbox));
        Ok(Self { requests, since: Instant::now(), home: Handle::current().id() })
    }

    /// Whether it takes statements.
    pub fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    /// Sends a statement, and waits for its rows, which are added to `rows`.
    pub async fn read(
        &self,
        sql: Arc<str>,
        values: Arc<[Value]>,
        rows: RowSetBuilder,
    ) -> Result<Answer, Fault> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { sql, values, rows, reply }).map_err(|_| Fault::Closed)?;
        answer.await.map_err(|_| Fault::Closed)?
    }
}

/// A statement that the server knows by a name.
struct Prepared {
    name: String,
    types: Vec<Type>,
    columns: Arc<[ColumnType]>,
    /// Known when the server has described its rows, which it does before it sends any.
    forms: OnceLock<Vec<Form>>,
}

/// A statement whose answer has not come in full.
struct Waiting {
    prepared: Arc<Prepared>,
    sql: Arc<str>,
    rows: RowSetBuilder,
    fault: Option<Fault>,
    sent: Instant,
    reply: oneshot::Sender<Result<Answer, Fault>>,
}

/// What runs a connection.
struct Task {
    place: Arc<Place>,
    stream: Stream,
    process_id: i32,
    secret_key: i32,
    requests: mpsc::UnboundedReceiver<Request>,
    outbox: BytesMut,
    inbox: Inbox,
    kept: LruCache<Arc<str>, Arc<Prepared>>,
    names: u64,
    waiting: VecDeque<Waiting>,
    /// When the last answer was complete.
    free_since: Instant,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        let ended = ready!(task.advance(context));
        task.end(ended);
        Poll::Ready(())
    }
}

impl Task {
    fn new(place: Arc<Place>, opened: Opened, requests: mpsc::UnboundedReceiver<Request>) -> Self {
        Self {
            place,
            stream: opened.stream,
            process_id: opened.process_id,
            secret_key: opened.secret_key,
            requests,
            outbox: BytesMut::new(),
            inbox: Inbox::new(&opened.received),
            kept: LruCache::new(KEPT_STATEMENTS),
            names: 0,
            waiting: VecDeque::new(),
            free_since: Instant::now(),
        }
    }

    /// Does what can be done now; is ready when the connection is over.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        while let Poll::Ready(read) = self.inbox.poll_read(&mut self.stream, context) {
            read?;
            self.take_answers()?;
        }
        let is_wanted = self.take_requests(context);
        self.poll_write(context)?;
        let is_awaited = || self.waiting.iter().any(|waiting| !waiting.reply.is_closed());
        if is_wanted || is_awaited() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Takes what has been asked meanwhile; false when nothing more can come.
    fn take_requests(&mut self, context: &mut Context<'_>) -> bool {
        while self.outbox.len() < UNSENT_BYTES {
            match self.requests.poll_recv(context) {
                Poll::Ready(Some(request)) => self.send(request),
                Poll::Ready(None) => return false,
                Poll::Pending => return true,
            }
        }
        true
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Result<(), Fault> {
        while !self.outbox.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.outbox) {
                Poll::Ready(Ok(0)) => return Err(Fault::Closed),
                Poll::Ready(Ok(written)) => self.outbox.advance(written),
                Poll::Ready(Err(error)) => return Err(error.into()),
                Poll::Pending => return Ok(()),
            }
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Err(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Writes a statement into the outbox. One that the server does not know by name is told to it in the same breath.
    fn send(&mut self, request: Request) {
        let Request { sql, values, rows, reply } = request;
        // Nobody may want it any more.
        if reply.is_closed() {
            return;
        }
        let start = self.outbox.len();
        match self.write(&sql, &values, rows.columns()) {
            Ok(prepared) => self.waiting.push_back(Waiting {
                prepared,
                sql,
                rows,
                fault: None,
                sent: Instant::now(),
                reply,
            }),
            Err(fault) => {
                self.outbox.truncate(start);
                // Whoever asked may have gone meanwhile.
                let _ = reply.send(Err(fault));
            }
        }
    }

    fn write(
        &mut self,
        sql: &Arc<str>,
        values: &[Value],
        columns: &Arc<[ColumnType]>,
    ) -> Result<Arc<Prepared>, Fault> {
        let known = self.kept.get(sql).filter(|prepared| {
            let mut types = values.iter().zip(&prepared.types);
            prepared.columns == *columns
                && types.all(|(value, known)| parameters::type_of(value).as_ref() == Some(known))
        });
        let known = known.cloned();
        let is_new = known.is_none();
        let prepared = match known {
            Some(prepared) => prepared,
            None => self.prepare(sql, values, columns)?,
        };
        frontend::bind(
            "",
            &prepared.name,
            Some(BINARY),
            values,
            parameters::write,
            Some(BINARY),
            &mut self.outbox,
        )
        .map_err(|error| match error {
            BindError::Conversion(error) => Fault::Parameter(error.to_string()),
            BindError::Serialization(error) => Fault::Parameter(error.to_string()),
        })?;
        frontend::execute("", 0, &mut self.outbox)?;
        frontend::sync(&mut self.outbox);
        // Behind the end of the statement, where a fault of it cannot have the server pass this over.
        if is_new && let Some((_, forgotten)) = self.kept.push(sql.clone(), prepared.clone()) {
            frontend::close(b'S', &forgotten.name, &mut self.outbox)?;
        }
        Ok(prepared)
    }

    fn prepare(
        &mut self,
        sql: &Arc<str>,
        values: &[Value],
        columns: &Arc<[ColumnType]>,
    ) -> Result<Arc<Prepared>, Fault> {
        let types: Option<Vec<Type>> = values.iter().map(parameters::type_of).collect();
        let types = types.ok_or_else(|| Fault::Parameter("a value without a type".to_owned()))?;
        self.names += 1;
        let name = format!("s{}", self.names);
        frontend::parse(&name, sql, types.iter().map(Type::oid), &mut self.outbox)?;
        frontend::describe(b'S', &name, &mut self.outbox)?;
        let columns = columns.clone();
        Ok(Arc::new(Prepared { name, types, columns, forms: OnceLock::new() }))
    }

    fn take_answers(&mut self) -> Result<(), Fault> {
        while let Some((tag, body)) = self.inbox.next()? {
            match (tag, self.waiting.front_mut()) {
                (DATA_ROW, Some(waiting)) => waiting.take_row(body)?,
                (READY_FOR_QUERY, _) => {
                    let Some(waiting) = self.waiting.pop_front() else { continue };
                    let now = Instant::now();
                    let worked = now.duration_since(waiting.sent.max(self.free_since));
                    self.free_since = now;
                    let is_unknown = waiting.prepared.forms.get().is_none();
                    if is_unknown || waiting.fault.as_ref().is_some_and(Fault::is_of_statement) {
                        self.kept.pop(&waiting.sql);
                    }
                    waiting.answer(worked);
                }
                (PARSE_COMPLETE | BIND_COMPLETE | CLOSE_COMPLETE | COMMAND_COMPLETE, _) => {}
                (tag, waiting) => take_rarer(tag, body, waiting)?,
            }
        }
        Ok(())
    }

    /// Whoever waits is told why the connection is over; where nobody does, the server need not go on either.
    fn end(&mut self, ended: Result<(), Fault>) {
        let fault = ended.err();
        if fault.is_none() && !self.waiting.is_empty() {
            let (place, process_id, secret_key) = (self.place.clone(), self.process_id, self.secret_key);
            tokio::spawn(async move { startup::cancel(&place, process_id, secret_key).await });
        }
        self.requests.close();
        let mut replies: Vec<_> =
            self.waiting.drain(..).map(|waiting| (waiting.fault, waiting.reply)).collect();
        while let Ok(request) = self.requests.try_recv() {
            replies.push((None, request.reply));
        }
        for (own, reply) in replies {
            let lost = || fault.as_ref().map_or(Fault::Closed, Fault::told_again);
            // Whoever asked may have gone meanwhile.
            let _ = reply.send(Err(own.unwrap_or_else(lost)));
        }
    }
}

/// Takes a message that does not come with every answer.
fn take_rarer(tag: u8, body: &[u8], waiting: Option<&mut Waiting>) -> Result<(), Fault> {
    let unexpected = || Fault::Protocol(format!("message {:?} came out of turn", char::from(tag)));
    // The library reads whole messages, head included.
    let mut message = BytesMut::with_capacity(HEAD_BYTES + body.len());
    message.extend_from_slice(&[tag]);
    let length = u32::try_from(body.len() + LENGTH_BYTES).map_err(|_| unexpected())?;
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(body);
    match (Message::parse(&mut message)?, waiting) {
        (Some(Message::RowDescription(description)), Some(waiting)) => {
            let mut forms = Vec::new();
            let mut fields = description.fields();
            for column_type in waiting.prepared.columns.iter() {
                let field = fallible_iterator::FallibleIterator::next(&mut fields)?;
                let field = field.ok_or_else(|| Fault::Protocol("a column is missing".to_owned()))?;
                forms.push(Form::of(column_type, field.type_oid()));
            }
            waiting.prepared.forms.get_or_init(|| forms);
        }
        (Some(Message::ErrorResponse(error)), Some(waiting)) => waiting.fault = Some(Fault::from(&error)),
        // Without a statement under way, the server ends the connection.
        (Some(Message::ErrorResponse(error)), None) => return Err(Fault::from(&error)),
        (
            Some(
                Message::ParameterDescription(_)
                | Message::ParameterStatus(_)
                | Message::NoticeResponse(_)
                | Message::NotificationResponse(_),
            ),
            _,
        ) => {}
        _ => return Err(unexpected()),
    }
    Ok(())
}

impl Waiting {
    fn take_row(&mut self, body: &[u8]) -> Result<(), Fault> {
        // What else comes is passed over: the connection is as good as before then.
        if self.fault.is_some() || self.reply.is_closed() {
            return Ok(());
        }
        let forms = self.prepared.forms.get();
        let forms = forms.ok_or_else(|| Fault::Protocol("a row came before its description".to_owned()))?;
        let mut body = body;
        let count = body.try_get_u16().map_err(|_| truncated())?;
        // A page by cursors is put in order by a column that nobody reads: it comes last.
        if usize::from(count) < forms.len() {
            return Err(Fault::Protocol(format!("{count} columns came for {}", forms.len())));
        }
        for form in forms {
            let length = body.try_get_i32().map_err(|_| truncated())?;
            // -1 for NULL.
            let bytes = match usize::try_from(length) {
                Ok(length) => Some(body.split_off(..length).ok_or_else(truncated)?),
                Err(_) => None,
            };
            form.decode(bytes, &mut self.rows);
        }
        Ok(())
    }

    fn answer(self, worked: Duration) {
        let answer = match self.fault {
            Some(fault) => Err(fault),
            None => Ok(Answer { rows: self.rows.finish(), worked }),
        };
        // Whoever asked may have gone meanwhile.
        let _ = self.reply.send(answer);
    }
}

fn truncated() -> Fault {
    Fault::Protocol("a row that ends too early".to_owned())
}

/// The code of the binary format.
const BINARY: i16 = 1;

/// Messages of the server (PostgreSQL's documentation, section 55.7).
const DATA_ROW: u8 = b'D';
const READY_FOR_QUERY: u8 = b'Z';
const PARSE_COMPLETE: u8 = b'1';
const BIND_COMPLETE: u8 = b'2';
const CLOSE_COMPLETE: u8 = b'3';
const COMMAND_COMPLETE: u8 = b'C';

/// A message's tag and length.
const HEAD_BYTES: usize = 5;

/// The part of the head that is counted by the length itself.
const LENGTH_BYTES: usize = 4;

/// What has been read and not been taken.
struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    fn new(received: &[u8]) -> Self {
        let mut bytes = received.to_vec();
        bytes.resize(READ_BYTES.max(received.len()), 0);
        Self { bytes, start: 0, end: received.len() }
    }

    /// Reads what is there.
    fn poll_read(&mut self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(Pin::new(stream).poll_read(context, &mut room))?;
        match room.filled().len() {
            0 => Poll::Ready(Err(Fault::Closed)),
            read => {
                self.end += read;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// The next message that is there in full: its tag, and what follows its length. Else there is room for the rest of it.
    fn next(&mut self) -> Result<Option<(u8, &[u8])>, Fault> {
        let here = self.end - self.start;
        let mut needed = HEAD_BYTES;
        if here >= HEAD_BYTES {
            let head = &self.bytes[self.start..self.start + HEAD_BYTES];
            let length = head[1..].try_into().map_or(0, u32::from_be_bytes) as usize;
            if !(LENGTH_BYTES..=LARGEST_MESSAGE).contains(&length) {
                return Err(Fault::Protocol(format!("a message of {length} bytes")));
            }
            needed = 1 + length;
            if here >= needed {
                let start = self.start;
                self.start += needed;
                return Ok(Some((self.bytes[start], &self.bytes[start + HEAD_BYTES..self.start])));
            }
        }
        self.make_room(needed);
        Ok(None)
    }

    fn make_room(&mut self, needed: usize) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if needed > self.bytes.len() {
            self.bytes.resize(needed, 0);
        } else if self.end == 0 && self.bytes.len() > READ_BYTES {
            // A large message has passed.
            self.bytes.truncate(READ_BYTES);
            self.bytes.shrink_to_fit();
        }
    }
}
