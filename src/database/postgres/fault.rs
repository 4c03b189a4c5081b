//! Errors of PostgreSQL connections and statements.

use std::io;
use std::time::Duration;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;

use crate::database::sql_error::{
    INSUFFICIENT_RESOURCES, KNOWN_STATEMENT, PROTOCOL_VIOLATION, SqlError, SqlRefusal, ends_connection,
    is_conflict,
};
use crate::error::Error;

/// Reason why a connection failed to open, or a statement failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::database) enum Fault {
    /// No server answers, or the connection is lost.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The connection accepts no further statements.
    #[error("the connection is closed")]
    Closed,
    /// No connection within this time.
    #[error("no connection after {0:?}")]
    Slow(Duration),
    /// A short statement got no answer in time, and is better sent over another connection.
    #[error("the server did not answer a short statement in time")]
    Silent,
    /// The server has stopped answering.
    #[error("the server has stopped responding")]
    Lost,
    /// The server refuses connections: nothing was sent.
    #[error("cannot connect: {0}")]
    Refused(String),
    /// The server refused the statement.
    #[error("{0}")]
    Server(Box<SqlRefusal>),
    /// A statement was not written together with those of other requests. It can be sent alone.
    #[error("not written together with other statements")]
    NotTogether {
        /// True if a conflict with another transaction is the reason.
        has_conflict: bool,
    },
    /// The required encryption is not possible.
    #[error("TLS: {0}")]
    Tls(String),
    /// A message violates PostgreSQL's protocol, or uses an unsupported part.
    #[error("the server violates the PostgreSQL protocol: {0}")]
    Protocol(String),
    /// The connection settings are invalid.
    #[error("{0}")]
    Settings(String),
    /// A value cannot be encoded.
    #[error("{0}")]
    Parameter(String),
}

/// Fields of an ErrorResponse that are read:
/// <https://www.postgresql.org/docs/current/protocol-error-fields.html>
const CODE: u8 = b'C';
const MESSAGE: u8 = b'M';
const DETAIL: u8 = b'D';
const SCHEMA: u8 = b's';
const TABLE: u8 = b't';
const COLUMN: u8 = b'c';
const CONSTRAINT: u8 = b'n';
const ROUTINE: u8 = b'R';

impl From<&ErrorResponseBody> for Fault {
    fn from(body: &ErrorResponseBody) -> Self {
        let mut refusal = SqlRefusal::default();
        let read = body.fields().for_each(|field| {
            // Before the client encoding is set, the text has the server's encoding.
            let value = || String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                CODE => refusal.code = value(),
                MESSAGE => refusal.message = value(),
                DETAIL => refusal.detail = value(),
                SCHEMA => refusal.schema = value(),
                TABLE => refusal.table = value(),
                COLUMN => refusal.column = value(),
                CONSTRAINT => refusal.constraint = value(),
                ROUTINE => refusal.routine = value(),
                _ => {}
            }
            Ok(())
        });
        match read {
            Ok(()) => Self::Server(Box::new(refusal)),
            Err(error) => Self::protocol(error),
        }
    }
}

impl From<Fault> for SqlError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Server(refusal) => Self::Refused(refusal),
            Fault::Io(_)
            | Fault::Closed
            | Fault::Silent
            | Fault::Lost
            | Fault::Slow(_)
            | Fault::Refused(_)
            | Fault::Tls(_) => Self::Unavailable(fault.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        SqlError::from(fault).into()
    }
}

impl Fault {
    /// Wraps a protocol violation of a received or an unsent message.
    pub fn protocol(cause: impl ToString) -> Self {
        Self::Protocol(cause.to_string())
    }

    /// Wraps an encryption failure.
    pub fn tls(cause: impl ToString) -> Self {
        Self::Tls(cause.to_string())
    }

    /// Returns true if the same statement may succeed over another connection.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Server(refusal) if refusal.is_of_statement_mode() => false,
            Self::Server(refusal) => ends_connection(&refusal.code) || self.is_of_statement(),
            Self::Io(_) | Self::Protocol(_) | Self::Closed | Self::Silent => true,
            _ => false,
        }
    }

    /// Returns true if other connections are most likely lost or outdated as well.
    pub fn is_of_all(&self) -> bool {
        self.is_stale() || matches!(self, Self::Lost)
    }

    /// Returns true if another host may accept the connection that this one did not.
    pub fn is_of_host(&self) -> bool {
        match self {
            Self::Server(refusal) => {
                ends_connection(&refusal.code) || refusal.code.starts_with(INSUFFICIENT_RESOURCES)
            }
            fault => matches!(fault, Self::Io(_) | Self::Slow(_) | Self::Refused(_) | Self::Tls(_)),
        }
    }

    /// Returns true if the statement must be prepared again.
    pub fn is_of_statement(&self) -> bool {
        matches!(self, Self::Server(refusal) if refusal.is_of_stale_statement())
    }

    /// Returns true if a statement with this answer may have written: it was not refused, or the connection is lost.
    pub fn may_have_written<T>(answer: &Result<T, Self>) -> bool {
        match answer {
            Err(Self::Server(refusal)) => ends_connection(&refusal.code),
            Err(Self::Parameter(_) | Self::NotTogether { .. }) => false,
            _ => true,
        }
    }

    /// Returns true if a statement met another transaction: both locked the same rows, or changed them.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Server(refusal) if is_conflict(&refusal.code))
    }

    /// Returns true if the server already has the statement to be prepared. The statement is identical, because the name is its hash.
    pub fn is_known_already(&self) -> bool {
        matches!(self, Self::Server(refusal) if refusal.code == KNOWN_STATEMENT)
    }

    /// Returns true if a pooler refuses a parameter that PostgreSQL accepts: "unsupported startup parameter:
    /// options".
    pub fn is_unsupported_parameter(&self) -> bool {
        let Self::Server(refusal) = self else { return false };
        refusal.code == PROTOCOL_VIOLATION && refusal.message.contains("startup parameter")
    }

    /// Copies the error for a further receiver.
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Server(refusal) => Self::Server(refusal.clone()),
            Self::Io(error) => Self::Io(io::Error::new(error.kind(), error.to_string())),
            Self::Protocol(what) => Self::Protocol(what.clone()),
            Self::Silent => Self::Silent,
            Self::Lost => Self::Lost,
            _ => Self::Closed,
        }
    }
}
