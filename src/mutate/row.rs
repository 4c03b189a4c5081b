//! Rows by column, and keys as the values that are compared.

use std::collections::BTreeMap;

use sea_orm::Value;

use crate::database::RowSet;
use crate::model::{ColumnId, Entity, is_null, normalize_key};

/// Values of some columns of a row.
pub(super) type RowInput = BTreeMap<ColumnId, Value>;

/// Returns the rows of a set, by column.
pub(super) fn rows_of(set: &RowSet, columns: &[ColumnId]) -> Vec<RowInput> {
    (0..set.len()).map(|index| columns.iter().copied().zip(set.values(index)).collect()).collect()
}

/// Returns the values of some columns of a row.
pub(super) fn values_of(row: &RowInput, columns: &[ColumnId]) -> Vec<Value> {
    columns.iter().filter_map(|column| row.get(column).cloned()).collect()
}

/// Returns the values of some columns of a row, normalized for comparison.
pub(super) fn key_of(row: &RowInput, columns: &[ColumnId]) -> Vec<Value> {
    values_of(row, columns).into_iter().map(normalize_key).collect()
}

/// Normalizes values for comparison.
pub(super) fn normalized(values: &[Value]) -> Vec<Value> {
    values.iter().cloned().map(normalize_key).collect()
}

/// Returns values of an entity's columns as the database compares them: equal texts of `citext` become one.
pub(super) fn compared(entity: &Entity, columns: &[ColumnId], values: &[Value]) -> Vec<Value> {
    let compared = |(column, value): (&ColumnId, &Value)| {
        entity.columns[*column].column_type.normalize_key(value.clone())
    };
    columns.iter().zip(values).map(compared).collect()
}

/// Returns the values of some columns of a row as the database compares them.
pub(super) fn compared_key(entity: &Entity, row: &RowInput, columns: &[ColumnId]) -> Vec<Value> {
    compared(entity, columns, &values_of(row, columns))
}

/// Returns true if a part of a key is NULL.
pub(super) fn has_null(values: &[Value]) -> bool {
    values.iter().any(is_null)
}
