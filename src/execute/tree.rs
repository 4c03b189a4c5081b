//! Loaded tree: rows, with the assignment of the next level's rows to each.

use std::ops::Range;
use std::sync::Arc;

use futures_util::future::{BoxFuture, join, join_all};
use sea_orm::Value;

use super::computed::{Computed, compute};
use super::groups::{Groups, Keys};
use super::loader::Batch;
use super::prepared_plan::{LoadStatements, PreparedLoad, PreparedPlan};
use super::session::Session;
use crate::database::{Row, RowSet, TrackedStatement};
use crate::error::{Code, Error, Result};
use crate::plan::{Catalog, Join, Load, LoadKind, OutputSlots, Page, RelationKey};

/// Rows of one load, with everything below them.
#[derive(Debug)]
pub struct Loaded {
    /// Rows; for a joined relation the rows of its statement.
    pub rows: Arc<RowSet>,
    /// First of the load's own columns in a row.
    pub first: usize,
    /// Slots of the junction's columns in a row.
    pub junction: Range<usize>,
    /// Slots of the cursor's values in a row.
    pub cursor: Range<usize>,
    /// Loaded children, one for each of the load's children.
    pub children: Vec<Result<Child>>,
    /// Values of the application's fields, one for each of the load's.
    pub computed: Vec<Result<Computed>>,
}

impl Loaded {
    /// Returns row `index`.
    pub fn row(&self, index: usize) -> Row<'_> {
        self.rows.row_from(index, self.first)
    }
}

/// Nested load, with the assignment of its rows to parents.
#[derive(Debug)]
pub struct Child {
    /// Loaded rows.
    pub loaded: Loaded,
    /// Groups by parent row.
    pub groups: Groups,
}

impl Child {
    /// Returns the rows that a writing statement has returned, as those of a root load whose loads below are all
    /// [joined](is_joined).
    pub fn of_written(rows: RowSet, load: &Load, joins: &[Option<Join>]) -> Self {
        let groups = Groups::of_root(&rows);
        let rows = Arc::new(rows);
        let children = all_joined(load.children(), Level { rows: &rows, first: 0, outside: None, joins });
        let loaded = Loaded { rows, first: 0, junction: 0..0, cursor: 0..0, children, computed: Vec::new() };
        Self { loaded, groups }
    }
}

/// Parent rows of the level being loaded.
#[derive(Clone, Copy)]
struct Level<'a> {
    rows: &'a Arc<RowSet>,
    /// First column of the current load.
    first: usize,
    /// Lookahead rows outside every page.
    outside: Option<&'a [bool]>,
    /// Joined relations, for each child of the current load.
    joins: &'a [Option<Join>],
}

impl<'a> Level<'a> {
    /// Returns the same rows as parents of a joined relation's children.
    fn of(self, join: &'a Join) -> Self {
        Self { first: join.first, joins: &join.below, ..self }
    }
}

/// Returns true if all loads, with everything below them, were joined to the parent's statement.
pub fn is_joined(loads: &[Load], joins: &[Option<Join>]) -> bool {
    let mut places = loads.iter().enumerate();
    places.all(|(place, load)| match joins.get(place) {
        Some(Some(join)) => load.computed().is_empty() && is_joined(load.children(), &join.below),
        _ => false,
    })
}

/// Builds the children of fully joined loads, without statements or waits.
fn all_joined(loads: &[Load], level: Level<'_>) -> Vec<Result<Child>> {
    let places = loads.iter().zip(level.joins.iter().flatten());
    let below = |load: &Load, join| (all_joined(load.children(), level.of(join)), Vec::new());
    places.map(|(load, join)| Ok(joined(level, join, below(load, join)))).collect()
}

fn joined(level: Level<'_>, join: &Join, (children, computed): Below) -> Child {
    let rows = level.rows.clone();
    let groups = Groups::joined(&rows, &join.key);
    Child {
        loaded: Loaded { rows, first: join.first, junction: 0..0, cursor: 0..0, children, computed },
        groups,
    }
}

/// Children of a load, and the values of its rows' fields of the application.
type Below = (Vec<Result<Child>>, Vec<Result<Computed>>);

/// Maximum number of attempts to load a tree in one snapshot.
const SNAPSHOT_ATTEMPTS: u32 = 3;

/// Returns true if a failed load may succeed in another snapshot.
fn has_conflict(child: &Result<Child>) -> bool {
    match child {
        Ok(child) => child.loaded.children.iter().any(has_conflict),
        Err(error) => error.code() == Code::Conflict,
    }
}

/// Loader of one request's trees.
pub struct Tree<'a> {
    /// Session of the request.
    pub session: &'a Session,
    /// Values of the plan's parameters.
    pub values: &'a [Value],
}

impl Tree<'_> {
    /// Runs the root loads of a plan concurrently. A failed load does not affect its siblings.
    pub async fn load_roots(&self, plan: &PreparedPlan) -> Vec<Result<Child>> {
        let mut roots = plan.roots();
        match (roots.next(), roots.next()) {
            (Some(only), None) => {
                let (query, values) = self.prepare(only, &[]).await;
                let joins = &query.statement.slots.joins;
                if self.session.begins_snapshots() && !is_joined(only.load.children(), joins) {
                    return Box::pin(self.load_in_snapshot(plan)).await;
                }
                vec![self.load_root(only, query, values).await]
            }
            _ if self.session.begins_snapshots() => Box::pin(self.load_in_snapshot(plan)).await,
            _ => {
                join_all(plan.roots().map(async |load| {
                    let (query, values) = self.prepare(load, &[]).await;
                    self.load_root(load, query, values).await
                }))
                .await
            }
        }
    }

    /// Runs the root loads, with everything below them, in one snapshot. A statement that the server must
    /// prepare again ends the snapshot: all loads then run again.
    async fn load_in_snapshot(&self, plan: &PreparedPlan) -> Vec<Result<Child>> {
        let mut attempt = 0;
        loop {
            let (session, transaction) = match self.session.begin_snapshot().await {
                Ok(begun) => begun,
                Err(error) => return plan.loads.iter().map(|_| Err(error.clone())).collect(),
            };
            let tree = Tree { session: &session, values: self.values };
            let loaded = Box::pin(tree.load_roots(plan)).await;
            transaction.leave().await;
            attempt += 1;
            if attempt == SNAPSHOT_ATTEMPTS || !loaded.iter().any(has_conflict) {
                return loaded;
            }
        }
    }

    async fn load_root(
        &self,
        load: PreparedLoad<'_>,
        query: Arc<TrackedStatement>,
        values: Arc<[Value]>,
    ) -> Result<Child> {
        let rows = Arc::new(self.session.statements().query(&query, values).await?);
        let groups = Groups::new(load.load, &query.statement, &rows, Keys::of_root());
        self.descend(load, &query.statement.slots, rows, groups).await
    }

    /// Prepares the statement for these parent keys, and for the catalog if its form depends on it.
    async fn prepare(
        &self,
        load: PreparedLoad<'_>,
        keys: &[RelationKey],
    ) -> (Arc<TrackedStatement>, Arc<[Value]>) {
        let catalog = match self.session.select(Catalog::none()).depends_on_statistics(load.load) {
            // Boxed: otherwise it would be most of every load's future, also of those without statistics.
            true => Some(Box::pin(self.session.statements().catalog()).await),
            false => None,
        };
        let catalog = catalog.as_deref().unwrap_or(Catalog::none());
        load.prepare(&self.session.select(catalog), keys, self.values)
    }

    /// Runs the loads below existing rows concurrently.
    pub async fn load_existing(&self, load: &Load, rows: Arc<RowSet>) -> Loaded {
        let statements = LoadStatements::of(load);
        let load = PreparedLoad { load, statements: &statements };
        let level = Level { rows: &rows, first: 0, outside: None, joins: &[] };
        let (children, computed) = self.below(load, level).await;
        Loaded { rows, first: 0, junction: 0..0, cursor: 0..0, children, computed }
    }

    /// Runs the loads below rows, and resolves the rows' fields of the application, side by side.
    async fn below(&self, load: PreparedLoad<'_>, level: Level<'_>) -> Below {
        if load.load.computed().is_empty() {
            return (self.load_below(load, level).await, Vec::new());
        }
        let is_outside = |index: usize| level.outside.is_some_and(|outside| outside[index]);
        let computed = compute(self.session, load.load, level.rows, level.first, is_outside);
        // Boxed: most loads have no such fields.
        Box::pin(join(self.load_below(load, level), computed)).await
    }

    async fn load_below(&self, load: PreparedLoad<'_>, level: Level<'_>) -> Vec<Result<Child>> {
        if is_joined(load.load.children(), level.joins) {
            return all_joined(load.load.children(), level);
        }
        let mut children = load.children();
        match (children.next(), children.next()) {
            (Some(only), None) => vec![self.load_child(load, level, 0, only).await],
            _ => {
                let children = load.children().enumerate();
                join_all(children.map(|(place, child)| self.load_child(load, level, place, child))).await
            }
        }
    }

    /// Returns a joined child, or loads a batch: the rows of a relation for all parents of a level. Boxed,
    /// because levels nest.
    fn load_child<'b>(
        &'b self,
        parent: PreparedLoad<'b>,
        level: Level<'b>,
        place: usize,
        load: PreparedLoad<'b>,
    ) -> BoxFuture<'b, Result<Child>> {
        Box::pin(async move {
            let Some(join) = level.joins.get(place).and_then(Option::as_ref) else {
                return self.load_relation(parent.load, level, load).await;
            };
            let below = self.below(load, level.of(join)).await;
            Ok(joined(level, join, below))
        })
    }

    async fn load_relation(&self, parent: &Load, level: Level<'_>, load: PreparedLoad<'_>) -> Result<Child> {
        let slots = self.key_slots(parent, load.load)?;
        let is_outside = |index: usize| level.outside.is_some_and(|outside| outside[index]);
        let keys = Keys::of_rows(level.rows, level.first, &slots, is_outside);
        let (query, values) = self.prepare(load, &keys.distinct()).await;
        let rows = if keys.is_empty() {
            // No statement is sent for an empty level.
            Arc::new(RowSet::new(query.statement.columns.clone()))
        } else {
            let batch = Batch::new(query.clone(), values);
            let rows = self.session.loader().load_one(batch).await?;
            rows.ok_or_else(|| Error::internal("the dataloader lost a batch"))?
        };
        let groups = Groups::new(load.load, &query.statement, &rows, keys);
        self.descend(load, &query.statement.slots, rows, groups).await
    }

    async fn descend(
        &self,
        load: PreparedLoad<'_>,
        slots: &OutputSlots,
        rows: Arc<RowSet>,
        groups: Groups,
    ) -> Result<Child> {
        let outside = match &load.load.what {
            LoadKind::Rows(planned) if matches!(planned.page, Page::Keyset { .. }) => {
                Some(groups.outside(rows.len()))
            }
            _ => None,
        };
        let beside = outside.iter().flatten().filter(|is_outside| **is_outside).count();
        self.session.statements().count_rows(rows.len() - beside)?;
        let level = Level { rows: &rows, first: 0, outside: outside.as_deref(), joins: &slots.joins };
        let (children, computed) = self.below(load, level).await;
        let (junction, cursor) = (slots.junction.clone(), slots.cursor.clone());
        Ok(Child { loaded: Loaded { rows, first: 0, junction, cursor, children, computed }, groups })
    }

    /// Returns the slots of a relation's key in the parent rows.
    fn key_slots(&self, parent: &Load, load: &Load) -> Result<Vec<usize>> {
        let fault = || Error::internal("a relation was planned without its key");
        let (owner, relation) = load.relation.ok_or_else(fault)?;
        let LoadKind::Rows(planned) = &parent.what else { return Err(fault()) };
        let relation = &self.session.model().entities[owner].relations[relation];
        let slot =
            |column: &usize| planned.columns.iter().position(|known| known == column).ok_or_else(fault);
        relation.join.from.iter().map(slot).collect()
    }
}
