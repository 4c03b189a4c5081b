//! Removes links: rows of a junction, which may be referenced themselves.

use std::collections::HashSet;

use indexmap::IndexMap;
use sea_orm::Value;

use super::attempt::Attempt;
use super::lookup::references_to;
use super::purpose::Purpose;
use super::reference::follows_rules;
use super::row::{compared, key_of, values_of};
use super::statement::Columns;
use super::touched;
use super::writer::MutationWriter;
use crate::error::Result;
use crate::model::{ColumnId, EntityId, Junction, Relation};

/// Many-to-many relation of links.
#[derive(Clone, Copy)]
pub(super) struct Through<'a> {
    /// Owner of the relation.
    pub owner: EntityId,
    /// The relation.
    pub relation: &'a Relation,
    /// Junction of the relation.
    pub junction: &'a Junction,
}

/// Links of these parents to remove: these pairs, or with `keep` all links except these pairs.
pub(super) struct Unlinked<'a> {
    pub parents: &'a [Vec<Value>],
    pub pairs: &'a [Vec<Value>],
    pub keep: bool,
}

impl MutationWriter<'_> {
    /// Removes links, for a role only those that it may delete, to rows that the viewer sees. Referenced rows of a junction are deleted like any row, unless the
    /// database's own actions suffice.
    pub async fn remove_links(
        &self,
        through: Through<'_>,
        (from, to): (&Columns, &Columns),
        links: Unlinked<'_>,
    ) -> Result<()> {
        let Through { owner, relation, junction } = through;
        let known = self.session.statements().foreign_keys();
        let is_judged = |id: &EntityId| {
            follows_rules(self.model(), known.as_deref(), *id)
                || references_to(self.session, *id).iter().any(|reference| reference.rule.restricts())
        };
        let is_looked_up = |id: &EntityId| is_judged(id) || self.is_verified(&junction.table);
        if let Some(id) = junction.entity.filter(is_looked_up) {
            let groups = self.linking(id, relation, (from, to), &links).await?;
            let primary_key = &self.model().entities[id].primary_key;
            return self.delete_groups(id, primary_key, &groups).await;
        }
        let Unlinked { parents, pairs, keep } = links;
        let mut write = self.writes().delete_links(&junction.table, from, to, parents, pairs, keep);
        if let Some(id) = junction.entity {
            write.touches.extend(touched::by_delete(self.model(), known.as_deref(), id));
        }
        self.send(write, Attempt::of(junction.entity.unwrap_or(owner), &[])).await?;
        Ok(())
    }

    /// Returns the primary keys of the junction's rows for these links, grouped by parent.
    async fn linking(
        &self,
        id: EntityId,
        relation: &Relation,
        (from, to): (&Columns, &Columns),
        links: &Unlinked<'_>,
    ) -> Result<Vec<Vec<Vec<Value>>>> {
        let entity = &self.model().entities[id];
        let ids = |columns: &Columns| -> Vec<ColumnId> {
            columns.iter().filter_map(|(name, _)| entity.column_named(name)).collect()
        };
        let near = ids(from);
        let far = ids(to);
        let both = [near.clone(), far.clone()].concat();
        let wanted = [entity.primary_key.clone(), both.clone()].concat();
        let (by, keys) = if links.keep { (&near, links.parents) } else { (&both, links.pairs) };
        let mut found = self.named(Purpose::Delete, id, &wanted, by, keys).await?;
        if links.keep && self.is_narrowed(relation.target, Purpose::Link, &relation.to) {
            // Links to rows that the viewer does not see stay.
            let ends: Vec<Vec<Value>> = found.iter().map(|row| values_of(row, &far)).collect();
            let seen = self.named(Purpose::Link, relation.target, &relation.to, &relation.to, &ends).await?;
            let target = &self.model().entities[relation.target];
            let seen: HashSet<Vec<Value>> =
                seen.iter().map(|row| key_of(target, row, &relation.to)).collect();
            found.retain(|row| seen.contains(&key_of(entity, row, &far)));
        }
        let kept: HashSet<Vec<Value>> = match links.keep {
            true => links.pairs.iter().map(|pair| compared(entity, &both, pair)).collect(),
            false => HashSet::new(),
        };
        let mut by_parent: IndexMap<Vec<Value>, Vec<Vec<Value>>> =
            links.parents.iter().map(|parent| (compared(entity, &near, parent), Vec::new())).collect();
        for row in found.iter().filter(|row| !kept.contains(&key_of(entity, row, &both))) {
            let keys = by_parent.entry(key_of(entity, row, &near)).or_default();
            keys.push(values_of(row, &entity.primary_key));
        }
        Ok(by_parent.into_values().filter(|keys| !keys.is_empty()).collect())
    }
}
