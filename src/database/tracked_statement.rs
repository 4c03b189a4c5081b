//! Statement with the statistics of its last execution.

use std::sync::atomic::{AtomicU8, Ordering};

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
#[derive(Debug, Default)]
pub struct ExecutionStats {
    /// Number of executions in a row, up to [`PATIENCE`], that may be long before the statement counts as long.
    patience: AtomicU8,
    /// Capacity hint for the cells of the result.
    pub cells: CapacityHint,
    /// Capacity hint for the bytes of text in the cells.
    pub text: CapacityHint,
}

/// Long executions after which a short statement counts as long. A single one is often short at the server, and waited for the
/// thread that reads its answer: with hundreds of clients the thread is busy for longer than a short statement takes.
const PATIENCE: u8 = 2;

impl ExecutionStats {
    /// Records whether the execution was short; the sender defines short.
    pub fn note_pace(&self, was_short: bool) {
        let known = self.patience.load(Ordering::Relaxed);
        let patience = if was_short { PATIENCE } else { known.saturating_sub(1) };
        // Writes only on change, because all threads read the value.
        if patience != known {
            self.patience.store(patience, Ordering::Relaxed);
        }
    }

    /// Records the number of cells, and of bytes of text in them.
    pub fn note_size(&self, cells: usize, text: usize) {
        self.cells.note(cells);
        self.text.note(text);
    }

    /// Returns true if one of the last executions was short; false before the first.
    pub fn is_short(&self) -> bool {
        self.patience.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_long_before_its_first_execution_and_after_two_long_ones() {
        let stats = ExecutionStats::default();
        assert!(!stats.is_short());
        for (was_short, is_short) in [
            (false, false),
            (true, true),
            (false, true),
            (true, true),
            (false, true),
            (false, false),
            (false, false),
        ] {
            stats.note_pace(was_short);
            assert_eq!(stats.is_short(), is_short);
        }
    }
}
