//! Removes links: rows of a junction, which may be referenced themselves.

use std::collections::HashSet;

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::constraint::Attempt;
use super::links::Columns;
use super::reference::follows_rules;
use super::touched;
use super::writer::{MutationWriter, RowInput, key_of, normalized, values_of};
use crate::error::Result;
use crate::model::{ColumnId, EntityId, Junction};

/// Links to remove: these pairs, or with `keep` all links of these parents except these pairs.
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
                || self.references(*id).iter().any(|reference| reference.rule.restricts())
        };
        if let Some(id) = junction.entity.filter(is_judged) {
            let keys = self.linking(id, from, to, &links).await?;
            let primary_key = &self.model().entities[id].primary_key;
            if !keys.is_empty() {
                self.delete_rows(id, primary_key, &keys).await?;
            }
            return Ok(());
        }
        let Unlinked { parents, pairs, keep } = links;
        let mut write = self.writes().delete_links(&junction.table, from, to, parents, pairs, keep);
        if let Some(id) = junction.entity {
            write.touches.extend(touched::by_delete(self.model(), known.as_deref(), id));
        }
        self.send(write, Attempt::of(junction.entity.unwrap_or(owner), &[])).await?;
        Ok(())
    }

    /// Returns the primary keys of the junction's rows for these links.
    async fn linking(
        &self,
        id: EntityId,
        from: &Columns,
        to: &Columns,
        links: &Unlinked<'_>,
    ) -> Result<Vec<Vec<Value>>> {
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
        let goes = |row: &&RowInput| !kept.contains(&key_of(row, &both));
        Ok(found.iter().filter(goes).map(|row| values_of(row, &entity.primary_key)).collect())
    }
}
