//! Checks that the files at the database's path are still the opened ones.
//!
//! A deleted or replaced file that is still open accepts writes, which are then lost; so does a file that
//! another program has shortened. A file that became read-only after it was opened accepts writes too, against
//! the will of its owner.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

#[cfg(unix)]
use rustix::io::Errno;

use super::header::{Content, Header};

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
    /// Length at the last check that found the file complete.
    length: AtomicU64,
    /// Header that states the least length of a file that has become shorter.
    header: Header,
}

/// A file was deleted, replaced by another, or shortened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::database) enum Displaced {
    #[error(
        "{} is no longer the file that was opened; restore that file, or restart the service with the new one",
        .0.display()
    )]
    Replaced(PathBuf),
    #[error(
        "{} was shortened by another program; restore its content, and restart the service",
        .0.display()
    )]
    Shortened(PathBuf),
}

impl FileIdentity {
    /// Records the database opened at `path`. Log and index are checked only if a connection holds them open
    /// permanently: the last closed connection deletes them.
    pub fn of_opened(path: &Path, holds_log: bool) -> Self {
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let opened = |suffix: &str, content: Content, of_header: &str| OpenedFile {
            path: beside(suffix),
            identity: OnceLock::new(),
            length: AtomicU64::default(),
            header: Header::new(content, beside(of_header)),
        };
        let mut files = vec![opened("", Content::Pages, "")];
        if holds_log {
            files.extend([opened("-wal", Content::Frames, "-shm"), opened("-shm", Content::Index, "-shm")]);
        }
        let identity = Self {
            files,
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
    /// Returns [`Displaced`] if a known file is missing, replaced or shortened.
    pub fn check(&self) -> Result<(), Displaced> {
        self.check_at(self.milliseconds_at(Instant::now()))
    }

    fn check_at(&self, now: u64) -> Result<(), Displaced> {
        self.checked.store(now, Ordering::Relaxed);
        let checked = self.files.iter().try_for_each(OpenedFile::check);
        let was_lost = self.is_lost.swap(checked.is_err(), Ordering::Relaxed);
        if let Err(error) = &checked
            && !was_lost
        {
            tracing::error!(%error, "the database file cannot be used");
        }
        checked
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
        let now = self.milliseconds_at(now);
        let is_known = now.saturating_sub(self.checked.load(Ordering::Relaxed)) < LATELY;
        if is_known && !self.is_lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.check_at(now)
    }

    /// Returns the milliseconds from the creation to the time `now`.
    fn milliseconds_at(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(self.created);
        age.as_secs() * 1_000 + u64::from(age.subsec_millis())
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

    fn check(&self) -> Result<(), Displaced> {
        let found = match (std::fs::metadata(&self.path), self.identity.get()) {
            (Ok(found), _) => found,
            (Err(_), None) => return Ok(()),
            (Err(_), Some(_)) => return Err(Displaced::Replaced(self.path.clone())),
        };
        if *self.identity.get_or_init(|| identity_of(&found)) != identity_of(&found) {
            return Err(Displaced::Replaced(self.path.clone()));
        }
        // SQLite shortens files too: after VACUUM, and at the end of a large log.
        if found.len() < self.length.load(Ordering::Relaxed) && !self.header.allows(&self.path) {
            return Err(Displaced::Shortened(self.path.clone()));
        }
        self.length.store(found.len(), Ordering::Relaxed);
        Ok(())
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
