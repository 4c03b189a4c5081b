//! One typed error, its code and its public text: the only place with code strings.

mod located;

use std::fmt;

pub use located::LocatedError;
use sea_orm::{EnumIter, Iterable};
use serde_json::{Map, Value, json};

/// What went wrong, as a client may read it in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum Code {
    /// The request is none that is understood here, or not in this way.
    BadRequest,
    /// Whoever asks may not.
    Forbidden,
    /// No document is known under the hash that was given; to be sent again with its text.
    PersistedQueryNotFound,
    /// The service runs the documents of its list alone, and this is none of them.
    DocumentNotTrusted,
    /// The document is not GraphQL.
    ParseFailed,
    /// The document does not fit the schema.
    ValidationFailed,
    /// An argument's value is not acceptable; carries `argument` and `value`.
    BadUserInput,
    /// There is no such row; carries `entity` and `key`.
    NotFound,
    /// The answer would pass the ceiling of rows; carries `limit` and `asked`.
    TooManyRows,
    /// The document is larger than it may be, or asks for too much; carries `limit`, `asked`, and what they are `of`.
    TooComplex,
    /// The document nests deeper than it may; carries `limit`, `asked` and `of`.
    TooDeep,
    /// A unique key is taken; carries `entity` and `fields`.
    UniqueViolation,
    /// A key points at nothing; carries `entity` and `field`.
    ForeignKeyViolation,
    /// A value is missing; carries `entity` and `field`.
    NotNullViolation,
    /// A condition of the table does not hold; carries `entity` and `constraint`.
    CheckViolation,
    /// Rows that point here stand in the way; carries `entity`, `key` and `by`.
    DeleteRestricted,
    /// Another request changed the same rows; may be tried again.
    Conflict,
    /// The database or the request took too long; may be tried again.
    Timeout,
    /// The database cannot be reached, or too many requests are under way; may be tried again.
    Unavailable,
    /// There are more errors than an answer carries; stands last, with `leftOut`.
    TooManyErrors,
    /// A fault of ours; its cause is in the log under the request's id.
    Internal,
    /// A hand-written field failed with a code of its own, which the extensions hold.
    Other,
}

impl Code {
    /// The code as clients see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::Forbidden => "FORBIDDEN",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::NotFound => "NOT_FOUND",
            Self::TooManyRows => "TOO_MANY_ROWS",
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

/// A fault with its code, a message fit for a client, and what belongs to the code.
///
/// A cause that may name SQL or tables is kept apart: it is logged and never sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Fault>);

#[derive(Clone, Debug, PartialEq)]
struct Fault {
    code: Code,
    message: String,
    extensions: Map<String, Value>,
    cause: Option<String>,
    perhaps_raced: bool,
}

/// A result with Crowsfoot's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Seconds after which a request that met an absent database or a closed door may be tried again.
const RETRY_AFTER_SECONDS: u64 = 1;

impl Error {
    fn new(code: Code, message: impl Into<String>, extensions: Value) -> Self {
        let extensions = match extensions {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self(Box::new(Fault { code, message: message.into(), extensions, cause: None, perhaps_raced: false }))
    }

    /// The value given for `argument` (a path such as `where.name.eq`) is not acceptable.
    pub fn bad_input(argument: &str, value: Value, expected: impl fmt::Display) -> Self {
        let shown = shorten(&value);
        Self::new(
            Code::BadUserInput,
            format!("argument \"{argument}\": {expected}, but {shown} was given"),
            json!({ "argument": argument, "value": shown }),
        )
    }

    /// The variable that is written for `argument` (a path such as `where.name.eq`) was not given.
    pub fn missing_variable(argument: &str, variable: &str) -> Self {
        Self::new(
            Code::BadUserInput,
            format!("argument \"{argument}\": expected a value, but the variable ${variable} was not given"),
            json!({ "argument": argument, "value": null, "variable": format!("${variable}") }),
        )
    }

    /// A value of type `of` is required for `argument`, and none is given: neither a value nor null.
    pub fn not_given(argument: &str, of: &str) -> Self {
        Self::new(
            Code::BadUserInput,
            format!("argument \"{argument}\": expected a value of type {of}, but none was given"),
            json!({ "argument": argument, "value": null }),
        )
    }

    /// The row of `entity` with this key is not there.
    pub fn not_found(entity: &str, key: Value) -> Self {
        let message = format!("no {entity} has the key {key}");
        Self::new(Code::NotFound, message, json!({ "entity": entity, "key": key }))
    }

    /// The row of `entity` with this key is not in the list that is written to; it may be elsewhere.
    pub fn not_in_list(entity: &str, key: Value) -> Self {
        let message = format!("no {entity} in this list has the key {key}");
        Self::new(Code::NotFound, message, json!({ "entity": entity, "key": key }))
    }

    /// The request's rows pass the ceiling; `asked` is how many were seen before loading stopped.
    pub fn too_many_rows(limit: u64, asked: u64) -> Self {
        Self::new(
            Code::TooManyRows,
            format!("the result has more than {limit} rows; reduce it with limit or first"),
            json!({ "limit": limit, "asked": asked }),
        )
    }

    /// The document has more of something than it may: `of` is the limit's name, and `document` says what the document
    /// does. `asked` is the whole of it, or `u64::MAX` where it is more than can be counted.
    pub fn too_complex(of: &str, document: &str, limit: u64, asked: u64) -> Self {
        Self::new(
            Code::TooComplex,
            format!("{document}; the limit is {limit}"),
            json!({ "of": of, "limit": limit, "asked": asked }),
        )
    }

    /// The document, or the value of a variable, nests deeper than it may; `asked` is how deep.
    pub fn too_deep(what: &str, limit: u64, asked: u64) -> Self {
        Self::new(
            Code::TooDeep,
            format!("{what} is nested {asked} levels deep; the limit is {limit}"),
            json!({ "of": "depth", "limit": limit, "asked": asked }),
        )
    }

    /// The unique key over `fields` of `entity` is taken.
    pub fn unique_violation(entity: &str, fields: &[String]) -> Self {
        let message = match fields {
            [] => format!("another {entity} has the same unique key, in columns outside the schema"),
            fields => format!("another {entity} has the same {}", fields.join(" and ")),
        };
        Self::new(Code::UniqueViolation, message, json!({ "entity": entity, "fields": fields }))
    }

    /// The relation `field` of `entity` references no row. Either is empty where the schema has no name for it.
    pub fn foreign_key_violation(entity: &str, field: &str) -> Self {
        let message = match (entity, field) {
            ("", _) => "a foreign key does not match any row".to_owned(),
            (entity, "") => format!("a foreign key of {entity}, outside the schema, does not match any row"),
            (entity, field) => format!("the foreign key {entity}.{field} does not match any row"),
        };
        let extensions = json!({ "entity": named(entity), "field": named(field) });
        Self::new(Code::ForeignKeyViolation, message, extensions)
    }

    /// `field` of `entity` needs a value; it is empty where the schema does not have the column.
    pub fn not_null_violation(entity: &str, field: &str) -> Self {
        let message = match field {
            "" => format!("a column of {entity}, outside the schema, must not be null"),
            field => format!("{entity}.{field} must not be null"),
        };
        Self::new(Code::NotNullViolation, message, json!({ "entity": entity, "field": named(field) }))
    }

    /// A condition on the table of `entity` does not hold.
    pub fn check_violation(entity: &str, constraint: &str) -> Self {
        let message = format!("{entity} violates the check constraint \"{constraint}\"");
        Self::new(Code::CheckViolation, message, json!({ "entity": entity, "constraint": constraint }))
    }

    /// Rows that point at this one forbid its deletion; `by` has each relation with their number. A table that the schema
    /// does not have is a relation without a name.
    pub fn delete_restricted(entity: &str, key: Value, by: &[(Option<String>, i64)]) -> Self {
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

    /// Another request changed the same rows at the same time.
    pub fn conflict(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Conflict,
            "another request changed the same rows at the same time",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// The request is none that is understood here, or not in this way.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message, Value::Null)
    }

    /// Whoever asks may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, message, Value::Null)
    }

    /// No document is known under the hash that was given. Clients look for this very message, or for the code.
    pub fn persisted_query_not_found() -> Self {
        Self::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound", Value::Null)
    }

    /// The service runs the documents of its list alone.
    pub fn document_not_trusted(message: impl Into<String>) -> Self {
        Self::new(Code::DocumentNotTrusted, message, Value::Null)
    }

    /// The document does not fit the schema; for what is found outside validation proper.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(Code::ValidationFailed, message, Value::Null)
    }

    /// The document is not GraphQL.
    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(Code::ParseFailed, message, Value::Null)
    }

    /// The database does not let the service's own user do this.
    pub fn no_right(cause: impl fmt::Display) -> Self {
        Self::forbidden("the service lacks the database privilege for this operation").caused_by(cause)
    }

    /// The database takes no writes, as a standby server or a file that cannot be written.
    pub fn read_only(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database is read-only at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// The database's disk is full.
    pub fn disk_full(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database has no free disk space at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// The database is away.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database cannot be reached at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// The connection was lost while the operation was being committed. Without `retryAfter`: trying again may carry
    /// the operation out twice.
    pub fn outcome_unknown(cause: impl fmt::Display) -> Self {
        let message = "the connection to the database was lost during the commit; \
                       the outcome of the operation is unknown";
        Self::new(Code::Unavailable, message, Value::Null).caused_by(cause)
    }

    /// The database did not answer in time.
    pub fn timeout(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Timeout,
            "the database did not answer in time",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// As many requests as may be are under way.
    pub fn overloaded() -> Self {
        Self::new(
            Code::Unavailable,
            "concurrency limit reached: too many requests are running at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// As many operations as may be, `limit`, are running on one socket.
    pub fn too_many_subscriptions(limit: usize) -> Self {
        Self::new(
            Code::Unavailable,
            format!("this socket has reached its limit of {limit} running operations"),
            json!({ "limit": limit, "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// The request was given up after this many seconds.
    pub fn out_of_time(seconds: u64) -> Self {
        Self::new(
            Code::Timeout,
            format!("the request exceeded the time limit of {seconds} s and was cancelled"),
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// An answer carries no more errors; `left_out` were found beside those.
    pub fn too_many_errors(left_out: usize) -> Self {
        let message = format!("{left_out} further errors are omitted");
        Self::new(Code::TooManyErrors, message, json!({ "leftOut": left_out }))
    }

    /// A stored value of `entity` has no form in the API; `field` names its column where that is known. `cause` is for the
    /// log, and holds no part of the value.
    pub fn unreadable(entity: &str, field: Option<&str>, cause: impl fmt::Display) -> Self {
        let of = field.map_or_else(|| format!("a key of {entity}"), |field| format!("{entity}.{field}"));
        Self::new(
            Code::Internal,
            format!("{of} has a stored value that its type cannot represent"),
            json!({ "entity": entity, "field": field }),
        )
        .caused_by(cause)
    }

    /// A fault of ours; `cause` is for the log alone.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Code::Internal, "internal server error", Value::Null).caused_by(cause)
    }

    /// The error of a hand-written field, with the extensions that its author gave. Without a code among them it is a fault
    /// of ours: its message is logged, too.
    pub fn of_hand_written_field(message: String, mut extensions: Map<String, Value>) -> Self {
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
        Self(Box::new(Fault { code, message, extensions, cause, perhaps_raced: false }))
    }

    /// The same error of a row that was not there when it was looked for: another transaction may have made it meanwhile.
    pub fn perhaps_raced(mut self) -> Self {
        self.0.perhaps_raced = true;
        self
    }

    /// Whether the operation may end otherwise when it is tried once more: see [`Error::perhaps_raced`].
    pub fn is_perhaps_raced(&self) -> bool {
        self.0.perhaps_raced
    }

    fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Its text, fit for a client.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What belongs to the code, without the code itself.
    pub fn extensions(&self) -> &Map<String, Value> {
        &self.0.extensions
    }

    /// What the log should say beside the message, if there is more.
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

/// A name of the schema; `null` where there is none.
fn named(name: &str) -> Value {
    if name.is_empty() { Value::Null } else { name.into() }
}

/// Longest value that an error repeats: a client that sends megabytes does not get them back.
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
