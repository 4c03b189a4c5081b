//! Transactions, each over its own connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::Value;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::PostgresConnections;
use super::connection::{Answer, Reply, Stage, answer_of};
use super::fault::Fault;
use super::pool::Lease;
use crate::execute::row::RowSet;
use crate::execute::row_builder::RowSetBuilder;
use crate::execute::sql_error::SqlError;
use crate::model::ColumnType;

/// Timeout of a rollback, after which the connection is closed.
const ROLLBACK_PATIENCE: Duration = Duration::from_secs(1);

/// Transaction. BEGIN is sent with the first statement. A drop rolls back at the server, even during a
/// statement.
#[derive(Debug)]
pub(in crate::execute) struct PostgresTransaction {
    connections: Arc<PostgresConnections>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` once the transaction has ended.
    lease: Option<Lease>,
    has_begun: bool,
    /// Number of unanswered statements, including abandoned ones.
    under_way: usize,
}

impl PostgresTransaction {
    /// Creates a transaction that sends nothing before its first statement.
    pub(super) fn new(connections: Arc<PostgresConnections>, lease: Lease) -> Self {
        let state = State { lease: Some(lease), has_begun: false, under_way: 0 };
        Self { connections, state: Mutex::new(state) }
    }

    /// Sends a statement, and decodes the returned rows. Retries the first statement if the connection broke
    /// while idle: nothing of the transaction exists then.
    pub async fn send(
        &self,
        sql: Arc<str>,
        values: Arc<[Value]>,
        columns: Arc<[ColumnType]>,
    ) -> Result<RowSet, SqlError> {
        let (reply, stage) = self.start(&sql, &values, &columns)?;
        match self.wait(reply).await {
            Err(fault) if fault.is_of_all() => {
                self.connections.forget(&fault);
                if stage != Stage::Begin || !fault.is_stale() {
                    return Err(fault.into());
                }
                let connection = self.connections.open(false).await?;
                {
                    let mut state = self.state();
                    let Some(lease) = &mut state.lease else { return Err(is_over()) };
                    lease.put(connection);
                    (state.has_begun, state.under_way) = (false, 0);
                }
                let (reply, _) = self.start(&sql, &values, &columns)?;
                Ok(self.wait(reply).await?.rows)
            }
            answer => Ok(answer?.rows),
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// Fails if the database refuses the commit; or with [`SqlError::OutcomeUnknown`] if the connection is
    /// lost meanwhile.
    pub async fn commit(self) -> Result<(), SqlError> {
        let reply = {
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
            let reply = connection.send(Stage::Inside, "COMMIT".into(), Arc::default(), no_rows())?;
            state.under_way += 1;
            reply
        };
        match self.wait(reply).await {
            Ok(Answer { is_rollback: false, .. }) => {
                self.state().lease = None;
                Ok(())
            }
            Ok(_) => {
                self.state().lease = None;
                Err(SqlError::Internal("the database took the transaction back".to_owned()))
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
        columns: &Arc<[ColumnType]>,
    ) -> Result<(Reply, Stage), SqlError> {
        let mut state = self.state();
        let stage = if state.has_begun { Stage::Inside } else { Stage::Begin };
        let Some(connection) = state.lease.as_ref().and_then(Lease::connection) else {
            return Err(is_over());
        };
        // The receiver notices a lost connection.
        let rows = RowSetBuilder::new(columns.clone());
        let reply = match connection.send(stage, sql.clone(), values.clone(), rows) {
            Ok(reply) => reply,
            Err(_) => tokio::sync::oneshot::channel().1,
        };
        state.has_begun = true;
        state.under_way += 1;
        Ok((reply, stage))
    }

    async fn wait(&self, reply: Reply) -> Result<Answer, Fault> {
        let answer = answer_of(reply).await;
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
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

    fn state(&self) -> MutexGuard<'_, State> {
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
    let reply = connection.send(Stage::Inside, "ROLLBACK".into(), Arc::default(), no_rows())?;
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
