//! What goes wrong between us and a PostgreSQL server.

use std::io;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;

/// Why a connection could not be opened, or a statement not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Nobody is there, or the connection is lost.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server says no.
    #[error("{message} (SQLSTATE {code})")]
    Server {
        /// Its SQLSTATE.
        code: String,
        /// What it says, in its own language.
        message: String,
    },
    /// The connection cannot be encrypted as it should be.
    #[error("TLS: {0}")]
    Tls(String),
    /// What came is not what PostgreSQL's protocol has here, or a part of it that is not spoken.
    #[error("the server does not speak as expected: {0}")]
    Protocol(String),
    /// The settings of the connection cannot be followed.
    #[error("{0}")]
    Settings(String),
}

/// The fields of an ErrorResponse that are read: <https://www.postgresql.org/docs/current/protocol-error-fields.html>
const CODE: u8 = b'C';
const MESSAGE: u8 = b'M';

impl From<&ErrorResponseBody> for Fault {
    fn from(body: &ErrorResponseBody) -> Self {
        let (mut code, mut message) = (String::new(), String::new());
        let read = body.fields().for_each(|field| {
            // Before the connection's encoding is settled it is whatever the server's is.
            let value = || String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                CODE => code = value(),
                MESSAGE => message = value(),
                _ => {}
            }
            Ok(())
        });
        match read {
            Ok(()) => Self::Server { code, message },
            Err(error) => Self::protocol(error),
        }
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
}
