//! Errors with their place in the request, as answers carry them.

use async_graphql::{ErrorExtensionValues, PathSegment, Pos, ServerError};
use serde::{Serialize, Serializer};

use super::Error;

/// An error, the path to the field that it belongs to, and the places of that field in the document.
///
/// Travels unchanged from where the error was found to the edge, where it is logged and becomes JSON, once.
#[derive(Clone, Debug, PartialEq)]
pub struct LocatedError {
    /// The error itself.
    pub error: Error,
    /// Keys and indexes that lead to the field; empty for the request as a whole.
    pub path: Vec<PathSegment>,
    /// Lines and columns in the document; empty for the request as a whole.
    pub locations: Vec<Pos>,
}

impl LocatedError {
    /// An error of the field at `path`, which stands at `position` in the document.
    pub fn new(error: Error, position: Pos, path: Vec<PathSegment>) -> Self {
        // Lines count from one: the default stands for the request as a whole.
        let locations = if position == Pos::default() { Vec::new() } else { vec![position] };
        Self { error, path, locations }
    }

    /// Logs the cause, which no client is told.
    pub fn log(&self) {
        if let Some(cause) = self.error.cause() {
            tracing::error!(code = self.error.code().as_str(), cause, "a field could not be resolved");
        }
    }

    /// Converts it to an error of async-graphql, which keeps this one as its source.
    pub fn to_server_error(&self) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.error.code().as_str());
        for (name, value) in self.error.extensions() {
            extensions.set(name, async_graphql::Value::from_json(value.clone()).unwrap_or_default());
        }
        ServerError {
            message: self.error.message().to_owned(),
            source: Some(std::sync::Arc::new(self.clone())),
            locations: self.locations.clone(),
            path: self.path.clone(),
            extensions: Some(extensions),
        }
    }
}

/// An error of the request as a whole.
impl From<Error> for LocatedError {
    fn from(error: Error) -> Self {
        Self::new(error, Pos::default(), Vec::new())
    }
}

/// As an answer carries it (October 2021, section 7.1.2).
impl Serialize for LocatedError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_server_error().serialize(serializer)
    }
}
