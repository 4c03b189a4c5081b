//! Errors of statements, for all drivers.

use sea_orm::{DbErr, RuntimeErr};

use crate::error::Error;

/// Error of a statement or a transaction.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The database refused the statement.
    #[error("{0}")]
    Refused(Box<SqlRefusal>),
    /// The database cannot be reached, or the connection was lost: nothing was committed.
    #[error("{0}")]
    Unavailable(String),
    /// The database accepts no writes, although the service is not configured as read-only.
    #[error("the database accepts no writes")]
    ReadOnly,
    /// The connection was lost while a COMMIT was under way.
    #[error("the outcome of the commit is unknown: {0}")]
    OutcomeUnknown(String),
    /// The statement could not be sent, or its rows could not be read.
    #[error("{0}")]
    Internal(String),
}

/// Refusal of a statement by the database. Fields that the database does not report are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct SqlRefusal {
    /// PostgreSQL's SQLSTATE, or SQLite's extended result code.
    pub code: String,
    /// Message of the database.
    pub message: String,
    /// PostgreSQL's detail, such as the missing key.
    pub detail: String,
    /// Schema of the table.
    pub schema: String,
    /// Table of the error.
    pub table: String,
    /// Column of the error.
    pub column: String,
    /// Violated constraint.
    pub constraint: String,
    /// Function of PostgreSQL's source that reports the refusal.
    pub routine: String,
}

impl SqlRefusal {
    /// Returns true if a prepared statement is outdated, and must be prepared again: a pooler lost it, or another statement has its
    /// name, or the columns of a table changed. The code of the last, 0A000, has many other meanings.
    pub(crate) fn is_of_stale_statement(&self) -> bool {
        match self.code.as_str() {
            FEATURE_NOT_SUPPORTED => self.routine == REVALIDATION || self.message == CHANGED_RESULT,
            code => code == UNKNOWN_STATEMENT || code == KNOWN_STATEMENT,
        }
    }

    /// Returns true if a pooler in statement mode refuses a transaction, in `PgBouncer`'s words: "transaction blocks not allowed in
    /// statement pooling mode".
    pub(super) fn is_of_statement_mode(&self) -> bool {
        self.code == PROTOCOL_VIOLATION && self.message.contains("statement pooling")
    }
}

impl SqlError {
    /// Returns true if a commit with this result may have written: all but a refusal.
    pub fn may_have_written<T>(result: &Result<T, Self>) -> bool {
        !matches!(result, Err(Self::Refused(_)))
    }

    /// SQLite's refusal of a locked file: the operation runs again.
    #[cfg(feature = "sqlite")]
    pub(super) fn locked() -> Self {
        let (code, message) = (SQLITE_BUSY.to_string(), "database is locked".to_owned());
        Self::Refused(Box::new(SqlRefusal { code, message, ..SqlRefusal::default() }))
    }

    /// PostgreSQL's code of a statement that was cancelled, or ran out of time.
    pub(crate) const QUERY_CANCELED: &str = QUERY_CANCELED;

    /// Returns the database's refusal, if the error is one.
    pub fn refusal(&self) -> Option<&SqlRefusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Converts the error to one of a COMMIT: a lost connection leaves the outcome unknown.
    pub(super) fn of_commit(self) -> Self {
        match self {
            Self::Unavailable(cause) => Self::OutcomeUnknown(cause),
            Self::Refused(refusal) if ends_connection(&refusal.code) || is_of_file(&refusal.code) => {
                Self::OutcomeUnknown(refusal.to_string())
            }
            other => other,
        }
    }
}

/// PostgreSQL's codes for errors caused by the client or the circumstances (appendix A of its manual).
const INVALID_REGULAR_EXPRESSION: &str = "2201B";
/// Codes for text, times and names that the server cannot read.
const OF_VALUES: [&str; 5] = ["22007", "22008", "22021", "22P02", "22P05"];
/// Numbers that a statement computes, such as a sum.
const NUMERIC_VALUE_OUT_OF_RANGE: &str = "22003";
const QUERY_CANCELED: &str = "57014";
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK_DETECTED: &str = "40P01";
#[cfg(feature = "postgres")]
const LOCK_NOT_AVAILABLE: &str = "55P03";
const FEATURE_NOT_SUPPORTED: &str = "0A000";
/// Routine of PostgreSQL that refuses a prepared statement whose columns changed, and the message of servers without routines.
const REVALIDATION: &str = "RevalidateCachedQuery";
const CHANGED_RESULT: &str = "cached plan must not change result type";
/// The server does not know the name of a prepared statement.
const UNKNOWN_STATEMENT: &str = "26000";
/// The server already has a prepared statement with this name.
pub(super) const KNOWN_STATEMENT: &str = "42P05";
/// Code with which poolers refuse what PostgreSQL accepts.
pub(super) const PROTOCOL_VIOLATION: &str = "08P01";
const CONNECTION_FAULTS: [&str; 3] = ["08", "57P", "25P03"];
pub(super) const INSUFFICIENT_RESOURCES: &str = "53";
const DISK_FULL: &str = "53100";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const READ_ONLY_TRANSACTION: &str = "25006";

/// SQLite's code for a file that cannot grow (`SQLITE_FULL`).
pub(crate) const SQLITE_FULL: &str = "13";

/// SQLite's codes for a read-only file (`SQLITE_READONLY` and its extensions).
const SQLITE_READONLY: [&str; 7] = ["8", "264", "520", "776", "1032", "1288", "1544"];

/// SQLite's code for an interrupted statement (`SQLITE_INTERRUPT`).
const SQLITE_INTERRUPT: &str = "9";

/// SQLite's primary result code for a database locked by another connection (<https://sqlite.org/rescode.html#busy>).
const SQLITE_BUSY: u32 = 5;

/// SQLite's message for a sum of integers beyond 64 bits, which has no code of its own.
const SQLITE_OVERFLOW: &str = "integer overflow";

/// SQLite's primary result codes for a file that cannot be used: `SQLITE_IOERR`, `SQLITE_CORRUPT`,
/// `SQLITE_CANTOPEN`, `SQLITE_NOTADB`.
const SQLITE_OF_FILE: [u32; 4] = [10, 11, 14, 26];

/// Returns true if SQLite cannot use its file.
fn is_of_file(code: &str) -> bool {
    has_primary(code, &SQLITE_OF_FILE)
}

/// Returns true if another connection has locked the file.
pub(super) fn is_locked(code: &str) -> bool {
    has_primary(code, &[SQLITE_BUSY])
}

/// Returns true for a code of SQLite with one of these primary ones. An extended result code has the primary one in its last byte,
/// and fewer digits than a SQLSTATE.
fn has_primary(code: &str, primary: &[u32]) -> bool {
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| primary.contains(&(code & 0xff)))
}

/// Returns true if a statement met another transaction of PostgreSQL: both locked the same rows, or changed them.
#[cfg(feature = "postgres")]
pub(super) fn is_conflict(code: &str) -> bool {
    [SERIALIZATION_FAILURE, DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE].contains(&code)
}

/// Returns true if the database ends the connection with this code.
pub(super) fn ends_connection(code: &str) -> bool {
    CONNECTION_FAULTS.iter().any(|class| code.starts_with(class))
}

/// Keeps the cause for the log only, because it contains SQL.
impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        match &error {
            SqlError::Refused(refusal) if refusal.message == SQLITE_OVERFLOW => Self::out_of_range(error),
            SqlError::Refused(refusal) if refusal.is_of_statement_mode() => Self::no_transactions(error),
            // In a transaction, which is lost too; the next attempt prepares the statement again.
            SqlError::Refused(refusal) if refusal.is_of_stale_statement() => Self::stale(error),
            SqlError::Refused(refusal) => of_code(&refusal.code, &error),
            SqlError::Unavailable(_) => Self::unavailable(error),
            SqlError::ReadOnly => Self::read_only(error),
            SqlError::OutcomeUnknown(_) => Self::outcome_unknown(error),
            SqlError::Internal(_) => Self::internal(error),
        }
    }
}

/// Maps a database code to an error.
fn of_code(code: &str, cause: &SqlError) -> Error {
    match code {
        INVALID_REGULAR_EXPRESSION => {
            let expected = "expected a regular expression that the database accepts";
            Error::bad_input("regex", serde_json::Value::Null, expected)
        }
        _ if OF_VALUES.contains(&code) => {
            Error::bad_input("where", serde_json::Value::Null, "expected values that the database accepts")
        }
        NUMERIC_VALUE_OUT_OF_RANGE => Error::out_of_range(cause),
        QUERY_CANCELED => Error::timeout(cause),
        SERIALIZATION_FAILURE | DEADLOCK_DETECTED => Error::conflict(cause),
        INSUFFICIENT_PRIVILEGE => Error::no_right(cause),
        READ_ONLY_TRANSACTION => Error::read_only(cause),
        DISK_FULL | SQLITE_FULL => Error::disk_full(cause),
        _ if SQLITE_READONLY.contains(&code) => Error::read_only(cause),
        SQLITE_INTERRUPT => Error::timeout(cause),
        _ if is_locked(code) => Error::conflict(cause),
        _ if code.starts_with(INSUFFICIENT_RESOURCES) || ends_connection(code) || is_of_file(code) => {
            Error::unavailable(cause)
        }
        _ => Error::internal(cause),
    }
}

impl From<DbErr> for SqlError {
    fn from(error: DbErr) -> Self {
        match &error {
            // The connection failed: no statement was sent.
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error.to_string()),
            DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source)) => {
                Self::of_sqlx(source)
            }
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl SqlError {
    fn of_sqlx(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => Self::Refused(Box::new(SqlRefusal {
                code: database.code().unwrap_or_default().into_owned(),
                message: database.message().to_owned(),
                table: database.table().unwrap_or_default().to_owned(),
                constraint: database.constraint().unwrap_or_default().to_owned(),
                ..of_postgres(&**database)
            })),
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

/// Returns the fields that only PostgreSQL reports.
#[cfg(feature = "postgres")]
fn of_postgres(error: &dyn sqlx::error::DatabaseError) -> SqlRefusal {
    let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() else {
        return SqlRefusal::default();
    };
    let owned = |field: Option<&str>| field.unwrap_or_default().to_owned();
    SqlRefusal {
        detail: owned(error.detail()),
        schema: owned(error.schema()),
        column: owned(error.column()),
        routine: owned(error.routine()),
        ..SqlRefusal::default()
    }
}

#[cfg(not(feature = "postgres"))]
fn of_postgres(_: &dyn sqlx::error::DatabaseError) -> SqlRefusal {
    SqlRefusal::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn refusals_of_writes_have_codes_of_their_own() {
        let code = |code: &str| {
            let refusal = SqlRefusal { code: code.to_owned(), ..SqlRefusal::default() };
            Error::from(SqlError::Refused(Box::new(refusal))).code()
        };
        for read_only in ["25006", "8", "264", "1032"] {
            assert_eq!(code(read_only), Code::Unavailable, "{read_only}");
        }
        for full in ["53100", "13"] {
            assert_eq!(code(full), Code::Unavailable, "{full}");
        }
        for unusable in ["10", "522", "11", "14", "26"] {
            assert_eq!(code(unusable), Code::Unavailable, "{unusable}");
        }
        for locked in ["5", "261", "517", "773"] {
            assert_eq!(code(locked), Code::Conflict, "{locked}");
        }
        assert_eq!(code("42501"), Code::Forbidden);
        assert_eq!(code("22003"), Code::BadUserInput);
        assert_eq!(code("XX000"), Code::Internal);
    }
}
