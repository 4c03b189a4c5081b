//! Deletions: what goes along, and what stands in the way.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use sea_orm::{Statement, Value};

use super::constraint::{Attempt, is_foreign_key_violation};
use super::writer::{Row, Writer, has_null, key_of, values_of};
use crate::error::{Error, Result};
use crate::model::{ColumnId, EntityId, KeyAction, Relation};

/// What a deletion reaches.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The rows that go along, by their primary keys; the deleted ones themselves are not among them.
    pub cascaded: BTreeMap<EntityId, HashSet<Vec<Value>>>,
    /// All rows that go, with the columns that others point at.
    gone: BTreeMap<EntityId, Vec<Row>>,
    /// Their primary keys.
    seen: HashSet<(EntityId, Vec<Value>)>,
}

impl Writer<'_> {
    /// Deletes the rows whose columns `by` are one of `keys`; says how many there were.
    pub async fn delete_rows(&self, id: EntityId, by: &[ColumnId], keys: &[Vec<Value>]) -> Result<usize> {
        // PostgreSQL gives a transaction up at the first error; what stands in the way is asked for after it.
        self.savepoint("SAVEPOINT deletion").await?;
        let write = self.writes().delete(id, by, keys);
        self.session.statements().touch(write.touches);
        match self.session.statements().write(write.statement, write.columns.into()).await {
            Ok(deleted) => {
                self.savepoint("RELEASE SAVEPOINT deletion").await?;
                Ok(deleted.len())
            }
            Err(error) if is_foreign_key_violation(&error) => {
                self.savepoint("ROLLBACK TO SAVEPOINT deletion").await?;
                Err(self.stands_in_the_way(id, by, keys).await?)
            }
            Err(error) => Err(self.refusal(error, Attempt::of(id, &[])).await),
        }
    }

    async fn savepoint(&self, sql: &str) -> Result<()> {
        let statement = Statement::from_string(self.session.dialect().backend(), sql);
        self.session.statements().write(statement, Arc::default()).await?;
        Ok(())
    }

    /// Follows ON DELETE CASCADE from the rows whose columns `by` are one of `keys`, level by level: one statement
    /// for each relation and level. A row that is met twice is followed once, so that circles end.
    pub async fn reach(&self, id: EntityId, by: &[ColumnId], keys: &[Vec<Value>]) -> Result<Reach> {
        let mut reach = Reach::default();
        let mut level = vec![(id, by.to_vec(), keys.to_vec())];
        let mut is_first = true;
        while let Some((entity, by, keys)) = level.pop() {
            let pointed_at = self.pointed_at(entity);
            let rows = self.find(entity, &pointed_at, &by, &keys).await?;
            let primary_key = &self.model().entities[entity].primary_key;
            let fresh: Vec<Row> = rows
                .into_iter()
                .filter(|row| reach.seen.insert((entity, key_of(row, primary_key))))
                .collect();
            if !is_first {
                let gone = fresh.iter().map(|row| key_of(row, primary_key));
                reach.cascaded.entry(entity).or_default().extend(gone);
            }
            is_first = false;
            for (child, relation) in self.model().pointing_at(entity) {
                let keys = keys_of(&fresh, relation);
                if relation.on_delete == KeyAction::Cascade && !keys.is_empty() {
                    level.push((child, relation.from.clone(), keys));
                }
            }
            reach.gone.entry(entity).or_default().extend(fresh);
        }
        Ok(reach)
    }

    /// The error of a deletion that the database refused: everything that stands in its way at once.
    async fn stands_in_the_way(&self, id: EntityId, by: &[ColumnId], keys: &[Vec<Value>]) -> Result<Error> {
        let reach = self.reach(id, by, keys).await?;
        let mut restricted = Vec::new();
        let mut going = Vec::new();
        let mut defaulted = None;
        for (entity, rows) in &reach.gone {
            for (child, relation) in self.model().pointing_at(*entity) {
                if matches!(relation.on_delete, KeyAction::Cascade | KeyAction::SetNull) {
                    continue;
                }
                let held = &self.model().entities[child];
                let found =
                    self.find(child, &held.primary_key, &relation.from, &keys_of(rows, relation)).await?;
                // Rows that go along themselves give way, unless the database judged before they were gone.
                let goes_along = |row: &&Row| reach.seen.contains(&(child, key_of(row, &held.primary_key)));
                let along = found.iter().filter(goes_along).count();
                let staying = found.len() - along;
                if relation.on_delete == KeyAction::SetDefault {
                    let error = || Error::foreign_key_violation(&held.name, &relation.field);
                    defaulted = defaulted.or((staying > 0).then(error));
                    continue;
                }
                for (rows, list) in [(staying, &mut restricted), (along, &mut going)] {
                    if rows > 0 {
                        list.push((format!("{}.{}", held.name, relation.field), rows as i64));
                    }
                }
            }
        }
        if let Some(error) = defaulted.filter(|_| restricted.is_empty()) {
            // Nothing forbids the deletion itself: a default that others fell back to points at nothing.
            return Ok(error);
        }
        // Of several rows it is not said which is the one that is held.
        let key = match keys {
            [key] => self.key_json(id, by, key),
            _ => serde_json::Value::Null,
        };
        let by = if restricted.is_empty() { going } else { restricted };
        Ok(Error::delete_restricted(&self.model().entities[id].name, key, &by))
    }

    /// The primary key, and every further column that others point at.
    fn pointed_at(&self, id: EntityId) -> Vec<ColumnId> {
        let mut columns = self.model().entities[id].primary_key.clone();
        for (_, relation) in self.model().pointing_at(id) {
            for column in &relation.to {
                if !columns.contains(column) {
                    columns.push(*column);
                }
            }
        }
        columns
    }
}

/// The values by which rows of the relation's own side may point at these.
fn keys_of(rows: &[Row], relation: &Relation) -> Vec<Vec<Value>> {
    rows.iter().map(|row| values_of(row, &relation.to)).filter(|key| !has_null(key)).collect()
}
