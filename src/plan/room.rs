//! How much room the results of a plan or a statement need, as far as its last runs tell.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What is added for runs that need a little more.
const MOST_SPARE: usize = 1_024;

/// A number of bytes, or of cells, that what comes next finds at once instead of growing to it. Nothing else depends on it.
#[derive(Debug, Default)]
pub struct Room(AtomicUsize);

impl Room {
    /// The room for the next run; `usual` where there was none before.
    pub fn or(&self, usual: usize) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0 => usual,
            known => known,
        }
    }

    /// Remembers how much a run needed. Runs that differ a little leave it as it is: all threads read it, and would wait for
    /// the one that writes.
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
    fn it_grows_with_what_is_needed_and_shrinks_when_most_of_it_is_idle() {
        let room = Room::default();
        assert_eq!(room.or(64), 64);
        for (used, known) in
            [(100, 125), (125, 125), (40, 125), (126, 157), (10_000, 11_024), (10, 12), (0, 64)]
        {
            room.note(used);
            assert_eq!(room.or(64), known, "after {used}");
        }
    }
}
