//! Rows by column, and keys as the values that are compared.

use std::collections::BTreeMap;

use sea_orm::Value;

use crate::database::RowSet;
use crate::model::{ColumnId, ColumnType, Entity, is_null};

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

/// Returns values of an entity's columns as the database compares them: equal texts of `citext` become one.
pub(super) fn compared(entity: &Entity, columns: &[ColumnId], values: &[Value]) -> Vec<Value> {
    compared_as(columns.iter().map(|column| &entity.columns[*column].column_type), values)
}

/// Returns values of these types as the database compares them.
pub(super) fn compared_as<'a>(types: impl Iterator<Item = &'a ColumnType>, values: &[Value]) -> Vec<Value> {
    types.zip(values).map(|(column_type, value)| column_type.normalize_key(value.clone())).collect()
}

/// Returns the values of some columns of a row as the database compares them.
pub(super) fn key_of(entity: &Entity, row: &RowInput, columns: &[ColumnId]) -> Vec<Value> {
    compared(entity, columns, &values_of(row, columns))
}

/// Returns true if a part of a key is NULL.
pub(super) fn has_null(values: &[Value]) -> bool {
    values.iter().any(is_null)
}
