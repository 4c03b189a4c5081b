//! Reader outside transactions.

use std::sync::Arc;

use sea_orm::{ConnAcquireErr, DbErr, Value};
use sqlx::SqlitePool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::consume_budget;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::fault::SqliteError;
use super::file::File;
use super::snapshot::SqliteSnapshot;
use super::steps::{CancelGuard, run_light, run_watched};
use super::writer::SqliteWriter;
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::settings::{ACQUIRE_TIMEOUT, Synchronous};
use crate::database::sql_error::SqlError;
use crate::database::tracked_statement::TrackedStatement;
use crate::error::{Error, Result};

/// Reader outside transactions.
#[derive(Debug)]
pub(in crate::database) struct SqliteReader {
    /// Permits of the statements on blocking threads.
    room: Arc<Semaphore>,
    limit: usize,
    file: Arc<File>,
    writer: Arc<SqliteWriter>,
}

impl SqliteReader {
    /// Opens connections to the file of `pool`: one per reading thread, and as many blocking ones as the pool
    /// allows. `None` if other connections would see another database: in memory, or with URL settings that
    /// only sqlx understands.
    pub fn new(url: &str, pool: &SqlitePool, synchronous: Synchronous) -> Option<Self> {
        let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
        if url.contains(":memory:") || !["", "mode=ro", "mode=rw", "mode=rwc"].contains(&parameters) {
            return None;
        }
        let options = pool.connect_options();
        let file = File::new(options.get_filename().to_owned(), parameters == "mode=ro");
        // A cause that prevents one connection prevents all.
        file.keep(file.open().ok()?);
        file.give_back(file.open().ok()?);
        let limit = pool.options().get_max_connections() as usize;
        let file = Arc::new(file);
        let writer = Arc::new(SqliteWriter::new(file.clone(), synchronous));
        Some(Self { room: Arc::new(Semaphore::new(limit)), limit, file, writer })
    }

    /// Returns the writer of the same file.
    pub fn writer(&self) -> &Arc<SqliteWriter> {
        &self.writer
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(&self, query: &TrackedStatement, values: Arc<[Value]>) -> Result<RowSet> {
        // Lets a task that reads repeatedly yield its worker.
        consume_budget().await;
        if let Some(rows) = self.run_here(query, &values)? {
            return Ok(rows);
        }
        let place = self.place().await.map_err(SqlError::from)?;
        // The connection returns with the statement's step count.
        let own = self.file.own().take();
        let waiting = CancelGuard(Arc::default());
        let given_up = waiting.0.clone();
        let (file, sql, rows) = (self.file.clone(), query.statement.sql.clone(), RowSetBuilder::of(query));
        let task = spawn_blocking(move || {
            // In use until the statement ends, with or without a receiver.
            let _place: OwnedSemaphorePermit = place;
            let connection = match own.or_else(|| file.take_idle()) {
                Some(connection) => connection,
                None => file.open()?,
            };
            let ran = run_watched(&connection, given_up, &sql, &values, rows);
            if !ran.as_ref().is_err_and(SqliteError::is_of_connection) {
                file.give_back(connection);
            }
            ran
        });
        let ran = task.await.map_err(Error::internal)?;
        drop(waiting);
        Ok(ran?)
    }

    /// Begins a transaction that reads one snapshot. SQLite takes the snapshot with the first statement.
    pub async fn begin_snapshot(&self) -> Result<SqliteSnapshot, SqlError> {
        let place = self.place().await?;
        let kept = self.file.own().take().or_else(|| self.file.take_idle());
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let file = self.file.clone();
                let opened = spawn_blocking(move || file.open()).await;
                opened.map_err(|error| SqlError::Internal(error.to_string()))??
            }
        };
        Ok(SqliteSnapshot::begin(self.file.clone(), connection, place)?)
    }

    /// Runs a known light statement over this thread's connection; `None` if it is not light.
    fn run_here(&self, query: &TrackedStatement, values: &[Value]) -> Result<Option<RowSet>, SqliteError> {
        let mut own = self.file.own();
        if own.is_none() {
            *own = self.file.take_idle();
        }
        let Some(connection) = &*own else { return Ok(None) };
        let ran = run_light(connection, &query.statement.sql, values, || RowSetBuilder::of(query));
        if ran.as_ref().is_err_and(SqliteError::is_of_connection) {
            *own = None;
        }
        ran
    }

    /// Returns the numbers of idle connections, and of connections in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        (self.file.kept(), self.limit.saturating_sub(self.room.available_permits()))
    }

    /// Closes idle connections, and refuses new users.
    pub fn close(&self) {
        self.room.close();
        self.file.close();
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        if let Ok(place) = self.room.clone().try_acquire_owned() {
            return Ok(place);
        }
        timeout(ACQUIRE_TIMEOUT, self.room.clone().acquire_owned())
            .await
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }
}
