//! Transactions, each over its own connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::Value;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::connection::{Connection, Reply, Stage, StatementResult, answer_of};
use super::connections::PostgresConnections;
use super::fault::Fault;
use super::pool::Lease;
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::sql_error::SqlError;
use crate::policy::{Isolation, SessionSettings};

/// Timeout of a rollback, after which the connection is closed.
const ROLLBACK_PATIENCE: Duration = Duration::from_secs(1);

/// Purpose of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::database) enum TransactionMode {
    /// Reads and writes.
    Write(Isolation),
    /// Reads one snapshot, taken by the first statement.
    Snapshot,
}

impl TransactionMode {
    /// Statement that begins the transaction.
    fn begin(self) -> &'static str {
        match self {
            Self::Write(Isolation::ReadCommitted) => "BEGIN",
            Self::Write(Isolation::RepeatableRead) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Self::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// Transaction. BEGIN is sent with the first statement. A drop rolls back at the server, even during a
/// statement.
#[derive(Debug)]
pub(in crate::database) struct PostgresTransaction {
    connections: Arc<PostgresConnections>,
    mode: TransactionMode,
    /// Settings of the viewer.
    settings: Option<Arc<SessionSettings>>,
    state: Mutex<TransactionState>,
    /// Held while a broken connection is replaced.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct TransactionState {
    /// `None` once the transaction has ended.
    lease: Option<Lease>,
    /// Number of connections that were broken before this one.
    generation: u32,
    has_begun: bool,
    /// True once the server answered a statement: another connection cannot continue the transaction.
    is_answered: bool,
    /// Number of unanswered statements, including abandoned ones.
    under_way: usize,
}

impl PostgresTransaction {
    /// Returns a transaction with a connection. Nothing is sent before the first statement.
    pub async fn begin(
        connections: &Arc<PostgresConnections>,
        mode: TransactionMode,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self, Fault> {
        let connections = connections.clone();
        let lease = match mode {
            TransactionMode::Write(_) => connections.lease_writing().await?,
            TransactionMode::Snapshot => connections.lease_reading().await?,
        };
        let state = TransactionState {
            lease: Some(lease),
            generation: 0,
            has_begun: false,
            is_answered: false,
            under_way: 0,
        };
        let state = Mutex::new(state);
        Ok(Self { connections, mode, settings, state, renewing: tokio::sync::Mutex::default() })
    }

    /// Sends a statement, and decodes the returned rows into a builder from `rows`.
    ///
    /// Retries over another connection if the first one broke while idle. No statement was answered then, and
    /// the server keeps nothing of the transaction.
    pub async fn send(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: &(impl Fn() -> RowSetBuilder + Sync),
    ) -> Result<RowSet, SqlError> {
        let (reply, generation) = self.start(sql, &values, rows())?;
        match self.wait(reply, generation).await {
            Err(fault) if fault.is_of_all() => {
                self.connections.forget(&fault);
                if !fault.is_stale() || !self.renew(generation).await? {
                    return Err(fault.into());
                }
                let (reply, generation) = self.start(sql, &values, rows())?;
                Ok(self.wait(reply, generation).await?.rows)
            }
            answer => Ok(answer?.rows),
        }
    }

    /// Replaces the broken connection of this generation, unless a sibling has replaced it. Returns false if
    /// the server answered over the broken connection.
    async fn renew(&self, broken: u32) -> Result<bool, SqlError> {
        let _only = self.renewing.lock().await;
        {
            let state = self.state();
            if state.generation != broken {
                return Ok(true);
            }
            if state.is_answered {
                return Ok(false);
            }
        }
        let connection = self.connections.open(false).await?;
        let mut state = self.state();
        let Some(lease) = &mut state.lease else { return Err(is_over()) };
        lease.put(connection);
        (state.has_begun, state.under_way) = (false, 0);
        state.generation += 1;
        Ok(true)
    }

    /// Ends a transaction that only read, without waiting: later statements of the connection follow its
    /// COMMIT.
    pub fn leave(self) {
        let mut state = self.state();
        let Some(mut lease) = state.lease.take() else { return };
        if !state.has_begun {
            return;
        }
        let commit = |connection: &Connection| {
            connection.send(Stage::End, "COMMIT".into(), Arc::default(), None, no_rows()).is_ok()
        };
        let is_left = state.under_way == 0 && lease.connection().is_some_and(commit);
        // A connection with a pending statement, or without its COMMIT, is closed.
        lease.set_busy(!is_left);
    }

    /// Commits.
    ///
    /// # Errors
    /// Fails if the database refuses the commit; or with [`SqlError::OutcomeUnknown`] if the connection is
    /// lost meanwhile.
    pub async fn commit(self) -> Result<(), SqlError> {
        let (reply, generation) = {
            let mut state = self.state();
            let Some(connection) = state.lease.as_ref().and_then(Lease::connection) else {
                return Err(is_over());
            };
            if !state.has_begun {
                state.lease = None;
                return Ok(());
            }
            if !connection.is_open() {
                return Err(SqlError::Unavailable("the connection was lost before the commit".to_owned()));
            }
            if !connection.is_in_transaction() {
                return Err(SqlError::Internal("a statement of the transaction has failed".to_owned()));
            }
            let reply = connection.send(Stage::End, "COMMIT".into(), Arc::default(), None, no_rows())?;
            state.under_way += 1;
            (reply, state.generation)
        };
        match self.wait(reply, generation).await {
            Ok(StatementResult { is_rollback: false, .. }) => {
                self.state().lease = None;
                Ok(())
            }
            Ok(_) => {
                self.state().lease = None;
                Err(SqlError::Internal("the database rolled back the transaction".to_owned()))
            }
            Err(Fault::Server(refusal)) => {
                let mut state = self.state();
                // The transaction has ended, and the connection is usable again.
                if state.lease.as_ref().and_then(Lease::connection).is_some_and(|open| open.is_idle()) {
                    state.lease = None;
                }
                Err(SqlError::Refused(refusal).of_commit())
            }
            Err(fault) => Err(SqlError::OutcomeUnknown(fault.to_string())),
        }
    }

    /// Rolls back, which releases the locks.
    ///
    /// # Errors
    /// Fails if the connection is lost, and the transaction with it.
    pub async fn rollback(self) -> Result<(), SqlError> {
        let lease = {
            let mut state = self.state();
            let Some(lease) = state.lease.take() else { return Ok(()) };
            if !state.has_begun {
                return Ok(());
            }
            lease
        };
        Ok(take_back(lease).await?)
    }

    fn start(
        &self,
        sql: &Arc<str>,
        values: &Arc<[Value]>,
        rows: RowSetBuilder,
    ) -> Result<(Reply, u32), SqlError> {
        let mut state = self.state();
        let stage = if state.has_begun { Stage::Inside } else { Stage::Begin(self.mode.begin()) };
        let Some(connection) = state.lease.as_ref().and_then(Lease::connection) else {
            return Err(is_over());
        };
        // The receiver notices a lost connection.
        let reply = match connection.send(stage, sql.clone(), values.clone(), self.settings.clone(), rows) {
            Ok(reply) => reply,
            Err(_) => tokio::sync::oneshot::channel().1,
        };
        state.has_begun = true;
        state.under_way += 1;
        Ok((reply, state.generation))
    }

    async fn wait(&self, reply: Reply, generation: u32) -> Result<StatementResult, Fault> {
        let answer = answer_of(reply).await;
        let mut state = self.state();
        if state.generation == generation {
            state.under_way = state.under_way.saturating_sub(1);
            state.is_answered |= answer.is_ok();
        }
        answer
    }

    /// Ends the transaction at the server, even during a statement, without waiting.
    pub fn give_up(&self) {
        let (mut lease, under_way) = {
            let mut state = self.state();
            let Some(lease) = state.lease.take() else { return };
            if !state.has_begun {
                return;
            }
            (lease, state.under_way)
        };
        // Without a rollback, the connection is closed.
        lease.set_busy(true);
        if under_way == 0
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(take_back(lease));
        }
    }

    fn state(&self) -> MutexGuard<'_, TransactionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Rolls a transaction back. The connection returns to the pool once the server reports no open transaction.
/// Otherwise it is closed, and pending statements are cancelled.
async fn take_back(mut lease: Lease) -> Result<(), Fault> {
    lease.set_busy(true);
    let Some(connection) = lease.connection() else { return Ok(()) };
    let reply = connection.send(Stage::End, "ROLLBACK".into(), Arc::default(), None, no_rows())?;
    let answer = timeout(ROLLBACK_PATIENCE, answer_of(reply)).await;
    answer.map_err(|_| Fault::Slow(ROLLBACK_PATIENCE))??;
    let is_idle = connection.is_idle();
    lease.set_busy(!is_idle);
    Ok(())
}

fn no_rows() -> RowSetBuilder {
    RowSetBuilder::new(Arc::default())
}

fn is_over() -> SqlError {
    SqlError::Internal("the transaction is over".to_owned())
}
