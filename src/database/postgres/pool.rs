//! Pool of connections with one user each.
//!
//! A connection belongs to the runtime that opened it. A user of another runtime, which is another thread of the server, can use
//! it too, but each of its answers then wakes both threads, which takes longer than a short statement. So a freed
//! connection goes to a user of its own runtime first. If busy runtimes have unequal numbers of connections, one is closed for one of
//! the other runtime. Equal numbers stay as they are: a new connection starts a process of the server, which prepares all statements
//! anew.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sea_orm::Value;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection::{Connection, StatementResult};
use super::fault::Fault;
use crate::database::row_builder::RowSetBuilder;
use crate::database::settings::ACQUIRE_TIMEOUT;
use crate::policy::SessionSettings;

/// Time for which a cancelled statement keeps its place in the pool while it is ended at the server.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Maximum time by which a user of the connection's own runtime goes before one that came earlier.
const PRECEDENCE: Duration = Duration::from_millis(10);

/// Bounded number of connections, with the idle ones among them.
#[derive(Debug)]
pub(super) struct Pool {
    limit: usize,
    state: Mutex<PoolState>,
}

#[derive(Debug, Default)]
struct PoolState {
    idle: Vec<Connection>,
    /// Number of places that users hold, each with a connection or the right to open one.
    held: usize,
    /// Users that wait for a place, in the order of their arrival.
    waiting: VecDeque<Waiter>,
    /// Runtimes of the connections that are open or being opened; those of closed ones are gone.
    homes: Vec<Weak<Id>>,
    is_closed: bool,
}

#[derive(Debug)]
struct Waiter {
    home: Id,
    since: Instant,
    place: oneshot::Sender<Lease>,
}

/// Place of a pool, with a connection if one is open. An idle connection returns to the pool. A connection
/// with an abandoned statement is ended, at the server too, and keeps the place until then.
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    /// Runtime that is to open a connection, until then.
    opening: Option<Arc<Id>>,
    /// False once the place is given back, or belongs to the end of an abandoned statement.
    has_place: bool,
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
        Arc::new(Self { limit, state: Mutex::default() })
    }

    /// Takes a place: with an idle connection of this runtime, to open one, or with an idle one of another runtime, in this order.
    /// Waits while all places are held.
    pub async fn take(self: &Arc<Self>) -> Result<Lease, Fault> {
        let home = Handle::current().id();
        let given = {
            let mut state = self.state();
            if state.is_closed {
                return Err(Fault::Closed);
            }
            state.idle.retain(Connection::is_good);
            if state.held < self.limit {
                state.held += 1;
                let near = state.idle.iter().rposition(|connection| *connection.home == home);
                let is_full = state.held + state.idle.len() > self.limit;
                let index = near.or_else(|| is_full.then(|| state.idle.len() - 1));
                let connection = index.map(|index| state.idle.swap_remove(index));
                return Ok(self.lease(&mut state, connection, home));
            }
            let (place, given) = oneshot::channel();
            state.waiting.push_back(Waiter { home, since: Instant::now(), place });
            given
        };
        let given = timeout(ACQUIRE_TIMEOUT, given).await.map_err(|_| Fault::Slow(ACQUIRE_TIMEOUT))?;
        given.map_err(|_| Fault::Closed)
    }

    fn lease(self: &Arc<Self>, state: &mut PoolState, connection: Option<Connection>, home: Id) -> Lease {
        let opening = connection.is_none().then(|| Arc::new(home));
        state.add_home(opening.as_ref());
        Lease { pool: self.clone(), connection, opening, has_place: true, is_busy: false, on_end: None }
    }

    /// Gives a place to the next waiting user, or keeps its connection.
    fn give_back(self: &Arc<Self>, connection: Option<Connection>) {
        let mut connection = connection.filter(Connection::is_good);
        loop {
            let mut state = self.state();
            state.waiting.retain(|waiter| !waiter.place.is_closed());
            let home = connection.as_ref().map(|connection| *connection.home);
            let Some(next) = next_of(&state.waiting, home, |home| state.connections_of(home)) else {
                state.held -= 1;
                // A closed pool has no further users.
                let kept = connection.filter(|_| !state.is_closed);
                state.idle.extend(kept);
                return;
            };
            let Some(waiter) = state.waiting.remove(next.index) else { continue };
            let unused = if next.opens { connection.take() } else { None };
            let lease = self.lease(&mut state, connection, waiter.home);
            drop((state, unused));
            // The user may have left just now.
            match waiter.place.send(lease) {
                Ok(()) => return,
                Err(mut refused) => {
                    refused.has_place = false;
                    connection = refused.connection.take();
                }
            }
        }
    }

    /// Returns the numbers of idle connections, and of connections in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        let state = self.state();
        (state.idle.len(), state.held)
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Closes idle connections.
    pub fn forget(&self) {
        self.state().idle.clear();
    }

    /// Closes idle connections, and refuses new users.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.idle.clear();
        state.waiting.clear();
    }

    pub fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// User that gets a freed place.
#[derive(Debug, PartialEq, Eq)]
struct Next {
    index: usize,
    /// True if the user opens a connection of its own, instead of the freed one.
    opens: bool,
}

impl PoolState {
    /// Adds the runtime of a connection, and drops those of closed ones.
    fn add_home(&mut self, home: Option<&Arc<Id>>) {
        self.homes.retain(|home| home.strong_count() > 0);
        self.homes.extend(home.map(Arc::downgrade));
    }

    /// Returns the number of a runtime's connections that are open or being opened.
    fn connections_of(&self, home: Id) -> usize {
        self.homes.iter().filter_map(Weak::upgrade).filter(|of| **of == home).count()
    }
}

/// Chooses the user that gets a place with a connection of this runtime: the first one of the runtime, unless a user of another
/// runtime came [`PRECEDENCE`] earlier. That one opens a connection of its own instead, if its runtime has two fewer `connections`.
fn next_of(waiting: &VecDeque<Waiter>, home: Option<Id>, connections: impl Fn(Id) -> usize) -> Option<Next> {
    let first = waiting.front()?;
    let near = home.and_then(|home| Some((home, waiting.iter().position(|waiter| waiter.home == home)?)));
    Some(match near {
        Some((_, index)) if waiting[index].since.duration_since(first.since) < PRECEDENCE => {
            Next { index, opens: false }
        }
        Some((home, _)) => Next { index: 0, opens: connections(first.home) + 1 < connections(home) },
        None => Next { index: 0, opens: false },
    })
}

impl Lease {
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Puts a connection into the lease, and ends the previous one.
    pub fn put(&mut self, connection: Connection) {
        self.pool.state().add_home(Some(&connection.home));
        self.opening = None;
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
        if !self.has_place {
            return;
        }
        let pool = self.pool.clone();
        let connection = match self.connection.take() {
            Some(connection) if self.is_busy => connection,
            unused => return pool.give_back(unused),
        };
        let on_end = self.on_end.take();
        // Without a runtime the connection's task is gone as well.
        let Ok(runtime) = Handle::try_current() else {
            pool.give_back(None);
            return;
        };
        runtime.spawn(async move {
            connection.give_up(END_PATIENCE).await;
            pool.give_back(None);
            if let Some(on_end) = on_end {
                on_end();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    /// Users of these runtimes, each with the milliseconds after which it came.
    fn waiting(users: &[(Id, u64)]) -> VecDeque<Waiter> {
        let start = Instant::now();
        let waiter = |(home, after): &(Id, u64)| Waiter {
            home: *home,
            since: start + Duration::from_millis(*after),
            place: oneshot::channel().0,
        };
        users.iter().map(waiter).collect()
    }

    #[test]
    fn freed_connection_goes_to_its_own_runtime_unless_another_one_waits_long() {
        let [one, other] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap().handle().id());
        let connections = |home| if home == one { 5 } else { 3 };
        assert_eq!(next_of(&waiting(&[]), Some(one), connections), None);
        let next = |users: &[(Id, u64)], home| {
            let Next { index, opens } = next_of(&waiting(users), home, connections).unwrap();
            (index, opens)
        };
        assert_eq!(next(&[(one, 0), (other, 1)], Some(one)), (0, false));
        assert_eq!(next(&[(other, 0), (one, 9), (one, 9)], Some(one)), (1, false));
        // That one opens a connection of its own, if its runtime has fewer.
        assert_eq!(next(&[(other, 0), (one, 10)], Some(one)), (0, true));
        assert_eq!(next(&[(one, 0), (other, 10)], Some(other)), (0, false));
        // Nobody of its own runtime waits.
        assert_eq!(next(&[(other, 0), (other, 1)], Some(one)), (0, false));
        // The connection was lost.
        assert_eq!(next(&[(other, 0), (one, 1)], None), (0, false));
    }
}
