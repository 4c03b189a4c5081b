//! Why a statement brought no rows.

use std::io;
use std::time::Duration;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;
use postgres_protocol::message::frontend::BindError;
use sea_orm::DbErr;

/// Why a statement brought no rows, or a connection did not come about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server refuses, with a code of its own (PostgreSQL's documentation, appendix A).
    #[error("{code}: {message}")]
    Server { code: String, message: String },
    #[error("TLS: {0}")]
    Tls(String),
    #[error("the server does not keep to its protocol: {0}")]
    Protocol(String),
    #[error("the connection is closed")]
    Closed,
    #[error("no connection within {0:?}")]
    Slow(Duration),
    /// What came is not what the column should hold.
    #[error("{0}")]
    Decode(DbErr),
    /// A value that cannot be sent.
    #[error("{0}")]
    Parameter(String),
}

/// PostgreSQL's codes for a connection that can do no more: the server ends it.
const OF_CONNECTION: [&str; 2] = ["08", "57P"];

/// And for one whose prepared statements are not what they were: a table has other columns now, a pooler between has
/// forgotten them.
const OF_STATEMENT: [&str; 2] = ["0A000", "26000"];

impl Fault {
    /// What the server says.
    pub fn server(body: &ErrorResponseBody) -> Self {
        let (mut code, mut message) = (String::new(), String::new());
        let mut fields = body.fields();
        while let Ok(Some(field)) = fields.next() {
            let text = || String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => code = text(),
                b'M' => message = text(),
                _ => {}
            }
        }
        Self::Server { code, message }
    }

    /// A value that cannot be sent.
    pub fn of_parameter(error: BindError) -> Self {
        match error {
            BindError::Conversion(error) => Self::Parameter(error.to_string()),
            BindError::Serialization(error) => Self::Parameter(error.to_string()),
        }
    }

    /// Whether the same statement may succeed over another connection.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Server { code, .. } => OF_CONNECTION.iter().any(|class| code.starts_with(class)) || self.is_of_statement(),
            Self::Io(_) | Self::Protocol(_) | Self::Closed => true,
            _ => false,
        }
    }

    /// Whether the statement has to be prepared anew.
    pub fn is_of_statement(&self) -> bool {
        matches!(self, Self::Server { code, .. } if OF_STATEMENT.contains(&code.as_str()))
    }

    /// The same for another one who waits.
    pub fn told_again(&self) -> Self {
        match self {
            Self::Server { code, message } => Self::Server { code: code.clone(), message: message.clone() },
            Self::Io(error) => Self::Io(io::Error::new(error.kind(), error.to_string())),
            Self::Protocol(what) => Self::Protocol(what.clone()),
            _ => Self::Closed,
        }
    }
}
