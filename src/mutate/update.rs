//! Updates of existing rows.

use std::collections::{HashMap, HashSet};
use std::slice;

use indexmap::IndexMap;
use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::attempt::Attempt;
use super::change::{ForwardLink, NestedWrite, Update};
use super::purpose::Purpose;
use super::row::{RowInput, compared, key_of, rows_of, values_of};
use super::writer::MutationWriter;
use crate::error::Result;
use crate::model::{ColumnId, Entity, EntityId, RelationId};
use crate::policy::RowAction;

/// Values of a relation's columns in a parent row.
pub(super) type ParentKey = Vec<Value>;

/// Nested writes by relation, each with the key of its parent.
pub(super) type NestedWrites<'w> = IndexMap<RelationId, Vec<(ParentKey, &'w NestedWrite)>>;

/// Change of the row with this key, nested in the change of its parent.
pub(super) struct NestedUpdate<'w> {
    /// Columns of the key.
    pub by: Vec<ColumnId>,
    /// Values of the key.
    pub key: Vec<Value>,
    /// The change.
    pub update: &'w Update,
}

impl MutationWriter<'_> {
    /// Applies one change to the rows whose columns `by` match one of `keys`, which name only rows that the viewer may
    /// change. Returns the primary key of each, and the columns of nested relations.
    pub async fn update(
        &self,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
        update: &Update,
    ) -> Result<Vec<RowInput>> {
        let mut nested = NestedWrites::new();
        let returning = self.returning(id, &[], update.nested.iter().map(|(relation, _)| relation));
        let rows = self.update_own(id, by, keys, update, &returning).await?;
        self.add_nested(id, &mut nested, &rows, &update.nested);
        self.write_nested(id, nested).await?;
        Ok(rows)
    }

    /// Applies changes in order, and then their nested writes, for all rows at once. `absent` is called for
    /// each row that does not exist, with the index of its change.
    pub async fn update_nested(
        &self,
        id: EntityId,
        updates: Vec<NestedUpdate<'_>>,
        mut absent: impl FnMut(usize, &NestedUpdate<'_>) -> Result<()> + Send,
    ) -> Result<()> {
        let entity = &self.model().entities[id];
        let mut nested = NestedWrites::new();
        let mut place = 0;
        for run in self.runs(id, updates) {
            let NestedUpdate { by, update, .. } = &run[0];
            let keys: Vec<Vec<Value>> = run.iter().map(|update| update.key.clone()).collect();
            // A single key needs no comparison, so its row need not return the key.
            let wanted = if run.len() > 1 { &by[..] } else { &[] };
            let relations = run.iter().flat_map(|update| &update.update.nested).map(|(relation, _)| relation);
            let returning = self.returning(id, wanted, relations);
            let mut rows: HashMap<Vec<Value>, Vec<RowInput>> = HashMap::new();
            let (allowed, keys) = self.allowed(Purpose::Update, id, by, keys).await?;
            let changed = self.update_own(id, &allowed, &keys, update, &returning).await?;
            self.require_written(id, &allowed, &keys, &changed).await?;
            for row in changed {
                rows.entry(key_of(entity, &row, wanted)).or_default().push(row);
            }
            for update in &run {
                let key = if run.len() > 1 { compared(entity, &update.by, &update.key) } else { Vec::new() };
                match rows.get(&key) {
                    Some(rows) => self.add_nested(id, &mut nested, rows, &update.update.nested),
                    None => absent(place, update)?,
                }
                place += 1;
            }
        }
        for (relation, above) in nested {
            for above in rounds(above, entity, &entity.relations[relation].from) {
                self.write_nested(id, [(relation, above)].into()).await?;
            }
        }
        Ok(())
    }

    /// Applies one change to rows, without its nested writes, and returns the columns `returning`.
    async fn update_own(
        &self,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
        update: &Update,
        returning: &[ColumnId],
    ) -> Result<Vec<RowInput>> {
        // Rows are found first: without a row no referenced row is created, and a created row never matches
        // itself.
        let found: Vec<Vec<Value>>;
        let (by, keys) = if self.asks_first(id, &update.forward) {
            let primary_key = &self.model().entities[id].primary_key;
            let rows = self.lock(id, primary_key, by, keys, LockType::NoKeyUpdate).await?;
            found = rows.iter().map(|row| values_of(row, primary_key)).collect();
            (&primary_key[..], &found[..])
        } else {
            (by, keys)
        };
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = [update.values.iter().cloned().collect::<RowInput>()];
        self.follow(id, vec![&update.forward], &mut values).await?;
        let [mut values] = values;
        values.extend(self.set_values(id, RowAction::Update)?);
        if values.is_empty() {
            // The lock serializes nested writes below a row: two concurrent writes of one list would
            // otherwise mix.
            return self.lock(id, returning, by, keys, LockType::NoKeyUpdate).await;
        }
        let set: Vec<(ColumnId, Value)> = values.clone().into_iter().collect();
        let write = self.writes().update(id, &set, by, keys, returning);
        let (rows, paths) = (slice::from_ref(&values), slice::from_ref(&update.path));
        let attempt = Attempt { at: Some((by, keys)), paths, ..Attempt::of(id, rows) };
        let changed = rows_of(&self.send(write, attempt).await?, returning);
        self.check(id, RowAction::Update, &changed).await?;
        Ok(changed)
    }

    /// Adds the nested writes of one change for each written row.
    pub fn add_nested<'w>(
        &self,
        id: EntityId,
        nested: &mut NestedWrites<'w>,
        rows: &[RowInput],
        writes: &'w [(RelationId, NestedWrite)],
    ) {
        for (relation, write) in writes {
            let from = &self.model().entities[id].relations[*relation].from;
            let above = rows.iter().map(|row| (values_of(row, from), write));
            nested.entry(*relation).or_default().extend(above);
        }
    }

    /// Returns true if a link needs statements before the rows themselves are written.
    pub fn asks_first(&self, id: EntityId, links: &[(RelationId, ForwardLink)]) -> bool {
        let relations = &self.model().entities[id].relations;
        links.iter().any(|(relation, link)| match link {
            ForwardLink::Null => false,
            ForwardLink::Key(key) => key.columns != relations[*relation].to,
            ForwardLink::Create(_) => true,
        })
    }

    /// Splits changes, in order, into runs for one statement each: equal changes of different rows. Nested
    /// writes may differ.
    fn runs<'w>(&self, id: EntityId, updates: Vec<NestedUpdate<'w>>) -> Vec<Vec<NestedUpdate<'w>>> {
        let mut runs: Vec<Vec<NestedUpdate<'w>>> = Vec::new();
        let mut keys = HashSet::new();
        for update in updates {
            let key = compared(&self.model().entities[id], &update.by, &update.key);
            match runs.last_mut() {
                Some(run) if self.is_equal(id, &run[0], &update) && keys.insert(key.clone()) => {
                    run.push(update)
                }
                _ => {
                    keys = HashSet::from([key]);
                    runs.push(vec![update]);
                }
            }
        }
        runs
    }

    /// Returns true if one statement can apply both changes. A change that creates a referenced row creates one
    /// for each row, and a key that is changed would not tell which rows were found.
    fn is_equal(&self, id: EntityId, one: &NestedUpdate<'_>, other: &NestedUpdate<'_>) -> bool {
        let Update { values, forward, .. } = one.update;
        let relations = &self.model().entities[id].relations;
        let is_new = |(_, link): &(RelationId, ForwardLink)| matches!(link, ForwardLink::Create(_));
        let linked = forward.iter().flat_map(|(relation, _)| &relations[*relation].from);
        let mut changed = values.iter().map(|(column, _)| column).chain(linked);
        one.by == other.by
            && *values == other.update.values
            && *forward == other.update.forward
            && !forward.iter().any(is_new)
            && !changed.any(|column| one.by.contains(column))
    }
}

/// Splits nested writes, in order, into rounds in which no parent row comes twice: writes to one row follow
/// each other.
fn rounds<'w>(
    above: Vec<(ParentKey, &'w NestedWrite)>,
    entity: &Entity,
    from: &[ColumnId],
) -> Vec<Vec<(ParentKey, &'w NestedWrite)>> {
    let mut rounds: Vec<Vec<(ParentKey, &NestedWrite)>> = Vec::new();
    let mut rows = HashSet::new();
    for (parent, write) in above {
        let key = compared(entity, from, &parent);
        match rounds.last_mut() {
            Some(round) if rows.insert(key.clone()) => round.push((parent, write)),
            _ => {
                rows = HashSet::from([key]);
                rounds.push(vec![(parent, write)]);
            }
        }
    }
    rounds
}
