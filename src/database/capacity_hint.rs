//! Buffer capacity learned from previous executions.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Maximum extra capacity beyond the last use.
const MOST_SPARE: usize = 1_024;

/// Capacity hint in bytes or cells, which avoids reallocation. Only speed depends on the hint.
#[derive(Debug, Default)]
pub struct CapacityHint(AtomicUsize);

impl CapacityHint {
    /// Returns the capacity for the next run, or `usual` before the first.
    pub fn or(&self, usual: usize) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0 => usual,
            known => known,
        }
    }

    /// Records the used capacity. Small differences do not update the hint: all threads read it, and a write
    /// would invalidate their caches.
    pub fn note(&self, used: usize) {
        let known = self.0.load(Ordering::Relaxed);
        if used > known || used < known / 4 {
            self.0.store(used + (used / 4).min(MOST_SPARE), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_hint_grows_at_once_and_shrinks_when_mostly_unused() {
        let room = CapacityHint::default();
        assert_eq!(room.or(64), 64);
        for (used, known) in
            [(100, 125), (125, 125), (40, 125), (126, 157), (10_000, 11_024), (10, 12), (0, 64)]
        {
            room.note(used);
            assert_eq!(room.or(64), known, "after {used}");
        }
    }
}
