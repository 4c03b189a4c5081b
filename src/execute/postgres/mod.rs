//! PostgreSQL, over connections of our own: sqlx's pool asks the server whether a connection lives whenever one is given back,
//! cannot end a statement at the server, and each of its rows has allocations of its own.
//!
//! A statement that only reads and was over soon the last time shares one connection with all others of its thread and waits
//! for none of them. Any other has a connection to itself, or whatever came behind it would wait. A connection that turns out
//! to be broken is thrown away, and the statement sent once more. A transaction has a connection to itself as well, from a
//! pool of their own.

mod abandon;
mod connection;
mod decoder;
mod fault;
mod inbox;
mod numeric;
mod parameters;
mod pool;
mod prepared;
mod startup;
mod stream;
mod transaction;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{QueryResult, Value};
use sqlx::{Row, ValueRef};
use tokio::runtime::{Handle, Id};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::presence::PATIENCE;
use super::row::{RowSet, Unreadable};
use super::row_builder::RowSetBuilder;
use super::sql_error::SqlError;
use crate::error::Result;
use crate::model::ColumnType;
use crate::plan::Query;
use connection::{Answer, Connection};
use decoder::Form;
pub(super) use decoder::is_readable;
use fault::Fault;
use pool::Pool;
pub(super) use startup::{Place, explore};
pub(super) use transaction::PostgresTransaction;

/// How long the server may take to let a connection in: one that is there needs far less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A statement for which the server worked no longer than this shares a connection the next time.
const SHORT: Duration = Duration::from_millis(5);

/// Asks whether a transaction of a new connection only reads, as at a standby server, though the settings of the connection
/// itself (`options` in the URL) do not ask for that.
const ONLY_READS: &str = "SELECT current_setting('transaction_read_only') = 'on' AND NOT EXISTS (
    SELECT FROM pg_settings
    WHERE name = 'default_transaction_read_only' AND setting = 'on' AND source IN ('client', 'session'))";

/// Every connection to one database.
#[derive(Debug)]
pub(super) struct PostgresConnections {
    place: Arc<Place>,
    /// The connection that the short statements of a thread (of a runtime, to be exact) share.
    shared: Mutex<Vec<(Id, Arc<OnceCell<Connection>>)>>,
    /// For what is only read, one statement each.
    reading: Arc<Pool>,
    /// For transactions.
    writing: Arc<Pool>,
}

impl PostgresConnections {
    /// Connections to `place`, opened when they are needed: one a thread for short statements, and beside them no more than
    /// `limit` for what is only read, and as many for transactions.
    pub fn new(place: Arc<Place>, limit: usize) -> Arc<Self> {
        let (reading, writing) = (Pool::new(limit), Pool::new(limit));
        Arc::new(Self { place, shared: Mutex::default(), reading, writing })
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(&self, query: &Query, values: Arc<[Value]>) -> Result<RowSet> {
        let note = |answer: &Result<Answer, Fault>| match answer {
            Ok(Answer { worked, .. }) => query.last_run.note_pace(*worked <= SHORT),
            Err(Fault::Silent) => query.last_run.note_pace(false),
            Err(_) => {}
        };
        if query.last_run.was_short() {
            let shared = self.shared().await?;
            if let Some(connection) = shared.get() {
                let rows = RowSetBuilder::of(query);
                let answer = connection.read(query.sql.clone(), values.clone(), rows).await;
                note(&answer);
                match answer {
                    Err(fault) if fault.is_stale() => self.forget(&fault),
                    answer => return Ok(answer?.rows),
                }
            }
        }
        let answer = self.read_alone(&query.sql, values, || RowSetBuilder::of(query)).await;
        note(&answer);
        Ok(answer?.rows)
    }

    /// Sends a statement that reads and of which nothing is known, and decodes its rows.
    pub async fn ask(&self, sql: &str, values: Arc<[Value]>, columns: Arc<[ColumnType]>) -> Result<RowSet> {
        let rows = || RowSetBuilder::new(columns.clone());
        Ok(self.read_alone(&sql.into(), values, rows).await?.rows)
    }

    /// A transaction, which has a connection. Nothing is sent before its first statement.
    pub async fn begin(self: &Arc<Self>) -> Result<PostgresTransaction, Fault> {
        let mut lease = self.writing.take().await?;
        if lease.connection().is_none() {
            lease.put(self.open(false).await?);
        }
        Ok(PostgresTransaction::new(self.clone(), lease))
    }

    /// Opens a connection, asks whether the server takes writes, and closes the connection again. A server that does not
    /// answer the question may be behind a pooler that is busy: that is no refusal.
    ///
    /// # Errors
    /// What keeps the server from being used, within a second; [`SqlError::ReadOnly`] where the server takes no writes.
    pub async fn reach(&self) -> Result<(), SqlError> {
        let opened = timeout(PATIENCE, self.open(false)).await.map_err(|_| Fault::Slow(PATIENCE))?;
        let rows = RowSetBuilder::new([ColumnType::Boolean].into());
        let connection = opened?;
        let asked = connection.read(ONLY_READS.into(), [].into(), rows);
        let Ok(answer) = timeout(PATIENCE, asked).await else { return Ok(()) };
        match answer?.rows.row(0).value(0) {
            Value::Bool(Some(true)) => Err(SqlError::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Whether a pooler gives each transaction to any connection of the server.
    pub fn is_pooled(&self) -> bool {
        self.place.is_pooled()
    }

    /// How many connections lie idle, and how many are in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        let shared = self.connections();
        let busy = shared.iter().filter(|(_, connection)| Arc::strong_count(connection) > 1).count();
        let pools = [&self.reading, &self.writing].map(|pool| pool.idle_and_busy());
        let idle: usize = pools.iter().map(|(idle, _)| idle).sum();
        let alone: usize = pools.iter().map(|(_, busy)| busy).sum();
        (idle + shared.len() - busy, alone + busy)
    }

    /// How many more connections transactions may have.
    pub fn room(&self) -> usize {
        let (idle, busy) = self.writing.idle_and_busy();
        self.writing.limit().saturating_sub(idle + busy)
    }

    /// Closes what lies idle, and lets nobody in any more.
    pub fn close(&self) {
        self.reading.close();
        self.writing.close();
        self.connections().clear();
    }

    async fn read_alone(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: impl Fn() -> RowSetBuilder,
    ) -> Result<Answer, Fault> {
        let mut lease = self.reading.take().await?;
        if lease.connection().is_some() {
            match lease.read(sql.clone(), values.clone(), rows()).await {
                Err(fault) if fault.is_stale() => self.forget(&fault),
                answer => return self.noted(answer),
            }
        }
        lease.put(self.open(false).await?);
        let answer = lease.read(sql.clone(), values, rows()).await;
        self.noted(answer)
    }

    /// The connection that the short statements of this thread share.
    async fn shared(&self) -> Result<Arc<OnceCell<Connection>>> {
        let home = Handle::current().id();
        let shared = {
            let mut connections = self.connections();
            connections.retain(|(_, connection)| connection.get().is_none_or(Connection::is_good));
            match connections.iter().find(|(known, _)| *known == home) {
                Some((_, connection)) => connection.clone(),
                None if self.reading.is_closed() => return Err(Fault::Closed.into()),
                None => {
                    let connection = Arc::new(OnceCell::new());
                    connections.push((home, connection.clone()));
                    connection
                }
            }
        };
        shared.get_or_try_init(|| self.open(true)).await?;
        Ok(shared)
    }

    async fn open(&self, is_shared: bool) -> Result<Connection, Fault> {
        let patience = self.place.connect_timeout();
        let opened = timeout(patience, Connection::open(&self.place, is_shared)).await;
        let opened = opened.unwrap_or(Err(Fault::Slow(patience)));
        opened.map_err(|fault| Fault::Refused(fault.to_string()))
    }

    fn noted(&self, answer: Result<Answer, Fault>) -> Result<Answer, Fault> {
        if let Err(fault) = &answer
            && fault.is_of_all()
        {
            self.forget(fault);
        }
        answer
    }

    /// What ended one connection has most likely ended those that lie idle.
    fn forget(&self, fault: &Fault) {
        tracing::info!(%fault, "a connection to the database is lost");
        self.reading.forget();
        self.writing.forget();
    }

    fn connections(&self) -> MutexGuard<'_, Vec<(Id, Arc<OnceCell<Connection>>)>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decodes rows that came through sqlx: those of a transaction.
pub(super) fn decode(results: &[QueryResult], rows: &mut RowSetBuilder) {
    let columns = rows.columns().clone();
    let mut forms: Vec<Form> = Vec::new();
    for result in results {
        for (index, column_type) in columns.iter().enumerate() {
            let value = result.try_as_pg_row().map(|row| row.try_get_raw(index));
            let Some(Ok(value)) = value else {
                rows.push_unreadable(Unreadable::WrongType);
                continue;
            };
            let bytes = if value.is_null() { Ok(None) } else { value.as_bytes().map(Some) };
            if forms.len() == index {
                let oid = value.type_info().oid().map_or(0, |oid| oid.0);
                forms.push(Form::of(column_type, oid));
            }
            match bytes {
                Ok(bytes) => forms[index].decode(bytes, rows),
                Err(_) => rows.push_unreadable(Unreadable::Malformed),
            }
        }
    }
}
