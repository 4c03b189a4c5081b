//! Replica, as the task that watches it and its queries see it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::primary::{POLL, PrimaryWatch};
use crate::database::consistency::LogPosition;

/// Time between two questions for the position of a replica that a query waits for.
const QUICK_POLL: Duration = Duration::from_millis(2);

/// Replica, as a task sees it.
#[derive(Debug)]
pub struct Replica<N> {
    /// Address of the server.
    pub name: String,
    /// Handle, once the server was reached.
    pub node: OnceLock<N>,
    pub(super) state: watch::Sender<ReplicaState>,
    pub(super) due: Notify,
    /// Number of queries that wait for the replica.
    waiting: AtomicUsize,
    pub(super) reads: AtomicU64,
}

/// State of a replica.
#[derive(Clone, Copy, Debug)]
pub enum ReplicaState {
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
    pub(super) fn at(self) -> Option<LogPosition> {
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
    pub(super) async fn reach(&self, needed: LogPosition) {
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
pub(super) fn has(at: LogPosition, needed: LogPosition) -> bool {
    at.timeline == needed.timeline && at.bytes >= needed.bytes
}
