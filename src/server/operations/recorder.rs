//! Recorder: counts operation records, and writes them to the log.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;

use super::metrics::Metrics;
use super::operation_record::{OperationRecord, RequestRecord, milliseconds};
use super::request_id::{self, RequestId};
use super::request_log::{RequestLine, RequestLog};
use crate::execute::StatementRecord;
use crate::schema::OperationKind;

/// Maximum length of a path in the log, in characters.
const SHOWN_CHARACTERS: usize = 200;

/// Metrics of a worker, and what is logged.
#[derive(Clone)]
pub(in crate::server) struct Recorder {
    pub metrics: Metrics,
    /// Writer of the lines of requests; `None` sends them as events.
    pub request_log: Option<Arc<dyn RequestLog>>,
    /// `None` logs no statement.
    pub slow_statement: Option<Duration>,
}

impl Recorder {
    /// Counts and logs an operation by itself, because its request was answered earlier or continues.
    pub(in crate::server) fn record(&self, operation: &OperationRecord) {
        let elapsed = operation.elapsed();
        self.log(&RequestLine {
            operation: operation.kind.map(OperationKind::as_str),
            name: operation.name.as_deref(),
            outcome: Some(operation.outcome.as_str()),
            statements: Some(operation.statements.len()),
            rows: Some(operation.rows()),
            errors: Some(operation.codes.len()),
            ms: milliseconds(elapsed),
            ..RequestLine::default()
        });
        self.count(operation, None, elapsed);
    }

    /// Counts all operations of a request, and writes its log line. Requests of other routes have no
    /// operation.
    pub(super) fn record_request(
        &self,
        record: &RequestRecord,
        request: &HttpRequest,
        status: StatusCode,
        elapsed: Duration,
    ) {
        let RequestRecord { id, operations } = record;
        for operation in operations {
            self.count(operation, Some(id), operation.elapsed.unwrap_or(elapsed));
        }
        let sum = |number: fn(&OperationRecord) -> usize| {
            (!operations.is_empty()).then(|| operations.iter().map(number).sum::<usize>())
        };
        let only = match operations.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        self.log(&RequestLine {
            id: Some(id.text(&mut request_id::buffer())),
            method: Some(request.method().as_str()),
            path: Some(log_path(request.path())),
            status: Some(status.as_u16()),
            operation: only.and_then(|only| only.kind).map(OperationKind::as_str),
            name: only.and_then(|only| only.name.as_deref()),
            outcome: only.map(|only| only.outcome.as_str()),
            batch: (operations.len() > 1).then_some(operations.len()),
            statements: sum(|operation| operation.statements.len()),
            rows: sum(OperationRecord::rows),
            errors: sum(|operation| operation.codes.len()),
            ms: milliseconds(elapsed),
        });
    }

    fn log(&self, line: &RequestLine<'_>) {
        match &self.request_log {
            Some(log) => log.write(line),
            None => line.emit(),
        }
    }

    /// Counts an operation, and logs its slow statements. Values belong to the client and are not logged.
    fn count(&self, operation: &OperationRecord, request: Option<&RequestId>, elapsed: Duration) {
        self.metrics.observe(operation, elapsed);
        let is_slow =
            |statement: &&StatementRecord| self.slow_statement.is_some_and(|slow| statement.elapsed >= slow);
        for StatementRecord { sql, rows, elapsed } in operation.statements.iter().filter(is_slow) {
            let (id, ms) = (request.map(tracing::field::display), milliseconds(*elapsed));
            tracing::warn!(id, sql = &**sql, rows, ms, "slow statement");
        }
    }
}

/// Returns the part of a path that the log shows.
pub(super) fn log_path(path: &str) -> &str {
    path.char_indices().nth(SHOWN_CHARACTERS).map_or(path, |(end, _)| &path[..end])
}
