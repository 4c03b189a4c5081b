//! What the log and the metrics have to say about one operation when it is over.

use std::time::{Duration, Instant};

use actix_web::{HttpMessage, HttpRequest};
use async_graphql::{ServerError, Value};
use sea_orm::Iterable;

use super::State;
use super::metrics::Metrics;
use crate::error::Code;
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
    /// Of each error; none for one that is not ours.
    pub(super) codes: Vec<Option<Code>>,
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
            codes: executed.errors.iter().map(code).collect(),
            statements,
            ..self
        }
    }

    /// An operation that does not begin at all.
    pub(super) fn refused(errors: &[ServerError]) -> Self {
        Self {
            started: Instant::now(),
            elapsed: None,
            kind: None,
            name: None,
            outcome: Outcome::Refused,
            codes: errors.iter().map(code).collect(),
            statements: Vec::new(),
        }
    }

    /// Keeps it until the request is over.
    pub(super) fn belongs_to(self, http: &HttpRequest) {
        let mut extensions = http.extensions_mut();
        match extensions.get_mut::<Observations>() {
            Some(observations) => observations.0.push(self),
            None => drop(extensions.insert(Observations(vec![self]))),
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
        Observations(vec![self]).count(&state.metrics, elapsed, state.slow_statement);
    }

    /// How many rows all its statements returned.
    pub(super) fn rows(&self) -> usize {
        self.statements.iter().map(|statement| statement.rows).sum()
    }
}

/// All operations of one HTTP request: one, or as many as its batch has.
#[derive(Debug, Default)]
pub(super) struct Observations(Vec<Observation>);

impl Observations {
    /// Those of a request that is over.
    pub(super) fn of(http: &HttpRequest) -> Self {
        http.extensions_mut().remove().unwrap_or_default()
    }

    /// Counts them, and names the statements that took too long. Values are the client's and not for the log.
    pub(super) fn count(&self, metrics: &Metrics, elapsed: Duration, slow: Option<Duration>) {
        for observation in &self.0 {
            metrics.observe(observation, observation.elapsed.unwrap_or(elapsed));
            let is_slow = |statement: &&StatementRecord| slow.is_some_and(|slow| statement.elapsed >= slow);
            for StatementRecord { sql, rows, elapsed } in observation.statements.iter().filter(is_slow) {
                tracing::warn!(sql = &**sql, rows, ms = milliseconds(*elapsed), "slow statement");
            }
        }
    }

    /// The line of the log for the whole request. Without an operation it is one of another route.
    pub(super) fn log(&self, status: u16, elapsed: Duration) {
        let sum = |number: fn(&Observation) -> usize| {
            (!self.0.is_empty()).then(|| self.0.iter().map(number).sum::<usize>())
        };
        let only = match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        tracing::info!(
            status,
            operation = only.and_then(|only| only.kind).map(OperationKind::as_str),
            name = only.and_then(|only| only.name.as_deref()),
            outcome = only.map(|only| only.outcome.as_str()),
            batch = (self.0.len() > 1).then_some(self.0.len()),
            statements = sum(|operation| operation.statements.len()),
            rows = sum(Observation::rows),
            errors = sum(|operation| operation.codes.len()),
            ms = milliseconds(elapsed),
            "answered"
        );
    }
}

/// One without a code is of a field of the user's own, and told to clients as a fault of ours.
fn code(error: &ServerError) -> Option<Code> {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        None => Some(Code::Internal),
        Some(Value::String(text)) => Code::iter().find(|code| code.as_str() == text),
        Some(_) => None,
    }
}

/// To the microsecond.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}
