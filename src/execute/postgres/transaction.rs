//! Transactions, each over a connection of its own.

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

/// How long the server may take to take a transaction back. After that its connection is closed.
const ROLLBACK_PATIENCE: Duration = Duration::from_secs(1);

/// A transaction. BEGIN travels with its first statement. When it is dropped, it is taken back at the server, whatever it is
/// at.
#[derive(Debug)]
pub(in crate::execute) struct PostgresTransaction {
    connections: Arc<PostgresConnections>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// None when the transaction is over.
    lease: Option<Lease>,
    has_begun: bool,
    /// Statements whose answers have not come; those that were given up stay among them.
    under_way: usize,
}

impl PostgresTransaction {
    /// One that sends nothing before its first statement.
    pub(super) fn new(connections: Arc<PostgresConnections>, lease: Lease) -> Self {
        let state = State { lease: Some(lease), has_begun: false, under_way: 0 };
        Self { connections, state: Mutex::new(state) }
    }

    /// Sends a statement, and decodes the rows that it returns. The first one is sent once more where the connection had broken
    /// while it lay idle: nothing of the transaction is kept then.
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

    /// Keeps what was written.
    ///
    /// # Errors
    /// When the database refuses it; or [`SqlError::OutcomeUnknown`] when the connection is lost meanwhile.
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
                Err(SqlError::Internal("the database rolled back the transaction".to_owned()))
            }
            Err(Fault::Server(refusal)) => {
                let mut state = self.state();
                // The transaction is over then, and the connection as good as before.
                if state.lease.as_ref().and_then(Lease::connection).is_some_and(|open| open.is_idle()) {
                    state.lease = None;
                }
                Err(SqlError::Refused(refusal).of_commit())
            }
            Err(fault) => Err(SqlError::OutcomeUnknown(fault.to_string())),
        }
    }

    /// Takes back what was written. The locks are gone then.
    ///
    /// # Errors
    /// When the connection is lost, and the transaction with it.
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
        // A lost connection is noticed by whoever waits for it.
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

    /// Ends the transaction at the server, whatever it is at, without waiting for that.
    pub fn give_up(&self) {
        let (mut lease, under_way) = {
            let mut state = self.state();
            let Some(lease) = state.lease.take() else { return };
            if !state.has_begun {
                return;
            }
            (lease, state.under_way)
        };
        // Unless it is taken back, its connection is closed.
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

/// Takes a transaction back. Its connection goes back to the pool when the server says that none is open any more; otherwise it
/// is closed, and what is under way is ended.
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
