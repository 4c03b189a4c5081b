//! Writer of the audit log: a thread of its own, which writes the lines in order.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SendError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

/// Pause between attempts to write.
const PAUSE: Duration = Duration::from_millis(200);

/// Attempts to write after the service has ended.
const LAST_ATTEMPTS: usize = 5;

enum Order {
    /// Line, and the notification that it is written.
    Write(String, Option<oneshot::Sender<()>>),
    Reopen,
    /// End, and the notification that all lines are written or reported.
    Close(oneshot::Sender<()>),
}

/// Handle of the thread. Lines are bounded by the requests that wait for them.
#[derive(Debug)]
pub(super) struct AuditWriter {
    /// `None` while the writer is dropped.
    orders: Option<Sender<Order>>,
    is_failing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl AuditWriter {
    /// Starts the thread; `None` stands for the standard output.
    pub(super) fn start(path: Option<PathBuf>) -> io::Result<Self> {
        let target = AuditTarget::open(path)?;
        let (orders, received) = mpsc::channel();
        let is_failing = Arc::new(AtomicBool::new(false));
        let work = AuditWork {
            target,
            is_failing: is_failing.clone(),
            unwritten: Vec::new(),
            waiting: Vec::new(),
            closing: None,
        };
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || work.run(&received))?;
        Ok(Self { orders: Some(orders), is_failing, thread: Some(thread) })
    }

    /// Returns true if the last attempt to write has failed.
    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Writes a line, and waits until the operating system has it.
    pub(super) async fn write(&self, line: String) {
        let (written, is_written) = oneshot::channel();
        self.order(Order::Write(line, Some(written)));
        // An error is a line that is reported as lost.
        let _ = is_written.await;
    }

    /// Writes a line without waiting.
    pub(super) fn write_later(&self, line: String) {
        self.order(Order::Write(line, None));
    }

    /// Opens the file again.
    pub(super) fn reopen(&self) {
        self.order(Order::Reopen);
    }

    /// Writes all lines, and ends the thread. Lines that come later are reported as lost.
    pub(super) async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        self.order(Order::Close(closed));
        // The thread has ended before.
        let _ = is_closed.await;
    }

    fn order(&self, order: Order) {
        let refused = self.orders.as_ref().and_then(|orders| orders.send(order).err());
        if let Some(SendError(Order::Write(line, _))) = refused {
            report_lost(&line);
        }
    }
}

impl Drop for AuditWriter {
    /// Waits for the lines that are under way.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported.
            let _ = thread.join();
        }
    }
}

/// Work of the thread.
struct AuditWork {
    target: AuditTarget,
    is_failing: Arc<AtomicBool>,
    /// Bytes of lines that the operating system has not taken.
    unwritten: Vec<u8>,
    /// Notifications of the lines in `unwritten`.
    waiting: Vec<oneshot::Sender<()>>,
    /// Notification of the end, once it is ordered.
    closing: Option<oneshot::Sender<()>>,
}

impl AuditWork {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let first = match self.unwritten.is_empty() {
                true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => orders.recv_timeout(PAUSE),
            };
            match first {
                Ok(order) => {
                    // The lines of concurrent requests are written together.
                    std::iter::once(order).chain(orders.try_iter()).for_each(|order| self.take(order));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            }
            if self.closing.is_some() {
                return self.end();
            }
            self.write();
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Write(line, notification) => {
                self.unwritten.extend_from_slice(line.as_bytes());
                self.unwritten.push(b'\n');
                self.waiting.extend(notification);
            }
            Order::Close(notification) => self.closing = Some(notification),
            Order::Reopen => {
                self.write();
                if let Err(error) = self.target.reopen() {
                    tracing::error!(%error, "the audit log cannot be opened again; the previous file is written on");
                }
            }
        }
    }

    /// Writes as much as the operating system takes. A part of a line is continued by the next attempt.
    fn write(&mut self) {
        let mut result = Ok(());
        while !self.unwritten.is_empty() && result.is_ok() {
            result = match self.target.write(&self.unwritten) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.unwritten.drain(..written);
                    Ok(())
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                Err(error) => Err(error),
            };
        }
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Ok(()) => {
                if was_failing {
                    tracing::info!("the audit log is written again");
                }
                for waiting in self.waiting.drain(..) {
                    // A client may have gone.
                    let _ = waiting.send(());
                }
            }
            Err(error) if !was_failing => {
                tracing::error!(%error, "the audit log cannot be written; audited operations are refused");
            }
            Err(_) => {}
        }
    }

    fn end(mut self) {
        for attempt in 0..LAST_ATTEMPTS {
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            self.write();
            if self.unwritten.is_empty() {
                break;
            }
        }
        if !self.unwritten.is_empty() {
            report_lost(&String::from_utf8_lossy(&self.unwritten));
        }
        if let Some(closing) = self.closing {
            // The caller may have gone.
            let _ = closing.send(());
        }
    }
}

fn report_lost(lines: &str) {
    tracing::error!(lines = %lines.trim_end(), "lines of the audit log are not written");
}

/// Target of the lines.
enum AuditTarget {
    File(PathBuf, File),
    StandardOutput(io::Stdout),
}

impl AuditTarget {
    fn open(path: Option<PathBuf>) -> io::Result<Self> {
        match path {
            Some(path) => append(&path).map(|file| Self::File(path, file)),
            None => Ok(Self::StandardOutput(io::stdout())),
        }
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Self::File(path, file) = self {
            *file = append(path)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(_, file) => file.write(bytes),
            Self::StandardOutput(output) => {
                let mut output = output.lock();
                output.write_all(bytes)?;
                output.flush()?;
                Ok(bytes.len())
            }
        }
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn lines_are_written_in_order_and_to_the_new_file_after_a_rotation() {
        let folder = std::env::temp_dir().join(format!("crowsfoot-audit-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let (path, old) = (folder.join("audit.log"), folder.join("audit.log.1"));
        let writer = AuditWriter::start(Some(path.clone())).unwrap();
        writer.write("one".to_owned()).await;
        writer.write_later("two".to_owned());
        writer.write("three".to_owned()).await;
        fs::rename(&path, &old).unwrap();
        writer.write("four".to_owned()).await;
        writer.reopen();
        writer.write("five".to_owned()).await;
        writer.write_later("six".to_owned());
        drop(writer);
        assert_eq!(fs::read_to_string(&old).unwrap(), "one\ntwo\nthree\nfour\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "five\nsix\n");
        fs::remove_dir_all(&folder).unwrap();
    }

    /// `/dev/full` has no space, as a full disk.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_line_is_not_acknowledged_until_it_is_written() {
        let writer = AuditWriter::start(Some("/dev/full".into())).unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(500), writer.write("one".to_owned())).await;
        assert!(waited.is_err() && writer.is_failing());
    }
}
