//! Positions of the primary over time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::database::consistency::LogPosition;

/// Time between two questions for the position of a server.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// Maximum number of positions of the primary that are kept.
const MOST_POSITIONS: u32 = 1_000;

/// Timeout of a question for the position of the primary.
const PATIENCE: Duration = Duration::from_secs(1);

/// Timeout of the same question while the connection to the primary is lost.
const SHORT_PATIENCE: Duration = Duration::from_millis(300);

/// Position of the primary, as a task sees it.
#[derive(Debug, Default)]
pub struct PrimaryWatch {
    state: watch::Sender<Option<PrimaryState>>,
    history: Mutex<PositionHistory>,
    due: Notify,
    is_lost: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PrimaryState {
    /// Time before the question.
    asked: Instant,
    pub at: LogPosition,
    /// Bytes of the log that replicas can have.
    pub flushed: u64,
}

/// Positions of the primary over time, by the clock of this process.
#[derive(Debug, Default)]
pub(super) struct PositionHistory {
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
    pub fn time_of(&self, at: LogPosition) -> Option<Instant> {
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

    pub(super) fn known(&self) -> Option<PrimaryState> {
        *self.state.borrow()
    }

    /// Asks for the position now. Questions of the same moment share an answer; `None` if the primary gives none.
    pub(super) async fn now(&self) -> Option<PrimaryState> {
        let asked = Instant::now();
        let mut seen = self.state.subscribe();
        self.due.notify_one();
        let is_later = |state: &Option<PrimaryState>| state.is_some_and(|state| state.asked >= asked);
        let patience = if self.is_lost.load(Ordering::Relaxed) { SHORT_PATIENCE } else { PATIENCE };
        let found = timeout(patience, seen.wait_for(is_later)).await;
        *found.ok()?.ok()?
    }

    pub(super) fn history(&self) -> MutexGuard<'_, PositionHistory> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
