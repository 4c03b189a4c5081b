//! What was sent to the database on behalf of a request.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

/// One statement that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementRecord {
    /// Its text.
    pub sql: Arc<str>,
    /// How many rows came back.
    pub rows: usize,
    /// How long that took, waiting for a connection included.
    pub elapsed: Duration,
}

impl StatementRecord {
    /// As `extensions.explain.statements` has it: `ms` are milliseconds.
    pub fn to_json(&self) -> Json {
        let milliseconds = (self.elapsed.as_secs_f64() * 1e6).round() / 1e3;
        json!({ "sql": &*self.sql, "rows": self.rows, "ms": milliseconds })
    }
}
