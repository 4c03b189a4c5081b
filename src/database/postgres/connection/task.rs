//! Task of a connection: owns the socket, sends statements, and answers them in order.

mod group;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::frontend::{self, BindError};
use postgres_types::Type;
use sea_orm::Value;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

use super::pending::{PendingStatement, handle_other_message};
use super::request::{ConnectionState, IDLE, Request, Stage, Submission, WriteNotice};
use crate::database::postgres::abandon::abandon;
use crate::database::postgres::fault::Fault;
use crate::database::postgres::inbox::{
    BIND_COMPLETE, CLOSE_COMPLETE, COMMAND_COMPLETE, DATA_ROW, Inbox, NOTIFICATION, PARSE_COMPLETE,
    READY_FOR_QUERY,
};
use crate::database::postgres::prepared::{PreparedStatement, RoleStatements, StatementCache, name_of};
use crate::database::postgres::startup::{OpenedConnection, PgConfig};
use crate::database::postgres::stream::Stream;
use crate::database::postgres::watch::{TICK, Watch};
use crate::database::postgres::{parameters, viewer_settings};
use crate::model::ColumnType;
use crate::policy::SessionSettings;

/// Number of unsent bytes above which the task accepts no further statement.
const UNSENT_BYTES: usize = 1 << 20;

/// Maximum number of sends of a statement that the server must prepare again.
const MOST_SENDINGS: u8 = 3;

/// Ends statements that wait for a lock, from now on. Such a statement is refused, and its caller repeats it in a transaction.
const SHORT_LOCK_WAIT: &str = "SET lock_timeout = '50ms'";

/// Ends statements that wait for a lock, until the end of the transaction. A pooler gives the server's connection to other clients
/// afterwards.
const SHORT_LOCK_WAIT_ONCE: &str = "SELECT set_config('lock_timeout', '50ms', true)";

/// Takes [`SHORT_LOCK_WAIT`] back in a transaction.
const USUAL_LOCK_WAIT: &str = "SET LOCAL lock_timeout TO DEFAULT";

/// Name of a statement that never exists: the server answers its Close, and nothing happens. pgpool-II ends a session that closes
/// the statement without a name.
const ECHO: &str = "crowsfoot_echo";

/// Code of the binary format.
const BINARY: i16 = 1;

/// Task that drives a connection.
pub(super) struct Task {
    place: Arc<PgConfig>,
    stream: Stream,
    process_id: i32,
    secret_key: i32,
    submissions: mpsc::UnboundedReceiver<Submission>,
    state: Arc<ConnectionState>,
    outbox: BytesMut,
    inbox: Inbox,
    kept: RoleStatements,
    waiting: VecDeque<PendingStatement>,
    /// Statements that are complete, and share a commit that is not.
    uncommitted: Vec<PendingStatement>,
    /// True once the server has [`SHORT_LOCK_WAIT`]. Statement and transaction then need no further message, and no planning.
    has_short_lock_wait: bool,
    /// Time of the last complete answer.
    free_since: Instant,
    watch: Watch,
    /// Receiver of notifications.
    listener: Option<mpsc::UnboundedSender<String>>,
}

impl Task {
    pub(super) fn new(
        place: Arc<PgConfig>,
        opened: OpenedConnection,
        submissions: mpsc::UnboundedReceiver<Submission>,
        state: Arc<ConnectionState>,
        is_shared: bool,
    ) -> Self {
        Self {
            watch: Watch::new(place.clone(), is_shared),
            place,
            stream: opened.stream,
            process_id: opened.process_id,
            secret_key: opened.secret_key,
            submissions,
            state,
            outbox: BytesMut::new(),
            inbox: Inbox::new(&opened.received),
            kept: RoleStatements::default(),
            waiting: VecDeque::new(),
            uncommitted: Vec::new(),
            has_short_lock_wait: false,
            free_since: Instant::now(),
            listener: None,
        }
    }

    /// Sends the payloads of notifications to this listener.
    pub(super) fn heard_by(self, listener: Option<mpsc::UnboundedSender<String>>) -> Self {
        Self { listener, ..self }
    }

    pub(super) async fn run(mut self) {
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
            match self.submissions.poll_recv(context) {
                Poll::Ready(Some(Submission::Statement(request))) => self.send(request),
                Poll::Ready(Some(Submission::Group(group))) => self.send_group(group),
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
                self.await_answer(request, prepared, ahead, None);
            }
            Err(fault) => {
                self.outbox.truncate(start);
                // The receiver may have been dropped.
                let _ = request.reply.send(Err(fault));
            }
        }
    }

    fn await_answer(
        &mut self,
        request: Request,
        prepared: Arc<PreparedStatement>,
        ahead: u8,
        on_written: Option<WriteNotice>,
    ) {
        self.waiting.push_back(PendingStatement {
            request,
            prepared,
            ahead,
            fault: None,
            is_rollback: false,
            sent: Instant::now(),
            on_written,
        });
    }

    /// Requests an echo from the server ahead of a statement that may be silent for long. An idle connection
    /// may have been dropped by a device on the path. A pooler sends no echo before it has a server
    /// connection.
    fn ask_for_echo(&mut self) -> Result<(), Fault> {
        let has_lain_idle = self.waiting.is_empty() && self.free_since.elapsed() >= TICK;
        if self.watch.is_shared || self.place.is_pooled() || !has_lain_idle {
            return Ok(());
        }
        frontend::close(b'S', ECHO, &mut self.outbox)?;
        frontend::flush(&mut self.outbox);
        self.watch.await_echo();
        Ok(())
    }

    /// Writes a statement and the statements ahead of it. A pooler sends all messages before one Sync to the
    /// same server connection.
    fn write(&mut self, request: &Request) -> Result<(Arc<PreparedStatement>, u8), Fault> {
        let Request { stage, sql, values, settings, rows, .. } = request;
        let begins = !matches!(stage, Stage::Inside | Stage::End);
        let place = self.place.clone();
        let mut ahead = 0;
        if let Stage::Begin(begin) = stage {
            self.write_ahead(begin)?;
            ahead += 1;
            if self.has_short_lock_wait {
                self.write_ahead(USUAL_LOCK_WAIT)?;
                ahead += 1;
            }
        }
        if let Some(preamble) = place.preamble().filter(|_| begins) {
            self.write_ahead(preamble)?;
            ahead += 1;
        }
        if *stage == Stage::AloneWithoutWait && !self.has_short_lock_wait {
            self.write_ahead(if place.is_pooled() { SHORT_LOCK_WAIT_ONCE } else { SHORT_LOCK_WAIT })?;
            ahead += 1;
        }
        if let Some(settings) = settings.as_ref().filter(|_| begins) {
            self.write_settings(settings)?;
            ahead += 1;
        }
        let role = settings.as_ref().and_then(|settings| settings.role.as_deref());
        let (prepared, is_new) = self.find_or_prepare(sql, values, rows.columns(), role)?;
        self.bind_and_execute(&prepared.name, values)?;
        frontend::sync(&mut self.outbox);
        if is_new {
            // After the Sync, so that an error of the statement cannot make the server skip the Close.
            for name in self.kept.of(role).put(sql.clone(), prepared.clone()) {
                frontend::close(b'S', &name, &mut self.outbox)?;
            }
        }
        Ok((prepared, ahead))
    }

    /// Returns a statement that the server knows by name, or parses it. The second value is true if it has a new name, which is to be
    /// kept.
    fn find_or_prepare(
        &mut self,
        sql: &Arc<str>,
        values: &[Value],
        columns: &Arc<[ColumnType]>,
        role: Option<&str>,
    ) -> Result<(Arc<PreparedStatement>, bool), Fault> {
        let is_named = self.place.names_statements() && StatementCache::takes(sql);
        let known = if is_named { self.kept.of(role).get(sql, values, columns) } else { None };
        let Some(prepared) = known else {
            return Ok((self.prepare(sql, values, columns, is_named.then_some(role))?, is_named));
        };
        if prepared.is_undescribed.swap(false, Ordering::Relaxed) {
            frontend::describe(b'S', &prepared.name, &mut self.outbox)?;
        }
        Ok((prepared, false))
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
                    match self.waiting.pop_front() {
                        Some(last)
                            if last.request.stage == Stage::Together || !self.uncommitted.is_empty() =>
                        {
                            self.complete_group(last, status)?;
                        }
                        Some(waiting) => self.complete(waiting, status)?,
                        None => {}
                    }
                }
                (COMMAND_COMPLETE, Some(waiting)) if waiting.ahead > 0 => waiting.ahead -= 1,
                (COMMAND_COMPLETE, Some(waiting)) if waiting.request.stage == Stage::Together => {
                    self.uncommitted.extend(self.waiting.pop_front());
                }
                (COMMAND_COMPLETE, Some(waiting)) => waiting.is_rollback = body.starts_with(b"ROLLBACK"),
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
        self.note_preparation(&waiting)?;
        // The setting lasts if the statement behind it was committed.
        let is_set = waiting.request.stage == Stage::AloneWithoutWait && waiting.fault.is_none();
        self.has_short_lock_wait |= is_set && !self.place.is_pooled();
        let is_again = is_of_statement
            && status == IDLE
            && matches!(waiting.request.stage, Stage::Alone | Stage::AloneWithoutWait)
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

    /// Keeps a prepared statement, unless the server refused or skipped its preparation.
    fn note_preparation(&mut self, statement: &PendingStatement) -> Result<(), Fault> {
        let PendingStatement { request: Request { sql, settings, .. }, prepared, fault, .. } = statement;
        let kept = self.kept.of(settings.as_ref().and_then(|settings| settings.role.as_deref()));
        if fault.as_ref().is_some_and(Fault::is_known_already) {
            kept.note_known(sql, prepared);
        } else if fault.as_ref().is_some_and(Fault::is_of_statement) {
            if kept.forget(sql, prepared) {
                frontend::close(b'S', &prepared.name, &mut self.outbox)?;
            }
        } else if prepared.forms.get().is_none() {
            kept.forget(sql, prepared);
        }
        Ok(())
    }

    /// Tells all receivers why the connection ended. Cancels the server's work if no receiver is left.
    async fn end(self, ended: Result<(), Fault>) {
        let Self {
            place, stream, process_id, secret_key, mut submissions, inbox, waiting, uncommitted, ..
        } = self;
        let fault = ended.err();
        let lost = || fault.as_ref().map_or(Fault::Closed, Fault::duplicate);
        let is_member = |statement: &PendingStatement| statement.request.stage == Stage::Together;
        // The members of a group have one answer.
        let unanswered = waiting.iter().filter(|statement| !is_member(statement)).count();
        submissions.close();
        for mut statement in uncommitted.into_iter().chain(waiting) {
            // The transaction of a group may be committed, whatever became of one statement.
            let own = statement.fault.take().filter(|_| !is_member(&statement));
            statement.answer(Some(own.unwrap_or_else(lost)), Duration::ZERO);
        }
        while let Ok(submission) = submissions.try_recv() {
            match submission {
                // The receiver may have been dropped.
                Submission::Statement(request) => drop(request.reply.send(Err(lost()))),
                group => group.send_back(),
            }
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
