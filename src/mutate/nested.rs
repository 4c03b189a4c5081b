//! Nested writes through has_one, has_many and many-to-many.

use std::collections::{BTreeMap, HashSet};

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::change::{Create, NestedWrite, UniqueKeyInput, Update};
use super::constraint::Attempt;
use super::links::Through;
use super::writer::{MutationWriter, RowInput, key_of, normalized, rows_of, values_of};
use crate::dialect::Dialect;
use crate::error::{Code, Error, Result};
use crate::model::{ColumnId, EntityId, Relation, RelationId};

/// Key of a row, and the new values of the relation's columns that assign the row to its parent.
type AssignedRow = (UniqueKeyInput, Vec<Value>);

impl MutationWriter<'_> {
    /// Applies the nested writes of all parent rows. Removals come first, then changes, then additions.
    pub async fn write_nested(
        &self,
        owner: EntityId,
        id: RelationId,
        above: Vec<(RowInput, NestedWrite)>,
    ) -> Result<()> {
        let relation = &self.model().entities[owner].relations[id];
        match &relation.junction {
            None => self.write_reverse(relation, above).await,
            Some(junction) => self.write_links(Through { owner, relation, junction }, above).await,
        }
    }

    async fn write_reverse(&self, relation: &Relation, above: Vec<(RowInput, NestedWrite)>) -> Result<()> {
        let target = relation.target;
        let mut creates = Vec::new();
        let mut upserts = Vec::new();
        let mut connects: Vec<AssignedRow> = Vec::new();
        for (row, nested) in above {
            let parent = values_of(&row, &relation.from);
            let place: RowInput = relation.to.iter().copied().zip(parent.iter().cloned()).collect();
            if nested.delete_one {
                self.delete_rows(target, &relation.to, std::slice::from_ref(&parent)).await?;
            }
            self.remove(relation, &parent, &nested).await?;
            if let Some(keys) = nested.set {
                self.detach_others(relation, &parent, &keys).await?;
                connects.extend(keys.into_iter().map(|key| (key, parent.clone())));
            }
            for (key, update) in nested.update {
                self.update_below(relation, &parent, key, update).await?;
            }
            if let Some((create, update)) = nested.upsert {
                let missing = self.upsert_below(relation, &parent, create, update).await?;
                upserts.extend(missing.map(|create| (create, place.clone())));
            }
            connects.extend(nested.connect.into_iter().map(|key| (key, parent.clone())));
            creates.extend(nested.create.into_iter().map(|(create, _)| (create, place.clone())));
        }
        self.connect(relation, connects).await?;
        self.create(target, upserts, &[], None).await.map_err(|error| self.perhaps_raced(error))?;
        self.create(target, creates, &[], None).await?;
        Ok(())
    }

    /// Unlinks or deletes rows; each must be in the list.
    async fn remove(&self, relation: &Relation, parent: &[Value], nested: &NestedWrite) -> Result<()> {
        let target = relation.target;
        let null: Vec<(ColumnId, Value)> = relation
            .to
            .iter()
            .map(|column| (*column, self.model().entities[target].columns[*column].column_type.null()))
            .collect();
        if nested.disconnect_one {
            let write = self.writes().update(target, &null, &relation.to, &[parent.to_vec()], &[]);
            self.send(write, Attempt::of(target, &[])).await?;
        }
        for (named, keys) in by_columns(&nested.disconnect) {
            let (columns, values) = all_within(relation, parent, &named, &keys);
            let write = self.writes().update(target, &null, &columns, &values, &named);
            let found = self.send(write, Attempt::of(target, &[])).await?;
            self.require_all(target, &rows_of(&found, &named), &keys)?;
        }
        for (named, keys) in by_columns(&nested.delete) {
            let (columns, values) = all_within(relation, parent, &named, &keys);
            let found = self.lock(target, &named, &columns, &values, LockType::Update).await?;
            self.require_all(target, &found, &keys)?;
            self.delete_rows(target, &columns, &values).await?;
        }
        Ok(())
    }

    /// Checks that each of `keys`, all over the same columns, is among the found rows.
    fn require_all(&self, target: EntityId, found: &[RowInput], keys: &[&UniqueKeyInput]) -> Result<()> {
        let wanted: HashSet<Vec<Value>> = keys.iter().map(|key| normalized(&key.values)).collect();
        if found.len() >= wanted.len() {
            return Ok(());
        }
        let columns = keys.first().map_or(&[][..], |key| &key.columns);
        let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(row, columns)).collect();
        let is_found = |key: &UniqueKeyInput| found.contains(&normalized(&key.values));
        // A column that became NULL no longer names its row: the error then shows the first key.
        let missing = keys.iter().find(|key| !is_found(key)).or(keys.first());
        missing.map_or(Ok(()), |key| Err(self.not_in_list(target, key)))
    }

    async fn detach_others(
        &self,
        relation: &Relation,
        parent: &[Value],
        keys: &[UniqueKeyInput],
    ) -> Result<()> {
        let target = relation.target;
        let primary_key = &self.model().entities[target].primary_key;
        let named: Vec<&UniqueKeyInput> = keys.iter().collect();
        let kept = self.resolve(target, &named, primary_key).await?;
        let pairs: Vec<Vec<Value>> = kept.into_iter().map(|key| [parent.to_vec(), key].concat()).collect();
        let write =
            self.writes().detach_others(target, &relation.to, primary_key, &[parent.to_vec()], &pairs);
        self.send(write, Attempt::of(target, &[])).await?;
        Ok(())
    }

    async fn update_below(
        &self,
        relation: &Relation,
        parent: &[Value],
        key: Option<UniqueKeyInput>,
        update: Update,
    ) -> Result<()> {
        let target = relation.target;
        let unnamed = UniqueKeyInput {
            path: update.path.clone(),
            columns: relation.to.clone(),
            values: parent.to_vec(),
            junction: Vec::new(),
        };
        let (columns, values) = match &key {
            Some(key) => within(relation, parent, key),
            None => (relation.to.clone(), parent.to_vec()),
        };
        let updated = self.update(target, &columns, vec![values], update, &[]).await?;
        match (updated.is_empty(), &key) {
            (false, _) => Ok(()),
            (true, Some(key)) => Err(self.not_in_list(target, key)),
            (true, None) => Err(self.missing(target, &unnamed)),
        }
    }

    /// Updates the single row, or returns the new row if none exists.
    async fn upsert_below(
        &self,
        relation: &Relation,
        parent: &[Value],
        create: Create,
        update: Update,
    ) -> Result<Option<Create>> {
        let updated = self.update(relation.target, &relation.to, vec![parent.to_vec()], update, &[]).await?;
        Ok(updated.is_empty().then_some(create))
    }

    /// Marks the error of a row created because none existed: another transaction may have created one
    /// meanwhile. SQLite has one writer, so no race.
    pub fn perhaps_raced(&self, error: Error) -> Error {
        let is_taken = error.code() == Code::UniqueViolation;
        if is_taken && self.session.dialect() == Dialect::Postgres { error.perhaps_raced() } else { error }
    }

    /// Assigns rows to new parents, with one statement per unique key that names them.
    async fn connect(&self, relation: &Relation, connects: Vec<AssignedRow>) -> Result<()> {
        let target = relation.target;
        let mut by_columns: BTreeMap<Vec<ColumnId>, Vec<AssignedRow>> = BTreeMap::new();
        for (key, parent) in connects {
            by_columns.entry(key.columns.clone()).or_default().push((key, parent));
        }
        for (columns, placed) in by_columns {
            let placed = last_places(placed);
            // A key that the move changes is returned in its new form, so these rows are checked before.
            let is_moved = columns.iter().any(|column| relation.to.contains(column));
            if is_moved {
                let keys: Vec<Vec<Value>> = placed.iter().map(|(key, _)| key.values.clone()).collect();
                let there = self.lock(target, &columns, &columns, &keys, LockType::Update).await?;
                self.all_found(target, &there, &columns, &placed)?;
            }
            let rows: Vec<Vec<Value>> =
                placed.iter().map(|(key, parent)| [key.values.clone(), parent.clone()].concat()).collect();
            let attempted: Vec<RowInput> = placed
                .iter()
                .map(|(_, parent)| relation.to.iter().copied().zip(parent.iter().cloned()).collect())
                .collect();
            let write = self.writes().reassign(target, &columns, &relation.to, &rows, &columns);
            let before: Vec<Vec<Value>> = placed.iter().map(|(key, _)| key.values.clone()).collect();
            let at = Some((&columns[..], &before[..]));
            let attempt = Attempt { at, ..Attempt::of(target, &attempted) };
            let moved = self.send(write, attempt).await?;
            if !is_moved {
                self.all_found(target, &rows_of(&moved, &columns), &columns, &placed)?;
            }
        }
        Ok(())
    }

    fn all_found(
        &self,
        target: EntityId,
        found: &[RowInput],
        columns: &[ColumnId],
        placed: &[AssignedRow],
    ) -> Result<()> {
        let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(row, columns)).collect();
        match placed.iter().find(|(key, _)| !found.contains(&normalized(&key.values))) {
            Some((key, _)) => Err(self.missing(target, key)),
            None => Ok(()),
        }
    }
}

/// Keeps only the last parent of each row that is named repeatedly. The databases would pick any.
fn last_places(placed: Vec<AssignedRow>) -> Vec<AssignedRow> {
    let mut seen = HashSet::new();
    let mut last: Vec<AssignedRow> =
        placed.into_iter().rev().filter(|(key, _)| seen.insert(normalized(&key.values))).collect();
    last.reverse();
    last
}

/// Groups keys by their columns.
fn by_columns(keys: &[UniqueKeyInput]) -> BTreeMap<Vec<ColumnId>, Vec<&UniqueKeyInput>> {
    let mut by_columns: BTreeMap<Vec<ColumnId>, Vec<&UniqueKeyInput>> = BTreeMap::new();
    for key in keys {
        by_columns.entry(key.columns.clone()).or_default().push(key);
    }
    by_columns
}

/// Extends keys over the columns `named` by the parent's key.
fn all_within(
    relation: &Relation,
    parent: &[Value],
    named: &[ColumnId],
    keys: &[&UniqueKeyInput],
) -> (Vec<ColumnId>, Vec<Vec<Value>>) {
    let columns = named.iter().chain(&relation.to).copied().collect();
    (columns, keys.iter().map(|key| [key.values.clone(), parent.to_vec()].concat()).collect())
}

/// Extends a key by the parent's key.
fn within(relation: &Relation, parent: &[Value], key: &UniqueKeyInput) -> (Vec<ColumnId>, Vec<Value>) {
    let columns = key.columns.iter().chain(&relation.to).copied().collect();
    (columns, [key.values.clone(), parent.to_vec()].concat())
}
