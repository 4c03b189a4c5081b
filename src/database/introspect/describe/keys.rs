//! Unique and foreign keys of described tables.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::description::{DatabaseDescription, LeftOut};
use crate::database::introspect::catalog_row::{flag, place, text};
use crate::database::introspect::foreign_keys::{Checked, ForeignKeys};
use crate::database::row::RowSet;
use crate::model::{ColumnType, ForeignKeyDescription, Table, TableDescription, UniqueKeyDescription};

/// Columns of the statements that ask for unique indexes: place of the table, index, and four flags (primary, whole, NULLS
/// NOT DISTINCT, deferrable); then a column of the index, NULL for an expression. The columns of an index come in its
/// order.
pub(super) const UNIQUE_KEY_COLUMNS: [ColumnType; 7] = [
    ColumnType::BigInt,
    ColumnType::Text,
    ColumnType::Boolean,
    ColumnType::Boolean,
    ColumnType::Boolean,
    ColumnType::Boolean,
    ColumnType::Text,
];

/// Adds the keys of these indexes to their tables.
pub(super) fn add_unique_keys(tables: &mut [TableDescription], rows: &RowSet) {
    let mut found: BTreeMap<(usize, String), (bool, UniqueKeyDescription)> = BTreeMap::new();
    for row in 0..rows.len() {
        let (Some(place), Some(name)) = (place(rows, row, 0), text(rows, row, 1)) else { continue };
        let (_, key) = found.entry((place, name.clone())).or_insert_with(|| {
            let key = UniqueKeyDescription {
                name,
                columns: Vec::new(),
                is_whole: flag(rows, row, 3),
                nulls_not_distinct: flag(rows, row, 4),
                deferrable: flag(rows, row, 5),
            };
            (flag(rows, row, 2), key)
        });
        match text(rows, row, 6) {
            Some(column) => key.columns.push(column),
            None => key.is_whole = false,
        }
    }
    for ((place, _), (is_primary, key)) in found {
        let Some(table) = tables.get_mut(place) else { continue };
        let is_primary = is_primary && key.is_whole;
        if is_primary {
            table.primary_key.clone_from(&key.columns);
        }
        // Nothing else tells that a primary key is checked late.
        if !is_primary || key.deferrable {
            table.unique_keys.push(key);
        }
    }
}

/// Adds the foreign keys to the tables that hold them.
pub(super) fn add_foreign_keys(described: &mut DatabaseDescription, keys: &ForeignKeys) {
    let places: HashMap<Table, usize> =
        described.tables.iter().enumerate().map(|(place, table)| (table.table.clone(), place)).collect();
    for key in keys.all() {
        let Some(place) = places.get(&key.table) else { continue };
        if key.over_period {
            let (table, key) = (key.table.clone(), key.name.clone());
            described.left_out.push(LeftOut::PeriodKey { table, key });
            continue;
        }
        described.tables[*place].foreign_keys.push(ForeignKeyDescription {
            name: key.name.clone(),
            columns: key.columns.clone(),
            target: key.target.clone(),
            target_columns: key.target_columns.clone(),
            on_delete: key.on_delete,
            on_update: key.on_update,
            enforced: key.enforced,
            deferrable: key.checked != Checked::Immediately,
        });
    }
}

/// Drops keys that contain a column left out, and orders the keys of each table by its columns. The order does not
/// depend on the time at which a key was created.
pub(super) fn settle(described: &mut DatabaseDescription) {
    let columns: HashMap<Table, HashSet<String>> =
        described.tables.iter().map(|table| (table.table.clone(), names(table))).collect();
    let has = |table: &Table, wanted: &[String]| {
        columns.get(table).is_none_or(|known| wanted.iter().all(|column| known.contains(column)))
    };
    for table in &mut described.tables {
        if !has(&table.table, &table.primary_key) {
            table.primary_key.clear();
        }
        table.unique_keys.retain(|key| has(&table.table, &key.columns));
        // A target that is not described may be described elsewhere.
        table
            .foreign_keys
            .retain(|key| has(&table.table, &key.columns) && has(&key.target, &key.target_columns));
        let places: HashMap<&str, usize> =
            table.columns.iter().enumerate().map(|(place, column)| (column.name.as_str(), place)).collect();
        let order = |columns: &[String], name: &str| {
            let places: Vec<usize> =
                columns.iter().filter_map(|column| places.get(column.as_str()).copied()).collect();
            (places, name.to_owned())
        };
        table.unique_keys.sort_by_cached_key(|key| order(&key.columns, &key.name));
        table.foreign_keys.sort_by_cached_key(|key| order(&key.columns, &key.name));
    }
}

fn names(table: &TableDescription) -> HashSet<String> {
    table.columns.iter().map(|column| column.name.clone()).collect()
}
