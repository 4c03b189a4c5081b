//! Reading from PostgreSQL, over connections of our own: sqlx's pool asks the server whether a connection lives whenever one
//! is given back, and each of its rows has allocations of its own.
//!
//! A statement that was over soon the last time shares one connection with all others of its thread and waits for none of
//! them. Any other has a connection to itself, or whatever came behind it would wait. A connection that turns out to be
//! broken is thrown away, and the statement sent once more: it only reads.

mod connection;
mod decoder;
mod fault;
mod numeric;
mod parameters;
mod startup;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{DbErr, QueryResult, Value};
use sqlx::{PgPool, Row, ValueRef};
use tokio::runtime::{Handle, Id};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::connect::ACQUIRE_TIMEOUT;
use super::row::{RowSet, Unreadable};
use super::row_builder::RowSetBuilder;
use crate::error::Result;
use crate::plan::Query;
use connection::{Answer, Connection};
use decoder::Form;
pub(super) use decoder::is_readable;
use fault::Fault;
use startup::Place;

/// How long the server may take to let a connection in: one that is there needs far less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A statement for which the server worked no longer than this shares a connection the next time.
const SHORT: Duration = Duration::from_millis(5);

/// Sends what is only read, outside transactions.
#[derive(Debug)]
pub(super) struct PostgresReader {
    place: Arc<Place>,
    lifetime: Option<Duration>,
    /// The connection that the short statements of a thread (of a runtime, to be exact) share.
    shared: Mutex<Vec<(Id, Arc<OnceCell<Connection>>)>>,
    /// One place for each connection that a statement has to itself.
    room: Semaphore,
    limit: usize,
    idle: Mutex<Vec<Connection>>,
}

/// A place among the connections that have one statement each. Its connection goes back only when it is there at the end: a
/// statement that was given up half-way has taken it along, which ends it at the server, too.
struct Lease<'a> {
    reader: &'a PostgresReader,
    connection: Option<Connection>,
    _place: SemaphorePermit<'a>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let good = self.connection.take().filter(|connection| self.reader.is_good(connection));
        self.reader.idle().extend(good);
    }
}

impl PostgresReader {
    /// Connections as those of `pool`: opened when they are needed, one a thread, and beside them no more than the pool's own.
    ///
    /// # Errors
    /// When the pool's settings cannot be followed.
    pub fn new(pool: &PgPool) -> Result<Self, DbErr> {
        let limit = pool.options().get_max_connections() as usize;
        let place = Place::new(&pool.connect_options());
        Ok(Self {
            place: Arc::new(
                place.map_err(|fault| DbErr::Conn(sea_orm::RuntimeErr::Internal(fault.to_string())))?,
            ),
            lifetime: pool.options().get_max_lifetime(),
            shared: Mutex::default(),
            room: Semaphore::new(limit),
            limit,
            idle: Mutex::default(),
        })
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(&self, query: &Query, values: Arc<[Value]>) -> Result<RowSet> {
        let send = async |connection: &Connection| {
            let rows = RowSetBuilder::of(query);
            let answer = connection.read(query.sql.clone(), values.clone(), rows).await;
            if let Ok(Answer { worked, .. }) = &answer {
                query.last_run.note_pace(*worked <= SHORT);
            }
            answer
        };
        if query.last_run.was_short() {
            let shared = self.shared().await?;
            if let Some(connection) = shared.get() {
                match send(connection).await {
                    Err(fault) if fault.is_stale() => self.forget(&fault),
                    answer => return Ok(answer?.rows),
                }
            }
        }
        let mut lease = self.take().await?;
        if let Some(connection) = lease.connection.take() {
            match send(&connection).await {
                Err(fault) if fault.is_stale() => self.forget(&fault),
                answer => {
                    lease.connection = Some(connection);
                    return Ok(answer?.rows);
                }
            }
        }
        let connection = self.open().await?;
        let answer = send(&connection).await;
        lease.connection = Some(connection);
        Ok(answer?.rows)
    }

    /// How many connections lie idle, and how many are in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        let shared = self.connections();
        let busy = shared.iter().filter(|(_, connection)| Arc::strong_count(connection) > 1).count();
        let alone = self.limit.saturating_sub(self.room.available_permits());
        (self.idle().len() + shared.len() - busy, alone + busy)
    }

    /// Closes what lies idle, and lets nobody in any more.
    pub fn close(&self) {
        self.room.close();
        self.connections().clear();
        self.idle().clear();
    }

    /// The connection that the short statements of this thread share.
    async fn shared(&self) -> Result<Arc<OnceCell<Connection>>> {
        let home = Handle::current().id();
        let shared = {
            let mut connections = self.connections();
            connections.retain(|(_, connection)| connection.get().is_none_or(|open| self.is_good(open)));
            match connections.iter().find(|(known, _)| *known == home) {
                Some((_, connection)) => connection.clone(),
                None if self.room.is_closed() => return Err(Fault::Closed.into()),
                None => {
                    let connection = Arc::new(OnceCell::new());
                    connections.push((home, connection.clone()));
                    connection
                }
            }
        };
        shared.get_or_try_init(|| self.open()).await?;
        Ok(shared)
    }

    /// A place, with an idle connection where there is a good one.
    async fn take(&self) -> Result<Lease<'_>> {
        let place = match self.room.try_acquire() {
            Ok(place) => place,
            Err(_) => timeout(ACQUIRE_TIMEOUT, self.room.acquire())
                .await
                .map_err(|_| Fault::Slow(ACQUIRE_TIMEOUT))?
                .map_err(|_| Fault::Closed)?,
        };
        let home = Handle::current().id();
        let mut idle = self.idle();
        idle.retain(|connection| self.is_good(connection));
        // Another thread's can be used, and wakes that thread for each answer.
        let near = idle.iter().rposition(|connection| connection.home == home);
        let index = near.or_else(|| idle.len().checked_sub(1));
        let connection = index.map(|index| idle.swap_remove(index));
        Ok(Lease { reader: self, connection, _place: place })
    }

    async fn open(&self) -> Result<Connection, Fault> {
        let opened = timeout(CONNECT_TIMEOUT, Connection::open(&self.place)).await;
        let opened = opened.unwrap_or(Err(Fault::Slow(CONNECT_TIMEOUT)));
        opened.map_err(|fault| Fault::Refused(fault.to_string()))
    }

    fn is_good(&self, connection: &Connection) -> bool {
        let is_young = self.lifetime.is_none_or(|lifetime| connection.since.elapsed() < lifetime);
        connection.is_open() && is_young
    }

    /// What ended one connection has most likely ended those that lie idle.
    fn forget(&self, fault: &Fault) {
        tracing::info!(%fault, "a connection to the database is lost");
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
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
