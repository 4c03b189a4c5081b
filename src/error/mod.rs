//! Typed error with its code and public text. Code strings are in this room alone.

mod code;
mod database;
mod located;
#[cfg(feature = "server")]
mod refusals;

use std::fmt;

pub use code::Code;
pub use located::LocatedError;
use sea_orm::Iterable;
use serde_json::{Map, Value, json};

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
