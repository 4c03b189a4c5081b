//! Operation record: log line and metrics of an operation.

use std::time::{Duration, Instant};

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage, HttpRequest};

use super::State;
use super::metrics::Metrics;
use super::request_id::RequestId;
use crate::error::{Code, LocatedError};
use crate::execute::StatementRecord;
use crate::schema::{Executed, OperationKind, PreparedOperation};

/// Maximum length of an operation name in the log, in characters: clients choose the names.
const SHOWN_CHARACTERS: usize = 100;

/// Outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Complete response without errors.
    Ok,
    /// Some fields failed, others have data.
    Partial,
    /// The operation was executed and has no data.
    Failed,
    /// The operation was not executed.
    Refused,
}

impl Outcome {
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Partial, Self::Failed, Self::Refused];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// Record of an operation, from its start.
#[derive(Debug)]
pub(super) struct Observation {
    started: Instant,
    /// `None` if the operation was refused before it began; the time of the whole request counts instead.
    pub(super) elapsed: Option<Duration>,
    /// `None` if the request could not be read.
    pub(super) kind: Option<OperationKind>,
    name: Option<String>,
    pub(super) outcome: Outcome,
    /// Code of each error.
    pub(super) codes: Vec<Code>,
    pub(super) statements: Vec<StatementRecord>,
}

impl Observation {
    /// Starts the record of an operation.
    pub(super) fn begin(prepared: &PreparedOperation) -> Self {
        let name = prepared.operation_name().map(|name| name.chars().take(SHOWN_CHARACTERS).collect());
        Self { kind: Some(prepared.kind()), name, ..Self::refused(&[]) }
    }

    /// Completes the record with the outcome and the statements.
    pub(super) fn end(self, executed: &Executed, statements: Vec<StatementRecord>) -> Self {
        let outcome = match &executed.data {
            None => Outcome::Refused,
            Some(_) if executed.errors.is_empty() => Outcome::Ok,
            Some(data) if data == b"null" => Outcome::Failed,
            Some(_) => Outcome::Partial,
        };
        Self {
            elapsed: Some(self.started.elapsed()),
            outcome,
            codes: codes(&executed.errors),
            statements,
            ..self
        }
    }

    /// Builds the record of an operation that is refused.
    pub(super) fn refused(errors: &[LocatedError]) -> Self {
        Self {
            started: Instant::now(),
            elapsed: None,
            kind: None,
            name: None,
            outcome: Outcome::Refused,
            codes: codes(errors),
            statements: Vec::new(),
        }
    }

    /// Attaches the record to its request, until the request is over.
    pub(super) fn belongs_to(self, http: &HttpRequest) {
        if let Some(observations) = http.extensions_mut().get_mut::<Observations>() {
            observations.operations.push(self);
        }
    }

    /// Counts and logs the record by itself, because its request was answered earlier or continues.
    pub(super) fn tell(self, state: &State) {
        let elapsed = self.elapsed.unwrap_or_else(|| self.started.elapsed());
        tracing::info!(
            operation = self.kind.map(OperationKind::as_str),
            name = self.name,
            outcome = self.outcome.as_str(),
            statements = self.statements.len(),
            rows = self.rows(),
            errors = self.codes.len(),
            ms = milliseconds(elapsed),
            "executed"
        );
        self.count(&state.metrics, elapsed, state.slow_statement);
    }

    /// Counts the record and logs its slow statements. Values belong to the client and are not logged.
    fn count(&self, metrics: &Metrics, elapsed: Duration, slow: Option<Duration>) {
        metrics.observe(self, self.elapsed.unwrap_or(elapsed));
        let is_slow = |statement: &&StatementRecord| slow.is_some_and(|slow| statement.elapsed >= slow);
        for StatementRecord { sql, rows, elapsed } in self.statements.iter().filter(is_slow) {
            tracing::warn!(sql = &**sql, rows, ms = milliseconds(*elapsed), "slow statement");
        }
    }

    /// Returns the number of rows of all statements.
    pub(super) fn rows(&self) -> usize {
        self.statements.iter().map(|statement| statement.rows).sum()
    }
}

/// Records of an HTTP request: its id and its operations, one or as many as its batch has.
#[derive(Debug)]
pub(super) struct Observations {
    id: RequestId,
    operations: Vec<Observation>,
}

impl Observations {
    /// Attaches empty records to a request.
    pub(super) fn begin(request: &ServiceRequest, id: RequestId) {
        // Nearly every request has one operation.
        request.extensions_mut().insert(Self { id, operations: Vec::with_capacity(1) });
    }

    /// Takes the records of a finished request.
    pub(super) fn end(http: &HttpRequest) -> Option<Self> {
        http.extensions_mut().remove()
    }

    /// Returns the id of a request that is not finished.
    pub(super) fn id(http: &HttpRequest) -> Option<String> {
        http.extensions().get::<Self>().map(|observations| observations.id.to_string())
    }

    /// Counts all operations.
    pub(super) fn count(&self, metrics: &Metrics, elapsed: Duration, slow: Option<Duration>) {
        self.operations.iter().for_each(|operation| operation.count(metrics, elapsed, slow));
    }

    /// Writes the log line of the whole request. Requests of other routes have no operation.
    pub(super) fn log(&self, status: u16, elapsed: Duration) {
        let sum = |number: fn(&Observation) -> usize| {
            (!self.operations.is_empty()).then(|| self.operations.iter().map(number).sum::<usize>())
        };
        let only = match self.operations.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        tracing::info!(
            status,
            operation = only.and_then(|only| only.kind).map(OperationKind::as_str),
            name = only.and_then(|only| only.name.as_deref()),
            outcome = only.map(|only| only.outcome.as_str()),
            batch = (self.operations.len() > 1).then_some(self.operations.len()),
            statements = sum(|operation| operation.statements.len()),
            rows = sum(Observation::rows),
            errors = sum(|operation| operation.codes.len()),
            ms = milliseconds(elapsed),
            "answered"
        );
    }
}

fn codes(errors: &[LocatedError]) -> Vec<Code> {
    errors.iter().map(|located| located.error.code()).collect()
}

/// Converts to milliseconds, rounded to the microsecond.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}
