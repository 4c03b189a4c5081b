//! Statement with the statistics of its last execution.

use std::sync::atomic::{AtomicBool, Ordering};

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
    was_short: AtomicBool,
    /// Capacity hint for the cells of the result.
    pub cells: CapacityHint,
    /// Capacity hint for the bytes of text in the cells.
    pub text: CapacityHint,
}

impl ExecutionStats {
    /// Records whether the execution was short; the sender defines short.
    pub fn note_pace(&self, was_short: bool) {
        // Writes only on change, because all threads read the value.
        if self.was_short() != was_short {
            self.was_short.store(was_short, Ordering::Relaxed);
        }
    }

    /// Records the number of cells, and of bytes of text in them.
    pub fn note_size(&self, cells: usize, text: usize) {
        self.cells.note(cells);
        self.text.note(text);
    }

    /// Returns true if the last execution was short; false before the first.
    pub fn was_short(&self) -> bool {
        self.was_short.load(Ordering::Relaxed)
    }
}
