//! Replicas of a database, and the choice of one for each query.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::future::select_all;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::consistency::{ConsistencyToken, LogPosition};
use crate::error::{Error, Result};

/// Time between two questions for the position of a server.
const POLL: Duration = Duration::from_millis(100);

/// Time between two questions for the position of a replica that a query waits for.
const QUICK_POLL: Duration = Duration::from_millis(2);

/// Maximum number of positions of the primary that are kept.
const MOST_POSITIONS: u32 = 1_000;

/// Timeout of a question for the position of the primary.
const PATIENCE: Duration = Duration::from_secs(1);

/// Timeout of the same question while the connection to the primary is lost.
const SHORT_PATIENCE: Duration = Duration::from_millis(300);

/// Settings of replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSettings {
    pub(super) max_lag: Duration,
    pub(super) wait: Duration,
    pub(super) direct_url: Option<String>,
}

impl Default for ReplicaSettings {
    fn default() -> Self {
        Self { max_lag: Duration::from_secs(30), wait: Duration::from_millis(200), direct_url: None }
    }
}

impl ReplicaSettings {
    /// Sets the age of the state that a query may read: a replica that is further behind serves none.
    pub fn max_lag(mut self, max_lag: Duration) -> Self {
        self.max_lag = max_lag;
        self
    }

    /// Sets the time for which a query waits until a replica has the state of its token. The query then runs on the primary.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets the URL of the primary itself, if the database is reached through a pooler.
    pub fn direct_url(mut self, direct_url: Option<String>) -> Self {
        self.direct_url = direct_url;
        self
    }
}

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

/// Position of the primary, as a task sees it.
#[derive(Debug, Default)]
pub(super) struct PrimaryWatch {
    state: watch::Sender<Option<PrimaryState>>,
    history: Mutex<PositionHistory>,
    due: Notify,
    is_lost: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct PrimaryState {
    /// Time before the question.
    asked: Instant,
    at: LogPosition,
    /// Bytes of the log that replicas can have.
    flushed: u64,
}

/// Positions of the primary over time, by the clock of this process.
#[derive(Debug, Default)]
struct PositionHistory {
    timeline: u32,
    /// Earlier positions, each with the last time at which the primary had it.
    seen: VecDeque<(Instant, u64)>,
    last: Option<(Instant, u64)>,
}

impl PositionHistory {
    fn note(&mut self, state: &PrimaryState, kept: Duration) {
        if self.timeline != state.at.timeline {
            *self = Self { timeline: state.at.timeline, ..Self::default() };
        }
        let is_worth_keeping = |last: &(Instant, u64)| {
            let step = kept / MOST_POSITIONS;
            last.1 != state.flushed
                && self.seen.back().is_none_or(|(asked, _)| last.0.duration_since(*asked) >= step)
        };
        // A position that is not kept makes replicas look older, never younger.
        self.seen.extend(self.last.filter(is_worth_keeping));
        self.last = Some((state.asked, state.flushed));
        while self.seen.front().is_some_and(|(asked, _)| state.asked.duration_since(*asked) > kept) {
            self.seen.pop_front();
        }
    }

    /// Returns the last time at which the primary had no more than this position.
    fn time_of(&self, at: LogPosition) -> Option<Instant> {
        if self.timeline != at.timeline {
            return None;
        }
        if let Some((asked, _)) = self.last.filter(|(_, bytes)| *bytes <= at.bytes) {
            return Some(asked);
        }
        let reached = self.seen.partition_point(|(_, bytes)| *bytes <= at.bytes);
        Some(self.seen.get(reached.checked_sub(1)?)?.0)
    }
}

impl PrimaryWatch {
    /// Publishes the answer to a question that was asked at this time.
    pub fn note(&self, asked: Instant, at: LogPosition, flushed: u64, kept: Duration) {
        let state = PrimaryState { asked, at, flushed };
        self.history().note(&state, kept);
        self.state.send_replace(Some(state));
        self.is_lost.store(false, Ordering::Relaxed);
    }

    /// Records that the connection to the primary is lost, until the next answer.
    pub fn lose(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
    }

    /// Waits until the next question is due.
    pub async fn until_due(&self) {
        let _ = timeout(POLL, self.due.notified()).await;
    }

    fn known(&self) -> Option<PrimaryState> {
        *self.state.borrow()
    }

    /// Asks for the position now. Questions of the same moment share an answer; `None` if the primary gives none.
    async fn now(&self) -> Option<PrimaryState> {
        let asked = Instant::now();
        let mut seen = self.state.subscribe();
        self.due.notify_one();
        let is_later = |state: &Option<PrimaryState>| state.is_some_and(|state| state.asked >= asked);
        let patience = if self.is_lost.load(Ordering::Relaxed) { SHORT_PATIENCE } else { PATIENCE };
        let found = timeout(patience, seen.wait_for(is_later)).await;
        *found.ok()?.ok()?
    }

    fn history(&self) -> MutexGuard<'_, PositionHistory> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replica, as a task sees it.
#[derive(Debug)]
pub(super) struct Replica<N> {
    /// Address of the server.
    pub name: String,
    /// Handle, once the server was reached.
    pub node: OnceLock<N>,
    state: watch::Sender<ReplicaState>,
    due: Notify,
    /// Number of queries that wait for the replica.
    waiting: AtomicUsize,
    reads: AtomicU64,
}

/// State of a replica.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReplicaState {
    /// The server cannot be reached, or a query has failed there.
    Away,
    /// The server is a primary.
    Promoted,
    /// The server is a standby.
    Standby {
        /// End of the replayed log.
        at: LogPosition,
        /// Last time at which the primary had no more than that.
        as_of: Option<Instant>,
    },
}

impl ReplicaState {
    /// Returns the position, if the replica is a standby.
    fn at(self) -> Option<LogPosition> {
        match self {
            Self::Standby { at, .. } => Some(at),
            Self::Away | Self::Promoted => None,
        }
    }
}

/// Query that waits for a replica, until dropped.
struct WaitingQuery<'a>(&'a AtomicUsize);

impl Drop for WaitingQuery<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<N> Replica<N> {
    pub fn new(name: String) -> Self {
        Self {
            name,
            node: OnceLock::new(),
            state: watch::Sender::new(ReplicaState::Away),
            due: Notify::new(),
            waiting: AtomicUsize::new(0),
            reads: AtomicU64::new(0),
        }
    }

    /// Publishes a state other than that of a standby.
    pub fn leave(&self, state: ReplicaState) {
        self.state.send_replace(state);
    }

    /// Publishes the position of the replica, and returns the time at which the primary had no more than that.
    pub fn note(&self, at: LogPosition, primary: &PrimaryWatch) -> Option<Instant> {
        let as_of = primary.history().time_of(at);
        self.state.send_replace(ReplicaState::Standby { at, as_of });
        as_of
    }

    /// Waits until the next question is due.
    pub async fn until_due(&self) {
        let pause = if self.waiting.load(Ordering::Relaxed) > 0 { QUICK_POLL } else { POLL };
        let _ = timeout(pause, self.due.notified()).await;
    }

    /// Waits until the replica has replayed the log up to this position.
    async fn reach(&self, needed: LogPosition) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = WaitingQuery(&self.waiting);
        let mut seen = self.state.subscribe();
        self.due.notify_one();
        if seen.wait_for(|state| state.at().is_some_and(|at| has(at, needed))).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Returns true if a replica at this position has a state.
fn has(at: LogPosition, needed: LogPosition) -> bool {
    at.timeline == needed.timeline && at.bytes >= needed.bytes
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

/// Name of a token in requests and errors.
pub(crate) const TOKEN: &str = "consistency";

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_secs(10);
    const WAIT: Duration = Duration::from_millis(100);

    fn at(bytes: u64) -> LogPosition {
        LogPosition { timeline: 1, bytes }
    }

    /// Returns the time before now.
    fn ago(time: Duration) -> Instant {
        Instant::now().checked_sub(time).unwrap()
    }

    fn replicas(count: usize) -> Replicas<usize> {
        let nodes = (0..count).map(|number| {
            let replica = Replica::new(format!("host{number}"));
            replica.node.get_or_init(|| number);
            Arc::new(replica)
        });
        let primary = Arc::new(PrimaryWatch::default());
        primary.note(ago(2 * LAG), at(0), 0, 3 * LAG);
        let settings = ReplicaSettings::default().max_lag(LAG).wait(WAIT);
        Replicas::new(7, primary, nodes.collect(), settings, JoinSet::new())
    }

    async fn chosen(replicas: &Replicas<usize>, needed: Option<u64>) -> Option<usize> {
        let token = needed.map(|bytes| ConsistencyToken { cluster: 7, at: at(bytes) });
        replicas.choose(token, &[], replicas.waits_until()).await.map(|(_, node)| node)
    }

    #[tokio::test]
    async fn a_replica_that_is_too_far_behind_is_left_out_by_the_clock_of_this_process() {
        let replicas = replicas(1);
        let left_out = || replicas.status()[0].left_out;
        replicas.primary.note(ago(LAG / 2), at(0), 0, 3 * LAG);
        replicas.primary.note(ago(LAG / 4), at(100), 100, 3 * LAG);
        replicas.nodes[0].note(at(0), &replicas.primary);
        assert_eq!(chosen(&replicas, None).await, Some(0));
        let status = &replicas.status()[0];
        assert_eq!(status.bytes_behind, Some(100));
        assert!(status.behind.unwrap() >= LAG / 2 && status.behind.unwrap() < LAG, "{status:?}");
        // The time of the last state that the replica has, not of its last answer, counts.
        let late = super::Replicas::new(
            7,
            Arc::new(PrimaryWatch::default()),
            replicas.nodes.clone(),
            replicas.settings.clone(),
            JoinSet::new(),
        );
        late.primary.note(ago(LAG + WAIT), at(0), 0, 3 * LAG);
        late.primary.note(Instant::now(), at(100), 100, 3 * LAG);
        late.nodes[0].note(at(99), &late.primary);
        assert_eq!(chosen(&late, None).await, None);
        assert_eq!(late.status()[0].left_out, Some("it is too far behind"));
        late.nodes[0].note(at(100), &late.primary);
        assert_eq!(chosen(&late, None).await, Some(0));
        assert_eq!(left_out(), None);
    }

    #[tokio::test]
    async fn replicas_take_turns_and_a_failed_one_waits_for_its_next_answer() {
        let replicas = replicas(2);
        replicas.primary.note(Instant::now(), at(0), 0, LAG);
        replicas.nodes.iter().for_each(|replica| {
            replica.note(at(0), &replicas.primary);
        });
        let both = [chosen(&replicas, None).await, chosen(&replicas, None).await];
        assert!(both.contains(&Some(0)) && both.contains(&Some(1)), "{both:?}");
        replicas.suspect(0);
        for _ in 0..3 {
            assert_eq!(chosen(&replicas, None).await, Some(1));
        }
        assert!(replicas.choose(None, &[1], replicas.waits_until()).await.is_none());
        replicas.nodes[0].note(at(0), &replicas.primary);
        assert!(replicas.choose(None, &[1], replicas.waits_until()).await.is_some());
    }

    #[tokio::test]
    async fn a_token_waits_for_the_first_replica_that_has_its_state_and_then_takes_the_primary() {
        let replicas = replicas(2);
        replicas.primary.note(ago(WAIT), at(40), 40, LAG);
        replicas.primary.note(Instant::now(), at(100), 100, LAG);
        replicas.nodes[0].note(at(50), &replicas.primary);
        replicas.nodes[1].note(at(100), &replicas.primary);
        for _ in 0..3 {
            assert_eq!(chosen(&replicas, Some(100)).await, Some(1));
        }
        replicas.nodes[1].note(at(60), &replicas.primary);
        let started = Instant::now();
        assert_eq!(chosen(&replicas, Some(100)).await, None);
        assert!(started.elapsed() >= WAIT);
        let (found, ()) = tokio::join!(chosen(&replicas, Some(100)), async {
            tokio::time::sleep(WAIT / 10).await;
            replicas.nodes[0].note(at(100), &replicas.primary);
        });
        assert_eq!(found, Some(0));
    }

    #[tokio::test]
    async fn after_a_promotion_a_replica_of_the_old_timeline_serves_nothing() {
        let replicas = replicas(1);
        replicas.nodes[0].note(at(100), &replicas.primary);
        let next = LogPosition { timeline: 2, bytes: 90 };
        replicas.primary.note(Instant::now(), next, 90, LAG);
        assert_eq!(chosen(&replicas, None).await, None);
        replicas.nodes[0].note(at(100), &replicas.primary);
        assert_eq!(replicas.status()[0].left_out, Some("it does not follow the primary"));
        replicas.nodes[0].note(next, &replicas.primary);
        assert_eq!(chosen(&replicas, None).await, Some(0));
        // A state of the old timeline is read on the primary.
        assert_eq!(chosen(&replicas, Some(80)).await, None);
    }

    #[tokio::test]
    async fn tokens_of_other_clusters_and_of_the_future_are_refused() {
        let replicas = replicas(1);
        replicas.primary.note(Instant::now(), at(100), 100, LAG);
        let check = async |cluster, timeline, bytes| {
            let token = ConsistencyToken { cluster, at: LogPosition { timeline, bytes } };
            let answered = async {
                tokio::task::yield_now().await;
                replicas.primary.note(Instant::now(), at(100), 100, LAG);
            };
            tokio::join!(replicas.check(&token), answered).0.map_err(|error| error.code().as_str())
        };
        assert_eq!(check(7, 1, 100).await, Ok(()));
        for (cluster, timeline, bytes) in [(8, 1, 100), (7, 1, 101), (7, 2, 50)] {
            assert_eq!(check(cluster, timeline, bytes).await, Err("BAD_USER_INPUT"));
        }
    }
}
