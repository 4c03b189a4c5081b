//! What the log and the metrics have to say about one operation when it is over.

use std::time::{Duration, Instant};

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage, HttpRequest};

use super::State;
use super::metrics::Metrics;
use super::request_id::RequestId;
use crate::error::{Code, LocatedError};
use crate::execute::StatementRecord;
use crate::schema::{Executed, OperationKind, Prepared};

/// Longest name that the log repeats: clients choose them.
const SHOWN_CHARACTERS: usize = 100;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it was answered.
    Ok,
    /// Some fields failed, and others were answered.
    Partial,
    /// It was carried out and has no data to show for it.
    Failed,
    /// It was not carried out.
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

/// One operation, from its beginning.
#[derive(Debug)]
pub(super) struct Observation {
    started: Instant,
    /// None where it was refused before it could begin; its time is that of the whole request.
    pub(super) elapsed: Option<Duration>,
    /// None where the request could not be read.
    pub(super) kind: Option<OperationKind>,
    name: Option<String>,
    pub(super) outcome: Outcome,
    /// Of each error.
    pub(super) codes: Vec<Code>,
    pub(super) statements: Vec<StatementRecord>,
}

impl Observation {
    /// An operation begins.
    pub(super) fn begin(prepared: &Prepared) -> Self {
        let name = prepared.operation_name().map(|name| name.chars().take(SHOWN_CHARACTERS).collect());
        Self { kind: Some(prepared.kind()), name, ..Self::refused(&[]) }
    }

    /// It has ended so, and took these statements.
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

    /// An operation that does not begin at all.
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

    /// Keeps it until the request is over.
    pub(super) fn belongs_to(self, http: &HttpRequest) {
        if let Some(observations) = http.extensions_mut().get_mut::<Observations>() {
            observations.operations.push(self);
        }
    }

    /// Counts it and logs it by itself: the request that brought it was answered before, or goes on.
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

    /// Counts it, and names the statements that took too long. Values are the client's and not for the log.
    fn count(&self, metrics: &Metrics, elapsed: Duration, slow: Option<Duration>) {
        metrics.observe(self, self.elapsed.unwrap_or(elapsed));
        let is_slow = |statement: &&StatementRecord| slow.is_some_and(|slow| statement.elapsed >= slow);
        for StatementRecord { sql, rows, elapsed } in self.statements.iter().filter(is_slow) {
            tracing::warn!(sql = &**sql, rows, ms = milliseconds(*elapsed), "slow statement");
        }
    }

    /// How many rows all its statements returned.
    pub(super) fn rows(&self) -> usize {
        self.statements.iter().map(|statement| statement.rows).sum()
    }
}

/// What is known of one HTTP request until it is over: its id, and all its operations. That is one, or as many as its batch
/// has.
#[derive(Debug)]
pub(super) struct Observations {
    id: RequestId,
    operations: Vec<Observation>,
}

impl Observations {
    /// A request begins.
    pub(super) fn begin(request: &ServiceRequest, id: RequestId) {
        // Nearly every request has one.
        request.extensions_mut().insert(Self { id, operations: Vec::with_capacity(1) });
    }

    /// Those of a request that is over.
    pub(super) fn end(http: &HttpRequest) -> Option<Self> {
        http.extensions_mut().remove()
    }

    /// The id of a request that is not over.
    pub(super) fn id(http: &HttpRequest) -> Option<String> {
        http.extensions().get::<Self>().map(|observations| observations.id.to_string())
    }

    /// Counts them.
    pub(super) fn count(&self, metrics: &Metrics, elapsed: Duration, slow: Option<Duration>) {
        self.operations.iter().for_each(|operation| operation.count(metrics, elapsed, slow));
    }

    /// The line of the log for the whole request. Without an operation it is one of another route.
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

/// To the microsecond.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}
