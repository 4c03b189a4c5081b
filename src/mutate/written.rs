//! Rows that an operation has written.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use sea_orm::Value;

use super::row::compared;
use crate::model::{EntityId, Model, Table};

/// Rows that an operation has written.
#[derive(Debug, Default)]
pub(super) struct WrittenRows {
    /// Primary keys of all rows by entity. Administrators keep none.
    keys: Mutex<BTreeMap<EntityId, WrittenKeys>>,
    /// Number of rows by table; `None` where the database changed rows by itself.
    counts: Mutex<BTreeMap<Table, Option<usize>>>,
}

/// Primary keys of the written rows of one entity, each once.
#[derive(Debug, Default)]
struct WrittenKeys {
    known: HashSet<Vec<Value>>,
    keys: Vec<Vec<Value>>,
}

impl WrittenRows {
    /// Adds rows of an entity, and returns all of the entity.
    pub fn add(&self, model: &Model, id: EntityId, keys: &[Vec<Value>]) -> Vec<Vec<Value>> {
        let entity = &model.entities[id];
        let mut all = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let written = all.entry(id).or_default();
        for key in keys {
            if written.known.insert(compared(entity, &entity.primary_key, key)) {
                written.keys.push(key.clone());
            }
        }
        written.keys.clone()
    }

    /// Counts the rows of a statement that touched these tables, and changed rows of `own`.
    pub fn count(&self, touched: &[Table], own: &Table, rows: Option<usize>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for table in touched {
            let rows = rows.filter(|_| table == own);
            let count = counts.entry(table.clone()).or_insert(Some(0));
            *count = count.zip(rows).map(|(count, rows)| count + rows);
        }
    }

    /// Returns the number of rows by type name, or by table.
    pub fn counts(&self, model: &Model) -> BTreeMap<String, Option<usize>> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |table: &Table| {
            let entity = model.entities.iter().find(|entity| entity.table == *table);
            entity.map_or_else(|| table.to_string(), |entity| entity.name.clone())
        };
        counts.iter().map(|(table, count)| (name(table), *count)).collect()
    }
}
