//! Typed error with its code and public text. No other file contains code strings.

mod located;
#[cfg(feature = "server")]
mod refusals;

use std::fmt;

pub use located::LocatedError;
use sea_orm::{EnumIter, Iterable};
use serde_json::{Map, Value, json};

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

/// Error with a code, a public message, and extensions of the code.
///
/// The cause may name SQL or tables: it is logged and never sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<ErrorParts>);

#[derive(Clone, Debug, PartialEq)]
struct ErrorParts {
    code: Code,
    message: String,
    extensions: Map<String, Value>,
    cause: Option<String>,
    retry: Retry,
}

/// Further attempts at an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// None: the operation would fail again.
    Never,
    /// One: what the operation met is there now.
    Once,
    /// A few, since what the operation met may stay.
    FewTimes,
    /// As many as the request's time allows: other transactions end in their turn.
    WhileTimeAllows,
}

/// A result with Crowsfoot's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Seconds after which a client may retry a request that met an unavailable database or a full concurrency
/// limit.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Message of a computed number that nothing names.
const OUT_OF_RANGE: &str = "a number that the query computes is beyond the range of its type";

impl Error {
    fn new(code: Code, message: impl Into<String>, extensions: Value) -> Self {
        let extensions = match extensions {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self(Box::new(ErrorParts {
            code,
            message: message.into(),
            extensions,
            cause: None,
            retry: Retry::Never,
        }))
    }

    /// Reports an unacceptable value of `argument` (a path such as `where.name.eq`).
    pub fn bad_input(argument: &str, value: Value, expected: impl fmt::Display) -> Self {
        let shown = shorten(&value);
        Self::new(
            Code::BadUserInput,
            format!("argument \"{argument}\": {expected}, but {shown} was given"),
            json!({ "argument": argument, "value": shown }),
        )
    }

    /// Reports a missing variable that is written for `argument` (a path such as `where.name.eq`).
    pub(crate) fn missing_variable(argument: &str, variable: &str) -> Self {
        Self::new(
            Code::BadUserInput,
            format!("argument \"{argument}\": expected a value, but the variable ${variable} was not given"),
            json!({ "argument": argument, "value": null, "variable": format!("${variable}") }),
        )
    }

    /// Reports that `argument` requires type `of` and has neither a value nor null.
    pub(crate) fn not_given(argument: &str, of: &str) -> Self {
        Self::new(
            Code::BadUserInput,
            format!("argument \"{argument}\": expected a value of type {of}, but none was given"),
            json!({ "argument": argument, "value": null }),
        )
    }

    /// Reports that the database has no number left for a key that `argument` leaves to it.
    pub(crate) fn no_free_key(argument: &str) -> Self {
        Self::new(
            Code::BadUserInput,
            format!(
                "argument \"{argument}\": expected a value, because no number is left to generate a key from"
            ),
            json!({ "argument": argument, "value": null }),
        )
    }

    /// Reports that no row of `entity` has this key.
    pub fn not_found(entity: &str, key: Value) -> Self {
        let message = format!("no {entity} has the key {key}");
        Self::new(Code::NotFound, message, json!({ "entity": entity, "key": key }))
    }

    /// Reports that the row of `entity` with this key is not in the modified list; it may exist elsewhere.
    pub(crate) fn not_in_list(entity: &str, key: Value) -> Self {
        let message = format!("no {entity} in this list has the key {key}");
        Self::new(Code::NotFound, message, json!({ "entity": entity, "key": key }))
    }

    /// Reports an exceeded row ceiling; `asked` is the number of rows counted before loading stopped.
    pub(crate) fn too_many_rows(limit: u64, asked: u64) -> Self {
        Self::new(
            Code::TooManyRows,
            format!("the result has more than {limit} rows; reduce it with limit or first"),
            json!({ "limit": limit, "asked": asked }),
        )
    }

    /// Reports a document that exceeds a limit: `of` is the limit's name, and `document` describes the
    /// excess. `asked` is the counted total, or `u64::MAX` if it exceeds the counter.
    pub(crate) fn too_complex(of: &str, document: &str, limit: u64, asked: u64) -> Self {
        Self::new(
            Code::TooComplex,
            format!("{document}; the limit is {limit}"),
            json!({ "of": of, "limit": limit, "asked": asked }),
        )
    }

    /// Reports that the document, or the value of a variable, nests too deep; `asked` is the depth.
    pub(crate) fn too_deep(what: &str, limit: u64, asked: u64) -> Self {
        Self::new(
            Code::TooDeep,
            format!("{what} is nested {asked} levels deep; the limit is {limit}"),
            json!({ "of": "depth", "limit": limit, "asked": asked }),
        )
    }

    /// Reports that the unique key over `fields` of `entity` is taken.
    pub(crate) fn unique_violation(entity: &str, fields: &[String]) -> Self {
        let message = match fields {
            [] => format!("another {entity} has the same unique key, in columns outside the schema"),
            fields => format!("another {entity} has the same {}", fields.join(" and ")),
        };
        Self::new(Code::UniqueViolation, message, json!({ "entity": entity, "fields": fields }))
    }

    /// Reports that the relation `field` of `entity` references no row. Either is empty if the schema has no
    /// name for it.
    pub(crate) fn foreign_key_violation(entity: &str, field: &str) -> Self {
        let message = match (entity, field) {
            ("", _) => "a foreign key does not match any row".to_owned(),
            (entity, "") => format!("a foreign key of {entity}, outside the schema, does not match any row"),
            (entity, field) => format!("the foreign key {entity}.{field} does not match any row"),
        };
        let extensions = json!({ "entity": named(entity), "field": named(field) });
        Self::new(Code::ForeignKeyViolation, message, extensions)
    }

    /// Reports that `field` of `entity` requires a value; `field` is empty if the column is not in the
    /// schema.
    pub(crate) fn not_null_violation(entity: &str, field: &str) -> Self {
        let message = match field {
            "" => format!("a column of {entity}, outside the schema, must not be null"),
            field => format!("{entity}.{field} must not be null"),
        };
        Self::new(Code::NotNullViolation, message, json!({ "entity": entity, "field": named(field) }))
    }

    /// Reports a violated check constraint on the table of `entity`. A refusal that names no constraint comes from code
    /// of the database.
    pub(crate) fn check_violation(entity: &str, constraint: &str) -> Self {
        if constraint.is_empty() {
            return Self::rule_violation(entity, constraint);
        }
        let message = format!("{entity} violates the check constraint \"{constraint}\"");
        Self::new(Code::CheckViolation, message, json!({ "entity": entity, "constraint": constraint }))
    }

    /// Reports a refusal by code of the database, such as a trigger. Its text is only logged, because it may contain hidden
    /// values. `entity` is empty for a refusal at the end of the transaction, `constraint` if the code names none.
    pub(crate) fn rule_violation(entity: &str, constraint: &str) -> Self {
        let of = if entity.is_empty() { String::new() } else { format!(" for {entity}") };
        let rule = match constraint {
            "" => "a rule of the database".to_owned(),
            constraint => format!("the rule \"{constraint}\" of the database"),
        };
        let extensions = json!({ "entity": named(entity), "constraint": named(constraint) });
        Self::new(Code::CheckViolation, format!("{rule} refuses the operation{of}"), extensions)
    }

    /// A row conflicts with another by an exclusion constraint.
    pub(crate) fn exclusion_violation(entity: &str, constraint: &str) -> Self {
        let message = format!("{entity} violates the exclusion constraint \"{constraint}\"");
        Self::new(Code::CheckViolation, message, json!({ "entity": entity, "constraint": constraint }))
    }

    /// Rows that reference this row forbid its deletion; `by` lists each relation with their number. A
    /// relation has no name if its table is not in the schema.
    pub(crate) fn delete_restricted(entity: &str, key: Value, by: &[(Option<String>, i64)]) -> Self {
        let listed: Vec<String> = by
            .iter()
            .map(|(relation, count)| match relation {
                Some(relation) => format!("{relation} ({count})"),
                None => format!("rows outside the schema ({count})"),
            })
            .collect();
        let listed = if listed.is_empty() { "rows outside the schema".to_owned() } else { listed.join(", ") };
        let by: Vec<Value> =
            by.iter().map(|(relation, count)| json!({ "relation": relation, "count": count })).collect();
        Self::new(
            Code::DeleteRestricted,
            format!("{entity} cannot be deleted: it is referenced by {listed}"),
            json!({ "entity": entity, "key": key, "by": by }),
        )
    }

    /// Reports that another request changed the same rows at the same time.
    pub fn conflict(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Conflict,
            "another request changed the same rows at the same time",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
        .tried_again(Retry::WhileTimeAllows)
    }

    /// A table has changed since a statement of the transaction was prepared.
    pub(crate) fn stale(cause: impl fmt::Display) -> Self {
        Self::conflict(cause).tried_again(Retry::FewTimes)
    }

    /// Reports that the caller lacks permission.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, message, Value::Null)
    }

    /// Reports a role that no policy declares.
    pub(crate) fn unknown_role(role: &str) -> Self {
        Self::new(Code::Forbidden, format!("the role \"{role}\" is not declared"), json!({ "role": role }))
    }

    /// Reports a row of `entity` that the viewer's role may not leave behind by `action`.
    pub(crate) fn write_forbidden(entity: &str, action: &str) -> Self {
        Self::new(
            Code::Forbidden,
            format!("the role may not {action} this {entity}"),
            json!({ "entity": entity, "action": action }),
        )
    }

    /// Reports a document that does not fit the schema, for faults found outside validation proper.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(Code::ValidationFailed, message, Value::Null)
    }

    /// Reports a document that is not GraphQL.
    pub(crate) fn parse(message: impl Into<String>) -> Self {
        Self::new(Code::ParseFailed, message, Value::Null)
    }

    /// Reports that the service's database user lacks permission.
    pub(crate) fn no_right(cause: impl fmt::Display) -> Self {
        Self::forbidden("the service lacks the database privilege for this operation").caused_by(cause)
    }

    /// Reports a read-only database, such as a standby server or a file without write permission.
    pub(crate) fn read_only(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database is read-only at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports that the database's disk is full.
    pub(crate) fn disk_full(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database has no free disk space at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports an unreachable database.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database cannot be reached at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports a connection that was lost during commit. Carries no `retryAfter`: a retry may execute the
    /// operation twice.
    pub(crate) fn outcome_unknown(cause: impl fmt::Display) -> Self {
        let message = "the connection to the database was lost during the commit; \
                       the outcome of the operation is unknown";
        Self::new(Code::Unavailable, message, Value::Null).caused_by(cause)
    }

    /// Reports that the database did not respond in time.
    pub(crate) fn timeout(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Timeout,
            "the database did not answer in time",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports a stored value of `entity` that the API cannot represent; `field` names its column if known.
    /// `cause` is only logged, and contains no part of the value.
    pub(crate) fn unreadable(entity: &str, field: Option<&str>, cause: impl fmt::Display) -> Self {
        let of = field.map_or_else(|| format!("a key of {entity}"), |field| format!("{entity}.{field}"));
        Self::new(
            Code::Internal,
            format!("{of} has a stored value that its type cannot represent"),
            json!({ "entity": entity, "field": field }),
        )
        .caused_by(cause)
    }

    /// A number that the database computes for a query is beyond the range of its type. [`Error::of_aggregate`] names it.
    pub(crate) fn out_of_range(cause: impl fmt::Display) -> Self {
        Self::new(Code::BadUserInput, OUT_OF_RANGE, Value::Null).caused_by(cause)
    }

    /// Returns whether the error is that of [`Error::out_of_range`].
    pub(crate) fn is_out_of_range(&self) -> bool {
        self.0.message == OUT_OF_RANGE
    }

    /// A sum or an average of these fields of `entity` is beyond the range of its type.
    pub(crate) fn of_aggregate(entity: &str, fields: &[&str], cause: impl fmt::Display) -> Self {
        let named: Vec<String> = fields.iter().map(|field| format!("{entity}.{field}")).collect();
        Self::new(
            Code::BadUserInput,
            format!("the sum or average of {} is beyond the range of its type", named.join(" or ")),
            json!({ "entity": entity, "fields": fields }),
        )
        .caused_by(cause)
    }

    /// Reports an internal error; `cause` is only logged.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Code::Internal, "internal server error", Value::Null).caused_by(cause)
    }

    /// Converts the error of a hand-written field, with its author's extensions. Without a code it is an
    /// internal error: its message is logged, too.
    pub(crate) fn of_hand_written_field(message: String, mut extensions: Map<String, Value>) -> Self {
        let given = extensions.get("code").map(|code| Code::iter().find(|known| code == known.as_str()));
        let code = match given {
            None => Code::Internal,
            Some(None) => Code::Other,
            Some(Some(known)) => {
                extensions.remove("code");
                known
            }
        };
        let cause = (code == Code::Internal).then(|| message.clone());
        Self(Box::new(ErrorParts { code, message, extensions, cause, retry: Retry::Never }))
    }

    /// Marks the error of a missing row as a possible race: another transaction may have inserted the row
    /// meanwhile.
    pub(crate) fn perhaps_raced(self) -> Self {
        self.tried_again(Retry::Once)
    }

    /// Returns how often the operation is tried again.
    pub(crate) fn retry(&self) -> Retry {
        self.0.retry
    }

    fn tried_again(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Adds the cause for the log.
    pub(crate) fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Returns the code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Returns the public message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the extensions without the code.
    pub fn extensions(&self) -> &Map<String, Value> {
        &self.0.extensions
    }

    /// Returns the cause for the log, if any.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code().as_str(), self.message())
    }
}

impl std::error::Error for Error {}

/// Converts a name of the schema; `null` if empty.
fn named(name: &str) -> Value {
    if name.is_empty() { Value::Null } else { name.into() }
}

/// Maximum length of a value in an error: a client that sends megabytes does not get them back.
const SHOWN_CHARACTERS: usize = 100;

fn shorten(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
        small => return small.clone(),
    };
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => Value::String(format!("{}…", &text[..end])),
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_names_argument_and_value_and_repeats_no_megabytes() {
        let error = Error::bad_input("limit", json!("x".repeat(5_000)), "expected a number");
        assert_eq!(error.code().as_str(), "BAD_USER_INPUT");
        assert_eq!(error.extensions()["argument"], "limit");
        assert!(error.message().len() < 300, "{}", error.message());
    }
}
