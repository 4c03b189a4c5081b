//! Statement with the statistics of its last execution.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::capacity_hint::CapacityHint;
use crate::plan::SqlStatement;

/// Statement with the statistics of its last execution.
#[derive(Debug)]
pub struct TrackedStatement {
    /// The statement.
    pub statement: SqlStatement,
    /// Statistics of its last execution.
    pub last_run: ExecutionStats,
}

impl From<SqlStatement> for TrackedStatement {
    fn from(statement: SqlStatement) -> Self {
        Self { statement, last_run: ExecutionStats::default() }
    }
}

/// Execution statistics of a statement. Only the speed of the next execution depends on them.
#[derive(Debug)]
pub struct ExecutionStats {
    /// Time by which executions took longer than a short one, less the time by which they took shorter, in microseconds between zero
    /// and [`MOST_EXCESS`]. Source: the cumulative sum of Page, "Continuous inspection schemes", Biometrika 41 (1954).
    excess: AtomicU32,
    /// Capacity hint for the cells of the result.
    pub cells: CapacityHint,
    /// Capacity hint for the bytes of text in the cells.
    pub text: CapacityHint,
}

/// Excess from which a statement counts as long: 100 ms. One execution of some milliseconds proves little, because the processors may
/// have been busy with others.
const LONG: u32 = 100_000;

/// Maximum excess: 1 s. A statement that has become short is known as such after some hundreds of executions.
const MOST_EXCESS: u32 = 1_000_000;

impl Default for ExecutionStats {
    /// Returns those of a statement that counts as long until its first short execution.
    fn default() -> Self {
        Self { excess: AtomicU32::new(LONG), cells: CapacityHint::default(), text: CapacityHint::default() }
    }
}

impl ExecutionStats {
    /// Records the time of an execution. The sender defines up to which time one is short.
    pub fn note_time(&self, time: Duration, short: Duration) {
        let known = self.excess.load(Ordering::Relaxed);
        let excess = known.saturating_add(microseconds(time)).saturating_sub(microseconds(short));
        let excess = excess.min(MOST_EXCESS);
        // Writes only on change, because all threads read the value.
        if excess != known {
            self.excess.store(excess, Ordering::Relaxed);
        }
    }

    /// Records the number of cells, and of bytes of text in them.
    pub fn note_size(&self, cells: usize, text: usize) {
        self.cells.note(cells);
        self.text.note(text);
    }

    /// Returns true if the last executions were short on average; false before the first.
    pub fn is_short(&self) -> bool {
        self.excess.load(Ordering::Relaxed) < LONG
    }
}

fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(5);

    fn after(milliseconds: impl IntoIterator<Item = u64>) -> ExecutionStats {
        let stats = ExecutionStats::default();
        for time in milliseconds {
            stats.note_time(Duration::from_millis(time), SHORT);
        }
        stats
    }

    #[test]
    fn a_statement_is_long_until_its_first_short_execution() {
        assert!(!ExecutionStats::default().is_short());
        assert!(!after([6]).is_short());
        assert!(after([1]).is_short());
        assert!(after([6, 1]).is_short());
    }

    #[test]
    fn executions_on_busy_processors_do_not_make_a_statement_long() {
        assert!(after([1; 25].into_iter().chain([50, 50])).is_short());
        let one_in_ten = (0..1000).map(|nth| if nth % 10 == 9 { 40 } else { 1 });
        assert!(after(one_in_ten).is_short());
    }

    #[test]
    fn executions_that_are_long_on_average_make_a_statement_long() {
        assert!(!after([1, 110]).is_short());
        assert!(!after((0..200).map(|_| 6)).is_short());
        let one_in_ten = (0..1000).map(|nth| if nth % 10 == 0 { 500 } else { 1 });
        assert!(!after(one_in_ten).is_short());
    }

    #[test]
    fn a_statement_that_has_become_short_is_short_again() {
        let stats = after([u64::MAX]);
        let executions = (1..).take_while(|_| {
            stats.note_time(Duration::from_millis(1), SHORT);
            !stats.is_short()
        });
        assert_eq!(executions.count(), 225);
    }
}
