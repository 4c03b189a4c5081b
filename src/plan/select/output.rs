//! Columns of a statement.

use std::ops::Range;

use sea_orm::sea_query::Expr;

use crate::model::ColumnType;

/// Alias of the statement's main table.
pub(super) const MAIN: &str = "t0";
/// Alias of a list's junction.
pub(super) const JUNCTION: &str = "junction";

/// Column of a statement.
pub(super) struct OutputColumn {
    pub expression: Expr,
    pub column_type: ColumnType,
    /// Alias for references from an outer statement.
    pub alias: String,
}

/// Adds a column, and returns its slot.
pub(super) fn add(outputs: &mut Vec<OutputColumn>, column: OutputColumn) -> usize {
    outputs.push(column);
    outputs.len() - 1
}

/// Adds columns, and returns their slots.
pub(super) fn add_all(
    outputs: &mut Vec<OutputColumn>,
    columns: impl IntoIterator<Item = OutputColumn>,
) -> Range<usize> {
    let first = outputs.len();
    outputs.extend(columns);
    first..outputs.len()
}
