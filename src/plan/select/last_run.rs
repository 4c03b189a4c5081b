//! What is remembered of a statement's last run, for the next one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How a statement's last run went. Nothing depends on it but how soon the next one is over.
#[derive(Debug, Default)]
pub struct LastRun {
    was_short: AtomicBool,
    cells: AtomicUsize,
    text: AtomicUsize,
}

impl LastRun {
    /// Remembers whether it was over soon; whoever sends it says what that means.
    pub fn note_pace(&self, was_short: bool) {
        // What all threads read is written only where it changes.
        if self.was_short() != was_short {
            self.was_short.store(was_short, Ordering::Relaxed);
        }
    }

    /// Whether it was over soon; false for a statement that was never sent.
    pub fn was_short(&self) -> bool {
        self.was_short.load(Ordering::Relaxed)
    }

    /// Remembers how many cells it brought, and how many bytes of text in them.
    pub fn note_size(&self, cells: usize, text: usize) {
        if self.size() != (cells, text) {
            self.cells.store(cells, Ordering::Relaxed);
            self.text.store(text, Ordering::Relaxed);
        }
    }

    /// How many cells it brought, and how many bytes of text in them.
    pub fn size(&self) -> (usize, usize) {
        (self.cells.load(Ordering::Relaxed), self.text.load(Ordering::Relaxed))
    }
}

/// A copy was never sent.
impl Clone for LastRun {
    fn clone(&self) -> Self {
        Self::default()
    }
}
