//! Removes links: rows of a junction, which may be referenced themselves.

use std::collections::HashSet;

use indexmap::IndexMap;
use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::attempt::Attempt;
use super::lookup::references_to;
use super::reference::follows_rules;
use super::row::{key_of, normalized, values_of};
use super::statement::Columns;
use super::touched;
use super::writer::MutationWriter;
use crate::error::Result;
use crate::model::{ColumnId, EntityId, Junction};

/// Links of these parents to remove: these pairs, or with `keep` all links except these pairs.
pub(super) struct Unlinked<'a> {
    pub parents: &'a [Vec<Value>],
    pub pairs: &'a [Vec<Value>],
    pub keep: bool,
}

impl MutationWriter<'_> {
    /// Removes links of `owner`. Referenced rows of a junction are deleted like any row, unless the
    /// database's own actions suffice.
    pub async fn remove_links(
        &self,
        owner: EntityId,
        junction: &Junction,
        (from, to): (&Columns, &Columns),
        links: Unlinked<'_>,
    ) -> Result<()> {
        let known = self.session.statements().foreign_keys();
        let is_judged = |id: &EntityId| {
            follows_rules(self.model(), known.as_deref(), *id)
                || references_to(self.session, *id).iter().any(|reference| reference.rule.restricts())
        };
        if let Some(id) = junction.entity.filter(is_judged) {
            let groups = self.linking(id, from, to, &links).await?;
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
        from: &Columns,
        to: &Columns,
        links: &Unlinked<'_>,
    ) -> Result<Vec<Vec<Vec<Value>>>> {
        let entity = &self.model().entities[id];
        let ids = |columns: &Columns| -> Vec<ColumnId> {
            columns.iter().filter_map(|(name, _)| entity.column_named(name)).collect()
        };
        let near = ids(from);
        let both = [near.clone(), ids(to)].concat();
        let wanted = [entity.primary_key.clone(), both.clone()].concat();
        let (by, keys) = if links.keep { (&near, links.parents) } else { (&both, links.pairs) };
        let found = match keys.is_empty() {
            true => Vec::new(),
            false => self.lock(id, &wanted, by, keys, LockType::Update).await?,
        };
        let kept: HashSet<Vec<Value>> = match links.keep {
            true => links.pairs.iter().map(|pair| normalized(pair)).collect(),
            false => HashSet::new(),
        };
        let mut by_parent: IndexMap<Vec<Value>, Vec<Vec<Value>>> =
            links.parents.iter().map(|parent| (normalized(parent), Vec::new())).collect();
        for row in found.iter().filter(|row| !kept.contains(&key_of(row, &both))) {
            let keys = by_parent.entry(key_of(row, &near)).or_default();
            keys.push(values_of(row, &entity.primary_key));
        }
        Ok(by_parent.into_values().filter(|keys| !keys.is_empty()).collect())
    }
}
