//! Writer of SQLite: one connection, whose transactions take turns and share commits.
//!
//! SQLite has one writer, and a commit waits for the disk. A transaction that ends while others wait for their turn leaves its
//! commit to them: the last one commits for all. Each transaction but the first is a savepoint, so that it can be rolled back
//! alone. All are answered after the commit.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::fault::SqliteError;
use super::file::File;
use crate::database::settings::{ACQUIRE_TIMEOUT, Synchronous};
use crate::database::sql_error::SqlError;

/// Maximum number of transactions of one commit.
const MOST_MEMBERS: usize = 64;

/// Age of a group at which the next of its transactions commits, although others wait.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// Writer of one file.
#[derive(Debug)]
pub(in crate::database) struct SqliteWriter {
    file: Arc<File>,
    synchronous: Synchronous,
    state: Arc<Mutex<WriterState>>,
    /// Number of transactions that wait for their turn.
    waiting: AtomicUsize,
    /// True after SQLite refused the commit of a group: the member that caused the refusal is not known.
    commits_alone: AtomicBool,
}

/// Connection, and the transactions that wait for its commit.
#[derive(Debug, Default)]
pub(in crate::database) struct WriterState {
    /// `None` before the first transaction, and after an error of the connection.
    connection: Option<Connection>,
    group: Option<CommitGroup>,
    is_closed: bool,
}

/// Ended transactions that are not committed yet.
#[derive(Debug)]
struct CommitGroup {
    members: Vec<oneshot::Sender<Result<(), SqlError>>>,
    since: Instant,
}

/// Turn of a transaction.
pub(in crate::database) type Turn = OwnedMutexGuard<WriterState>;

/// Counts a transaction that waits.
struct WaitingCount<'a>(&'a AtomicUsize);

impl<'a> WaitingCount<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for WaitingCount<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl SqliteWriter {
    pub(super) fn new(file: Arc<File>, synchronous: Synchronous) -> Self {
        Self {
            file,
            synchronous,
            state: Arc::default(),
            waiting: AtomicUsize::new(0),
            commits_alone: AtomicBool::new(false),
        }
    }

    /// Waits for the turn of a transaction. Turns come in order.
    ///
    /// # Errors
    /// SQLite's own refusal of a locked file, if the turn does not come in time.
    pub(in crate::database) async fn turn(&self) -> Result<Turn, SqlError> {
        let waiting = WaitingCount::begin(&self.waiting);
        let turn = timeout(ACQUIRE_TIMEOUT, self.state.clone().lock_owned()).await;
        drop(waiting);
        let turn = turn.map_err(|_| SqlError::locked())?;
        if turn.is_closed {
            return Err(SqlError::Unavailable("the database is closed".to_owned()));
        }
        Ok(turn)
    }

    /// Begins a transaction: the first of a group, or a further one. Blocks.
    pub(super) fn begin(&self, turn: &mut Turn) -> Result<(), SqliteError> {
        if turn.group.is_some() {
            return turn.execute("SAVEPOINT member");
        }
        if turn.connection.is_none() {
            turn.connection = Some(self.file.open_to_write(self.synchronous)?);
        }
        turn.execute("BEGIN IMMEDIATE")
    }

    /// Ends a transaction: commits it with its group, or leaves the commit to the transactions that wait. Blocks.
    ///
    /// Returns the receiver of the outcome.
    pub(super) fn end(&self, mut turn: Turn, may_share: bool) -> oneshot::Receiver<Result<(), SqlError>> {
        let (outcome, received) = oneshot::channel();
        let released = match turn.group {
            Some(_) => turn.execute("RELEASE member"),
            None => Ok(()),
        };
        if let Err(error) = released {
            turn.abandon();
            // The receiver waits in this very function's caller.
            let _ = outcome.send(Err(error.into()));
            return received;
        }
        let group =
            turn.group.get_or_insert_with(|| CommitGroup { members: Vec::new(), since: Instant::now() });
        group.members.push(outcome);
        let is_full = group.members.len() >= MOST_MEMBERS || group.since.elapsed() >= LONGEST_WAIT;
        let shares = may_share && !self.commits_alone.load(Ordering::Relaxed);
        if !shares || is_full || self.waiting.load(Ordering::SeqCst) == 0 {
            self.commit(&mut turn);
        }
        received
    }

    /// Waits for the outcome of a transaction that has ended. If the transactions that waited have gone, it commits itself.
    pub(super) async fn outcome(
        self: Arc<Self>,
        mut received: oneshot::Receiver<Result<(), SqlError>>,
    ) -> Result<(), SqlError> {
        let lost = |_| SqlError::OutcomeUnknown("the writer has ended".to_owned());
        let mut turn = tokio::select! {
            biased;
            outcome = &mut received => return outcome.map_err(lost)?,
            turn = self.state.clone().lock_owned() => turn,
        };
        let writer = self.clone();
        let committed = spawn_blocking(move || writer.commit(&mut turn)).await;
        committed.map_err(|error| SqlError::OutcomeUnknown(error.to_string()))?;
        received.await.map_err(lost)?
    }

    /// Commits the group, if there is one, and tells its members. Blocks.
    fn commit(&self, turn: &mut Turn) {
        let Some(CommitGroup { members, .. }) = turn.group.take() else { return };
        let committed = turn.execute("COMMIT").map_err(|error| SqlError::from(error).of_commit());
        if committed.is_err() {
            turn.abandon();
        }
        // Members of a refused group run again, each alone.
        let runs_again = members.len() > 1 && matches!(committed, Err(SqlError::Refused(_)));
        if runs_again {
            self.commits_alone.store(true, Ordering::Relaxed);
        }
        for member in members {
            let outcome = if runs_again { Err(SqlError::locked()) } else { committed.clone() };
            // The receiver may have been dropped.
            let _ = member.send(outcome);
        }
    }

    /// Closes the connection. Later transactions are refused.
    pub(in crate::database) async fn close(&self) {
        let mut turn = self.state.lock().await;
        turn.connection = None;
        turn.is_closed = true;
    }
}

impl WriterState {
    /// Runs a statement without values.
    pub(super) fn execute(&self, sql: &str) -> Result<(), SqliteError> {
        self.connection()?.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Returns the connection.
    ///
    /// # Errors
    /// If an earlier error has closed it.
    pub(super) fn connection(&self) -> Result<&Connection, SqliteError> {
        self.connection.as_ref().ok_or(SqliteError(rusqlite::Error::InvalidQuery))
    }

    /// Ends a group whose transaction SQLite has rolled back by itself, as it does after a full disk: its members run again.
    pub(super) fn notice_rollback(&mut self) {
        if self.connection.as_ref().is_some_and(Connection::is_autocommit) {
            self.abandon();
        }
    }

    /// Rolls a transaction back: the savepoint of a member, or the whole. Blocks.
    pub(super) fn roll_back(&mut self) {
        let rolled_back = match self.group {
            Some(_) => self.execute("ROLLBACK TO member").and_then(|()| self.execute("RELEASE member")),
            None => self.execute("ROLLBACK"),
        };
        if rolled_back.is_err() {
            self.abandon();
        }
    }

    /// Rolls everything back, and closes the connection if that fails. The members of the group run again.
    fn abandon(&mut self) {
        let is_open = |connection: &Connection| !connection.is_autocommit();
        if self.connection.as_ref().is_some_and(is_open) && self.execute("ROLLBACK").is_err() {
            self.connection = None;
        }
        for member in mem::take(&mut self.group).into_iter().flat_map(|group| group.members) {
            // The receiver may have been dropped.
            let _ = member.send(Err(SqlError::locked()));
        }
    }
}
