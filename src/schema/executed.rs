//! Response to an operation.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::LocatedError;
use crate::execute::{Json, StatementRecord, json, object};

/// Data of a response as JSON text, and its errors. A request refused before execution has no data (September
/// 2025, section 7.1.3).
pub(super) type PartialResponse = (Option<Json>, Vec<LocatedError>);

/// Response with the statements that were sent for it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Executed {
    /// Data as JSON text; `None` if the request was refused before execution (September 2025, section 7.1.3).
    pub data: Option<Json>,
    /// Errors of the response. Their causes are not logged yet: see [`LocatedError::log`].
    pub errors: Vec<LocatedError>,
    /// Entry `extensions` of the response.
    pub extensions: BTreeMap<String, serde_json::Value>,
    /// Statements that were sent to the database.
    pub statements: Vec<StatementRecord>,
    /// Event with the response, which all subscribers share; empty until one of them takes it.
    #[cfg(feature = "server")]
    pub(crate) event: std::sync::OnceLock<bytes::Bytes>,
}

impl Executed {
    /// Creates the response to a refused request.
    pub(crate) fn refused(error: LocatedError) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }

    /// Returns true if the request failed before execution.
    pub fn is_request_error(&self) -> bool {
        self.data.is_none()
    }

    /// Serializes the response (September 2025, section 7.1).
    pub fn to_json(&self) -> Json {
        self.to_json_with(&self.errors)
    }

    /// Serializes the response with `told` in place of its errors.
    pub(crate) fn to_json_with(&self, told: &[impl Serialize]) -> Json {
        let errors = (!told.is_empty()).then(|| json(&told));
        let extensions = (!self.extensions.is_empty()).then(|| json(&self.extensions));
        let parts = [("data", &self.data), ("errors", &errors), ("extensions", &extensions)];
        object(parts.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))))
    }

    /// Serializes the response without copying its data.
    pub fn into_json(self) -> Json {
        match self {
            Self { data: Some(mut json), errors, extensions, .. }
                if errors.is_empty() && extensions.is_empty() =>
            {
                json.splice(..0, *b"{\"data\":");
                json.push(b'}');
                json
            }
            executed => executed.to_json(),
        }
    }

    /// Parses the data for use in this process.
    pub fn data(&self) -> serde_json::Value {
        self.data.as_deref().and_then(|data| serde_json::from_slice(data).ok()).unwrap_or_default()
    }

    pub(super) fn answers_the_same(&self, other: &Self) -> bool {
        // Ignores causes, which may name details that differ each time.
        self.data == other.data
            && self.errors.len() == other.errors.len()
            && (self.errors == other.errors || json(&self.errors) == json(&other.errors))
    }
}
