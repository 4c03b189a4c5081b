//! Log lines: written to the standard error output by a thread of their own.

use std::io::{self, BufWriter, IsTerminal};

use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::Failure;
use crate::config::{LogFormat, Serve};

/// Maximum number of lines that wait to be written; further lines are dropped, and counted. A second of full load.
const MOST_WAITING: usize = 1 << 15;

/// Starts the thread. The guard's drop writes the waiting lines, also while a panic unwinds.
///
/// A request does not wait for its line: a write costs a request by key as much time as its answer.
pub fn start() -> (NonBlocking, WorkerGuard) {
    let builder = NonBlockingBuilder::default().thread_name("log").buffered_lines_limit(MOST_WAITING);
    // The thread flushes when no line waits.
    builder.finish(BufWriter::new(io::stderr()))
}

/// Returns the layer that formats the lines.
///
/// # Errors
/// If the settings contain an invalid filter.
pub fn lines<S>(settings: &Serve, writer: NonBlocking) -> Result<impl Layer<S> + use<S>, Failure>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_new(&settings.log)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        // Colours are for people, not for files.
        .with_ansi(io::stderr().is_terminal());
    let lines = match settings.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // Of its own: what else looks at spans may want to see more of them.
    Ok(lines.with_filter(filter))
}
