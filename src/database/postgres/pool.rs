//! Pool of connections with one user each.
//!
//! A connection belongs to the runtime that opened it. A user of another runtime, which is another thread of the server, can use
//! it too, but each of its answers then wakes both threads, which takes longer than a short statement. So a freed
//! connection goes to a user of its own runtime first. If busy runtimes have unequal numbers of connections, one is closed for one of
//! the other runtime. Equal numbers stay as they are: a new connection starts a process of the server, which prepares all statements
//! anew.
//!
//! While all places are held, short statements that write wait for the next freed connection together, and share its commit: most of
//! a small write's time at the server is its transaction. A free place is better used alone, because a slow disk serves several
//! commits at once.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sea_orm::Value;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection::{Connection, GroupMember, Reply, StatementResult, WriteNotice, answer_of};
use super::fault::Fault;
use crate::database::row_builder::RowSetBuilder;
use crate::database::settings::ACQUIRE_TIMEOUT;
use crate::policy::SessionSettings;

/// Time for which a cancelled statement keeps its place in the pool while it is ended at the server.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Maximum time by which a user of the connection's own runtime goes before one that came earlier.
const PRECEDENCE: Duration = Duration::from_millis(10);

/// Maximum number of statements that one transaction commits.
const MOST_MEMBERS: usize = 64;

/// Time for which statements are sent alone after a conflict, which delays all that are sent together.
const PAUSE: Duration = Duration::from_secs(1);

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
    /// Number of the last waiting user.
    last_waiter: u64,
    /// Time until which statements are sent alone.
    paused_until: Option<Instant>,
    is_closed: bool,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    home: Handle,
    since: Instant,
    waits: Waits,
}

/// Reason to wait.
#[derive(Debug)]
enum Waits {
    /// For a place.
    ForPlace(oneshot::Sender<Lease>),
    /// For a connection that sends this statement, together with others.
    WithStatement(GroupMember),
}

/// Statement that waits for a connection, which sends it together with others.
pub(super) struct WaitingMember {
    number: u64,
    reply: Reply,
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
    on_end: Option<WriteNotice>,
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
        let given = {
            let mut state = self.state();
            if state.is_closed {
                return Err(Fault::Closed);
            }
            state.idle.retain(Connection::is_good);
            if state.held < self.limit {
                state.held += 1;
                let home = Handle::current().id();
                let near = state.idle.iter().rposition(|connection| *connection.home == home);
                let is_full = state.held + state.idle.len() > self.limit;
                let index = near.or_else(|| is_full.then(|| state.idle.len() - 1));
                let connection = index.map(|index| state.idle.swap_remove(index));
                return Ok(self.lease(&mut state, connection, home));
            }
            let (place, given) = oneshot::channel();
            state.add_waiter(Waits::ForPlace(place));
            given
        };
        let given = timeout(ACQUIRE_TIMEOUT, given).await.map_err(|_| Fault::Slow(ACQUIRE_TIMEOUT))?;
        given.map_err(|_| Fault::Closed)
    }

    /// Adds a statement that the next free connection sends together with others. `None` if a place is free, or if statements are
    /// sent alone for now.
    pub fn join(&self, member: impl FnOnce() -> (GroupMember, Reply)) -> Option<WaitingMember> {
        let mut state = self.state();
        let is_paused = state.paused_until.is_some_and(|until| Instant::now() < until);
        if is_paused || state.is_closed || state.held < self.limit {
            return None;
        }
        let (member, reply) = member();
        let number = state.add_waiter(Waits::WithStatement(member));
        Some(WaitingMember { number, reply })
    }

    /// Waits for the result of a statement that is sent together with others.
    ///
    /// # Errors
    /// Fails if no connection was free in time: nothing was sent.
    pub async fn answer_of(&self, member: WaitingMember) -> Result<Result<StatementResult, Fault>, Fault> {
        let WaitingMember { number, reply } = member;
        let mut answer = pin!(answer_of(reply));
        if let Ok(answer) = timeout(ACQUIRE_TIMEOUT, &mut answer).await {
            return Ok(answer);
        }
        let is_unsent = self.state().withdraw(number);
        if is_unsent { Err(Fault::Slow(ACQUIRE_TIMEOUT)) } else { Ok(answer.await) }
    }

    /// Sends statements alone for a while: their transactions met others.
    pub fn pause_groups(&self) {
        self.state().paused_until = Some(Instant::now() + PAUSE);
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
            state.waiting.retain(|waiter| !waiter.is_left());
            let home = connection.as_ref().map(|connection| *connection.home);
            let Some(next) = next_of(&state.waiting, home, |home| state.connections_of(home)) else {
                state.held -= 1;
                // A closed pool has no further users.
                let kept = connection.filter(|_| !state.is_closed);
                state.idle.extend(kept);
                return;
            };
            let Some(waiter) = state.waiting.remove(next.index) else { continue };
            match waiter.waits {
                Waits::ForPlace(place) => {
                    let unused = if next.opens { connection.take() } else { None };
                    let lease = self.lease(&mut state, connection, waiter.home.id());
                    drop((state, unused));
                    // The user may have left just now.
                    match place.send(lease) {
                        Ok(()) => return,
                        Err(mut refused) => {
                            refused.has_place = false;
                            connection = refused.connection.take();
                        }
                    }
                }
                Waits::WithStatement(first) if connection.is_some() && !next.opens => {
                    let members = state.members_of(waiter.home.id(), first);
                    let lease = self.lease(&mut state, connection, waiter.home.id());
                    drop(state);
                    lease.commit_together(&waiter.home, members);
                    return;
                }
                Waits::WithStatement(first) => first.send_back(),
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
        for waiter in state.waiting.drain(..) {
            if let Waits::WithStatement(member) = waiter.waits {
                member.send_back();
            }
        }
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

impl Waiter {
    /// Returns true if the user does not wait any more.
    fn is_left(&self) -> bool {
        match &self.waits {
            Waits::ForPlace(place) => place.is_closed(),
            Waits::WithStatement(member) => member.is_left(),
        }
    }
}

impl PoolState {
    /// Adds a user of this runtime that waits, and returns its number.
    fn add_waiter(&mut self, waits: Waits) -> u64 {
        self.last_waiter += 1;
        let (number, home) = (self.last_waiter, Handle::current());
        self.waiting.push_back(Waiter { number, home, since: Instant::now(), waits });
        number
    }

    /// Removes a waiting user; returns false if it waits no longer.
    fn withdraw(&mut self, number: u64) -> bool {
        let place = self.waiting.iter().position(|waiter| waiter.number == number);
        place.and_then(|place| self.waiting.remove(place)).is_some()
    }

    /// Takes the waiting statements of a runtime, besides the first.
    fn members_of(&mut self, home: Id, first: GroupMember) -> Vec<GroupMember> {
        let mut members = vec![first];
        for waiter in mem::take(&mut self.waiting) {
            match waiter.waits {
                Waits::WithStatement(member) if waiter.home.id() == home && members.len() < MOST_MEMBERS => {
                    members.push(member);
                }
                _ => self.waiting.push_back(waiter),
            }
        }
        members
    }

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
    let near =
        home.and_then(|home| Some((home, waiting.iter().position(|waiter| waiter.home.id() == home)?)));
    Some(match near {
        Some((_, index)) if waiting[index].since.duration_since(first.since) < PRECEDENCE => {
            Next { index, opens: false }
        }
        Some((home, _)) => Next { index: 0, opens: connections(first.home.id()) + 1 < connections(home) },
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
    pub fn set_on_end(&mut self, on_end: WriteNotice) {
        self.on_end = Some(on_end);
    }

    /// Sends statements that one transaction commits, and keeps the connection until its end.
    fn commit_together(mut self, home: &Handle, members: Vec<GroupMember>) {
        let Some(connection) = &self.connection else { return };
        // The members learn of a closed connection.
        let Ok(end) = connection.commit_together(members) else { return };
        self.set_busy(true);
        home.spawn(async move {
            end.await;
            self.set_busy(false);
        });
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
    fn waiting(users: &[(&Handle, u64)]) -> VecDeque<Waiter> {
        let start = Instant::now();
        let waiter = |(home, after): &(&Handle, u64)| Waiter {
            number: 0,
            home: (*home).clone(),
            since: start + Duration::from_millis(*after),
            waits: Waits::ForPlace(oneshot::channel().0),
        };
        users.iter().map(waiter).collect()
    }

    #[test]
    fn freed_connection_goes_to_its_own_runtime_unless_another_one_waits_long() {
        let runtimes = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
        let [one, other] = runtimes.each_ref().map(|runtime| runtime.handle());
        let connections = |home| if home == one.id() { 5 } else { 3 };
        assert_eq!(next_of(&waiting(&[]), Some(one.id()), connections), None);
        let next = |users: &[(&Handle, u64)], home: Option<&Handle>| {
            let home = home.map(Handle::id);
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

    #[tokio::test]
    async fn waiting_statement_leaves_the_queue_once_and_is_sent_back_at_the_close() {
        let pool = Pool::new(0);
        let join = || {
            pool.join(|| {
                let rows = RowSetBuilder::new(Arc::default());
                GroupMember::new("UPDATE".into(), Arc::default(), rows, 0, Arc::new(|| {}))
            })
        };
        let member = join().unwrap();
        assert!(pool.state().withdraw(member.number));
        assert!(!pool.state().withdraw(member.number));
        let member = join().unwrap();
        pool.pause_groups();
        assert!(join().is_none(), "a conflict has just happened");
        pool.close();
        let answer = answer_of(member.reply).await;
        assert!(matches!(answer, Err(Fault::NotTogether { has_conflict: false })));
    }
}
