//! Statements of SQLite that are a transaction of their own.

use std::sync::Arc;

use sea_orm::Value;
use tokio::task::spawn_blocking;

use super::fault::SqliteError;
use super::transaction::OpenTurn;
use super::writer::{SqliteWriter, Turn};
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::sql_error::SqlError;
use crate::database::written_alone::WrittenAlone;

/// Statement that is a transaction of its own.
#[derive(Debug)]
pub(in crate::database) struct AloneStatement {
    pub sql: Arc<str>,
    pub values: Arc<[Value]>,
    pub rows: RowSetBuilder,
    /// True if no constraint waits for the commit: the transaction may then share it with others.
    pub may_share: bool,
}

impl SqliteWriter {
    /// Runs a statement and its commit on one thread that may block. The statement is taken back if its rows cannot be answered.
    ///
    /// # Errors
    /// [`SqlError::Refused`] if SQLite refuses the statement, or the commit: nothing was written.
    pub async fn write_alone<A: Send + 'static>(
        self: Arc<Self>,
        turn: Turn,
        statement: AloneStatement,
        answer: impl FnOnce(RowSet) -> Result<A, A> + Send + 'static,
    ) -> Result<WrittenAlone<A>, SqlError> {
        let writer = self.clone();
        let task = spawn_blocking(move || {
            let AloneStatement { sql, values, rows, may_share } = statement;
            let mut open = OpenTurn::new(turn);
            let rows = open.run(&writer, &sql, &values, rows)?;
            let count = rows.len();
            let (answer, turn) = match answer(rows) {
                Ok(answer) => (answer, open.turn.take()),
                Err(answer) => (answer, None),
            };
            let ended = turn.map(|turn| writer.end(turn, may_share));
            Ok::<_, SqliteError>((
                WrittenAlone { rows: count, answer, is_taken_back: ended.is_none() },
                ended,
            ))
        });
        let (written, ended) = task.await.map_err(|error| SqlError::OutcomeUnknown(error.to_string()))??;
        if let Some(ended) = ended {
            self.outcome(ended).await?;
        }
        Ok(written)
    }
}
