//! Records of the statements that a request sent.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

/// Record of a sent statement.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementRecord {
    /// SQL text.
    pub sql: Arc<str>,
    /// Number of returned rows.
    pub rows: usize,
    /// Duration, including the wait for a connection.
    pub elapsed: Duration,
}

impl StatementRecord {
    /// Returns the entry of `extensions.explain.statements`; `ms` is in milliseconds.
    pub fn to_json(&self) -> Json {
        let milliseconds = (self.elapsed.as_secs_f64() * 1e6).round() / 1e3;
        json!({ "sql": &*self.sql, "rows": self.rows, "ms": milliseconds })
    }
}
