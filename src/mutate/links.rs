//! Links of many-to-many relations: rows of a junction.

use std::collections::{BTreeSet, HashSet};

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::attempt::{Attempt, Linked};
use super::change::{ColumnValues, LinkWrite, UniqueKeyInput};
use super::lookup::find;
use super::row::{RowInput, compared_as, values_of};
use super::statement::Columns;
use super::unlink::{Through, Unlinked};
use super::writer::MutationWriter;
use crate::error::{Error, Result};
use crate::model::{ColumnId, ColumnType, EntityId, Junction, Relation};
use crate::policy::RowAction;

/// Link to create.
struct NewLink<'w> {
    /// Values of the relation's columns in the parent row.
    parent: Vec<Value>,
    /// Row at the far end.
    target: LinkTarget<'w>,
    /// Values of the junction's own columns.
    own: &'w ColumnValues,
}

/// Row at the far end of a link.
enum LinkTarget<'w> {
    /// Existing row.
    Known(&'w UniqueKeyInput),
    /// Created row, as its index among the new rows.
    New(usize),
}

/// Link with both ends known.
struct Pair {
    /// Values of the relation's columns in both rows.
    ends: Vec<Value>,
    /// True if the link may exist already.
    may_exist: bool,
    own: ColumnValues,
}

impl MutationWriter<'_> {
    /// Applies the nested writes to links: removals first, then additions, in input order.
    pub async fn write_links(
        &self,
        through: Through<'_>,
        above: Vec<(Vec<Value>, &LinkWrite)>,
    ) -> Result<()> {
        if above.is_empty() {
            return Ok(());
        }
        if self.is_ruled() && through.junction.entity.is_none() {
            // No grant names the links.
            return Err(Error::write_forbidden(
                &self.model().entities[through.owner].name,
                RowAction::Update.name(),
            ));
        }
        let relation = through.relation;
        let (from, to) = self.junction_columns(through);
        let (mut disconnects, mut sets) = (Vec::new(), Vec::new());
        let (mut links, mut creates) = (Vec::new(), Vec::new());
        for (parent, write) in above {
            if !write.disconnect.is_empty() {
                disconnects.push((parent.clone(), write.disconnect.iter().collect()));
            }
            if let Some(set) = &write.set {
                sets.push((parent.clone(), set.iter().map(|(key, _)| key).collect()));
            }
            let known = write.set.iter().flatten().chain(&write.connect).map(|(key, own)| NewLink {
                parent: parent.clone(),
                target: LinkTarget::Known(key),
                own,
            });
            links.extend(known);
            for (create, own) in &write.create {
                links.push(NewLink { parent: parent.clone(), target: LinkTarget::New(creates.len()), own });
                creates.push((create, RowInput::default()));
            }
        }
        for (named, keep) in [(disconnects, false), (sets, true)] {
            if !named.is_empty() {
                let pairs = self.pairs(relation, &named).await?;
                let parents: Vec<Vec<Value>> = named.into_iter().map(|(parent, _)| parent).collect();
                let links = Unlinked { parents: &parents, pairs: &pairs, keep };
                self.remove_links(through, (&from, &to), links).await?;
                if through.junction.is_symmetrical {
                    let links = Unlinked { parents: &parents, pairs: &pairs, keep };
                    self.remove_links(through, (&to, &from), links).await?;
                }
            }
        }
        let created = self.create(relation.target, creates, Some(&relation.to), None).await?;
        let columns = [from, to].concat();
        let pairs = self.both_ends(through, &columns, links, &created).await?;
        self.link(through, columns, pairs).await
    }

    /// Finds the rows at the far ends. A link named twice is created once, and a symmetrical one in both directions.
    async fn both_ends(
        &self,
        through: Through<'_>,
        columns: &[(String, ColumnType)],
        links: Vec<NewLink<'_>>,
        created: &[RowInput],
    ) -> Result<Vec<Pair>> {
        let keys = links.iter().filter_map(|link| match &link.target {
            LinkTarget::Known(key) => Some(*key),
            LinkTarget::New(_) => None,
        });
        let keys: Vec<&UniqueKeyInput> = keys.collect();
        let Through { relation, junction: Junction { is_symmetrical, .. }, .. } = through;
        let mut found = self.resolve(relation.target, &keys, &relation.to).await?.into_iter();
        let mut seen = HashSet::new();
        let mut pairs = Vec::new();
        for NewLink { parent, target, own } in links {
            let (end, may_exist) = match target {
                LinkTarget::Known(_) => (found.next().unwrap_or_default(), true),
                LinkTarget::New(place) => (values_of(&created[place], &relation.to), false),
            };
            let mirrored = is_symmetrical.then(|| [end.clone(), parent.clone()].concat());
            for ends in std::iter::once([parent, end].concat()).chain(mirrored) {
                if seen.insert(compared_pair(columns, &ends)) {
                    pairs.push(Pair { ends, may_exist, own: own.clone() });
                }
            }
        }
        Ok(pairs)
    }

    /// Adds missing links; existing links keep the values of their own columns.
    async fn link(&self, through: Through<'_>, columns: Columns, mut pairs: Vec<Pair>) -> Result<()> {
        let Through { owner, relation, junction } = through;
        let id = junction.entity.unwrap_or(owner);
        let entity = &self.model().entities[id];
        let is_unique = self.is_unique_pair(junction, &columns);
        // A role's rules are those of new links.
        if !is_unique || self.is_ruled() {
            pairs = self.without_existing(through, &columns, pairs).await?;
        }
        if self.is_ruled() {
            for pair in &mut pairs {
                pair.own.extend(self.set_values(id, RowAction::Create)?);
            }
        }
        for (column, value) in entity.filled_defaults().filter(|_| junction.entity.is_some()) {
            let is_end = columns.iter().any(|(name, _)| *name == entity.columns[column].name);
            for pair in pairs.iter_mut().filter(|_| !is_end) {
                if !pair.own.iter().any(|(own, _)| *own == column) {
                    pair.own.push((column, value.clone()));
                }
            }
        }
        for (own, pairs) in
            self.writes().parts(pairs, |pair, columns| columns.extend(pair.own.iter().map(|(id, _)| *id)))
        {
            let described = own.iter().map(|id| &entity.columns[*id]);
            let described = described.map(|column| (column.name.clone(), column.column_type.clone()));
            let all: Columns = columns.iter().cloned().chain(described).collect();
            let given = |pair: &Pair, id: &ColumnId| {
                pair.own.iter().find(|(own, _)| own == id).map(|(_, value)| value.clone())
            };
            let row = |pair: &Pair| -> Vec<Option<Value>> {
                pair.ends.iter().cloned().map(Some).chain(own.iter().map(|id| given(pair, id))).collect()
            };
            let rows: Vec<Vec<Option<Value>>> = pairs.iter().map(row).collect();
            let attempted: Vec<RowInput> = rows
                .iter()
                .map(|row| {
                    let named = all.iter().zip(row);
                    named
                        .filter_map(|((name, _), value)| Some((entity.column_named(name)?, value.clone()?)))
                        .collect()
                })
                .collect();
            let write =
                self.writes().insert_links(&junction.table, &all, &rows, is_unique.then_some(&columns[..]));
            let targets = pairs.iter().map(|pair| pair.ends[relation.from.len()..].to_vec()).collect();
            let linked = Linked { owner, relation: relation.clone(), targets };
            let attempted: &[RowInput] = if junction.entity.is_some() { &attempted } else { &[] };
            let attempt = Attempt { link: Some(&linked), ..Attempt::of(id, attempted) };
            let sent = self.send(write, attempt).await;
            // The pair may be unique in the database although the entity does not declare it.
            sent.map_err(|error| if is_unique { error } else { self.perhaps_raced(error) })?;
            if !self.is_plain(&junction.table) {
                let ends: Vec<Vec<Value>> = pairs.iter().map(|pair| pair.ends.clone()).collect();
                let found = self.existing(through, &columns, &ends).await?;
                if !ends.iter().all(|ends| found.contains(&compared_pair(&columns, ends))) {
                    return Err(self.skipped(id));
                }
            }
            if self.is_checked(id) {
                let ends: Vec<ColumnId> =
                    columns.iter().filter_map(|(name, _)| entity.column_named(name)).collect();
                let keys: Vec<Vec<Value>> = pairs.iter().map(|pair| pair.ends.clone()).collect();
                let links = find(self.session, id, &entity.primary_key, &ends, &keys).await?;
                self.check(id, RowAction::Create, &links).await?;
            }
        }
        Ok(())
    }

    /// Returns true if exactly the pair is a unique key of the junction, by which an INSERT skips existing links.
    pub fn is_unique_pair(&self, junction: &Junction, columns: &[(String, ColumnType)]) -> bool {
        let Some(entity) = junction.entity.map(|id| &self.model().entities[id]) else { return false };
        let pair: BTreeSet<ColumnId> =
            columns.iter().filter_map(|(name, _)| entity.column_named(name)).collect();
        let mut keys = entity.all_keys().filter(|key| entity.is_arbiter(key));
        keys.any(|key| key.iter().copied().collect::<BTreeSet<ColumnId>>() == pair)
    }

    /// Removes existing links from `pairs`, for junctions without a unique constraint. Both ends are locked,
    /// the parent rows since their write, so that no other operation links them meanwhile.
    async fn without_existing(
        &self,
        through: Through<'_>,
        columns: &[(String, ColumnType)],
        pairs: Vec<Pair>,
    ) -> Result<Vec<Pair>> {
        let relation = through.relation;
        let asked: Vec<Vec<Value>> =
            pairs.iter().filter(|pair| pair.may_exist).map(|pair| pair.ends.clone()).collect();
        if asked.is_empty() {
            return Ok(pairs);
        }
        let ends: Vec<Vec<Value>> = asked.iter().map(|ends| ends[relation.from.len()..].to_vec()).collect();
        self.lock(relation.target, &relation.to, &relation.to, &ends, LockType::NoKeyUpdate).await?;
        let found = self.existing(through, columns, &asked).await?;
        Ok(pairs
            .into_iter()
            .filter(|pair| !pair.may_exist || !found.contains(&compared_pair(columns, &pair.ends)))
            .collect())
    }

    /// Returns the existing links among `pairs`, as the database compares them.
    async fn existing(
        &self,
        through: Through<'_>,
        columns: &[(String, ColumnType)],
        pairs: &[Vec<Value>],
    ) -> Result<HashSet<Vec<Value>>> {
        let Through { owner, junction, .. } = through;
        let entity = junction.entity.map(|id| &self.model().entities[id]);
        let stored = columns.iter().map(|(name, of_end)| {
            let column = entity.and_then(|entity| Some(&entity.columns[entity.column_named(name)?]));
            column.map_or(of_end, |column| &column.column_type).clone()
        });
        let write = self.writes().find_links(&junction.table, columns, stored.collect(), pairs);
        let found = self.send(write, Attempt::of(junction.entity.unwrap_or(owner), &[])).await?;
        let pair = |row| compared_pair(columns, &found.values(row).collect::<Vec<_>>());
        Ok((0..found.len()).map(pair).collect())
    }

    /// Returns the pairs of parents and the rows named for each.
    async fn pairs(
        &self,
        relation: &Relation,
        named: &[(Vec<Value>, Vec<&UniqueKeyInput>)],
    ) -> Result<Vec<Vec<Value>>> {
        let keys: Vec<&UniqueKeyInput> = named.iter().flat_map(|(_, keys)| keys).copied().collect();
        let targets = self.resolve(relation.target, &keys, &relation.to).await?;
        let parents = named.iter().flat_map(|(parent, keys)| keys.iter().map(move |_| parent));
        Ok(parents.zip(targets).map(|(parent, target)| [parent.clone(), target].concat()).collect())
    }

    /// Returns the junction's columns to both ends, with the types of the referenced columns.
    pub fn junction_columns(&self, through: Through<'_>) -> (Columns, Columns) {
        let Through { owner, relation, junction } = through;
        let typed = |names: &[String], entity: EntityId, columns: &[ColumnId]| {
            let types =
                columns.iter().map(|id| self.model().entities[entity].columns[*id].column_type.clone());
            names.iter().cloned().zip(types).collect()
        };
        (typed(&junction.from, owner, &relation.from), typed(&junction.to, relation.target, &relation.to))
    }
}

/// Returns the values of a link as the database compares them.
fn compared_pair(columns: &[(String, ColumnType)], ends: &[Value]) -> Vec<Value> {
    compared_as(columns.iter().map(|(_, column_type)| column_type), ends)
}
