//! Rows that an operation has written.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use sea_orm::Value;

use super::row::normalized;
use crate::model::EntityId;

/// Primary keys of all rows that an operation has written, by entity. Administrators keep none.
#[derive(Debug, Default)]
pub(super) struct WrittenRows(Mutex<BTreeMap<EntityId, WrittenKeys>>);

/// Primary keys of the written rows of one entity, each once.
#[derive(Debug, Default)]
struct WrittenKeys {
    known: HashSet<Vec<Value>>,
    keys: Vec<Vec<Value>>,
}

impl WrittenRows {
    /// Adds rows of an entity, and returns all of the entity.
    pub fn add(&self, id: EntityId, keys: &[Vec<Value>]) -> Vec<Vec<Value>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = all.entry(id).or_default();
        for key in keys {
            if written.known.insert(normalized(key)) {
                written.keys.push(key.clone());
            }
        }
        written.keys.clone()
    }
}
