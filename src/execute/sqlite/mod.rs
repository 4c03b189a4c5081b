//! Reading from SQLite.
//!
//! sqlx has a thread for each connection and copies every value on its way from there. Here a statement is stepped where
//! its rows are wanted. What takes long must not keep a worker from its other requests: see [`LIGHT_STEPS`].

mod decoder;
mod file;
mod identity;
mod parameter;
mod time;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use decoder::decode;
use decoder::push;
use file::File;
pub(super) use identity::FileIdentity;
use parameter::Parameter;
use rusqlite::{Connection, ErrorCode, OpenFlags, StatementStatus};
use sea_orm::{ConnAcquireErr, DbErr, Value};
use sqlx::SqlitePool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::consume_budget;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::connect::ACQUIRE_TIMEOUT;
use super::row::RowSet;
use super::row_builder::RowSetBuilder;
use super::sql_error::{SQLITE_OVERFLOW, SqlError};
use crate::error::{Error, Result};
use crate::plan::Query;

/// A statement whose last run took at most so many steps of SQLite's machine runs on the worker that wants its rows: that
/// is over within a quarter of a millisecond, and changing threads would cost more than it is worth. One that takes more
/// than it did is stopped there and begun anew on a thread that may block, where the others run.
const LIGHT_STEPS: i32 = 10_000;

/// Sends what is only read, outside transactions.
#[derive(Debug)]
pub(super) struct SqliteReader {
    /// One place for each statement that runs on a thread that may block.
    room: Arc<Semaphore>,
    limit: usize,
    file: Arc<File>,
}

/// Why a statement brought no rows.
struct Fault(rusqlite::Error);

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl From<Fault> for Error {
    fn from(Fault(error): Fault) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => Self::conflict(error),
            Some(ErrorCode::OperationInterrupted) => Self::timeout(error),
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => Self::unavailable(error),
            _ if error.to_string() == SQLITE_OVERFLOW => Self::out_of_range(error),
            _ => Self::internal(error),
        }
    }
}

impl Fault {
    fn is_interrupt(&self) -> bool {
        self.0.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
    }

    /// Whether the connection is to blame, or the file below it.
    fn is_of_connection(&self) -> bool {
        let code = self.0.sqlite_error_code();
        matches!(
            code,
            Some(
                ErrorCode::CannotOpen
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
            )
        )
    }
}

/// Tells the thread that runs a statement when nobody waits for its rows any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl SqliteReader {
    /// Connections to the file of `pool`: one for each thread that reads, and beside them as many as the pool may have. None
    /// where others would not see the same: in memory, or with settings in the URL that are sqlx's to understand.
    pub fn new(url: &str, pool: &SqlitePool) -> Option<Self> {
        let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
        if url.contains(":memory:") || !["", "mode=ro", "mode=rw", "mode=rwc"].contains(&parameters) {
            return None;
        }
        let options = pool.connect_options();
        let file = File::new(options.get_filename().to_owned(), parameters == "mode=ro");
        // Whatever keeps it from being opened keeps it so.
        file.keep(file.open().ok()?);
        file.give_back(file.open().ok()?);
        let limit = pool.options().get_max_connections() as usize;
        Some(Self { room: Arc::new(Semaphore::new(limit)), limit, file: Arc::new(file) })
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(&self, query: &Query, values: Arc<[Value]>) -> Result<RowSet> {
        // Else one that reads again and again would never let others have the worker.
        consume_budget().await;
        if let Some(rows) = self.run_here(query, &values)? {
            return Ok(rows);
        }
        let place = self.place().await.map_err(SqlError::from)?;
        // It comes back knowing what the statement takes.
        let own = self.file.own().take();
        let waiting = Waiting(Arc::default());
        let given_up = waiting.0.clone();
        let (file, sql, rows) = (self.file.clone(), query.sql.clone(), RowSetBuilder::of(query));
        let task = spawn_blocking(move || {
            // In use until the statement is over, whether anybody waits for it or not.
            let _place: OwnedSemaphorePermit = place;
            let connection = match own.or_else(|| file.take_idle()) {
                Some(connection) => connection,
                None => file.open()?,
            };
            let ran = run_watched(&connection, given_up, &sql, &values, rows);
            if !ran.as_ref().is_err_and(Fault::is_of_connection) {
                file.give_back(connection);
            }
            ran
        });
        let ran = task.await.map_err(Error::internal)?;
        drop(waiting);
        Ok(ran?)
    }

    /// The rows of a statement over this thread's own connection, where it is known to be light and is so again.
    fn run_here(&self, query: &Query, values: &[Value]) -> Result<Option<RowSet>, Fault> {
        let mut own = self.file.own();
        if own.is_none() {
            *own = self.file.take_idle();
        }
        let Some(connection) = &*own else { return Ok(None) };
        let ran = run_light(connection, query, values);
        if ran.as_ref().is_err_and(Fault::is_of_connection) {
            *own = None;
        }
        ran
    }

    /// How many connections lie idle, and how many are in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        (self.file.kept(), self.limit.saturating_sub(self.room.available_permits()))
    }

    /// Closes what lies idle, and lets nobody in any more.
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

/// Checks that SQLite opens a file for writing: it falls back to reading where the system does not let it write.
///
/// # Errors
/// [`SqlError::ReadOnly`] where the file can only be read.
pub(super) async fn check_writable(file: PathBuf) -> std::result::Result<(), SqlError> {
    let is_read_only = move || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(file, flags)?.is_readonly(rusqlite::MAIN_DB)
    };
    match spawn_blocking(is_read_only).await {
        Ok(Ok(true)) => Err(SqlError::ReadOnly),
        Ok(Ok(false)) => Ok(()),
        Ok(Err(error)) => Err(SqlError::Unavailable(error.to_string())),
        Err(error) => Err(SqlError::Internal(error.to_string())),
    }
}

/// The rows of a statement, where it is known to be light and is so again.
fn run_light(connection: &Connection, query: &Query, values: &[Value]) -> Result<Option<RowSet>, Fault> {
    let run = || -> Result<_, Fault> {
        let mut statement = connection.prepare_cached(&query.sql)?;
        let steps = statement.reset_status(StatementStatus::VmStep);
        if !(1..=LIGHT_STEPS).contains(&steps) {
            return Ok(None);
        }
        fill(&mut statement, values, RowSetBuilder::of(query)).map(Some)
    };
    match run() {
        // Preparing it takes steps, too.
        Err(fault) if fault.is_interrupt() => Ok(None),
        ran => ran,
    }
}

/// The rows of a statement, as long as anybody waits for them.
fn run_watched(
    connection: &Connection,
    given_up: Arc<AtomicBool>,
    sql: &str,
    values: &[Value],
    rows: RowSetBuilder,
) -> Result<RowSet, Fault> {
    connection.progress_handler(LIGHT_STEPS, Some(move || given_up.load(Ordering::Relaxed)))?;
    let ran = connection
        .prepare_cached(sql)
        .map_err(Fault::from)
        .and_then(|mut statement| fill(&mut statement, values, rows));
    stop_where_heavy(connection)?;
    ran
}

/// The counter that calls this is the one that [`run_light`] sets back.
fn stop_where_heavy(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.progress_handler(LIGHT_STEPS, Some(|| true))?)
}

fn fill(
    statement: &mut rusqlite::Statement<'_>,
    values: &[Value],
    mut rows: RowSetBuilder,
) -> Result<RowSet, Fault> {
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, Parameter(value))?;
    }
    let columns = rows.columns().clone();
    let mut results = statement.raw_query();
    while let Some(row) = results.next()? {
        for (index, column_type) in columns.iter().enumerate() {
            push(&mut rows, row.get_ref(index), column_type)?;
        }
    }
    Ok(rows.finish())
}
