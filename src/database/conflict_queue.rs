//! Queue of operations that conflicted with others: they run one at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

/// Queue of the operations of one database that met a conflict.
///
/// Operations that lock the same rows in different orders deadlock, and PostgreSQL notices a deadlock after a second
/// (`deadlock_timeout`). Without the queue, eight clients that update the same four rows deadlock again at each attempt. In the
/// queue, each of them takes some milliseconds. Operations of other processes are not queued.
#[derive(Debug, Default)]
pub(crate) struct ConflictQueue {
    turn: Mutex<()>,
    members: AtomicUsize,
}

/// Membership in the queue, until it is dropped.
#[derive(Debug)]
pub(crate) struct QueueMember<'a>(&'a ConflictQueue);

impl ConflictQueue {
    /// Adds an operation that met a conflict.
    pub fn join(&self) -> QueueMember<'_> {
        self.members.fetch_add(1, Ordering::Relaxed);
        QueueMember(self)
    }

    /// Waits for a turn if the queue has members. Returns `None` if it is empty, or if no turn came within `patience`: the first
    /// operation may wait for a lock that this one does not need.
    pub async fn turn(&self, patience: Duration) -> Option<MutexGuard<'_, ()>> {
        if self.members.load(Ordering::Relaxed) == 0 {
            return None;
        }
        timeout(patience, self.turn.lock()).await.ok()
    }
}

impl Drop for QueueMember<'_> {
    fn drop(&mut self) {
        self.0.members.fetch_sub(1, Ordering::Relaxed);
    }
}
