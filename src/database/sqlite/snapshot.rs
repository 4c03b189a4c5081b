//! Snapshot reads: several statements over one connection that see one state of the file
//! (<https://www.sqlite.org/isolation.html>).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, ThreadId};

use rusqlite::Connection;
use sea_orm::Value;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio::task::coop::consume_budget;
use tokio::task::spawn_blocking;

use super::fault::SqliteError;
use super::file::File;
use super::steps::{CancelGuard, run_light, run_watched};
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::sql_error::SqlError;

/// Transaction that only reads. The statements run one after another, and a drop ends the transaction.
#[derive(Debug)]
pub(in crate::database) struct SqliteSnapshot {
    /// `None` after an abandoned statement.
    held: Mutex<Option<Held>>,
    _place: OwnedSemaphorePermit,
}

/// Connection with an open transaction. A drop ends the transaction and returns the connection.
#[derive(Debug)]
struct Held {
    file: Arc<File>,
    /// `None` once the connection is broken.
    connection: Option<Connection>,
    /// Thread that began the transaction.
    home: ThreadId,
}

impl SqliteSnapshot {
    pub(super) fn begin(
        file: Arc<File>,
        connection: Connection,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, SqliteError> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        let held = Held { file, connection: Some(connection), home: thread::current().id() };
        Ok(Self { held: Mutex::new(Some(held)), _place: place })
    }

    /// Sends a statement, and decodes its rows.
    pub async fn read(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: impl Fn() -> RowSetBuilder,
    ) -> Result<RowSet, SqlError> {
        // Requests whose statements are all light would otherwise keep the worker.
        consume_budget().await;
        let mut slot = self.held.lock().await;
        let mut held = slot.take().ok_or_else(is_over)?;
        let ran = held.run(|connection| run_light(connection, sql, &values, &rows));
        if let Some(rows) = ran.transpose() {
            *slot = Some(held);
            return Ok(rows?);
        }
        let waiting = CancelGuard(Arc::<AtomicBool>::default());
        let (given_up, sql, rows) = (waiting.0.clone(), sql.clone(), rows());
        let task = spawn_blocking(move || {
            let ran = held.run(|connection| run_watched(connection, given_up, &sql, &values, rows));
            (held, ran)
        });
        let (held, ran) = task.await.map_err(|error| SqlError::Internal(error.to_string()))?;
        drop(waiting);
        *slot = Some(held);
        Ok(ran?)
    }
}

impl Held {
    fn run<T>(&mut self, run: impl FnOnce(&Connection) -> Result<T, SqliteError>) -> Result<T, SqliteError> {
        let Some(connection) = &self.connection else {
            return Err(SqliteError(rusqlite::Error::InvalidQuery));
        };
        let ran = run(connection);
        if ran.as_ref().is_err_and(SqliteError::is_of_connection) {
            self.connection = None;
        }
        ran
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let commit = || connection.prepare_cached("COMMIT")?.execute([]);
        if commit().is_err() {
            return;
        }
        let is_home = thread::current().id() == self.home;
        match is_home.then(|| self.file.own()) {
            Some(mut own) if own.is_none() => *own = Some(connection),
            _ => self.file.give_back(connection),
        }
    }
}

fn is_over() -> SqlError {
    SqlError::Internal("the snapshot is over".to_owned())
}
