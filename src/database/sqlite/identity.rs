//! Checks that the files at the database's path are still the opened ones.
//!
//! A deleted or replaced file that is still open accepts writes, which are then lost. A file that became
//! read-only after it was opened accepts writes too, against the will of its owner.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

#[cfg(unix)]
use rustix::io::Errno;

/// Milliseconds for which a read relies on the last check.
const LATELY: u64 = 100;

/// Files of one database: the database, its write-ahead log and the index of the log.
#[derive(Debug)]
pub(in crate::database) struct FileIdentity {
    files: Vec<OpenedFile>,
    created: Instant,
    /// Milliseconds from `created` to the last check.
    checked: AtomicU64,
    is_lost: AtomicBool,
}

#[derive(Debug)]
struct OpenedFile {
    path: PathBuf,
    /// Identity, recorded when the file first exists.
    identity: OnceLock<(u64, u64)>,
}

/// A file was deleted, or replaced by another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is no longer the file that was opened; restore that file, or restart the service with the new one",
    .0.display()
)]
pub(in crate::database) struct Displaced(PathBuf);

impl FileIdentity {
    /// Records the database opened at `path`. Log and index are checked only if a connection holds them open
    /// permanently: the last closed connection deletes them.
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
        // The present files are the opened ones.
        let _ = identity.check();
        identity
    }

    /// Checks now.
    ///
    /// # Errors
    /// Returns [`Displaced`] if a known file is missing or replaced.
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

    /// Returns true unless the system forbids writes to one of the files now.
    pub fn is_writable(&self) -> bool {
        self.files.iter().all(OpenedFile::is_writable)
    }

    /// Checks at the time `now`, unless the last check is recent. The caller has read the clock already.
    ///
    /// # Errors
    /// Fails as [`FileIdentity::check`].
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
    /// Returns true unless the system forbids writes to the present file, by its mode, an attribute or its mount.
    ///
    /// Asks without opening the file: closing it would release the locks that SQLite holds on it (POSIX).
    #[cfg(unix)]
    fn is_writable(&self) -> bool {
        let access = rustix::fs::access(&self.path, rustix::fs::Access::WRITE_OK);
        !matches!(access, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS))
    }

    #[cfg(not(unix))]
    fn is_writable(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| !metadata.permissions().readonly())
    }

    fn is_in_place(&self) -> bool {
        match (std::fs::metadata(&self.path), self.identity.get()) {
            (Ok(found), _) => *self.identity.get_or_init(|| identity_of(&found)) == identity_of(&found),
            (Err(_), known) => known.is_none(),
        }
    }
}

/// Returns device and inode.
#[cfg(unix)]
fn identity_of(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

/// Returns a constant: other systems only notice a missing file.
#[cfg(not(unix))]
fn identity_of(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
