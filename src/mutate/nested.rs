//! Nested writes through has_one, has_many and many-to-many, for all parent rows at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::future::BoxFuture;
use sea_orm::Value;

use super::attempt::Attempt;
use super::change::{NestedWrite, Removal, ToManyWrite, ToOneWrite, UniqueKeyInput};
use super::purpose::Purpose;
use super::row::{RowInput, compared, key_of, rows_of, values_of};
use super::unlink::Through;
use super::update::{NestedUpdate, NestedWrites, ParentKey};
use super::writer::MutationWriter;
use crate::error::{Code, Error, Result};
use crate::model::{ColumnId, Entity, EntityId, Relation};
use crate::policy::RowAction;

/// Row named by a unique key, and the parent whose list it is in, or will be in.
type ListedRow<'w> = (&'w UniqueKeyInput, ParentKey);

impl MutationWriter<'_> {
    /// Applies the nested writes of all parent rows. Removals come first, then changes, then additions; each
    /// of these steps follows the order of the parents. Boxed, because writes nest.
    pub fn write_nested<'w>(
        &'w self,
        owner: EntityId,
        nested: NestedWrites<'w>,
    ) -> BoxFuture<'w, Result<()>> {
        Box::pin(async move {
            for (id, above) in nested {
                let relation = &self.model().entities[owner].relations[id];
                let (mut to_one, mut to_many, mut links) = (Vec::new(), Vec::new(), Vec::new());
                for (parent, write) in above {
                    match write {
                        NestedWrite::ToOne(write) => to_one.push((parent, &**write)),
                        NestedWrite::ToMany(write) => to_many.push((parent, &**write)),
                        NestedWrite::Links(write) => links.push((parent, &**write)),
                    }
                }
                self.write_to_one(relation, to_one).await?;
                self.write_to_many(relation, to_many).await?;
                if let Some(junction) = &relation.junction {
                    self.write_links(Through { owner, relation, junction }, links).await?;
                }
            }
            Ok(())
        })
    }

    async fn write_to_one(&self, relation: &Relation, above: Vec<(ParentKey, &ToOneWrite)>) -> Result<()> {
        let target = relation.target;
        let (mut deletes, mut disconnects) = (Vec::new(), Vec::new());
        let (mut updates, mut upserts, mut upserted) = (Vec::new(), Vec::new(), Vec::new());
        let (mut connects, mut creates) = (Vec::new(), Vec::new());
        for (parent, write) in above {
            match write.removal {
                Some(Removal::Delete) => deletes.push(parent.clone()),
                Some(Removal::Disconnect) => disconnects.push(parent.clone()),
                None => {}
            }
            let only = |update| NestedUpdate { by: relation.to.clone(), key: parent.clone(), update };
            updates.extend(write.update.as_ref().map(only));
            if let Some(upsert) = &write.upsert {
                let (create, update) = &**upsert;
                upserts.push(only(update));
                upserted.push((create, place(relation, &parent)));
            }
            creates.extend(write.create.as_ref().map(|create| (create, place(relation, &parent))));
            connects.extend(write.connect.as_ref().map(|key| (key, parent)));
        }
        self.delete_of_parents(relation, deletes).await?;
        if !disconnects.is_empty() {
            let (by, keys) = self.allowed(Purpose::Update, target, &relation.to, disconnects).await?;
            self.unlink_rows(relation, &by, &keys, &[]).await?;
        }
        self.update_nested(target, updates, |_, update| Err(self.no_row(target, &update.by, &update.key)))
            .await?;
        let mut is_missing = vec![false; upserts.len()];
        let note = |place: usize, _: &NestedUpdate<'_>| {
            is_missing[place] = true;
            Ok(())
        };
        self.update_nested(target, upserts, note).await?;
        self.connect(relation, connects).await?;
        let missing =
            upserted.into_iter().zip(is_missing).filter_map(|(row, is_missing)| is_missing.then_some(row));
        let missing = missing.collect();
        self.create(target, missing, None, None).await.map_err(|error| self.perhaps_raced(error))?;
        self.create(target, creates, None, None).await?;
        Ok(())
    }

    async fn write_to_many(&self, relation: &Relation, above: Vec<(ParentKey, &ToManyWrite)>) -> Result<()> {
        let target = relation.target;
        let (mut disconnects, mut deletes, mut sets) = (Vec::new(), Vec::new(), Vec::new());
        let (mut updates, mut updated) = (Vec::new(), Vec::new());
        let (mut connects, mut creates) = (Vec::new(), Vec::new());
        for (parent, write) in above {
            let listed = |key| (key, parent.clone());
            disconnects.extend(write.disconnect.iter().map(listed));
            deletes.extend(write.delete.iter().map(listed));
            for (key, update) in &write.update {
                let by = key.columns.iter().chain(&relation.to).copied().collect();
                let values = [key.values.clone(), parent.clone()].concat();
                updates.push(NestedUpdate { by, key: values, update });
                updated.push(key);
            }
            if let Some(keys) = &write.set {
                sets.push((parent.clone(), &keys[..]));
                connects.extend(keys.iter().map(listed));
            }
            connects.extend(write.connect.iter().map(listed));
            creates.extend(write.create.iter().map(|create| (create, place(relation, &parent))));
        }
        self.disconnect(relation, disconnects).await?;
        self.delete_listed(relation, deletes).await?;
        self.detach_others(relation, sets).await?;
        let absent = |place: usize, _: &NestedUpdate<'_>| Err(self.not_in_list(target, updated[place]));
        self.update_nested(target, updates, absent).await?;
        self.connect(relation, connects).await?;
        self.create(target, creates, None, None).await?;
        Ok(())
    }

    /// Unlinks rows; each must be in its list.
    async fn disconnect(&self, relation: &Relation, rows: Vec<ListedRow<'_>>) -> Result<()> {
        let target = relation.target;
        for (named, rows) in by_columns(rows) {
            let is_moved = named.iter().any(|column| relation.to.contains(column));
            for rows in parts_by_list(&self.model().entities[target], relation, rows, is_moved) {
                let (columns, values) = within(relation, &named, &rows);
                let (columns, values) = self.allowed(Purpose::Update, target, &columns, values).await?;
                let found = self.unlink_rows(relation, &columns, &values, &named).await?;
                self.require_all(target, &found, &rows)?;
            }
        }
        Ok(())
    }

    /// Sets the keys of rows to NULL, and returns the columns `returning`. The rows, named by the columns `by`, are those that
    /// the viewer may change.
    async fn unlink_rows(
        &self,
        relation: &Relation,
        by: &[ColumnId],
        keys: &[Vec<Value>],
        returning: &[ColumnId],
    ) -> Result<Vec<RowInput>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let target = relation.target;
        let mut values = self.unset(relation);
        values.extend(self.set_values(target, RowAction::Update)?);
        let returning = self.checked_columns(target, returning);
        let write = self.writes().update(target, &values, by, keys, &returning);
        let unlinked = rows_of(&self.send(write, Attempt::of(target, &[])).await?, &returning);
        self.require_written(target, by, keys, &unlinked).await?;
        self.check(target, RowAction::Update, &unlinked).await?;
        Ok(unlinked)
    }

    /// Adds the primary key, by which written rows are checked: for a role, and in tables that may skip rows.
    fn checked_columns(&self, id: EntityId, columns: &[ColumnId]) -> Vec<ColumnId> {
        match self.is_verified(&self.model().entities[id].table) {
            true => self.returning(id, columns, std::iter::empty()),
            false => columns.to_vec(),
        }
    }

    /// Deletes the single rows of these parents, each refused on its own.
    async fn delete_of_parents(&self, relation: &Relation, parents: Vec<ParentKey>) -> Result<()> {
        let target = relation.target;
        if !self.is_narrowed(target, Purpose::Delete, &relation.to) {
            let groups: Vec<Vec<ParentKey>> = parents.into_iter().map(|parent| vec![parent]).collect();
            return self.delete_groups(target, &relation.to, &groups).await;
        }
        let primary_key = &self.model().entities[target].primary_key;
        let found = self.named(Purpose::Delete, target, &relation.to, &relation.to, &parents).await?;
        let entity = &self.model().entities[target];
        let row_of = |parent: &ParentKey| {
            let key = compared(entity, &relation.to, parent);
            found
                .iter()
                .find(|row| key_of(entity, row, &relation.to) == key)
                .map(|row| values_of(row, primary_key))
        };
        let groups: Vec<Vec<Vec<Value>>> = parents.iter().filter_map(row_of).map(|key| vec![key]).collect();
        self.delete_groups(target, primary_key, &groups).await
    }

    /// Deletes rows; each must be in its list.
    async fn delete_listed(&self, relation: &Relation, rows: Vec<ListedRow<'_>>) -> Result<()> {
        let target = relation.target;
        for (named, rows) in by_columns(rows) {
            for rows in parts_by_list(&self.model().entities[target], relation, rows, false) {
                let (columns, values) = within(relation, &named, &rows);
                let found = self.named(Purpose::Delete, target, &named, &columns, &values).await?;
                self.require_all(target, &found, &rows)?;
                let lists = rows.chunk_by(|(_, one), (_, other)| one == other);
                let groups: Vec<Vec<Vec<Value>>> =
                    lists.map(|rows| within(relation, &named, rows).1).collect();
                self.delete_groups(target, &columns, &groups).await?;
            }
        }
        Ok(())
    }

    /// Checks that each of `rows`, all named over the same columns, is among the found rows.
    fn require_all(&self, target: EntityId, found: &[RowInput], rows: &[ListedRow<'_>]) -> Result<()> {
        let entity = &self.model().entities[target];
        let named = |key: &UniqueKeyInput| compared(entity, &key.columns, &key.values);
        let wanted: HashSet<Vec<Value>> = rows.iter().map(|(key, _)| named(key)).collect();
        if found.len() >= wanted.len() {
            return Ok(());
        }
        let columns = rows.first().map_or(&[][..], |(key, _)| &key.columns);
        let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(entity, row, columns)).collect();
        let is_found = |(key, _): &&ListedRow<'_>| found.contains(&named(key));
        // A column that became NULL no longer names its row: the error then shows the first key.
        let missing = rows.iter().find(|row| !is_found(row)).or(rows.first());
        missing.map_or(Ok(()), |(key, _)| Err(self.not_in_list(target, key)))
    }

    /// Unlinks the rows of lists that are set, except those that stay.
    async fn detach_others(
        &self,
        relation: &Relation,
        sets: Vec<(ParentKey, &[UniqueKeyInput])>,
    ) -> Result<()> {
        if sets.is_empty() {
            return Ok(());
        }
        let target = relation.target;
        let primary_key = &self.model().entities[target].primary_key;
        let named: Vec<&UniqueKeyInput> = sets.iter().flat_map(|(_, keys)| *keys).collect();
        let mut kept = self.resolve(target, &named, primary_key).await?.into_iter();
        let mut pairs: Vec<Vec<Value>> = Vec::new();
        for (parent, keys) in &sets {
            pairs.extend(kept.by_ref().take(keys.len()).map(|key| [parent.clone(), key].concat()));
        }
        let parents: Vec<ParentKey> = sets.into_iter().map(|(parent, _)| parent).collect();
        let entity = &self.model().entities[target];
        if self.is_verified(&entity.table) {
            let both = [&relation.to[..], primary_key].concat();
            let kept: HashSet<Vec<Value>> = pairs.iter().map(|pair| compared(entity, &both, pair)).collect();
            let found = self.named(Purpose::Update, target, &both, &relation.to, &parents).await?;
            let others = found.iter().filter(|row| !kept.contains(&key_of(entity, row, &both)));
            let others: Vec<Vec<Value>> = others.map(|row| values_of(row, primary_key)).collect();
            self.unlink_rows(relation, primary_key, &others, &[]).await?;
            return Ok(());
        }
        let write = self.writes().detach_others(target, &relation.to, primary_key, &parents, &pairs);
        self.send(write, Attempt::of(target, &[])).await?;
        Ok(())
    }

    /// Returns the values that unlink a row.
    fn unset(&self, relation: &Relation) -> Vec<(ColumnId, Value)> {
        let columns = &self.model().entities[relation.target].columns;
        relation.to.iter().map(|column| (*column, columns[*column].column_type.null())).collect()
    }

    /// Marks the error of a row created because none existed: another transaction may have created one
    /// meanwhile. SQLite has one writer, so no race.
    pub fn perhaps_raced(&self, error: Error) -> Error {
        let is_taken = error.code() == Code::UniqueViolation;
        if is_taken && self.session.dialect().features().locks_rows { error.perhaps_raced() } else { error }
    }

    /// Assigns rows to new parents, with one statement per unique key that names them.
    async fn connect(&self, relation: &Relation, rows: Vec<ListedRow<'_>>) -> Result<()> {
        let target = relation.target;
        for (columns, rows) in by_columns(rows) {
            let rows = last_places(&self.model().entities[target], rows);
            let keys: Vec<Vec<Value>> = rows.iter().map(|(key, _)| key.values.clone()).collect();
            // A key that the move changes is returned in its new form, so these rows are checked before.
            let is_moved = columns.iter().any(|column| relation.to.contains(column));
            let is_found_before = is_moved || self.is_narrowed(target, Purpose::Update, &columns);
            if is_found_before {
                let purpose = if is_moved { Purpose::Rekey } else { Purpose::Update };
                let there = self.named(purpose, target, &columns, &columns, &keys).await?;
                self.all_found(target, &there, &columns, &rows)?;
            }
            let own: RowInput = self.set_values(target, RowAction::Update)?.into_iter().collect();
            let set: Vec<ColumnId> = relation.to.iter().copied().chain(own.columns()).collect();
            let assigned = |(key, parent): &ListedRow<'_>| {
                let own = own.values().cloned().collect();
                [key.values.clone(), parent.clone(), own].concat()
            };
            let values: Vec<Vec<Value>> = rows.iter().map(assigned).collect();
            let attempted = rows.iter().map(|(_, parent)| [place(relation, parent), own.clone()]);
            let attempted: Vec<RowInput> =
                attempted.map(|parts| parts.into_iter().flatten().collect()).collect();
            let returning = self.checked_columns(target, &columns);
            let write = self.writes().reassign(target, &columns, &set, &values, &returning);
            let attempt = Attempt { at: Some((&columns, &keys)), ..Attempt::of(target, &attempted) };
            let moved = rows_of(&self.send(write, attempt).await?, &returning);
            self.require_written(target, &columns, &keys, &moved).await?;
            if !is_found_before {
                self.all_found(target, &moved, &columns, &rows)?;
            }
            self.check(target, RowAction::Update, &moved).await?;
        }
        Ok(())
    }

    fn all_found(
        &self,
        target: EntityId,
        found: &[RowInput],
        columns: &[ColumnId],
        rows: &[ListedRow<'_>],
    ) -> Result<()> {
        let entity = &self.model().entities[target];
        let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(entity, row, columns)).collect();
        let is_absent =
            |(key, _): &&ListedRow<'_>| !found.contains(&compared(entity, &key.columns, &key.values));
        match rows.iter().find(is_absent) {
            Some((key, _)) => Err(self.missing(target, key)),
            None => Ok(()),
        }
    }
}

/// Returns the values that assign a row to its parent.
fn place(relation: &Relation, parent: &[Value]) -> RowInput {
    relation.to.iter().copied().zip(parent.iter().cloned()).collect()
}

/// Keeps only the last parent of each row that is named repeatedly. The databases would pick any.
fn last_places<'w>(entity: &Entity, rows: Vec<ListedRow<'w>>) -> Vec<ListedRow<'w>> {
    let mut seen = HashSet::new();
    let mut is_new = |key: &UniqueKeyInput| seen.insert(compared(entity, &key.columns, &key.values));
    let mut last: Vec<ListedRow<'w>> = rows.into_iter().rev().filter(|(key, _)| is_new(key)).collect();
    last.reverse();
    last
}

/// Groups rows by the columns that name them.
fn by_columns(rows: Vec<ListedRow<'_>>) -> BTreeMap<Vec<ColumnId>, Vec<ListedRow<'_>>> {
    let mut by_columns: BTreeMap<Vec<ColumnId>, Vec<ListedRow<'_>>> = BTreeMap::new();
    for (key, parent) in rows {
        by_columns.entry(key.columns.clone()).or_default().push((key, parent));
    }
    by_columns
}

/// Splits rows, in order, into parts in which each key belongs to one list, for one statement each.
///
/// A row is in one list at most, so a key that two lists name is an error of the later one at the latest. If
/// the returned rows do not tell the keys, each list is a part of its own.
fn parts_by_list<'w>(
    entity: &Entity,
    relation: &Relation,
    rows: Vec<ListedRow<'w>>,
    is_apart: bool,
) -> Vec<Vec<ListedRow<'w>>> {
    let mut parts: Vec<Vec<ListedRow<'w>>> = Vec::new();
    let mut lists: HashMap<Vec<Value>, ParentKey> = HashMap::new();
    for (key, parent) in rows {
        let named = if is_apart { Vec::new() } else { compared(entity, &key.columns, &key.values) };
        let list = compared(entity, &relation.to, &parent);
        let is_other = lists.get(&named).is_some_and(|known| *known != list);
        match parts.last_mut() {
            Some(part) if !is_other => part.push((key, parent)),
            _ => {
                lists.clear();
                parts.push(vec![(key, parent)]);
            }
        }
        lists.insert(named, list);
    }
    parts
}

/// Extends the keys of rows, over the columns `named`, by those of their parents.
fn within(
    relation: &Relation,
    named: &[ColumnId],
    rows: &[ListedRow<'_>],
) -> (Vec<ColumnId>, Vec<Vec<Value>>) {
    let columns = named.iter().chain(&relation.to).copied().collect();
    (columns, rows.iter().map(|(key, parent)| [key.values.clone(), parent.clone()].concat()).collect())
}
