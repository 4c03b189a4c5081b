//! Format of log lines as plain text: that of `tracing-subscriber`, with a shorter way for the line of each request.
//!
//! The library formats the date anew for each line, and each piece of text as one that may have colours. Here the date is formatted
//! once per second, and text that needs no escapes is copied.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crowsfoot::server::REQUEST_LOG;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{Format, FormatEvent, FormatFields, Full, Writer};
use tracing_subscriber::fmt::time::{self, FormatTime};
use tracing_subscriber::registry::LookupSpan;

/// Field that holds the message.
const MESSAGE: &str = "message";

/// Capacity of a line, in bytes.
const USUAL_BYTES: usize = 256;

/// Length of a date with its time, without the fraction of the second and `Z`.
const SECOND_BYTES: usize = "2026-01-01T00:00:00".len();

thread_local! {
    /// Last second that this thread formatted, since 1970, and its text.
    static LAST_SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Format of the lines. All but the lines of requests have the library's format as it is.
#[derive(Debug, Default)]
pub struct PlainText(Format<Full>);

impl<S, N> FormatEvent<S, N> for PlainText
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        // Other messages may contain control characters, which the library escapes.
        if metadata.target() != REQUEST_LOG || context.lookup_current().is_some() {
            return self.0.format_event(context, writer, event);
        }
        // One text: the writer is behind a virtual call.
        let mut line = RequestLine { text: String::with_capacity(USUAL_BYTES), result: Ok(()) };
        write_time(&mut line.text)?;
        line.text.push_str(padded(*metadata.level()));
        line.text.push_str(metadata.target());
        line.text.push(':');
        event.record(&mut line);
        line.result?;
        line.text.push('\n');
        writer.write_str(&line.text)
    }
}

/// Returns a level between its spaces.
fn padded(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

/// Writes the time, in UTC and with microseconds.
fn write_time(line: &mut String) -> fmt::Result {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else {
        return time::SystemTime.format_time(&mut Writer::new(line));
    };
    LAST_SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.as_secs() || text.is_empty() {
            *second = now.as_secs();
            text.clear();
            time::SystemTime.format_time(&mut Writer::new(text))?;
            text.truncate(SECOND_BYTES);
        }
        line.push_str(text);
        Ok(())
    })?;
    line.push('.');
    push_digits(line, now.subsec_micros().into(), 6);
    line.push('Z');
    Ok(())
}

/// Adds the last decimal digits of a number, with leading zeros.
fn push_digits(line: &mut String, number: u64, digits: u32) {
    let digit = |place| char::from(b'0' + (number / 10_u64.pow(place) % 10) as u8);
    line.extend((0..digits).rev().map(digit));
}

/// Line of a request. Fields are written as ` name=value`, and the message without its name.
struct RequestLine {
    text: String,
    result: fmt::Result,
}

impl RequestLine {
    fn begin(&mut self, field: &Field) {
        self.text.push(' ');
        if field.name() != MESSAGE {
            self.text.push_str(field.name());
            self.text.push('=');
        }
    }
}

impl Visit for RequestLine {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        if !is_plain {
            return self.record_debug(field, &value);
        }
        self.begin(field);
        self.text.push('"');
        self.text.push_str(value);
        self.text.push('"');
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.begin(field);
        self.text.push_str(itoa::Buffer::new().format(value));
    }

    /// A number of thousandths, as durations are, is written by digit. Its shortest text has no others.
    fn record_f64(&mut self, field: &Field, value: f64) {
        let thousandths = (value * 1e3).round();
        let is_short = (0.0..1e12).contains(&thousandths) && thousandths / 1e3 == value;
        if !is_short || value.is_sign_negative() {
            return self.record_debug(field, &value);
        }
        self.begin(field);
        let thousandths = thousandths as u64;
        self.text.push_str(itoa::Buffer::new().format(thousandths / 1_000));
        self.text.push('.');
        match thousandths % 1_000 {
            part if part % 100 == 0 => push_digits(&mut self.text, part / 100, 1),
            part if part % 10 == 0 => push_digits(&mut self.text, part / 10, 2),
            part => push_digits(&mut self.text, part, 3),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.begin(field);
        if let Err(error) = write!(self.text, "{value:?}") {
            self.result = Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Text of all lines that a layer writes.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        /// Returns the lines, each without the digits of its time, which must be as many as usual.
        fn without_times(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let without_time = |line: &str| {
                let (time, rest) = line.split_once(' ').unwrap();
                format!("{}{rest}", time.replace(|digit: char| digit.is_ascii_digit(), "0"))
            };
            text.lines().map(without_time).collect()
        }
    }

    #[test]
    fn lines_are_those_of_the_library() {
        let [ours, theirs] = [Lines::default(), Lines::default()];
        let layer = |lines: &Lines| {
            let lines = lines.clone();
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || lines.clone())
        };
        let events = || {
            for path in ["/graphql", "", "a \"quoted\" and a \\ \u{1b}[31m", "ключ\n"] {
                let (none, count) = (None::<&str>, 7_usize);
                tracing::info!(target: REQUEST_LOG, id = %"0-1", path, none, count, some = Some(path), "answered");
            }
            tracing::info!(target: REQUEST_LOG, ms = 0.25, big = 1e20, is = true, negative = -3, "executed");
            for ms in [
                0.0,
                -0.0,
                1.0,
                0.001,
                0.01,
                7.3,
                12.345,
                1234567.25,
                1e9,
                3.0000001,
                1.0 / 3.0,
                f64::NAN,
                -2.5,
            ] {
                tracing::info!(target: REQUEST_LOG, ms, "took");
            }
            tracing::warn!(target: REQUEST_LOG, debug = ?Some("text"), "warned");
            tracing::info!("another target \u{1b}[31m");
            let _inside = tracing::info_span!("span", field = 1).entered();
            tracing::info!(target: REQUEST_LOG, inside = 1, "inside");
        };
        let ours_layer = layer(&ours).event_format(PlainText::default());
        tracing::subscriber::with_default(Registry::default().with(ours_layer), events);
        tracing::subscriber::with_default(Registry::default().with(layer(&theirs)), events);
        let lines = ours.without_times();
        assert_eq!(lines, theirs.without_times());
        assert_eq!(lines.len(), 21);
        assert!(
            lines[0].starts_with("0000-00-00T00:00:00.000000Z INFO crowsfoot::requests: answered"),
            "{}",
            lines[0]
        );
    }
}
