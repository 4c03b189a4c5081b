//! What goes wrong between us and a PostgreSQL server.

use std::io;
use std::time::Duration;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;

use crate::error::Error;
use crate::execute::sql_error::{Refusal, SqlError, ends_connection};

/// Why a connection could not be opened, or a statement not be carried out.
#[derive(Debug, thiserror::Error)]
pub(in crate::execute) enum Fault {
    /// Nobody is there, or the connection is lost.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The connection takes no statements any more.
    #[error("the connection is closed")]
    Closed,
    /// No connection in so much time.
    #[error("no connection after {0:?}")]
    Slow(Duration),
    /// A statement that is known to be short has brought nothing for so long that it is better sent over another connection.
    #[error("the server did not answer a short statement in time")]
    Silent,
    /// The server has stopped answering.
    #[error("the server has stopped responding")]
    Lost,
    /// The server lets no connection in: nothing has been sent.
    #[error("cannot connect: {0}")]
    Refused(String),
    /// The server says no.
    #[error("{0}")]
    Server(Box<Refusal>),
    /// The connection cannot be encrypted as it should be.
    #[error("TLS: {0}")]
    Tls(String),
    /// What came is not what PostgreSQL's protocol has here, or a part of it that is not spoken.
    #[error("the server violates the PostgreSQL protocol: {0}")]
    Protocol(String),
    /// The settings of the connection cannot be followed.
    #[error("{0}")]
    Settings(String),
    /// A value cannot be sent.
    #[error("{0}")]
    Parameter(String),
}

/// The fields of an ErrorResponse that are read: <https://www.postgresql.org/docs/current/protocol-error-fields.html>
const CODE: u8 = b'C';
const MESSAGE: u8 = b'M';
const DETAIL: u8 = b'D';
const SCHEMA: u8 = b's';
const TABLE: u8 = b't';
const COLUMN: u8 = b'c';
const CONSTRAINT: u8 = b'n';

/// A prepared statement is not what it was: a table has other columns now, or a pooler between has forgotten it.
const OF_STATEMENT: [&str; 3] = ["0A000", "26000", KNOWN_ALREADY];

/// The server has a statement of this name already: the same, since a name is a hash of it.
const KNOWN_ALREADY: &str = "42P05";

/// A pooler that refuses a parameter of the start-up.
const PROTOCOL_VIOLATION: &str = "08P01";

impl From<&ErrorResponseBody> for Fault {
    fn from(body: &ErrorResponseBody) -> Self {
        let mut refusal = Refusal::default();
        let read = body.fields().for_each(|field| {
            // Before the connection's encoding is settled it is whatever the server's is.
            let value = || String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                CODE => refusal.code = value(),
                MESSAGE => refusal.message = value(),
                DETAIL => refusal.detail = value(),
                SCHEMA => refusal.schema = value(),
                TABLE => refusal.table = value(),
                COLUMN => refusal.column = value(),
                CONSTRAINT => refusal.constraint = value(),
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
    /// What came, or what is to be sent, does not fit PostgreSQL's protocol.
    pub fn protocol(cause: impl ToString) -> Self {
        Self::Protocol(cause.to_string())
    }

    /// The connection cannot be encrypted as it should be.
    pub fn tls(cause: impl ToString) -> Self {
        Self::Tls(cause.to_string())
    }

    /// Whether the same statement may succeed over another connection.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Server(refusal) => ends_connection(&refusal.code) || self.is_of_statement(),
            Self::Io(_) | Self::Protocol(_) | Self::Closed | Self::Silent => true,
            _ => false,
        }
    }

    /// Whether other connections are most likely lost, or out of date, as well.
    pub fn is_of_all(&self) -> bool {
        self.is_stale() || matches!(self, Self::Lost)
    }

    /// Whether the statement has to be prepared anew.
    pub fn is_of_statement(&self) -> bool {
        matches!(self, Self::Server(refusal) if OF_STATEMENT.contains(&refusal.code.as_str()))
    }

    /// Whether the server has the statement already that was to be prepared.
    pub fn is_known_already(&self) -> bool {
        matches!(self, Self::Server(refusal) if refusal.code == KNOWN_ALREADY)
    }

    /// Whether a pooler refuses a parameter that PostgreSQL takes: "unsupported startup parameter: options".
    pub fn is_unsupported_parameter(&self) -> bool {
        let Self::Server(refusal) = self else { return false };
        refusal.code == PROTOCOL_VIOLATION && refusal.message.contains("startup parameter")
    }

    /// The same for another one who waits.
    pub fn told_again(&self) -> Self {
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
