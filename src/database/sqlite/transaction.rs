//! Transactions of SQLite that write.

use std::sync::Arc;

use sea_orm::Value;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::fault::SqliteError;
use super::steps::run;
use super::writer::{SqliteWriter, Turn};
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::sql_error::SqlError;

/// Transaction that writes, during its turn. The statements run one after another, on threads that may block. A drop rolls back.
#[derive(Debug)]
pub(in crate::database) struct SqliteTransaction {
    writer: Arc<SqliteWriter>,
    /// `None` after the end, and after an abandoned statement.
    turn: Mutex<Option<OpenTurn>>,
    /// True if no constraint waits for the commit: the transaction may then share it with others.
    may_share: bool,
}

/// Turn with its transaction. A drop rolls back.
#[derive(Debug)]
pub(super) struct OpenTurn {
    /// `None` once the transaction has ended.
    pub turn: Option<Turn>,
    /// The transaction begins with its first statement.
    has_begun: bool,
}

impl SqliteTransaction {
    /// Waits for the turn of a transaction.
    pub async fn begin(writer: &Arc<SqliteWriter>, may_share: bool) -> Result<Self, SqlError> {
        let turn = OpenTurn::new(writer.turn().await?);
        Ok(Self { writer: writer.clone(), turn: Mutex::new(Some(turn)), may_share })
    }

    /// Sends a statement, and decodes its rows. A statement that is under way runs to its end, whether or not its caller waits.
    pub async fn send(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: impl Fn() -> RowSetBuilder,
    ) -> Result<RowSet, SqlError> {
        let mut slot = self.turn.lock().await;
        let mut open = slot.take().ok_or_else(is_over)?;
        let (writer, sql, rows) = (self.writer.clone(), sql.clone(), rows());
        let task = spawn_blocking(move || {
            let ran = open.run(&writer, &sql, &values, rows);
            (open, ran)
        });
        let (open, ran) = task.await.map_err(|error| SqlError::Internal(error.to_string()))?;
        *slot = Some(open);
        Ok(ran?)
    }

    /// Commits.
    ///
    /// # Errors
    /// Fails if SQLite refuses the commit, or one that the transaction shares.
    pub async fn commit(self) -> Result<(), SqlError> {
        let mut open = self.turn.into_inner().ok_or_else(is_over)?;
        let Some(turn) = open.turn.take().filter(|_| open.has_begun) else { return Ok(()) };
        let (writer, may_share) = (self.writer.clone(), self.may_share);
        let ended = spawn_blocking(move || writer.end(turn, may_share)).await;
        self.writer.outcome(ended.map_err(|error| SqlError::OutcomeUnknown(error.to_string()))?).await
    }

    /// Rolls back.
    pub async fn rollback(self) {
        let Some(open) = self.turn.into_inner() else { return };
        // A failure has been dealt with: the turn has ended.
        let _ = spawn_blocking(move || drop(open)).await;
    }
}

impl OpenTurn {
    /// Returns a turn whose transaction has not begun.
    pub fn new(turn: Turn) -> Self {
        Self { turn: Some(turn), has_begun: false }
    }

    /// Runs a statement. Blocks.
    pub fn run(
        &mut self,
        writer: &SqliteWriter,
        sql: &str,
        values: &[Value],
        rows: RowSetBuilder,
    ) -> Result<RowSet, SqliteError> {
        let Some(turn) = &mut self.turn else { return Err(SqliteError(rusqlite::Error::InvalidQuery)) };
        if !self.has_begun {
            writer.begin(turn)?;
            self.has_begun = true;
        }
        let ran = turn.connection().and_then(|connection| run(connection, sql, values, rows));
        if ran.is_err() {
            turn.notice_rollback();
        }
        ran
    }
}

impl Drop for OpenTurn {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.as_mut().filter(|_| self.has_begun) {
            turn.roll_back();
        }
    }
}

fn is_over() -> SqlError {
    SqlError::Internal("the transaction is over".to_owned())
}
