//! Errors of SQLite.

use rusqlite::ErrorCode;

use crate::database::sql_error::{SqlError, SqlRefusal};
use crate::error::Error;

/// Error of a statement that reads.
pub(super) struct SqliteError(pub(super) rusqlite::Error);

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl From<SqliteError> for SqlError {
    fn from(SqliteError(error): SqliteError) -> Self {
        match error {
            _ if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure)
            ) =>
            {
                Self::Unavailable(error.to_string())
            }
            rusqlite::Error::SqliteFailure(failure, message) => Self::Refused(Box::new(SqlRefusal {
                code: failure.extended_code.to_string(),
                message: message.unwrap_or_else(|| failure.to_string()),
                ..SqlRefusal::default()
            })),
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<SqliteError> for Error {
    fn from(fault: SqliteError) -> Self {
        SqlError::from(fault).into()
    }
}

impl SqliteError {
    /// Returns true if the statement was stopped.
    pub fn is_interrupt(&self) -> bool {
        self.0.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
    }

    /// Returns true if the connection, or its file, caused the error.
    pub fn is_of_connection(&self) -> bool {
        let code = self.0.sqlite_error_code();
        matches!(
            code,
            Some(
                ErrorCode::CannotOpen
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
            )
        )
    }
}
