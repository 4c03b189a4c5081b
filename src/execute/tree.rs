//! The loaded tree: rows, and for each of them which rows of the next level are its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use sea_orm::Value;

use super::loader::Batch;
use super::row::RowSet;
use super::session::Session;
use crate::error::{Error, Result};
use crate::model::{is_null, normalize_key};
use crate::plan::{Key, Load, Page, Query, What};

/// The rows of one load, with everything below them.
#[derive(Debug)]
pub struct Loaded {
    /// The rows.
    pub rows: Arc<RowSet>,
    /// Where the values of the cursor begin in a row.
    pub cursor: usize,
    /// One for each of the load's children.
    pub children: Vec<Result<Child>>,
}

/// A load below, and whose rows are whose.
#[derive(Debug)]
pub struct Child {
    /// Its rows.
    pub loaded: Loaded,
    /// For each row above.
    pub groups: Vec<Group>,
}

/// The rows that belong to one row above.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Their indexes, in the order of the list.
    pub members: Vec<usize>,
    /// Whether the list goes on before the first of them.
    pub has_previous: bool,
    /// Whether the list goes on after the last of them.
    pub has_next: bool,
}

/// Loads trees for one request.
pub struct Tree<'a> {
    /// The request's session.
    pub session: &'a Session,
}

impl Tree<'_> {
    /// Runs the loads of the root, side by side. A load that fails leaves its siblings alone.
    pub async fn load_roots(&self, loads: &[Load]) -> Vec<Result<Child>> {
        join_all(loads.iter().map(|load| self.load_root(load))).await
    }

    async fn load_root(&self, load: &Load) -> Result<Child> {
        let query = self.session.select().build(load, &[]);
        let rows = Arc::new(self.session.statements().query(query.statement.clone(), &query.columns).await?);
        let groups = group(load, &query, &rows, vec![Some(Vec::new())]);
        self.descend(load, &query, rows, groups).await
    }

    /// Runs the loads below rows that are there already, side by side.
    pub async fn load_children(&self, load: &Load, rows: &RowSet) -> Vec<Result<Child>> {
        self.load_below(load, rows, &HashSet::new()).await
    }

    async fn load_below(&self, load: &Load, rows: &RowSet, outside: &HashSet<usize>) -> Vec<Result<Child>> {
        join_all(load.children().iter().map(|child| self.load_relation(load, rows, outside, child))).await
    }

    /// One batch: the rows of a relation for all parents of a level. Boxed, since levels nest.
    fn load_relation<'b>(
        &'b self,
        parent: &'b Load,
        rows: &'b RowSet,
        outside: &'b HashSet<usize>,
        load: &'b Load,
    ) -> BoxFuture<'b, Result<Child>> {
        Box::pin(async move {
            let keys = self.parent_keys(parent, rows, outside, load)?;
            let distinct = distinct(&keys);
            let query = self.session.select().build(load, &distinct);
            let rows = if distinct.is_empty() {
                // Nobody asks: no statement is sent for an empty level.
                Arc::new(RowSet::new(query.columns.len()))
            } else {
                let batch = Batch::new(&query);
                let rows = self.session.loader().load_one(batch).await?;
                rows.ok_or_else(|| Error::internal("the dataloader lost a batch"))?
            };
            let groups = group(load, &query, &rows, keys);
            self.descend(load, &query, rows, groups).await
        })
    }

    async fn descend(
        &self,
        load: &Load,
        query: &Query,
        rows: Arc<RowSet>,
        groups: Vec<Group>,
    ) -> Result<Child> {
        let outside = outside(load, &rows, &groups);
        self.session.statements().admit(rows.len() - outside.len())?;
        let children = self.load_below(load, &rows, &outside).await;
        Ok(Child { loaded: Loaded { rows, cursor: query.cursor, children }, groups })
    }

    /// The key of each parent; none where a part of it is NULL, since NULL meets nothing, and none for rows that are
    /// outside every page.
    fn parent_keys(
        &self,
        parent: &Load,
        rows: &RowSet,
        outside: &HashSet<usize>,
        load: &Load,
    ) -> Result<Vec<Option<Key>>> {
        let fault = || Error::internal("a relation was planned without its key");
        let (owner, relation) = load.relation.ok_or_else(fault)?;
        let What::Rows(planned) = &parent.what else { return Err(fault()) };
        let relation = &self.session.model().entities[owner].relations[relation];
        let slot =
            |column: &usize| planned.columns.iter().position(|known| known == column).ok_or_else(fault);
        let slots = relation.from.iter().map(slot).collect::<Result<Vec<usize>>>()?;
        let of_row = |index: usize| match outside.contains(&index) {
            true => None,
            false => key(slots.iter().map(|slot| &rows.row(index)[*slot])),
        };
        Ok((0..rows.len()).map(of_row).collect())
    }
}

fn key<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Key> {
    values.map(|value| (!is_null(value)).then(|| normalize_key(value.clone()))).collect()
}

/// Each key once, in the order of the parents.
fn distinct(keys: &[Option<Key>]) -> Vec<Key> {
    let mut seen = HashSet::new();
    keys.iter().flatten().filter(|key| seen.insert(*key)).cloned().collect()
}

/// The rows that are in nobody's list: they were read only to see whether there is more, and nothing below them is
/// asked for.
fn outside(load: &Load, rows: &RowSet, groups: &[Group]) -> HashSet<usize> {
    match &load.what {
        What::Rows(planned) if matches!(planned.page, Page::Keyset { .. }) => {
            let inside: HashSet<usize> = groups.iter().flat_map(|group| &group.members).copied().collect();
            (0..rows.len()).filter(|index| !inside.contains(index)).collect()
        }
        _ => HashSet::new(),
    }
}

/// Gives every parent its rows.
fn group(load: &Load, query: &Query, rows: &RowSet, parents: Vec<Option<Key>>) -> Vec<Group> {
    let mut by_key: HashMap<Key, Group> = HashMap::new();
    for index in 0..rows.len() {
        let row = rows.row(index);
        let Some(key) = key(query.key.iter().map(|place| &row[*place])) else { continue };
        let group = by_key.entry(key).or_default();
        match query.mark.map(|mark| &row[mark]) {
            Some(Value::Int(Some(Query::BEFORE))) => group.has_previous = true,
            Some(Value::Int(Some(Query::AFTER))) => group.has_next = true,
            _ => group.members.push(index),
        }
    }
    if let What::Rows(planned) = &load.what {
        by_key.values_mut().for_each(|group| finish_page(group, &planned.page));
    }
    let of_parent = |key: Option<Key>| key.and_then(|key| by_key.get(&key).cloned()).unwrap_or_default();
    parents.into_iter().map(of_parent).collect()
}

/// Takes away the row that was read only to see whether there is more, and turns a page read from the end round.
fn finish_page(group: &mut Group, page: &Page) {
    let Page::Keyset { limit, backward, .. } = page else { return };
    let more = limit.is_some_and(|limit| group.members.len() as u64 > limit);
    if more {
        group.members.pop();
    }
    if *backward {
        group.members.reverse();
        group.has_previous |= more;
    } else {
        group.has_next |= more;
    }
}
