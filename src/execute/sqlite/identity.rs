//! Whether the files at the database's path are still those that were opened.
//!
//! An open file that is deleted or replaced goes on taking what is written, and nobody will find it there again.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Milliseconds for which a read relies on the last check.
const LATELY: u64 = 100;

/// The files of one database: itself, and beside it the write-ahead log and its index.
#[derive(Debug)]
pub(in crate::execute) struct FileIdentity {
    files: Vec<OpenedFile>,
    created: Instant,
    /// Milliseconds from `created` to the last check.
    checked: AtomicU64,
    is_lost: AtomicBool,
}

#[derive(Debug)]
struct OpenedFile {
    path: PathBuf,
    /// Known from the first time that the file is there.
    identity: OnceLock<(u64, u64)>,
}

/// A file has gone, or another has taken its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is no longer the file that was opened; restore that file, or restart the service with the new one",
    .0.display()
)]
pub(in crate::execute) struct Displaced(PathBuf);

impl FileIdentity {
    /// Of the database that was opened at `path`. The log and its index are checked where a connection holds them open
    /// all the time: the last one that is closed deletes them.
    pub fn of_opened(path: &Path, holds_log: bool) -> Self {
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let suffixes = if holds_log { &["", "-wal", "-shm"][..] } else { &[""] };
        let opened = |suffix: &&str| OpenedFile { path: beside(suffix), identity: OnceLock::new() };
        let identity = Self {
            files: suffixes.iter().map(opened).collect(),
            created: Instant::now(),
            checked: AtomicU64::default(),
            is_lost: AtomicBool::default(),
        };
        // What is there now is what was opened.
        let _ = identity.check();
        identity
    }

    /// Checks now.
    ///
    /// # Errors
    /// [`Displaced`] where a file that was there is not, or another is in its place.
    pub fn check(&self) -> Result<(), Displaced> {
        let displaced = self.files.iter().find(|file| !file.is_in_place());
        let was_lost = self.is_lost.swap(displaced.is_some(), Ordering::Relaxed);
        let Some(file) = displaced else { return Ok(()) };
        let error = Displaced(file.path.clone());
        if !was_lost {
            tracing::error!(%error, "the database file was replaced");
        }
        Err(error)
    }

    /// Checks at the time `now` where the last check is some time ago. The caller has read the clock already.
    ///
    /// # Errors
    /// Those of [`FileIdentity::check`].
    pub fn check_lately(&self, now: Instant) -> Result<(), Displaced> {
        let age = now.saturating_duration_since(self.created);
        let now = age.as_secs() * 1_000 + u64::from(age.subsec_millis());
        let is_known = now.saturating_sub(self.checked.load(Ordering::Relaxed)) < LATELY;
        if is_known && !self.is_lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.checked.store(now, Ordering::Relaxed);
        self.check()
    }
}

impl OpenedFile {
    fn is_in_place(&self) -> bool {
        match (std::fs::metadata(&self.path), self.identity.get()) {
            (Ok(found), _) => *self.identity.get_or_init(|| identity_of(&found)) == identity_of(&found),
            (Err(_), known) => known.is_none(),
        }
    }
}

/// Device and inode.
#[cfg(unix)]
fn identity_of(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

/// Elsewhere only a file that is gone is noticed.
#[cfg(not(unix))]
fn identity_of(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
