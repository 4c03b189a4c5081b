//! Reader of SQLite.
//!
//! sqlx has a thread per connection and copies every value from there. Here the requesting thread steps the
//! statement. Long statements must not block a worker's other requests: see [`LIGHT_STEPS`].

mod decoder;
mod file;
mod identity;
mod parameter;
mod snapshot;
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
pub(super) use snapshot::SqliteSnapshot;
use sqlx::SqlitePool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::consume_budget;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::connect::ACQUIRE_TIMEOUT;
use super::row::RowSet;
use super::row_builder::RowSetBuilder;
use super::sql_error::{Refusal, SqlError};
use crate::error::{Error, Result};
use crate::plan::Query;

/// Maximum number of virtual machine steps for a statement to run on the requesting worker. Such a statement
/// ends within a quarter of a millisecond, and a thread change would cost more than it saves. A statement
/// that exceeds the limit is stopped, and restarted on a blocking thread.
const LIGHT_STEPS: i32 = 10_000;

/// Reader outside transactions.
#[derive(Debug)]
pub(super) struct SqliteReader {
    /// Permits of the statements on blocking threads.
    room: Arc<Semaphore>,
    limit: usize,
    file: Arc<File>,
}

/// Error of a statement that reads.
struct Fault(rusqlite::Error);

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl From<Fault> for SqlError {
    fn from(Fault(error): Fault) -> Self {
        match error {
            _ if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure)
            ) =>
            {
                Self::Unavailable(error.to_string())
            }
            rusqlite::Error::SqliteFailure(failure, message) => Self::Refused(Box::new(Refusal {
                code: failure.extended_code.to_string(),
                message: message.unwrap_or_else(|| failure.to_string()),
                ..Refusal::default()
            })),
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        SqlError::from(fault).into()
    }
}

impl Fault {
    fn is_interrupt(&self) -> bool {
        self.0.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
    }

    /// Returns true if the connection, or its file, caused the error.
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

/// Guard that signals a statement's thread when the receiver is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl SqliteReader {
    /// Opens connections to the file of `pool`: one per reading thread, and as many blocking ones as the pool
    /// allows. `None` if other connections would see another database: in memory, or with URL settings that
    /// only sqlx understands.
    pub fn new(url: &str, pool: &SqlitePool) -> Option<Self> {
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
        Some(Self { room: Arc::new(Semaphore::new(limit)), limit, file: Arc::new(file) })
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(&self, query: &Query, values: Arc<[Value]>) -> Result<RowSet> {
        // Lets a task that reads repeatedly yield its worker.
        consume_budget().await;
        if let Some(rows) = self.run_here(query, &values)? {
            return Ok(rows);
        }
        let place = self.place().await.map_err(SqlError::from)?;
        // The connection returns with the statement's step count.
        let own = self.file.own().take();
        let waiting = Waiting(Arc::default());
        let given_up = waiting.0.clone();
        let (file, sql, rows) = (self.file.clone(), query.sql.clone(), RowSetBuilder::of(query));
        let task = spawn_blocking(move || {
            // In use until the statement ends, with or without a receiver.
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
    fn run_here(&self, query: &Query, values: &[Value]) -> Result<Option<RowSet>, Fault> {
        let mut own = self.file.own();
        if own.is_none() {
            *own = self.file.take_idle();
        }
        let Some(connection) = &*own else { return Ok(None) };
        let ran = run_light(connection, &query.sql, values, || RowSetBuilder::of(query));
        if ran.as_ref().is_err_and(Fault::is_of_connection) {
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

/// Checks that SQLite opens a file for writing: it falls back to reading where the system permits no more.
///
/// # Errors
/// [`SqlError::ReadOnly`] if the file can only be read.
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

/// Runs a known light statement; `None` if it is not light, or no longer.
fn run_light(
    connection: &Connection,
    sql: &str,
    values: &[Value],
    rows: impl FnOnce() -> RowSetBuilder,
) -> Result<Option<RowSet>, Fault> {
    let run = || -> Result<_, Fault> {
        let mut statement = connection.prepare_cached(sql)?;
        let steps = statement.reset_status(StatementStatus::VmStep);
        if !(1..=LIGHT_STEPS).contains(&steps) {
            return Ok(None);
        }
        fill(&mut statement, values, rows()).map(Some)
    };
    match run() {
        // Preparation takes steps too.
        Err(fault) if fault.is_interrupt() => Ok(None),
        ran => ran,
    }
}

/// Runs a statement until its receiver is dropped.
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

/// Stops statements above the limit. The step counter is the one that [`run_light`] resets.
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
