//! Pool of connections with one user each.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::Value;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connection::{Connection, StatementResult};
use super::fault::Fault;
use crate::database::row_builder::RowSetBuilder;
use crate::database::settings::ACQUIRE_TIMEOUT;
use crate::policy::SessionSettings;

/// Time for which a cancelled statement keeps its place in the pool while it is ended at the server.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Bounded number of connections, with the idle ones among them.
#[derive(Debug)]
pub(super) struct Pool {
    room: Arc<Semaphore>,
    limit: usize,
    idle: Mutex<Vec<Connection>>,
}

/// Permit of a pool, with a connection if one is open. An idle connection returns to the pool. A connection
/// with an abandoned statement is ended, at the server too, and keeps the permit until then.
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    place: Option<OwnedSemaphorePermit>,
    is_busy: bool,
    /// Runs after an abandoned statement has ended at the server.
    on_end: Option<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, is_busy, .. } = self;
        formatter.debug_struct("Lease").field("connection", connection).field("is_busy", is_busy).finish()
    }
}

impl Pool {
    pub fn new(limit: usize) -> Arc<Self> {
        let room = Arc::new(Semaphore::new(limit));
        Arc::new(Self { room, limit, idle: Mutex::default() })
    }

    /// Takes a permit, with an idle connection if a good one exists.
    pub async fn take(self: &Arc<Self>) -> Result<Lease, Fault> {
        let place = match self.room.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => timeout(ACQUIRE_TIMEOUT, self.room.clone().acquire_owned())
                .await
                .map_err(|_| Fault::Slow(ACQUIRE_TIMEOUT))?
                .map_err(|_| Fault::Closed)?,
        };
        let home = Handle::current().id();
        let mut idle = self.idle();
        idle.retain(Connection::is_good);
        // A connection of another thread works too, but wakes that thread for each answer.
        let near = idle.iter().rposition(|connection| connection.home == home);
        let index = near.or_else(|| idle.len().checked_sub(1));
        let connection = index.map(|index| idle.swap_remove(index));
        Ok(Lease { pool: self.clone(), connection, place: Some(place), is_busy: false, on_end: None })
    }

    /// Returns the numbers of idle connections, and of connections in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        (self.idle().len(), self.limit.saturating_sub(self.room.available_permits()))
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Closes idle connections.
    pub fn forget(&self) {
        self.idle().clear();
    }

    /// Closes idle connections, and refuses new users.
    pub fn close(&self) {
        self.room.close();
        self.forget();
    }

    pub fn is_closed(&self) -> bool {
        self.room.is_closed()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Puts a connection into the lease, and ends the previous one.
    pub fn put(&mut self, connection: Connection) {
        self.connection = Some(connection);
        self.is_busy = false;
    }

    /// Marks the connection as unfit for reuse, or as fit again.
    pub fn set_busy(&mut self, is_busy: bool) {
        self.is_busy = is_busy;
    }

    /// Sets a function that runs once an abandoned statement has ended at the server.
    pub fn set_on_end(&mut self, on_end: Box<dyn FnOnce() + Send>) {
        self.on_end = Some(on_end);
    }

    /// Sends a statement outside any transaction, and waits for its rows.
    pub async fn read(
        &mut self,
        sql: Arc<str>,
        values: Arc<[Value]>,
        settings: Option<Arc<SessionSettings>>,
        rows: RowSetBuilder,
    ) -> Result<StatementResult, Fault> {
        let Some(connection) = &self.connection else { return Err(Fault::Closed) };
        self.is_busy = true;
        let answer = connection.read(sql, values, settings, rows).await;
        self.is_busy = false;
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.is_busy {
            let good = Some(connection).filter(Connection::is_good);
            // A closed pool has no further users.
            self.pool.idle().extend(good.filter(|_| !self.pool.is_closed()));
            return;
        }
        let (place, on_end) = (self.place.take(), self.on_end.take());
        // Without a runtime the connection's task is gone as well.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                connection.give_up(END_PATIENCE).await;
                drop(place);
                if let Some(on_end) = on_end {
                    on_end();
                }
            });
        }
    }
}
