//! What is remembered of a statement's last run, for the next one.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::plan::Room;

/// How a statement's last run went. Nothing depends on it but how soon the next one is over.
#[derive(Debug, Default)]
pub struct LastRun {
    was_short: AtomicBool,
    /// For the cells that it brings.
    pub cells: Room,
    /// For the bytes of text in them.
    pub text: Room,
}

impl LastRun {
    /// Remembers whether it was over soon; whoever sends it says what that means.
    pub fn note_pace(&self, was_short: bool) {
        // What all threads read is written only where it changes.
        if self.was_short() != was_short {
            self.was_short.store(was_short, Ordering::Relaxed);
        }
    }

    /// Remembers the number of cells, and of bytes of text in them.
    pub fn note_size(&self, cells: usize, text: usize) {
        self.cells.note(cells);
        self.text.note(text);
    }

    /// Whether it was over soon; false for a statement that was never sent.
    pub fn was_short(&self) -> bool {
        self.was_short.load(Ordering::Relaxed)
    }
}

/// A copy was never sent.
impl Clone for LastRun {
    fn clone(&self) -> Self {
        Self::default()
    }
}
