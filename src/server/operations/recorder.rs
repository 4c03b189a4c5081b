//! Recorder: counts operation records, and writes them to the log.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;

use super::metrics::Metrics;
use super::operation_record::{OperationRecord, RequestRecord, milliseconds};
use super::request_id::RequestId;
use crate::execute::StatementRecord;
use crate::schema::OperationKind;

/// Target of the log lines of requests and live queries: a filter such as `info,crowsfoot::requests=off` names it.
pub const REQUEST_LOG: &str = "crowsfoot::requests";

/// Maximum length of a path in the log, in characters.
const SHOWN_CHARACTERS: usize = 200;

/// Metrics of a worker, and the duration from which a statement is logged.
#[derive(Clone)]
pub(in crate::server) struct Recorder {
    pub metrics: Metrics,
    /// `None` logs no statement.
    pub slow_statement: Option<Duration>,
}

impl Recorder {
    /// Counts and logs an operation by itself, because its request was answered earlier or continues.
    pub(in crate::server) fn record(&self, operation: &OperationRecord) {
        let elapsed = operation.elapsed();
        tracing::info!(
            target: REQUEST_LOG,
            operation = operation.kind.map(OperationKind::as_str),
            name = operation.name,
            outcome = operation.outcome.as_str(),
            statements = operation.statements.len(),
            rows = operation.rows(),
            errors = operation.codes.len(),
            ms = milliseconds(elapsed),
            "executed"
        );
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
        tracing::info!(
            target: REQUEST_LOG,
            %id,
            method = %request.method(),
            path = log_path(request.path()),
            status = status.as_u16(),
            operation = only.and_then(|only| only.kind).map(OperationKind::as_str),
            name = only.and_then(|only| only.name.as_deref()),
            outcome = only.map(|only| only.outcome.as_str()),
            batch = (operations.len() > 1).then_some(operations.len()),
            statements = sum(|operation| operation.statements.len()),
            rows = sum(OperationRecord::rows),
            errors = sum(|operation| operation.codes.len()),
            ms = milliseconds(elapsed),
            "answered"
        );
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
