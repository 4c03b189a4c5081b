//! Pipelined connection (PostgreSQL's documentation, section 55.2.4, Pipelining): statements are sent without
//! waiting for earlier ones, and answers arrive in order. A separate task owns the socket.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend::{self, BindError};
use postgres_types::Type;
use sea_orm::Value;
use tokio::io::AsyncWrite;
use tokio::runtime::{Handle, Id};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::abandon::abandon;
use super::decoder::CellDecoder;
use super::fault::Fault;
use super::inbox::{
    BIND_COMPLETE, CLOSE_COMPLETE, COMMAND_COMPLETE, DATA_ROW, HEAD_BYTES, Inbox, LENGTH_BYTES, NOTIFICATION,
    PARSE_COMPLETE, READY_FOR_QUERY,
};
use super::parameters;
use super::prepared::{PreparedStatement, RoleStatements, StatementCache, name_of};
use super::startup::{self, OpenedConnection, PgConfig};
use super::stream::Stream;
use super::viewer_settings;
use super::watch::{TICK, Watch};
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::model::ColumnType;
use crate::policy::SessionSettings;

/// Number of unsent bytes above which the task accepts no further statement.
const UNSENT_BYTES: usize = 1 << 20;

/// Maximum age of a connection.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Maximum number of sends of a statement that the server must prepare again.
const MOST_SENDINGS: u8 = 3;

/// Server states between statements (ReadyForQuery).
const IDLE: u8 = b'I';
const IN_TRANSACTION: u8 = b'T';

/// Handle to the task of a connection. After the handle is dropped, the task ends with the last awaited
/// answer.
#[derive(Debug)]
pub(super) struct Connection {
    requests: mpsc::UnboundedSender<Request>,
    state: Arc<ConnectionState>,
    task: JoinHandle<()>,
    place: Arc<PgConfig>,
    /// Number of server losses when the connection was opened.
    losses: u64,
    /// Time of opening.
    since: Instant,
    /// Runtime of the task. Requests of other runtimes are served, and woken, from this runtime.
    pub home: Id,
}

/// State shared by the connection's task and its users.
#[derive(Debug)]
struct ConnectionState {
    /// Server state after the last answer.
    status: AtomicU8,
    /// Set when pending receivers get no answer any more.
    is_given_up: AtomicBool,
}

/// Position of a statement relative to transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Outside any transaction.
    Alone,
    /// First statement of a transaction; this BEGIN is sent ahead in the same message.
    Begin(&'static str),
    /// Inside an open transaction.
    Inside,
    /// End of a transaction, sent even without a receiver for the answer.
    End,
}

/// Result of a statement.
#[derive(Debug)]
pub(super) struct StatementResult {
    pub rows: RowSet,
    /// Time that the server worked on the statement, without the statements before it.
    pub worked: Duration,
    /// True if the server reports a rollback.
    pub is_rollback: bool,
}

/// Receiver of a pending statement's result.
pub(super) type Reply = oneshot::Receiver<Result<StatementResult, Fault>>;

#[derive(Debug)]
struct Request {
    stage: Stage,
    sql: Arc<str>,
    values: Arc<[Value]>,
    settings: Option<Arc<SessionSettings>>,
    /// Builder of the result rows; empty at first.
    rows: RowSetBuilder,
    sendings: u8,
    reply: oneshot::Sender<Result<StatementResult, Fault>>,
}

impl Connection {
    /// Opens a connection, whose task runs on this runtime. A shared connection serves only short statements.
    pub async fn open(place: &Arc<PgConfig>, is_shared: bool) -> Result<Self, Fault> {
        Self::start(place, is_shared, None).await
    }

    /// Opens a connection that sends the payloads of notifications to `listener`, except those of its own.
    pub async fn open_listening(
        place: &Arc<PgConfig>,
        listener: mpsc::UnboundedSender<String>,
    ) -> Result<Self, Fault> {
        Self::start(place, false, Some(listener)).await
    }

    async fn start(
        place: &Arc<PgConfig>,
        is_shared: bool,
        listener: Option<mpsc::UnboundedSender<String>>,
    ) -> Result<Self, Fault> {
        let losses = place.probe.losses();
        let opened = startup::open(place).await?;
        let (requests, inbox) = mpsc::unbounded_channel();
        let state =
            Arc::new(ConnectionState { status: AtomicU8::new(IDLE), is_given_up: AtomicBool::new(false) });
        let task = Task { listener, ..Task::new(place.clone(), opened, inbox, state.clone(), is_shared) };
        let task = tokio::spawn(task.run());
        let (place, home) = (place.clone(), Handle::current().id());
        Ok(Self { requests, state, task, place, losses, since: Instant::now(), home })
    }

    /// Returns true if the connection may be reused: open, newer than the last server loss, and below its
    /// maximum age. The age limit lets the server replace its process.
    pub fn is_good(&self) -> bool {
        self.is_open() && self.losses == self.place.probe.losses() && self.since.elapsed() < LIFETIME
    }

    /// Returns true if the connection accepts statements.
    pub fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    /// Returns true if no transaction is open, according to the last answer.
    pub fn is_idle(&self) -> bool {
        self.state.status.load(Ordering::Relaxed) == IDLE
    }

    /// Returns true if a transaction is open that the server would commit.
    pub fn is_in_transaction(&self) -> bool {
        self.state.status.load(Ordering::Relaxed) == IN_TRANSACTION
    }

    /// Sends a statement, whose rows are added to `rows`. The settings are those of its whole transaction.
    ///
    /// # Errors
    /// Fails if the connection is closed: nothing was sent.
    pub fn send(
        &self,
        stage: Stage,
        sql: Arc<str>,
        values: Arc<[Value]>,
        settings: Option<Arc<SessionSettings>>,
        rows: RowSetBuilder,
    ) -> Result<Reply, Fault> {
        let (reply, answer) = oneshot::channel();
        let request = Request { stage, sql, values, settings, rows, sendings: 0, reply };
        self.requests.send(request).map_err(|_| Fault::Closed)?;
        Ok(answer)
    }

    /// Sends a statement, waits for its rows, and adds them to `rows`.
    pub async fn read(
        &self,
        sql: Arc<str>,
        values: Arc<[Value]>,
        settings: Option<Arc<SessionSettings>>,
        rows: RowSetBuilder,
    ) -> Result<StatementResult, Fault> {
        answer_of(self.send(Stage::Alone, sql, values, settings, rows)?).await
    }

    /// Ends pending statements, at the server too, and waits at most `patience`.
    pub async fn give_up(self, patience: Duration) {
        self.state.is_given_up.store(true, Ordering::Relaxed);
        // The drop wakes the task.
        drop(self.requests);
        // The task continues alone if the server takes longer.
        let _ = timeout(patience, self.task).await;
    }
}

/// Waits for a result.
pub(super) async fn answer_of(reply: Reply) -> Result<StatementResult, Fault> {
    reply.await.map_err(|_| Fault::Closed)?
}

/// Statement with an incomplete answer.
struct PendingStatement {
    request: Request,
    prepared: Arc<PreparedStatement>,
    /// Number of incomplete statements sent ahead of it.
    ahead: u8,
    fault: Option<Fault>,
    is_rollback: bool,
    sent: Instant,
}

/// Task that drives a connection.
struct Task {
    place: Arc<PgConfig>,
    stream: Stream,
    process_id: i32,
    secret_key: i32,
    requests: mpsc::UnboundedReceiver<Request>,
    state: Arc<ConnectionState>,
    outbox: BytesMut,
    inbox: Inbox,
    kept: RoleStatements,
    waiting: VecDeque<PendingStatement>,
    /// Time of the last complete answer.
    free_since: Instant,
    watch: Watch,
    /// Receiver of notifications.
    listener: Option<mpsc::UnboundedSender<String>>,
}

impl Task {
    fn new(
        place: Arc<PgConfig>,
        opened: OpenedConnection,
        requests: mpsc::UnboundedReceiver<Request>,
        state: Arc<ConnectionState>,
        is_shared: bool,
    ) -> Self {
        Self {
            watch: Watch::new(place.clone(), is_shared),
            place,
            stream: opened.stream,
            process_id: opened.process_id,
            secret_key: opened.secret_key,
            requests,
            state,
            outbox: BytesMut::new(),
            inbox: Inbox::new(&opened.received),
            kept: RoleStatements::default(),
            waiting: VecDeque::new(),
            free_since: Instant::now(),
            listener: None,
        }
    }

    async fn run(mut self) {
        let ended = poll_fn(|context| self.advance(context)).await;
        self.end(ended).await;
    }

    /// Makes progress; becomes ready when the connection ends.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        while let Poll::Ready(read) = self.inbox.poll_read(&mut self.stream, context) {
            read?;
            self.watch.hear();
            self.take_answers()?;
        }
        let is_wanted = self.take_requests(context);
        self.poll_write(context)?;
        self.watch.look(self.waiting.front().map(|waiting| waiting.sent), context)?;
        let is_awaited = || {
            !self.state.is_given_up.load(Ordering::Relaxed)
                && self.waiting.iter().any(|waiting| !waiting.request.reply.is_closed())
        };
        if is_wanted || is_awaited() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Accepts new requests; returns false when no more can arrive.
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

    /// Writes a statement into the outbox. A statement without a name at the server is parsed in the same
    /// message.
    fn send(&mut self, mut request: Request) {
        // The receiver may have been dropped.
        if request.reply.is_closed() && request.stage != Stage::End {
            return;
        }
        let start = self.outbox.len();
        match self.ask_for_echo().and_then(|()| self.write(&request)) {
            Ok((prepared, ahead)) => {
                request.sendings += 1;
                self.waiting.push_back(PendingStatement {
                    request,
                    prepared,
                    ahead,
                    fault: None,
                    is_rollback: false,
                    sent: Instant::now(),
                });
            }
            Err(fault) => {
                self.outbox.truncate(start);
                // The receiver may have been dropped.
                let _ = request.reply.send(Err(fault));
            }
        }
    }

    /// Requests an echo from the server ahead of a statement that may be silent for long. An idle connection
    /// may have been dropped by a device on the path. A pooler sends no echo before it has a server
    /// connection.
    fn ask_for_echo(&mut self) -> Result<(), Fault> {
        let has_lain_idle = self.waiting.is_empty() && self.free_since.elapsed() >= TICK;
        if self.watch.is_shared || self.place.is_pooled() || !has_lain_idle {
            return Ok(());
        }
        frontend::close(b'S', "", &mut self.outbox)?;
        frontend::flush(&mut self.outbox);
        self.watch.await_echo();
        Ok(())
    }

    /// Writes a statement and the statements ahead of it. A pooler sends all messages before one Sync to the
    /// same server connection.
    fn write(&mut self, request: &Request) -> Result<(Arc<PreparedStatement>, u8), Fault> {
        let Request { stage, sql, values, settings, rows, .. } = request;
        let begins = matches!(stage, Stage::Alone | Stage::Begin(_));
        let place = self.place.clone();
        let mut ahead = 0;
        if let Stage::Begin(begin) = stage {
            self.write_ahead(begin)?;
            ahead += 1;
        }
        if let Some(preamble) = place.preamble().filter(|_| begins) {
            self.write_ahead(preamble)?;
            ahead += 1;
        }
        if let Some(settings) = settings.as_ref().filter(|_| begins) {
            self.write_settings(settings)?;
            ahead += 1;
        }
        let role = settings.as_ref().and_then(|settings| settings.role.as_deref());
        let is_named = place.names_statements() && StatementCache::takes(sql);
        let columns = rows.columns();
        let known = if is_named { self.kept.of(role).get(sql, values, columns) } else { None };
        let is_new = known.is_none();
        let prepared = match known {
            Some(prepared) => {
                if prepared.is_undescribed.swap(false, Ordering::Relaxed) {
                    frontend::describe(b'S', &prepared.name, &mut self.outbox)?;
                }
                prepared
            }
            None => self.prepare(sql, values, columns, is_named.then_some(role))?,
        };
        self.bind_and_execute(&prepared.name, values)?;
        frontend::sync(&mut self.outbox);
        if is_new && is_named {
            // After the Sync, so that an error of the statement cannot make the server skip the Close.
            for name in self.kept.of(role).put(sql.clone(), prepared.clone()) {
                frontend::close(b'S', &name, &mut self.outbox)?;
            }
        }
        Ok((prepared, ahead))
    }

    /// Writes a statement without values, whose rows are ignored.
    fn write_ahead(&mut self, sql: &str) -> Result<(), Fault> {
        frontend::parse("", sql, [], &mut self.outbox)?;
        self.bind_and_execute("", &[])
    }

    /// Writes the settings of a viewer, which last as long as the transaction.
    fn write_settings(&mut self, settings: &SessionSettings) -> Result<(), Fault> {
        let (sql, values) = viewer_settings::statement(settings);
        frontend::parse("", &sql, values.iter().map(|_| Type::TEXT.oid()), &mut self.outbox)?;
        self.bind_and_execute("", &values)
    }

    fn bind_and_execute(&mut self, name: &str, values: &[Value]) -> Result<(), Fault> {
        frontend::bind("", name, Some(BINARY), values, parameters::write, Some(BINARY), &mut self.outbox)
            .map_err(|error| match error {
                BindError::Conversion(error) => Fault::Parameter(error.to_string()),
                BindError::Serialization(error) => Fault::Parameter(error.to_string()),
            })?;
        Ok(frontend::execute("", 0, &mut self.outbox)?)
    }

    /// Parses a statement: a named one for a role, or one without a name.
    fn prepare(
        &mut self,
        sql: &Arc<str>,
        values: &[Value],
        columns: &Arc<[ColumnType]>,
        role: Option<Option<&str>>,
    ) -> Result<Arc<PreparedStatement>, Fault> {
        let types: Option<Vec<Type>> = values.iter().map(parameters::type_of).collect();
        let types = types.ok_or_else(|| Fault::Parameter("a value without a type".to_owned()))?;
        let name = role.map_or_else(String::new, |role| name_of(sql, &types, role));
        frontend::parse(&name, sql, types.iter().map(Type::oid), &mut self.outbox)?;
        frontend::describe(b'S', &name, &mut self.outbox)?;
        Ok(Arc::new(PreparedStatement::new(name, types, columns.clone())))
    }

    fn take_answers(&mut self) -> Result<(), Fault> {
        while let Some((tag, body)) = self.inbox.next()? {
            match (tag, self.waiting.front_mut()) {
                (DATA_ROW, Some(waiting)) => waiting.take_row(body)?,
                (READY_FOR_QUERY, _) => {
                    let status = body.first().copied().unwrap_or(IDLE);
                    self.state.status.store(status, Ordering::Relaxed);
                    if let Some(waiting) = self.waiting.pop_front() {
                        self.complete(waiting, status)?;
                    }
                }
                (COMMAND_COMPLETE, Some(waiting)) => {
                    waiting.is_rollback = body.starts_with(b"ROLLBACK");
                    waiting.ahead = waiting.ahead.saturating_sub(1);
                }
                (NOTIFICATION, _) => {
                    if let Some(listener) = &self.listener
                        && let Some(payload) = payload_of_other(body, self.process_id)
                    {
                        // The listener may have been dropped.
                        let _ = listener.send(payload);
                    }
                }
                (PARSE_COMPLETE | BIND_COMPLETE | CLOSE_COMPLETE | COMMAND_COMPLETE, _) => {}
                (tag, waiting) => handle_other_message(tag, body, waiting)?,
            }
        }
        Ok(())
    }

    /// Answers a statement, or sends it again if the server must prepare it again and nothing was written.
    fn complete(&mut self, mut waiting: PendingStatement, status: u8) -> Result<(), Fault> {
        let now = Instant::now();
        let worked = now.duration_since(waiting.sent.max(self.free_since));
        self.free_since = now;
        let is_of_statement = waiting.fault.as_ref().is_some_and(Fault::is_of_statement);
        let (sql, prepared) = (&waiting.request.sql, &waiting.prepared);
        let settings = waiting.request.settings.as_ref();
        let kept = self.kept.of(settings.and_then(|settings| settings.role.as_deref()));
        if waiting.fault.as_ref().is_some_and(Fault::is_known_already) {
            kept.note_known(sql, prepared);
        } else if is_of_statement {
            if kept.forget(sql, prepared) {
                frontend::close(b'S', &prepared.name, &mut self.outbox)?;
            }
        } else if prepared.forms.get().is_none() {
            kept.forget(sql, prepared);
        }
        let is_again = is_of_statement
            && status == IDLE
            && waiting.request.stage == Stage::Alone
            && waiting.request.sendings < MOST_SENDINGS;
        match is_again {
            true => self.send(waiting.request),
            false => {
                let fault = waiting.fault.take();
                waiting.answer(fault, worked);
            }
        }
        Ok(())
    }

    /// Tells all receivers why the connection ended. Cancels the server's work if no receiver is left.
    async fn end(self, ended: Result<(), Fault>) {
        let Self { place, stream, process_id, secret_key, mut requests, inbox, waiting, .. } = self;
        let fault = ended.err();
        let unanswered = waiting.len();
        requests.close();
        let mut replies: Vec<_> =
            waiting.into_iter().map(|waiting| (waiting.fault, waiting.request.reply)).collect();
        while let Ok(request) = requests.try_recv() {
            replies.push((None, request.reply));
        }
        for (own, reply) in replies {
            let lost = || fault.as_ref().map_or(Fault::Closed, Fault::duplicate);
            // The receiver may have been dropped.
            let _ = reply.send(Err(own.unwrap_or_else(lost)));
        }
        let may_be_at_work = matches!(fault, None | Some(Fault::Silent | Fault::Lost));
        if may_be_at_work && unanswered > 0 {
            abandon(&place, (process_id, secret_key), stream, inbox, unanswered).await;
        }
    }
}

/// Returns the payload of a notification: process id, channel, and payload, the last two ended by a zero byte. `None` if
/// the connection itself, `own`, sent it.
fn payload_of_other(mut body: &[u8], own: i32) -> Option<String> {
    let sender = body.try_get_i32().ok()?;
    let payload = body.split(|byte| *byte == 0).nth(1)?;
    (sender != own).then(|| String::from_utf8_lossy(payload).into_owned())
}

/// Handles rare messages.
fn handle_other_message(tag: u8, body: &[u8], waiting: Option<&mut PendingStatement>) -> Result<(), Fault> {
    let unexpected = || Fault::Protocol(format!("unexpected message {:?}", char::from(tag)));
    // The library reads whole messages, including the head.
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
                forms.push(CellDecoder::of(column_type, field.type_oid()));
            }
            waiting.prepared.forms.get_or_init(|| forms);
        }
        (Some(Message::NoData), Some(waiting)) => {
            waiting.prepared.forms.get_or_init(Vec::new);
        }
        (Some(Message::ErrorResponse(error)), Some(waiting)) => waiting.fault = Some(Fault::from(&error)),
        // Without a pending statement, an error ends the connection.
        (Some(Message::ErrorResponse(error)), None) => return Err(Fault::from(&error)),
        (
            Some(Message::ParameterDescription(_) | Message::ParameterStatus(_) | Message::NoticeResponse(_)),
            _,
        ) => {}
        _ => return Err(unexpected()),
    }
    Ok(())
}

impl PendingStatement {
    fn take_row(&mut self, body: &[u8]) -> Result<(), Fault> {
        // Other rows are skipped, which keeps the connection usable.
        if self.ahead > 0 || self.fault.is_some() || self.request.reply.is_closed() {
            return Ok(());
        }
        let forms = self.prepared.forms.get();
        let forms =
            forms.ok_or_else(|| Fault::Protocol("a row arrived before its description".to_owned()))?;
        let mut body = body;
        let count = body.try_get_u16().map_err(|_| truncated())?;
        // The page position, a last column for sorting, is not read.
        if usize::from(count) < forms.len() {
            return Err(Fault::Protocol(format!("received {count} columns, expected {}", forms.len())));
        }
        for form in forms {
            let length = body.try_get_i32().map_err(|_| truncated())?;
            // -1 for NULL.
            let bytes = match usize::try_from(length) {
                Ok(length) => Some(body.split_off(..length).ok_or_else(truncated)?),
                Err(_) => None,
            };
            form.decode(bytes, &mut self.request.rows);
        }
        Ok(())
    }

    fn answer(self, fault: Option<Fault>, worked: Duration) {
        let Request { rows, reply, .. } = self.request;
        let answer = match fault {
            Some(fault) => Err(fault),
            None => Ok(StatementResult { rows: rows.finish(), worked, is_rollback: self.is_rollback }),
        };
        // The receiver may have been dropped.
        let _ = reply.send(answer);
    }
}

fn truncated() -> Fault {
    Fault::Protocol("a row ends too early".to_owned())
}

/// Code of the binary format.
const BINARY: i16 = 1;
