//! Codes of errors, as clients read them.

use sea_orm::EnumIter;

/// Error code, sent in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
#[non_exhaustive]
pub enum Code {
    /// The request is malformed, or sent in an unsupported way.
    BadRequest,
    /// The caller is not signed in, or proves no identity with its credentials.
    Unauthenticated,
    /// The caller lacks permission.
    Forbidden,
    /// No document is known under the given hash; the client sends it again with its text.
    PersistedQueryNotFound,
    /// The document is not in the service's list of trusted documents.
    DocumentNotTrusted,
    /// The document is not GraphQL.
    ParseFailed,
    /// The document does not fit the schema.
    ValidationFailed,
    /// An argument's value is not acceptable; carries `argument` and `value`. Or the rows that were asked for have a sum or an
    /// average that cannot be shown; carries `entity` and `fields`.
    BadUserInput,
    /// The row does not exist; carries `entity` and `key`.
    NotFound,
    /// The response exceeds the row ceiling; carries `limit` and `asked`.
    TooManyRows,
    /// The viewer has sent too many operations lately; carries `retryAfter`, in seconds.
    TooManyRequests,
    /// The document is too large or requests too much; carries `limit`, `asked`, and the limited quantity as
    /// `of`.
    TooComplex,
    /// The document nests too deep; carries `limit`, `asked` and `of`.
    TooDeep,
    /// A unique key is taken; carries `entity` and `fields`.
    UniqueViolation,
    /// A foreign key matches no row; carries `entity` and `field`.
    ForeignKeyViolation,
    /// A required value is missing; carries `entity` and `field`.
    NotNullViolation,
    /// A check constraint or a rule of the database does not hold; carries `entity` and `constraint`.
    CheckViolation,
    /// Rows that reference this one forbid its deletion; carries `entity`, `key` and `by`.
    DeleteRestricted,
    /// Another request changed the same rows; the client may retry.
    Conflict,
    /// The database or the request took too long; the client may retry.
    Timeout,
    /// The database cannot be reached, or too many requests are running; the client may retry.
    Unavailable,
    /// Placed last if there are more errors than a response carries; carries `leftOut`.
    TooManyErrors,
    /// Internal error; its cause is in the log under the request id.
    Internal,
    /// A hand-written field failed with a custom code, which is in the extensions.
    Other,
}

impl Code {
    /// Returns the code as sent to clients.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::NotFound => "NOT_FOUND",
            Self::TooManyRows => "TOO_MANY_ROWS",
            Self::TooManyRequests => "TOO_MANY_REQUESTS",
            Self::TooComplex => "TOO_COMPLEX",
            Self::TooDeep => "TOO_DEEP",
            Self::UniqueViolation => "UNIQUE_VIOLATION",
            Self::ForeignKeyViolation => "FOREIGN_KEY_VIOLATION",
            Self::NotNullViolation => "NOT_NULL_VIOLATION",
            Self::CheckViolation => "CHECK_VIOLATION",
            Self::DeleteRestricted => "DELETE_RESTRICTED",
            Self::Conflict => "CONFLICT",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::TooManyErrors => "TOO_MANY_ERRORS",
            Self::Internal => "INTERNAL_SERVER_ERROR",
            Self::Other => "other",
        }
    }
}
