//! Errors with their position in the request.

use async_graphql::{ErrorExtensionValues, PathSegment, Pos, ServerError};
use serde::{Serialize, Serializer};

use super::Error;

/// Error with the path to its field, and the locations of that field in the document.
///
/// Passes unchanged from its origin to the edge, where it is logged and serialized, once.
#[derive(Clone, Debug, PartialEq)]
pub struct LocatedError {
    /// The error.
    pub error: Error,
    /// Keys and indexes of the response path; empty for the request as a whole.
    pub path: Vec<PathSegment>,
    /// Lines and columns in the document; empty for the request as a whole.
    pub locations: Vec<Pos>,
}

impl LocatedError {
    /// Creates an error of the field at `path`, located at `position` in the document.
    pub fn new(error: Error, position: Pos, path: Vec<PathSegment>) -> Self {
        // Lines count from one: the default position means the request as a whole.
        let locations = if position == Pos::default() { Vec::new() } else { vec![position] };
        Self { error, path, locations }
    }

    /// Logs the cause, which is never sent to a client, with the id of the request.
    pub fn log(&self, request: Option<&str>) {
        if let Some(cause) = self.error.cause() {
            let code = self.error.code().as_str();
            tracing::error!(id = request, code, cause, "a field could not be resolved");
        }
    }

    /// Converts the error for async-graphql, with this error as its source.
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

/// Converts an error of the request as a whole.
impl From<Error> for LocatedError {
    fn from(error: Error) -> Self {
        Self::new(error, Pos::default(), Vec::new())
    }
}

/// Serializes the error for a response (September 2025, section 7.1.6).
impl Serialize for LocatedError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_server_error().serialize(serializer)
    }
}
