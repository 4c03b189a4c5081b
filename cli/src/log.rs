//! Log lines: gathered, and written to the standard error output by a thread of their own.
//!
//! A line that its request writes costs a request by key half as much processor time as its answer. So does a line that wakes
//! another thread, such as one sent over a channel. Here a request only adds its line to a buffer, which is written at most once
//! per [`PAUSE`], as buffered access logs of web servers are.

mod request_lines;

use std::io::{self, IsTerminal, Write};
use std::mem;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crowsfoot::server::{REQUEST_LOG, REQUEST_SPAN, RequestLog};
use request_lines::RequestLines;
use tracing::{Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::Failure;
use crate::config::{LogFormat, Serve};

/// Maximum time that a line waits before it is written. A killed process loses the lines of this time.
const PAUSE: Duration = Duration::from_millis(50);

/// Size of the waiting lines above which further lines are dropped, in bytes: a second of full load.
const MOST_BYTES: usize = 16 << 20;

/// Capacity that an empty buffer keeps, in bytes: the lines of 50 ms at 80,000 a second.
const KEPT_BYTES: usize = 1 << 20;

/// Lines that wait to be written.
#[derive(Debug, Default)]
struct WaitingLines {
    text: Vec<u8>,
    has_ended: bool,
}

/// Writer of log lines.
#[derive(Clone, Debug, Default)]
pub struct LogWriter {
    lines: Arc<(Mutex<WaitingLines>, Condvar)>,
    dropped: Arc<AtomicU64>,
}

/// Guard whose drop writes the waiting lines.
#[derive(Debug)]
pub struct LogGuard {
    writer: LogWriter,
    /// `None` while the guard is dropped.
    thread: Option<JoinHandle<()>>,
}

impl LogWriter {
    /// Starts the thread. The waiting lines are also written before the message of a panic.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start() -> io::Result<(Self, LogGuard)> {
        let writer = Self::default();
        let (of_thread, of_panic) = (writer.clone(), writer.clone());
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.run())?;
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            of_panic.write_waiting(&mut Vec::new());
            report(panicked);
        }));
        Ok((writer.clone(), LogGuard { writer, thread: Some(thread) }))
    }

    /// Adds a line, or drops it if too many wait.
    fn add(&self, line: &[u8]) {
        let mut lines = self.waiting();
        if lines.text.len() + line.len() > MOST_BYTES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let is_first = lines.text.is_empty();
        lines.text.extend_from_slice(line);
        // Without the lock, for which the thread would wait.
        drop(lines);
        if is_first {
            self.lines.1.notify_one();
        }
    }

    /// Returns the number of dropped lines.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> MutexGuard<'_, WaitingLines> {
        self.lines.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes lines until the end.
    fn run(&self) {
        let mut written = Vec::new();
        let mut last: Option<Instant> = None;
        loop {
            let is_idle = |lines: &mut WaitingLines| lines.text.is_empty() && !lines.has_ended;
            let waited = self.lines.1.wait_while(self.waiting(), is_idle);
            let has_ended = waited.unwrap_or_else(PoisonError::into_inner).has_ended;
            let rest = last.and_then(|last| PAUSE.checked_sub(last.elapsed()));
            if let Some(rest) = rest.filter(|_| !has_ended) {
                thread::sleep(rest);
            }
            self.write_waiting(&mut written);
            last = Some(Instant::now());
            if has_ended {
                return;
            }
        }
    }

    /// Writes the waiting lines. The next ones take the place of `written`, lines of before: two buffers in turns grow once.
    fn write_waiting(&self, written: &mut Vec<u8>) {
        written.clear();
        written.shrink_to(KEPT_BYTES);
        mem::swap(&mut self.waiting().text, written);
        // A closed output takes no lines.
        let _ = io::stderr().write_all(written);
    }
}

impl Write for &LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.writer.waiting().has_ended = true;
        self.writer.lines.1.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported.
            let _ = thread.join();
        }
    }
}

/// Returns the layer that formats the lines.
///
/// # Errors
/// If the settings contain an invalid filter.
pub fn lines<S>(settings: &Serve, writer: LogWriter) -> Result<impl Layer<S> + use<S>, Failure>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_new(&settings.log)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(io::stderr().is_terminal());
    let lines = match settings.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // Of its own: what else looks at spans may want to see more of them.
    Ok(lines.with_filter(filter))
}

/// Returns the writer of the lines of requests, to be called after the subscriber has begun. `None` if a line may depend on the
/// subscriber: in colours, in the span of its request, or left out by a filter.
pub fn requests(settings: &Serve, writer: LogWriter) -> Option<Arc<dyn RequestLog>> {
    let has_colours = settings.log_format == LogFormat::Text && io::stderr().is_terminal();
    // A filter of spans, such as `[request]=debug`, depends on the request.
    let has_spans = settings.log.contains('[') || tracing::enabled!(target: REQUEST_SPAN, Level::DEBUG);
    let is_written = tracing::enabled!(target: REQUEST_LOG, Level::INFO);
    let lines = RequestLines { writer, format: settings.log_format };
    (is_written && !has_spans && !has_colours).then(|| Arc::new(lines) as Arc<dyn RequestLog>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_are_dropped_and_counted() {
        let writer = LogWriter::default();
        let line = vec![b'x'; MOST_BYTES / 4];
        for _ in 0..6 {
            (&writer).write_all(&line).unwrap();
        }
        assert_eq!(writer.dropped(), 2);
        assert_eq!(writer.waiting().text.len(), MOST_BYTES);
    }
}
