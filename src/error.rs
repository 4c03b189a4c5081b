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
    /// An argument's value is not acceptable; carries `argument` and `value`. Or the rows that were asked for have a sum or an
    /// average that cannot be shown; carries `entity` and `fields`.
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

/// Seconds after which a request that met an absent database or a closed door may be tried again.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Message of a computed number that nothing names.
const OUT_OF_RANGE: &str = "a number that the query computes is beyond the range of its type";

impl Error {
    fn new(code: Code, message: impl Into<String>, extensions: Value) -> Self {
        let extensions = match extensions {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self(Box::new(Fault { code, message: message.into(), extensions, cause: None, retry: Retry::Never }))
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
        let message = format!("there is no {entity} with the key {key}");
        Self::new(Code::NotFound, message, json!({ "entity": entity, "key": key }))
    }

    /// The row of `entity` with this key is not in the list that is written to; it may be elsewhere.
    pub fn not_in_list(entity: &str, key: Value) -> Self {
        let message = format!("there is no {entity} with the key {key} in this list");
        Self::new(Code::NotFound, message, json!({ "entity": entity, "key": key }))
    }

    /// The request's rows pass the ceiling; `asked` is how many were seen before loading stopped.
    pub fn too_many_rows(limit: u64, asked: u64) -> Self {
        Self::new(
            Code::TooManyRows,
            format!("the answer has more than {limit} rows; ask for fewer with limit or first"),
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
            format!("{what} nests {asked} levels deep; the limit is {limit}"),
            json!({ "of": "depth", "limit": limit, "asked": asked }),
        )
    }

    /// The unique key over `fields` of `entity` is taken.
    pub fn unique_violation(entity: &str, fields: &[String]) -> Self {
        let message = match fields {
            [] => format!("a unique key of {entity} over fields outside the schema is taken"),
            fields => format!("there is a {entity} with the same {} already", fields.join(" and ")),
        };
        Self::new(Code::UniqueViolation, message, json!({ "entity": entity, "fields": fields }))
    }

    /// The relation `field` of `entity` references no row. Either is empty where the schema has no name for it.
    pub fn foreign_key_violation(entity: &str, field: &str) -> Self {
        let message = match (entity, field) {
            ("", _) => "a foreign key does not match any row".to_owned(),
            (entity, "") => format!("a foreign key at {entity}, outside the schema, does not match any row"),
            (entity, field) => format!("{entity}.{field} points at nothing"),
        };
        let extensions = json!({ "entity": named(entity), "field": named(field) });
        Self::new(Code::ForeignKeyViolation, message, extensions)
    }

    /// `field` of `entity` needs a value; it is empty where the schema does not have the column.
    pub fn not_null_violation(entity: &str, field: &str) -> Self {
        let message = match field {
            "" => format!("a column of {entity} outside the schema needs a value"),
            field => format!("{entity}.{field} needs a value"),
        };
        Self::new(Code::NotNullViolation, message, json!({ "entity": entity, "field": named(field) }))
    }

    /// A condition on the table of `entity` does not hold.
    pub fn check_violation(entity: &str, constraint: &str) -> Self {
        let message = format!("the condition \"{constraint}\" of {entity} does not hold");
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
            format!("{entity} cannot be deleted: {listed} point at it"),
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
        .tried_again(Retry::WhileTimeAllows)
    }

    /// A table has changed since a statement of the transaction was prepared.
    pub fn stale(cause: impl fmt::Display) -> Self {
        Self::conflict(cause).tried_again(Retry::FewTimes)
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
        Self::forbidden("the service has no right to do this in the database").caused_by(cause)
    }

    /// The database takes no writes, as a standby server or a file that cannot be written.
    pub fn read_only(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database takes no writes at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// The database's disk is full.
    pub fn disk_full(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database has no room for more data at the moment",
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
        let message = "the connection to the database was lost while the operation was being committed; \
                       it is unknown whether the operation was carried out";
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
            "too many requests are under way at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// As many operations as may be, `limit`, are running on one socket.
    pub fn too_many_subscriptions(limit: usize) -> Self {
        Self::new(
            Code::Unavailable,
            format!("{limit} operations are running on this socket, and there may not be more"),
            json!({ "limit": limit, "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// The request was given up after this many seconds.
    pub fn out_of_time(seconds: u64) -> Self {
        Self::new(
            Code::Timeout,
            format!("the request took longer than {seconds} seconds and was given up"),
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
    }

    /// An answer carries no more errors; `left_out` were found beside those.
    pub fn too_many_errors(left_out: usize) -> Self {
        let message = format!("{left_out} further errors are left out");
        Self::new(Code::TooManyErrors, message, json!({ "leftOut": left_out }))
    }

    /// A stored value of `entity` has no form in the API; `field` names its column where that is known. `cause` is for the
    /// log, and holds no part of the value.
    pub fn unreadable(entity: &str, field: Option<&str>, cause: impl fmt::Display) -> Self {
        let of = field.map_or_else(|| format!("a key of {entity}"), |field| format!("{entity}.{field}"));
        Self::new(
            Code::Internal,
            format!("{of} holds a stored value that its type cannot represent"),
            json!({ "entity": entity, "field": field }),
        )
        .caused_by(cause)
    }

    /// A number that the database computes for a query is beyond the range of its type. [`Error::of_aggregate`] names it.
    pub fn out_of_range(cause: impl fmt::Display) -> Self {
        Self::new(Code::BadUserInput, OUT_OF_RANGE, Value::Null).caused_by(cause)
    }

    /// Returns whether the error is that of [`Error::out_of_range`].
    pub fn is_out_of_range(&self) -> bool {
        self.0.message == OUT_OF_RANGE
    }

    /// A sum or an average of these fields of `entity` is beyond the range of its type.
    pub fn of_aggregate(entity: &str, fields: &[&str], cause: impl fmt::Display) -> Self {
        let named: Vec<String> = fields.iter().map(|field| format!("{entity}.{field}")).collect();
        Self::new(
            Code::BadUserInput,
            format!("the sum or average of {} is beyond the range of its type", named.join(" or ")),
            json!({ "entity": entity, "fields": fields }),
        )
        .caused_by(cause)
    }

    /// A fault of ours; `cause` is for the log alone.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Code::Internal, "the service met an unexpected fault", Value::Null).caused_by(cause)
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
        Self(Box::new(Fault { code, message, extensions, cause, retry: Retry::Never }))
    }

    /// The same error of a row that was not there when it was looked for: another transaction may have made it meanwhile.
    pub fn perhaps_raced(self) -> Self {
        self.tried_again(Retry::Once)
    }

    /// Returns how often the operation is tried again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    fn tried_again(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
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
