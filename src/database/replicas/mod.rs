//! Replicas of a database, and the choice of one for each query.

mod primary;
mod replica;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::select_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::consistency::{ConsistencyToken, LogPosition};
use crate::error::{Error, Result};
use primary::PrimaryState;
pub(super) use primary::PrimaryWatch;
use replica::has;
pub(super) use replica::{Replica, ReplicaState};
pub use settings::ReplicaSettings;

/// Name of a token in requests and errors.
pub(crate) const TOKEN: &str = "consistency";

/// Replicas of a database. `N` is the handle of a replica.
#[derive(Debug)]
pub(crate) struct Replicas<N> {
    /// System identifier of the cluster.
    cluster: u64,
    primary: Arc<PrimaryWatch>,
    nodes: Vec<Arc<Replica<N>>>,
    settings: ReplicaSettings,
    /// Number of choices, by which replicas take turns.
    turns: AtomicUsize,
    /// State of the served tables: a replica that has not reached it may lack columns.
    floor: AtomicU64,
    reads_of_primary: AtomicU64,
    /// Tasks that watch the servers, ended with the replicas.
    tasks: Mutex<JoinSet<()>>,
}

/// Condition of a replica, for operators.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaStatus<N> {
    /// Address of the server.
    pub name: String,
    /// Handle, once the server was reached.
    pub node: Option<N>,
    /// Reason why the replica serves no queries.
    pub left_out: Option<&'static str>,
    /// Bytes of the log that the replica has not replayed.
    pub bytes_behind: Option<u64>,
    /// Age of the state of the replica.
    pub behind: Option<Duration>,
    /// Number of queries that the replica has served.
    pub reads: u64,
}

impl<N: Clone> Replicas<N> {
    /// Returns the replicas, which the tasks watch.
    pub(super) fn new(
        cluster: u64,
        primary: Arc<PrimaryWatch>,
        nodes: Vec<Arc<Replica<N>>>,
        settings: ReplicaSettings,
        tasks: JoinSet<()>,
    ) -> Self {
        let known = primary.known();
        Self {
            cluster,
            primary,
            nodes,
            settings,
            turns: AtomicUsize::new(0),
            floor: AtomicU64::new(known.map_or(0, |known| known.at.bytes)),
            reads_of_primary: AtomicU64::new(0),
            tasks: Mutex::new(tasks),
        }
    }

    /// Returns a token of the state of the primary now; `None` if the primary does not answer.
    pub async fn token(&self) -> Option<ConsistencyToken> {
        let state = self.primary.now().await?;
        Some(ConsistencyToken { cluster: self.cluster, at: state.at })
    }

    /// Checks that the database has, or had, the state of a token.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` if the token is of another cluster, or of a state after that of the primary.
    pub async fn check(&self, token: &ConsistencyToken) -> Result<()> {
        let refuse = |expected| Error::bad_input(TOKEN, token.to_string().into(), expected);
        if token.cluster != self.cluster {
            return Err(refuse("expected a token of this database"));
        }
        let is_past =
            |state: PrimaryState| token.at.timeline <= state.at.timeline && token.at.bytes <= state.at.bytes;
        if self.primary.known().is_some_and(is_past) {
            return Ok(());
        }
        match self.primary.now().await {
            Some(state) if !is_past(state) => {
                Err(refuse("expected a token of a state that the database has; this one may have been lost"))
            }
            // Without an answer a replica may still have the state.
            _ => Ok(()),
        }
    }

    /// Returns the time until which a query waits that begins now.
    pub fn waits_until(&self) -> Instant {
        Instant::now() + self.settings.wait
    }

    /// Chooses a replica for a query, with its number: one that is not among `tried`, and that has the state of the token, or
    /// reaches it until `until`. `None` stands for the primary.
    pub async fn choose(
        &self,
        token: Option<ConsistencyToken>,
        tried: &[usize],
        until: Instant,
    ) -> Option<(usize, N)> {
        let chosen = self.find(token.map(|token| token.at), tried, until).await;
        match chosen {
            Some(number) => self.nodes[number].reads.fetch_add(1, Ordering::Relaxed),
            None => self.reads_of_primary.fetch_add(1, Ordering::Relaxed),
        };
        let number = chosen?;
        Some((number, self.nodes[number].node.get()?.clone()))
    }

    async fn find(&self, needed: Option<LogPosition>, tried: &[usize], until: Instant) -> Option<usize> {
        let now = Instant::now();
        let primary = self.primary.known()?;
        // A state of an earlier timeline may have been lost at the promotion.
        if needed.is_some_and(|needed| needed.timeline != primary.at.timeline) {
            return None;
        }
        let first = self.turns.fetch_add(1, Ordering::Relaxed);
        let numbers = (0..self.nodes.len()).map(|turn| first.wrapping_add(turn) % self.nodes.len());
        let usable: Vec<usize> = numbers
            .filter(|number| !tried.contains(number) && self.why_not(*number, &primary, now).is_none())
            .collect();
        let Some(needed) = needed else { return usable.first().copied() };
        let is_there =
            |number: &&usize| self.nodes[**number].state.borrow().at().is_some_and(|at| has(at, needed));
        if let Some(number) = usable.iter().find(is_there) {
            return Some(*number);
        }
        if usable.is_empty() {
            return None;
        }
        let reaching = usable.iter().map(|number| Box::pin(self.nodes[*number].reach(needed)));
        let ((), first, _) = timeout_at(until, select_all(reaching)).await.ok()?;
        Some(usable[first])
    }

    /// Returns the reason why a replica serves no queries now.
    fn why_not(&self, number: usize, primary: &PrimaryState, now: Instant) -> Option<&'static str> {
        let (at, as_of) = match *self.nodes[number].state.borrow() {
            ReplicaState::Away => return Some("it cannot be reached"),
            ReplicaState::Promoted => return Some("it is a primary"),
            ReplicaState::Standby { at, as_of } => (at, as_of),
        };
        match as_of {
            _ if at.timeline != primary.at.timeline => Some("it does not follow the primary"),
            _ if at.bytes < self.floor.load(Ordering::Relaxed) => Some("it is older than the served tables"),
            Some(as_of) if now.saturating_duration_since(as_of) <= self.settings.max_lag => None,
            _ => Some("it is too far behind"),
        }
    }

    /// Leaves a replica out until it answers again, because a query has failed there.
    pub fn suspect(&self, number: usize) {
        self.nodes[number].leave(ReplicaState::Away);
        self.nodes[number].due.notify_one();
    }

    /// Leaves replicas out until they have the tables of now: those that are served have changed.
    pub async fn renew_tables(&self) {
        match self.primary.now().await {
            Some(known) => self.floor.store(known.at.bytes, Ordering::Relaxed),
            None => {
                tracing::warn!("the primary does not tell its position; replicas may lack the changed tables")
            }
        }
    }

    /// Returns the number of queries that the primary has served.
    pub fn reads_of_primary(&self) -> u64 {
        self.reads_of_primary.load(Ordering::Relaxed)
    }

    /// Returns the condition of each replica.
    pub fn status(&self) -> Vec<ReplicaStatus<N>> {
        let (primary, now) = (self.primary.known(), Instant::now());
        let status = |(number, replica): (usize, &Arc<Replica<N>>)| {
            let state = *replica.state.borrow();
            let behind = match state {
                ReplicaState::Standby { as_of, .. } => {
                    as_of.map(|as_of| now.saturating_duration_since(as_of))
                }
                ReplicaState::Away | ReplicaState::Promoted => None,
            };
            let bytes = |primary: PrimaryState| Some(primary.flushed.saturating_sub(state.at()?.bytes));
            ReplicaStatus {
                name: replica.name.clone(),
                node: replica.node.get().cloned(),
                left_out: match &primary {
                    Some(primary) => self.why_not(number, primary, now),
                    None => Some("the position of the primary is not known"),
                },
                bytes_behind: primary.and_then(bytes),
                behind,
                reads: replica.reads.load(Ordering::Relaxed),
            }
        };
        self.nodes.iter().enumerate().map(status).collect()
    }

    /// Ends the tasks, and returns the handles. All queries then run on the primary.
    pub fn close(&self) -> Vec<N> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.nodes.iter().for_each(|replica| replica.leave(ReplicaState::Away));
        self.nodes.iter().filter_map(|replica| replica.node.get().cloned()).collect()
    }
}
