//! Log of requests: one line for each request, and for each operation of a socket or an event stream.

use std::fmt::Debug;

/// Target of the log lines of requests and live queries: a filter such as `info,crowsfoot::requests=off` names it.
pub const REQUEST_LOG: &str = "crowsfoot::requests";

/// Target of the span of each request, whose level is DEBUG.
pub const REQUEST_SPAN: &str = "crowsfoot::server";

/// Writer of the lines of requests, in place of the events of `tracing`. An event calls each layer of the subscriber, which
/// formats field after field.
pub trait RequestLog: Debug + Send + Sync {
    /// Writes a line. A worker calls this for each request, and waits.
    fn write(&self, line: &RequestLine<'_>);
}

/// Line of a request, or of an operation of a socket or an event stream. Absent fields are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestLine<'a> {
    /// Id of the request; `None` for an operation by itself.
    pub id: Option<&'a str>,
    /// Method of the request.
    pub method: Option<&'a str>,
    /// Path of the request, or its beginning.
    pub path: Option<&'a str>,
    /// Status of the response.
    pub status: Option<u16>,
    /// Kind of the only operation: `query`, `mutation` or `subscription`.
    pub operation: Option<&'static str>,
    /// Name of the only operation, or its beginning.
    pub name: Option<&'a str>,
    /// Outcome of the only operation: `ok`, `partial`, `failed` or `refused`.
    pub outcome: Option<&'static str>,
    /// Number of operations, if there are several.
    pub batch: Option<usize>,
    /// Number of statements of all operations.
    pub statements: Option<usize>,
    /// Number of rows that the statements returned.
    pub rows: Option<usize>,
    /// Number of errors of all operations.
    pub errors: Option<usize>,
    /// Duration in milliseconds, with microseconds.
    pub ms: f64,
}

/// Value of a field of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LineValue<'a> {
    /// Text without spaces, quotes and control characters.
    Word(&'a str),
    /// Any text.
    Text(&'a str),
    /// Number of things.
    Count(usize),
    /// Number of milliseconds.
    Milliseconds(f64),
}

impl<'a> RequestLine<'a> {
    /// Returns the message of the line.
    pub fn message(&self) -> &'static str {
        if self.id.is_some() { "answered" } else { "executed" }
    }

    /// Returns the fields with their names, without absent ones.
    ///
    /// ```
    /// use crowsfoot::server::{LineValue, RequestLine};
    ///
    /// let line = RequestLine { id: Some("7"), status: Some(200), ms: 0.25, ..RequestLine::default() };
    /// let fields: Vec<_> = line.fields().collect();
    /// assert_eq!(fields, [("id", LineValue::Word("7")), ("status", LineValue::Count(200)), ("ms", LineValue::Milliseconds(0.25))]);
    /// ```
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, LineValue<'a>)> {
        use LineValue::{Count, Milliseconds, Text, Word};
        [
            ("id", self.id.map(Word)),
            ("method", self.method.map(Word)),
            ("path", self.path.map(Text)),
            ("status", self.status.map(|status| Count(status.into()))),
            ("operation", self.operation.map(Text)),
            ("name", self.name.map(Text)),
            ("outcome", self.outcome.map(Text)),
            ("batch", self.batch.map(Count)),
            ("statements", self.statements.map(Count)),
            ("rows", self.rows.map(Count)),
            ("errors", self.errors.map(Count)),
            ("ms", Some(Milliseconds(self.ms))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Sends the line as an event of `tracing`.
    pub fn emit(&self) {
        tracing::info!(
            target: REQUEST_LOG,
            id = self.id.map(tracing::field::display),
            method = self.method.map(tracing::field::display),
            path = self.path,
            status = self.status,
            operation = self.operation,
            name = self.name,
            outcome = self.outcome,
            batch = self.batch,
            statements = self.statements,
            rows = self.rows,
            errors = self.errors,
            ms = self.ms,
            "{}",
            self.message()
        );
    }
}
