//! Built statements.

use std::sync::Arc;

use sea_orm::Value;

use super::last_run::ExecutionStats;
use crate::model::ColumnType;

/// Values of a relation's columns in one row, normalized so that both sides compare equal.
pub type RelationKey = Vec<Value>;

/// Statement with the layout of its columns.
///
/// Columns come in this order:
/// - the load's own ([`Rows::columns`](crate::plan::Rows::columns), or its aggregates)
/// - the junction's ([`Rows::junction_columns`](crate::plan::Rows::junction_columns))
/// - the key of the parent and the sort columns, unless already selected
/// - the values of the cursor
/// - the mark of rows outside the page
/// - the columns of joined relations
#[derive(Clone, Debug)]
pub struct SqlStatement {
    /// SQL text.
    pub sql: Arc<str>,
    /// Bind values. [`SqlBuilder::prepare`](super::SqlBuilder::prepare) replaces the placeholders of values supplied at execution time.
    pub values: Vec<Value>,
    /// Column types.
    pub columns: Arc<[ColumnType]>,
    /// Columns of the parent's key.
    pub key: Vec<usize>,
    /// First column of the cursor values.
    pub cursor: usize,
    /// Column of the page mark, if rows outside the page are selected: 0 for the page, see [`SqlStatement::BEFORE`]
    /// and [`SqlStatement::AFTER`].
    pub mark: Option<usize>,
    /// Integer columns by which each parent's rows must be sorted in ascending order, if the statement does
    /// not sort.
    pub sort: Vec<usize>,
    /// Positions of the joined relations, for each of the load's children.
    pub joins: Vec<Option<Join>>,
    /// Statistics of the last execution.
    pub last_run: ExecutionStats,
}

impl SqlStatement {
    /// Page mark of a row before the page's cursor.
    pub const BEFORE: i32 = 1;
    /// Page mark of a row after the page's cursor.
    pub const AFTER: i32 = 2;
}

/// Position of a joined relation's columns in a row.
#[derive(Clone, Debug)]
pub struct Join {
    /// First column of the relation.
    pub first: usize,
    /// Join columns of the relation: all NULL without a partner.
    pub key: Vec<usize>,
    /// Joined relations of each nested load.
    pub below: Vec<Option<Join>>,
}
