//! Operation record: facts of an operation, for the log and the metrics.

use std::time::{Duration, Instant};

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage, HttpRequest};

use super::request_id::RequestId;
use crate::error::{Code, LocatedError};
use crate::execute::StatementRecord;
use crate::schema::{Executed, OperationKind, PreparedOperation};

/// Maximum length of an operation name in the log, in characters: clients choose the names.
const SHOWN_CHARACTERS: usize = 100;

/// Outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Outcome {
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
    pub(in crate::server) const ALL: [Self; 4] = [Self::Ok, Self::Partial, Self::Failed, Self::Refused];

    pub(in crate::server) fn as_str(self) -> &'static str {
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
pub(in crate::server) struct OperationRecord {
    started: Instant,
    /// `None` if the operation was refused before it began; the time of the whole request counts instead.
    pub(in crate::server) elapsed: Option<Duration>,
    /// `None` if the request could not be read.
    pub(in crate::server) kind: Option<OperationKind>,
    pub(super) name: Option<String>,
    pub(in crate::server) outcome: Outcome,
    /// Code of each error.
    pub(in crate::server) codes: Vec<Code>,
    pub(in crate::server) statements: Vec<StatementRecord>,
}

impl OperationRecord {
    /// Starts the record of an operation.
    pub(in crate::server) fn begin(prepared: &PreparedOperation) -> Self {
        let name = prepared.operation_name().map(|name| name.chars().take(SHOWN_CHARACTERS).collect());
        Self { kind: Some(prepared.kind()), name, ..Self::refused(&[]) }
    }

    /// Completes the record with the outcome and the statements.
    pub(in crate::server) fn end(self, executed: &Executed, statements: Vec<StatementRecord>) -> Self {
        let outcome = Self::outcome_of(executed);
        Self {
            elapsed: Some(self.started.elapsed()),
            outcome,
            codes: codes(&executed.errors),
            statements,
            ..self
        }
    }

    /// Returns the outcome of a response.
    pub(super) fn outcome_of(executed: &Executed) -> Outcome {
        match &executed.data {
            None => Outcome::Refused,
            Some(_) if executed.errors.is_empty() => Outcome::Ok,
            Some(data) if data == b"null" => Outcome::Failed,
            Some(_) => Outcome::Partial,
        }
    }

    /// Builds the record of an operation that is refused.
    pub(in crate::server) fn refused(errors: &[LocatedError]) -> Self {
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
    pub(in crate::server) fn attach_to(self, http: &HttpRequest) {
        if let Some(request) = http.extensions_mut().get_mut::<RequestRecord>() {
            request.operations.push(self);
        }
    }

    /// Returns the operation's duration until its end, or until now.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed.unwrap_or_else(|| self.started.elapsed())
    }

    /// Returns the number of rows of all statements.
    pub(in crate::server) fn rows(&self) -> usize {
        self.statements.iter().map(|statement| statement.rows).sum()
    }
}

/// Records of an HTTP request: its id and its operations, one or as many as its batch has.
#[derive(Debug)]
pub(in crate::server) struct RequestRecord {
    pub(super) id: RequestId,
    pub(super) operations: Vec<OperationRecord>,
}

impl RequestRecord {
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
    pub(in crate::server) fn id(http: &HttpRequest) -> Option<String> {
        http.extensions().get::<Self>().map(|record| record.id.to_string())
    }
}

fn codes(errors: &[LocatedError]) -> Vec<Code> {
    errors.iter().map(|located| located.error.code()).collect()
}

/// Converts to milliseconds, rounded to the microsecond.
pub(super) fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}
