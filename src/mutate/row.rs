//! Rows by column, and keys as the values that are compared.

use std::{mem, vec};

use sea_orm::Value;

use crate::database::RowSet;
use crate::model::{ColumnId, ColumnType, Entity, is_null};

/// Values of some columns of a row: a map in a sorted list. A row has few columns, and a mutation may have many rows, so the bytes of
/// a row count more than the steps of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RowInput(Vec<(ColumnId, Value)>);

impl RowInput {
    /// Returns true without values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a column.
    pub fn get(&self, column: ColumnId) -> Option<&Value> {
        self.find(column).ok().map(|place| &self.0[place].1)
    }

    /// Returns true if the column has a value, which may be NULL.
    pub fn has(&self, column: ColumnId) -> bool {
        self.find(column).is_ok()
    }

    /// Sets the value of a column, and returns the one before.
    pub fn insert(&mut self, column: ColumnId, value: Value) -> Option<Value> {
        match self.find(column) {
            Ok(place) => Some(mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.insert(place, (column, value));
                None
            }
        }
    }

    /// Takes the value of a column out of the row.
    pub fn remove(&mut self, column: ColumnId) -> Option<Value> {
        self.find(column).ok().map(|place| self.0.remove(place).1)
    }

    /// Returns the columns, in ascending order.
    pub fn columns(&self) -> impl Iterator<Item = ColumnId> {
        self.0.iter().map(|(column, _)| *column)
    }

    /// Returns the values, in the order of their columns.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Returns the place of a column, or the place where the column would be.
    fn find(&self, column: ColumnId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&column, |(column, _)| *column)
    }
}

impl Extend<(ColumnId, Value)> for RowInput {
    fn extend<I: IntoIterator<Item = (ColumnId, Value)>>(&mut self, values: I) {
        let values = values.into_iter();
        self.0.reserve_exact(values.size_hint().0);
        for (column, value) in values {
            self.insert(column, value);
        }
    }
}

impl FromIterator<(ColumnId, Value)> for RowInput {
    fn from_iter<I: IntoIterator<Item = (ColumnId, Value)>>(values: I) -> Self {
        let mut row = Self::default();
        row.extend(values);
        row
    }
}

impl IntoIterator for RowInput {
    type Item = (ColumnId, Value);
    type IntoIter = vec::IntoIter<(ColumnId, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Returns the rows of a set, by column.
pub(super) fn rows_of(set: &RowSet, columns: &[ColumnId]) -> Vec<RowInput> {
    (0..set.len()).map(|index| columns.iter().copied().zip(set.values(index)).collect()).collect()
}

/// Returns the values of some columns of a row.
pub(super) fn values_of(row: &RowInput, columns: &[ColumnId]) -> Vec<Value> {
    columns.iter().filter_map(|column| row.get(*column).cloned()).collect()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Columns in any order, some more than once.
        #[test]
        fn row_is_a_map(pairs: Vec<(u8, i32)>, removed: Vec<u8>) {
            let pairs: Vec<(ColumnId, Value)> =
                pairs.into_iter().map(|(column, value)| ((column % 8).into(), value.into())).collect();
            let mut row: RowInput = pairs.iter().cloned().collect();
            let mut map: BTreeMap<ColumnId, Value> = pairs.iter().cloned().collect();
            for column in removed.into_iter().map(|column| usize::from(column % 8)) {
                prop_assert_eq!(row.has(column), map.contains_key(&column));
                prop_assert_eq!(row.get(column), map.get(&column));
                prop_assert_eq!(row.remove(column), map.remove(&column));
                prop_assert_eq!(row.insert(7, 1.into()), map.insert(7, 1.into()));
            }
            prop_assert!(row.columns().eq(map.keys().copied()));
            prop_assert!(row.values().eq(map.values()));
            prop_assert_eq!(row.into_iter().collect::<Vec<_>>(), map.into_iter().collect::<Vec<_>>());
        }
    }
}
