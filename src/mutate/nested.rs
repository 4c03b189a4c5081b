//! Nested writes through has_one, has_many and many-to-many, for all parent rows at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::future::BoxFuture;
use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::attempt::Attempt;
use super::change::{NestedWrite, Removal, ToManyWrite, ToOneWrite, UniqueKeyInput};
use super::links::Through;
use super::row::{RowInput, key_of, normalized, rows_of, values_of};
use super::update::{NestedUpdate, NestedWrites};
use super::writer::MutationWriter;
use crate::dialect::Dialect;
use crate::error::{Code, Error, Result};
use crate::model::{ColumnId, EntityId, Relation};

/// Values of a relation's columns in a parent row.
type ParentKey = Vec<Value>;

/// Row named by a unique key, and the parent whose list it is in, or will be in.
type ListedRow = (UniqueKeyInput, ParentKey);

impl MutationWriter<'_> {
    /// Applies the nested writes of all parent rows. Removals come first, then changes, then additions; each
    /// of these steps follows the order of the parents. Boxed, because writes nest.
    pub fn write_nested(&self, owner: EntityId, nested: NestedWrites) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            for (id, above) in nested {
                let relation = &self.model().entities[owner].relations[id];
                let (mut to_one, mut to_many, mut links) = (Vec::new(), Vec::new(), Vec::new());
                for (row, write) in above {
                    let parent = values_of(&row, &relation.from);
                    match write {
                        NestedWrite::ToOne(write) => to_one.push((parent, *write)),
                        NestedWrite::ToMany(write) => to_many.push((parent, write)),
                        NestedWrite::Links(write) => links.push((parent, write)),
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

    async fn write_to_one(&self, relation: &Relation, above: Vec<(ParentKey, ToOneWrite)>) -> Result<()> {
        let target = relation.target;
        let (mut deletes, mut disconnects) = (Vec::new(), Vec::new());
        let (mut updates, mut upserts, mut upserted) = (Vec::new(), Vec::new(), Vec::new());
        let (mut connects, mut creates) = (Vec::new(), Vec::new());
        for (parent, write) in above {
            match write.removal {
                Some(Removal::Delete) => deletes.push(vec![parent.clone()]),
                Some(Removal::Disconnect) => disconnects.push(parent.clone()),
                None => {}
            }
            let only = |update| NestedUpdate { by: relation.to.clone(), key: parent.clone(), update };
            updates.extend(write.update.map(only));
            if let Some((create, update)) = write.upsert {
                upserts.push(only(update));
                upserted.push((create, place(relation, &parent)));
            }
            creates.extend(write.create.map(|create| (create, place(relation, &parent))));
            connects.extend(write.connect.map(|key| (key, parent)));
        }
        self.delete_groups(target, &relation.to, &deletes).await?;
        if !disconnects.is_empty() {
            let write = self.writes().update(target, &self.unset(relation), &relation.to, &disconnects, &[]);
            self.send(write, Attempt::of(target, &[])).await?;
        }
        self.update_nested(target, updates, |_, update| Err(self.no_row(target, &update.by, &update.key)))
            .await?;
        let mut is_missing = vec![false; upserts.len()];
        let note = |place: usize, _: &NestedUpdate| {
            is_missing[place] = true;
            Ok(())
        };
        self.update_nested(target, upserts, note).await?;
        self.connect(relation, connects).await?;
        let missing =
            upserted.into_iter().zip(is_missing).filter_map(|(row, is_missing)| is_missing.then_some(row));
        let missing = missing.collect();
        self.create(target, missing, &[], None).await.map_err(|error| self.perhaps_raced(error))?;
        self.create(target, creates, &[], None).await?;
        Ok(())
    }

    async fn write_to_many(&self, relation: &Relation, above: Vec<(ParentKey, ToManyWrite)>) -> Result<()> {
        let target = relation.target;
        let (mut disconnects, mut deletes, mut sets) = (Vec::new(), Vec::new(), Vec::new());
        let (mut updates, mut updated) = (Vec::new(), Vec::new());
        let (mut connects, mut creates) = (Vec::new(), Vec::new());
        for (parent, write) in above {
            let listed = |keys: Vec<UniqueKeyInput>| keys.into_iter().map(|key| (key, parent.clone()));
            disconnects.extend(listed(write.disconnect));
            deletes.extend(listed(write.delete));
            for (key, update) in write.update {
                let by = key.columns.iter().chain(&relation.to).copied().collect();
                let values = [key.values.clone(), parent.clone()].concat();
                updates.push(NestedUpdate { by, key: values, update });
                updated.push(key);
            }
            if let Some(keys) = write.set {
                sets.push((parent.clone(), keys.clone()));
                connects.extend(listed(keys));
            }
            connects.extend(listed(write.connect));
            creates.extend(write.create.into_iter().map(|create| (create, place(relation, &parent))));
        }
        self.disconnect(relation, disconnects).await?;
        self.delete_listed(relation, deletes).await?;
        self.detach_others(relation, sets).await?;
        let absent = |place: usize, _: &NestedUpdate| Err(self.not_in_list(target, &updated[place]));
        self.update_nested(target, updates, absent).await?;
        self.connect(relation, connects).await?;
        self.create(target, creates, &[], None).await?;
        Ok(())
    }

    /// Unlinks rows; each must be in its list.
    async fn disconnect(&self, relation: &Relation, rows: Vec<ListedRow>) -> Result<()> {
        let target = relation.target;
        let null = self.unset(relation);
        for (named, rows) in by_columns(rows) {
            let is_moved = named.iter().any(|column| relation.to.contains(column));
            for rows in parts_by_list(rows, is_moved) {
                let (columns, values) = within(relation, &named, &rows);
                let write = self.writes().update(target, &null, &columns, &values, &named);
                let found = self.send(write, Attempt::of(target, &[])).await?;
                self.require_all(target, &rows_of(&found, &named), &rows)?;
            }
        }
        Ok(())
    }

    /// Deletes rows; each must be in its list.
    async fn delete_listed(&self, relation: &Relation, rows: Vec<ListedRow>) -> Result<()> {
        let target = relation.target;
        for (named, rows) in by_columns(rows) {
            for rows in parts_by_list(rows, false) {
                let (columns, values) = within(relation, &named, &rows);
                let found = self.lock(target, &named, &columns, &values, LockType::Update).await?;
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
    fn require_all(&self, target: EntityId, found: &[RowInput], rows: &[ListedRow]) -> Result<()> {
        let wanted: HashSet<Vec<Value>> = rows.iter().map(|(key, _)| normalized(&key.values)).collect();
        if found.len() >= wanted.len() {
            return Ok(());
        }
        let columns = rows.first().map_or(&[][..], |(key, _)| &key.columns);
        let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(row, columns)).collect();
        let is_found = |(key, _): &&ListedRow| found.contains(&normalized(&key.values));
        // A column that became NULL no longer names its row: the error then shows the first key.
        let missing = rows.iter().find(|row| !is_found(row)).or(rows.first());
        missing.map_or(Ok(()), |(key, _)| Err(self.not_in_list(target, key)))
    }

    /// Unlinks the rows of lists that are set, except those that stay.
    async fn detach_others(
        &self,
        relation: &Relation,
        sets: Vec<(ParentKey, Vec<UniqueKeyInput>)>,
    ) -> Result<()> {
        if sets.is_empty() {
            return Ok(());
        }
        let target = relation.target;
        let primary_key = &self.model().entities[target].primary_key;
        let named: Vec<&UniqueKeyInput> = sets.iter().flat_map(|(_, keys)| keys).collect();
        let mut kept = self.resolve(target, &named, primary_key).await?.into_iter();
        let mut pairs: Vec<Vec<Value>> = Vec::new();
        for (parent, keys) in &sets {
            pairs.extend(kept.by_ref().take(keys.len()).map(|key| [parent.clone(), key].concat()));
        }
        let parents: Vec<ParentKey> = sets.into_iter().map(|(parent, _)| parent).collect();
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
        if is_taken && self.session.dialect() == Dialect::Postgres { error.perhaps_raced() } else { error }
    }

    /// Assigns rows to new parents, with one statement per unique key that names them.
    async fn connect(&self, relation: &Relation, rows: Vec<ListedRow>) -> Result<()> {
        let target = relation.target;
        for (columns, rows) in by_columns(rows) {
            let rows = last_places(rows);
            let keys: Vec<Vec<Value>> = rows.iter().map(|(key, _)| key.values.clone()).collect();
            // A key that the move changes is returned in its new form, so these rows are checked before.
            let is_moved = columns.iter().any(|column| relation.to.contains(column));
            if is_moved {
                let there = self.lock(target, &columns, &columns, &keys, LockType::Update).await?;
                self.all_found(target, &there, &columns, &rows)?;
            }
            let values: Vec<Vec<Value>> =
                rows.iter().map(|(key, parent)| [key.values.clone(), parent.clone()].concat()).collect();
            let attempted: Vec<RowInput> = rows.iter().map(|(_, parent)| place(relation, parent)).collect();
            let write = self.writes().reassign(target, &columns, &relation.to, &values, &columns);
            let attempt = Attempt { at: Some((&columns, &keys)), ..Attempt::of(target, &attempted) };
            let moved = self.send(write, attempt).await?;
            if !is_moved {
                self.all_found(target, &rows_of(&moved, &columns), &columns, &rows)?;
            }
        }
        Ok(())
    }

    fn all_found(
        &self,
        target: EntityId,
        found: &[RowInput],
        columns: &[ColumnId],
        rows: &[ListedRow],
    ) -> Result<()> {
        let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(row, columns)).collect();
        match rows.iter().find(|(key, _)| !found.contains(&normalized(&key.values))) {
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
fn last_places(rows: Vec<ListedRow>) -> Vec<ListedRow> {
    let mut seen = HashSet::new();
    let mut last: Vec<ListedRow> =
        rows.into_iter().rev().filter(|(key, _)| seen.insert(normalized(&key.values))).collect();
    last.reverse();
    last
}

/// Groups rows by the columns that name them.
fn by_columns(rows: Vec<ListedRow>) -> BTreeMap<Vec<ColumnId>, Vec<ListedRow>> {
    let mut by_columns: BTreeMap<Vec<ColumnId>, Vec<ListedRow>> = BTreeMap::new();
    for (key, parent) in rows {
        by_columns.entry(key.columns.clone()).or_default().push((key, parent));
    }
    by_columns
}

/// Splits rows, in order, into parts in which each key belongs to one list, for one statement each.
///
/// A row is in one list at most, so a key that two lists name is an error of the later one at the latest. If
/// the returned rows do not tell the keys, each list is a part of its own.
fn parts_by_list(rows: Vec<ListedRow>, is_apart: bool) -> Vec<Vec<ListedRow>> {
    let mut parts: Vec<Vec<ListedRow>> = Vec::new();
    let mut lists: HashMap<Vec<Value>, ParentKey> = HashMap::new();
    for (key, parent) in rows {
        let named = if is_apart { Vec::new() } else { normalized(&key.values) };
        let list = normalized(&parent);
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
fn within(relation: &Relation, named: &[ColumnId], rows: &[ListedRow]) -> (Vec<ColumnId>, Vec<Vec<Value>>) {
    let columns = named.iter().chain(&relation.to).copied().collect();
    (columns, rows.iter().map(|(key, parent)| [key.values.clone(), parent.clone()].concat()).collect())
}
