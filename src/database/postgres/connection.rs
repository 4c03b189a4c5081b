//! Pipelined connection (PostgreSQL's documentation, section 55.2.4, Pipelining): statements are sent without
//! waiting for earlier ones, and answers arrive in order. A separate task owns the socket.

mod pending;
mod request;
mod task;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
pub(in crate::database) use request::WriteNotice;
use request::{ConnectionState, GroupTransaction, IDLE, IN_TRANSACTION, Request, Submission};
pub(super) use request::{GroupMember, Reply, Stage, StatementResult, answer_of};
use sea_orm::Value;
use task::Task;
use tokio::runtime::{Handle, Id};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::fault::Fault;
use super::startup::{self, PgConfig};
use crate::database::row_builder::RowSetBuilder;
use crate::policy::SessionSettings;

/// Maximum age of a connection.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Handle to the task of a connection. After the handle is dropped, the task ends with the last awaited
/// answer.
#[derive(Debug)]
pub(super) struct Connection {
    submissions: mpsc::UnboundedSender<Submission>,
    state: Arc<ConnectionState>,
    task: JoinHandle<()>,
    place: Arc<PgConfig>,
    /// Number of server losses when the connection was opened.
    losses: u64,
    /// Time of opening.
    since: Instant,
    /// Runtime of the task. Requests of other runtimes are served, and woken, from this runtime.
    pub home: Arc<Id>,
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
        let (submissions, inbox) = mpsc::unbounded_channel();
        let state =
            Arc::new(ConnectionState { status: AtomicU8::new(IDLE), is_given_up: AtomicBool::new(false) });
        let task = Task::new(place.clone(), opened, inbox, state.clone(), is_shared).heard_by(listener);
        let task = tokio::spawn(task.run());
        let (place, home) = (place.clone(), Arc::new(Handle::current().id()));
        Ok(Self { submissions, state, task, place, losses, since: Instant::now(), home })
    }

    /// Returns true if the connection may be reused: open, newer than the last server loss, and below its
    /// maximum age. The age limit lets the server replace its process.
    pub fn is_good(&self) -> bool {
        self.is_open() && self.losses == self.place.probe.losses() && self.since.elapsed() < LIFETIME
    }

    /// Returns true if the connection accepts statements.
    pub fn is_open(&self) -> bool {
        !self.submissions.is_closed()
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
        self.submissions.send(Submission::Statement(request)).map_err(|_| Fault::Closed)?;
        Ok(answer)
    }

    /// Sends statements of several requests, which one transaction commits. Each receiver learns the result of its own statement, or
    /// [`Fault::NotTogether`] if none was written. The returned future completes after the transaction.
    ///
    /// # Errors
    /// Fails if the connection is closed: nothing was sent.
    pub fn commit_together(&self, mut members: Vec<GroupMember>) -> Result<BoxFuture<'static, ()>, Fault> {
        if members.len() == 1
            && let Some(only) = members.pop()
        {
            return self.commit_alone(only);
        }
        let (group, end) = GroupTransaction::new(members);
        self.submissions.send(Submission::Group(group)).map_err(|refused| {
            refused.0.send_back();
            Fault::Closed
        })?;
        Ok(Box::pin(async move { drop(end.await) }))
    }

    /// Sends a single statement, which needs neither BEGIN nor COMMIT.
    fn commit_alone(&self, member: GroupMember) -> Result<BoxFuture<'static, ()>, Fault> {
        let GroupMember { request: Request { sql, values, rows, reply, .. }, on_written, .. } = member;
        match self.send(Stage::AloneWithoutWait, sql, values, None, rows) {
            Ok(answer) => Ok(Box::pin(async move {
                let answer = answer_of(answer).await;
                if Fault::may_have_written(&answer) {
                    on_written();
                }
                // The receiver may have been dropped.
                let _ = reply.send(answer);
            })),
            Err(fault) => {
                let _ = reply.send(Err(Fault::NotTogether { has_conflict: false }));
                Err(fault)
            }
        }
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
        drop(self.submissions);
        // The task continues alone if the server takes longer.
        let _ = timeout(patience, self.task).await;
    }
}
