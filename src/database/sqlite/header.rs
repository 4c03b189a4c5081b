//! Lengths that SQLite's files must have, by their headers.
//!
//! Sections "The Database Header" of <https://www.sqlite.org/fileformat2.html> and "WAL-Index Format" of
//! <https://www.sqlite.org/walformat.html>.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Content of a file, which decides its least length.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// Pages of the database, counted by the first page.
    Pages,
    /// Frames of the write-ahead log, counted by the log's index.
    Frames,
    /// Index of the log, which SQLite never shortens.
    Index,
}

/// Header of a file that has become shorter.
#[derive(Debug)]
pub(super) struct Header {
    content: Content,
    path: PathBuf,
    /// Never closed: closing any descriptor of a file releases the locks that SQLite holds on it (POSIX).
    opened: OnceLock<ManuallyDrop<File>>,
}

/// Bytes of a header that contain the size of a page and the number of pages or frames.
type HeaderBytes = [u8; 32];

/// Bytes before the first frame of a log, and before the page of each frame.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

impl Header {
    pub fn new(content: Content, path: PathBuf) -> Self {
        Self { content, path, opened: OnceLock::new() }
    }

    /// Returns true if the file at `path` has all pages or frames that the header states.
    pub fn allows(&self, path: &Path) -> bool {
        // A length that was read between two changes of the header belongs to neither.
        loop {
            let Some(before) = self.read() else { return cfg!(not(unix)) };
            let length = std::fs::metadata(path).map_or(0, |file| file.len());
            if self.read() == Some(before) {
                return length >= self.least_length(&before);
            }
        }
    }

    fn least_length(&self, start: &HeaderBytes) -> u64 {
        match self.content {
            Content::Pages => {
                let page = page_size(u16::from_be_bytes([start[16], start[17]]));
                page * u64::from(u32::from_be_bytes([start[28], start[29], start[30], start[31]]))
            }
            Content::Frames => {
                let page = page_size(u16::from_ne_bytes([start[14], start[15]]));
                let frames = u32::from_ne_bytes([start[16], start[17], start[18], start[19]]);
                LOG_HEADER * u64::from(frames.min(1)) + u64::from(frames) * (FRAME_HEADER + page)
            }
            Content::Index => u64::MAX,
        }
    }

    /// Returns the header, or `None` if the file is too short for one.
    #[cfg(unix)]
    fn read(&self) -> Option<HeaderBytes> {
        use std::os::unix::fs::FileExt;

        let file = match self.opened.get() {
            Some(file) => file,
            None => {
                let file = ManuallyDrop::new(File::open(&self.path).ok()?);
                self.opened.get_or_init(|| file)
            }
        };
        let mut start = HeaderBytes::default();
        file.read_exact_at(&mut start, 0).ok()?;
        Some(start)
    }

    /// Returns no header: other systems protect an open file.
    #[cfg(not(unix))]
    fn read(&self) -> Option<HeaderBytes> {
        None
    }
}

/// Decodes the size of a page: 1 stands for 65,536.
fn page_size(stored: u16) -> u64 {
    if stored == 1 { 65_536 } else { stored.into() }
}
