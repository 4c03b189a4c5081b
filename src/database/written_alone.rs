//! Statement that is a transaction of its own, and its outcome.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::Value;

use super::tracked_statement::ExecutionStats;
use crate::model::{ColumnType, Table};

/// Statement that writes as a transaction of its own.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "on SQLite all transactions share commits"))]
pub struct AloneWrite<'a> {
    /// Text of the statement.
    pub sql: &'a Arc<str>,
    /// Values of its placeholders.
    pub values: &'a Arc<[Value]>,
    /// Types of the returned columns.
    pub columns: &'a Arc<[ColumnType]>,
    /// Tables that the statement writes.
    pub touches: &'a BTreeSet<Table>,
    /// Set if the statement may share its commit with those of other requests.
    pub sharing: Option<CommitSharing<'a>>,
}

/// Statement that may share its commit with those of other requests.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "on SQLite all transactions share commits"))]
pub struct CommitSharing<'a> {
    /// Statistics of the statement. A long one, or one that is refused, does not share.
    pub last_run: &'a ExecutionStats,
    /// Position among statements that lock rows. Transactions that lock the same rows in the same order do not deadlock.
    pub lock_order: u64,
}

/// Outcome of a statement that was not refused.
#[derive(Debug)]
pub struct WrittenAlone<A> {
    /// Number of returned rows.
    pub rows: usize,
    /// Answer that was made of the rows.
    pub answer: A,
    /// True if nothing was written, because the rows could not be answered.
    pub is_taken_back: bool,
}
