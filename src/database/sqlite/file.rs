//! Database file, and its open connections.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use regex::Regex;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use thread_local::ThreadLocal;

use super::fault::SqliteError;
use super::steps::stop_where_heavy;
use crate::database::settings::{ACQUIRE_TIMEOUT, SQLITE_CACHE, SQLITE_JOURNAL_BYTES, Synchronous};

/// Prepared statements that each connection caches.
const KEPT_STATEMENTS: usize = 256;

#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    is_read_only: bool,
    /// Connection of each thread for statements that the thread runs itself: without contention, and with
    /// SQLite's page cache in this processor's cache.
    own: ThreadLocal<Mutex<Option<Connection>>>,
    /// Idle connections of blocking threads; `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
    /// Connection that is never used: while it is open, no closing connection deletes the write-ahead log.
    keeper: Mutex<Option<Connection>>,
}

impl File {
    pub fn new(path: PathBuf, is_read_only: bool) -> Self {
        Self {
            path,
            is_read_only,
            own: ThreadLocal::new(),
            idle: Mutex::new(Some(Vec::new())),
            keeper: Mutex::default(),
        }
    }

    /// Keeps a connection open until `close`.
    pub fn keep(&self, keeper: Connection) {
        *locked(&self.keeper) = Some(keeper);
    }

    /// Opens a connection that reads.
    pub fn open(&self) -> Result<Connection, SqliteError> {
        let connection = self.open_file()?;
        connection.pragma_update(None, "query_only", true)?;
        stop_where_heavy(&connection)?;
        Ok(connection)
    }

    /// Opens a connection that writes.
    pub fn open_to_write(&self, synchronous: Synchronous) -> Result<Connection, SqliteError> {
        let connection = self.open_file()?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", synchronous.as_str())?;
        connection.pragma_update(None, "journal_size_limit", SQLITE_JOURNAL_BYTES)?;
        Ok(connection)
    }

    fn open_file(&self) -> Result<Connection, SqliteError> {
        // A reader may have to write too: to the index of the write-ahead log, and for recovery after a
        // crash.
        let mode = if self.is_read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(ACQUIRE_TIMEOUT)?;
        connection.pragma_update(None, "cache_size", SQLITE_CACHE)?;
        // Disables value-dependent re-preparation (QPSG), which would otherwise affect nearly every
        // statement.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(KEPT_STATEMENTS);
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("regexp", 2, flags, regexp)?;
        // Loads the schema now; the first statement would load it otherwise, perhaps on a worker.
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    }

    /// Returns this thread's connection; `None` before the first use, or while a blocking statement has it.
    pub fn own(&self) -> MutexGuard<'_, Option<Connection>> {
        locked(self.own.get_or_default())
    }

    /// Takes an idle connection.
    pub fn take_idle(&self) -> Option<Connection> {
        locked(&self.idle).as_mut()?.pop()
    }

    /// Returns a connection to the idle ones, or closes it once the file is closed.
    pub fn give_back(&self, connection: Connection) {
        if let Some(idle) = &mut *locked(&self.idle) {
            idle.push(connection);
        }
    }

    /// Returns the number of open connections.
    pub fn kept(&self) -> usize {
        let own = self.own.iter().filter(|own| locked(own).is_some());
        own.count() + locked(&self.idle).as_ref().map_or(0, Vec::len)
    }

    /// Closes all connections.
    pub fn close(&self) {
        self.own.iter().for_each(|own| *locked(own) = None);
        *locked(&self.idle) = None;
        *locked(&self.keeper) = None;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Implements `value REGEXP pattern`, as sqlx defines it. NULL for a value that is no text.
fn regexp(context: &Context<'_>) -> rusqlite::Result<Option<bool>> {
    let (Some(_), Some(text)) = (shown(context.get_raw(0)), shown(context.get_raw(1))) else {
        return Ok(None);
    };
    let pattern = context.get_or_create_aux(
        0,
        |pattern| -> Result<Regex, Box<dyn std::error::Error + Send + Sync>> {
            Ok(Regex::new(&shown(pattern).unwrap_or_default())?)
        },
    )?;
    Ok(Some(pattern.is_match(&text)))
}

/// Returns a value as text, or `None` for NULL, blobs, and text that is not UTF-8.
fn shown(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => None,
        ValueRef::Integer(value) => Some(value.to_string().into()),
        ValueRef::Real(value) => Some(format!("{value:?}").into()),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(Into::into),
    }
}
