//! Lines of requests, in the formats of `tracing-subscriber`.
//!
//! The library formats the date anew for each line, and asks each layer about each event. Here a line is formatted at once, and the
//! date once per second.

use std::cell::RefCell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crowsfoot::server::{LineValue, REQUEST_LOG, RequestLine, RequestLog};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{self, FormatTime};

use super::LogWriter;
use crate::config::LogFormat;

/// Length of a date with its time, without the fraction of the second and `Z`.
const SECOND_BYTES: usize = "2026-01-01T00:00:00".len();

thread_local! {
    /// Last line of this thread, whose memory the next one takes.
    static LINE: RefCell<LineBuffer> = RefCell::default();
}

/// Writer of the lines of requests.
#[derive(Debug)]
pub struct RequestLines {
    pub writer: LogWriter,
    pub format: LogFormat,
}

impl RequestLog for RequestLines {
    fn write(&self, line: &RequestLine<'_>) {
        LINE.with_borrow_mut(|LineBuffer { text, second }| {
            text.clear();
            // A write to memory does not fail.
            let _ = match self.format {
                LogFormat::Text => write_text(text, second, line),
                LogFormat::Json => write_json(text, second, line),
            };
            self.writer.add(text);
        });
    }
}

#[derive(Debug, Default)]
struct LineBuffer {
    text: Vec<u8>,
    second: Second,
}

/// Second since 1970, and its text.
#[derive(Debug, Default)]
struct Second {
    number: u64,
    text: String,
}

fn write_text(text: &mut Vec<u8>, second: &mut Second, line: &RequestLine<'_>) -> std::io::Result<()> {
    second.write_now(text);
    for part in ["  INFO ", REQUEST_LOG, ": ", line.message()] {
        text.extend_from_slice(part.as_bytes());
    }
    for (name, value) in line.fields() {
        text.push(b' ');
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        match value {
            LineValue::Word(word) => text.extend_from_slice(word.as_bytes()),
            LineValue::Text(value) if is_plain(value) => {
                text.push(b'"');
                text.extend_from_slice(value.as_bytes());
                text.push(b'"');
            }
            LineValue::Text(value) => write!(text, "{value:?}")?,
            LineValue::Count(count) => text.extend_from_slice(itoa::Buffer::new().format(count).as_bytes()),
            LineValue::Milliseconds(ms) => write_milliseconds(text, ms)?,
        }
    }
    text.push(b'\n');
    Ok(())
}

fn write_json(text: &mut Vec<u8>, second: &mut Second, line: &RequestLine<'_>) -> std::io::Result<()> {
    text.extend_from_slice(br#"{"timestamp":""#);
    second.write_now(text);
    write!(text, r#"","level":"INFO","fields":{{"message":"{}""#, line.message())?;
    for (name, value) in line.fields() {
        text.extend_from_slice(b",\"");
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":");
        match value {
            LineValue::Word(value) | LineValue::Text(value) => serde_json::to_writer(&mut *text, value)?,
            LineValue::Count(count) => text.extend_from_slice(itoa::Buffer::new().format(count).as_bytes()),
            LineValue::Milliseconds(ms) => write_milliseconds(text, ms)?,
        }
    }
    writeln!(text, r#"}},"target":"{REQUEST_LOG}"}}"#)
}

impl Second {
    /// Writes the time, in UTC and with microseconds.
    fn write_now(&mut self, text: &mut Vec<u8>) {
        // Before 1970 there were no requests.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.number != now.as_secs() || self.text.is_empty() {
            self.number = now.as_secs();
            self.text.clear();
            // A write to memory does not fail.
            let _ = time::SystemTime.format_time(&mut Writer::new(&mut self.text));
            self.text.truncate(SECOND_BYTES);
        }
        text.extend_from_slice(self.text.as_bytes());
        text.push(b'.');
        push_digits(text, now.subsec_micros(), 1_000_000);
        text.push(b'Z');
    }
}

/// Returns true for text that needs no escapes.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// Writes a number of milliseconds. One of whole microseconds is written by digit: its shortest text has no others.
fn write_milliseconds(text: &mut Vec<u8>, ms: f64) -> std::io::Result<()> {
    let micros = (ms * 1e3).round();
    let is_short = (0.0..1e12).contains(&micros) && micros / 1e3 == ms && !ms.is_sign_negative();
    if !is_short {
        return write!(text, "{ms:?}");
    }
    let micros = micros as u64;
    text.extend_from_slice(itoa::Buffer::new().format(micros / 1_000).as_bytes());
    text.push(b'.');
    match (micros % 1_000) as u32 {
        part if part % 100 == 0 => push_digits(text, part / 100, 10),
        part if part % 10 == 0 => push_digits(text, part / 10, 100),
        part => push_digits(text, part, 1_000),
    }
    Ok(())
}

/// Adds the decimal digits of a number below `limit`, a power of ten, with leading zeros.
fn push_digits(text: &mut Vec<u8>, number: u32, limit: u32) {
    // The first digit is that of the limit.
    text.extend_from_slice(&itoa::Buffer::new().format(limit + number).as_bytes()[1..]);
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Text of all lines of the library.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Returns the lines without the digits of their times, which must be as many as usual.
    fn without_times(text: &[u8], time: &str) -> Vec<String> {
        let text = String::from_utf8(text.to_vec()).unwrap();
        let without_time = |line: &str| {
            let (before, rest) = line.split_once("20").unwrap();
            let (date, rest) = rest.split_once('Z').unwrap();
            let date = date.replace(|digit: char| digit.is_ascii_digit(), "0");
            assert_eq!(date, time, "{line}");
            format!("{before}{rest}")
        };
        text.lines().map(without_time).collect()
    }

    /// Checks that all lines of a format are those of the library.
    fn check(format: LogFormat) -> Vec<String> {
        let requests = RequestLines { writer: LogWriter::default(), format };
        let theirs = Lines::default();
        let of_library = theirs.clone();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || of_library.clone());
        let write = |line: RequestLine<'_>| {
            requests.write(&line);
            line.emit();
        };
        let events = || {
            for path in ["/graphql", "", "a \"quoted\" and a \\ \u{1b}[31m", "ключ\n\u{7f}\u{2028}"] {
                write(RequestLine {
                    id: Some("0-1"),
                    method: Some("POST"),
                    path: Some(path),
                    status: Some(200),
                    operation: Some("query"),
                    name: Some(path),
                    outcome: Some("ok"),
                    batch: None,
                    statements: Some(1),
                    rows: Some(0),
                    errors: Some(12_345),
                    ms: 7.3,
                });
            }
            write(RequestLine { id: Some("x"), batch: Some(3), ..RequestLine::default() });
            let floats = [
                0.0,
                1.0,
                0.001,
                0.01,
                0.25,
                12.345,
                1_234_567.25,
                1e9,
                3.000_000_1,
                1.0 / 3.0,
                987_654_321.123,
            ];
            for ms in floats {
                write(RequestLine { operation: Some("subscription"), ms, ..RequestLine::default() });
            }
        };
        match format {
            LogFormat::Text => {
                tracing::subscriber::with_default(Registry::default().with(layer), events);
            }
            LogFormat::Json => {
                tracing::subscriber::with_default(Registry::default().with(layer.json()), events);
            }
        }
        let ours = without_times(&requests.writer.waiting().text, "00-00-00T00:00:00.000000");
        assert_eq!(ours, without_times(&theirs.0.lock().unwrap(), "00-00-00T00:00:00.000000"));
        assert_eq!(ours.len(), 16);
        ours
    }

    #[test]
    fn lines_of_text_are_those_of_the_library() {
        let lines = check(LogFormat::Text);
        assert!(
            lines[0].starts_with("  INFO crowsfoot::requests: answered id=0-1 method=POST"),
            "{}",
            lines[0]
        );
    }

    #[test]
    fn lines_of_json_are_those_of_the_library() {
        let lines = check(LogFormat::Json);
        assert!(
            lines[0].starts_with(r#"{"timestamp":"","level":"INFO","fields":{"message":"answered""#),
            "{}",
            lines[0]
        );
    }
}
