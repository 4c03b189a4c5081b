//! Isolation of a role's requests from concurrent ones.

use serde::Deserialize;

/// Isolation of a role's requests from concurrent ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees the commits before it, as the service's settings say.
    #[default]
    #[serde(rename = "read committed")]
    ReadCommitted,
    /// All statements of a request see one state. On PostgreSQL, a mutation of rows that another transaction has changed
    /// since is carried out again from the beginning; on SQLite, writing transactions follow one another.
    #[serde(rename = "repeatable read")]
    RepeatableRead,
}
