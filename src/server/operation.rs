//! One GraphQL operation when it is over: what the log and the metrics have to say about it.

use std::time::Duration;

use async_graphql::{Response, ServerError, Value};
use sea_orm::Iterable;

use super::metrics::Metrics;
use crate::error::Code;
use crate::execute::StatementRecord;
use crate::schema::{OperationKind, Prepared};

/// Longest name that the log repeats: clients choose them.
const SHOWN_CHARACTERS: usize = 100;

/// How an operation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it was answered.
    #[default]
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

/// An operation, as far as it is known yet.
#[derive(Debug, Default)]
pub(super) struct Operation {
    /// None where the request could not be read.
    pub(super) kind: Option<OperationKind>,
    pub(super) name: Option<String>,
    pub(super) outcome: Outcome,
    /// Of each error; none for one that is not ours.
    pub(super) codes: Vec<Option<Code>>,
    pub(super) statements: Vec<StatementRecord>,
}

impl Operation {
    /// What a request is about to do.
    pub(super) fn of(prepared: &Prepared) -> Self {
        let name = prepared.operation_name().map(|name| name.chars().take(SHOWN_CHARACTERS).collect());
        Self { kind: Some(prepared.kind()), name, ..Self::default() }
    }

    /// Takes in what its client reads.
    pub(super) fn answered(&mut self, response: &Response) {
        self.codes = response.errors.iter().map(code).collect();
        self.outcome = match &response.data {
            _ if response.errors.is_empty() => Outcome::Ok,
            Value::Null if response.errors.iter().all(|error| error.path.is_empty()) => Outcome::Refused,
            Value::Null => Outcome::Failed,
            _ => Outcome::Partial,
        };
    }

    /// How many rows all its statements returned.
    pub(super) fn rows(&self) -> usize {
        self.statements.iter().map(|statement| statement.rows).sum()
    }

    /// Counts it, and names the statements that took too long. Their values are the client's and not for the log.
    pub(super) fn finish(&self, metrics: &Metrics, elapsed: Duration, slow: Option<Duration>) {
        metrics.observe(self, elapsed);
        let is_slow = |statement: &&StatementRecord| slow.is_some_and(|slow| statement.elapsed >= slow);
        for StatementRecord { sql, rows, elapsed } in self.statements.iter().filter(is_slow) {
            tracing::warn!(sql, rows, ms = milliseconds(*elapsed), "slow statement");
        }
    }

    /// The line that tells of it. Without an operation it is one of another route, and with no status one that came
    /// over a socket.
    pub(super) fn log(operation: Option<&Self>, status: Option<u16>, elapsed: Duration) {
        tracing::info!(
            status,
            operation = operation.and_then(|operation| operation.kind).map(OperationKind::as_str),
            name = operation.and_then(|operation| operation.name.as_deref()),
            outcome = operation.map(|operation| operation.outcome.as_str()),
            statements = operation.map(|operation| operation.statements.len()),
            rows = operation.map(Self::rows),
            errors = operation.map(|operation| operation.codes.len()),
            ms = milliseconds(elapsed),
            "answered"
        );
    }
}

fn code(error: &ServerError) -> Option<Code> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(text) => Code::iter().find(|code| code.as_str() == text),
        _ => None,
    }
}

/// To the microsecond.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}
