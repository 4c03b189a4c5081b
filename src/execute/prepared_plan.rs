//! Plan with what its executions share: built statements, and capacities learned from results.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use sea_orm::Value;

use crate::database::{CapacityHint, TrackedStatement};
use crate::dialect::Dialect;
use crate::plan::{Load, Plan, RelationKey, SqlBuilder};

/// Plan with what its executions share.
#[derive(Debug, Default)]
pub struct PreparedPlan {
    plan: Plan,
    /// Statements of each load of the root fields.
    statements: Vec<LoadStatements>,
    /// Capacity hint for the bytes of the response.
    pub(super) response_bytes: CapacityHint,
}

impl From<Plan> for PreparedPlan {
    fn from(plan: Plan) -> Self {
        let statements = LoadStatements::of_all(&plan.loads);
        Self { plan, statements, response_bytes: CapacityHint::default() }
    }
}

impl Deref for PreparedPlan {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

impl PreparedPlan {
    /// Builds the statements whose texts depend on no keys, so that executions find them.
    pub fn build_statements(&self, select: &SqlBuilder) {
        self.roots().for_each(|load| load.build(select));
    }

    /// Returns the loads of the root fields.
    pub(super) fn roots(&self) -> impl Iterator<Item = PreparedLoad<'_>> {
        PreparedLoad::all(&self.plan.loads, &self.statements)
    }
}

/// Load with its built statements.
#[derive(Clone, Copy, Debug)]
pub(super) struct PreparedLoad<'a> {
    pub load: &'a Load,
    pub statements: &'a LoadStatements,
}

impl<'a> PreparedLoad<'a> {
    /// Returns the loads nested below each row.
    pub fn children(self) -> impl Iterator<Item = PreparedLoad<'a>> {
        PreparedLoad::all(self.load.children(), &self.statements.children)
    }

    fn all(loads: &'a [Load], statements: &'a [LoadStatements]) -> impl Iterator<Item = PreparedLoad<'a>> {
        loads.iter().zip(statements).map(|(load, statements)| PreparedLoad { load, statements })
    }

    /// Returns the statement of the load, and its values for these parent keys and these values of
    /// [`Plan::parameters`]. Keys are empty at the root. The statement is built once.
    pub fn prepare(
        self,
        select: &SqlBuilder,
        keys: &[RelationKey],
        values: &[Value],
    ) -> (Arc<TrackedStatement>, Arc<[Value]>) {
        let kept = self.kept(select, keys);
        let build = || Arc::new(select.build(self.load, keys).into());
        let tracked: Arc<TrackedStatement> = match kept.get() {
            Some(tracked) => tracked.clone(),
            None if select.serves_all_keys(self.load) => kept.get_or_init(build).clone(),
            None => build(),
        };
        let values = select.values(&tracked.statement, keys, values);
        (tracked, values)
    }

    /// Builds the statement if its text depends on no keys, and those of everything below.
    fn build(self, select: &SqlBuilder) {
        if !self.load.joined && select.serves_all_keys(self.load) {
            self.kept(select, &[]).get_or_init(|| Arc::new(select.build(self.load, &[]).into()));
        }
        self.children().for_each(|child| child.build(select));
    }

    fn kept(self, select: &SqlBuilder, keys: &[RelationKey]) -> &'a OnceLock<Arc<TrackedStatement>> {
        let of_dialect = &self.statements.built[select.dialect.place()];
        let of_keys = &of_dialect[usize::from(select.dialect.has_text_of_key(keys))];
        &of_keys[usize::from(select.follows_catalog(self.load))]
    }
}

/// Built statements of a load: per dialect, for several keys of parents and for one, each with and without the influence of
/// statistics.
#[derive(Debug, Default)]
pub struct LoadStatements {
    built: [[[OnceLock<Arc<TrackedStatement>>; 2]; 2]; Dialect::COUNT],
    /// Statements of each nested load.
    children: Vec<LoadStatements>,
}

impl LoadStatements {
    /// Returns the statements of a load, none of which is built.
    pub fn of(load: &Load) -> Self {
        Self { children: Self::of_all(load.children()), ..Self::default() }
    }

    fn of_all(loads: &[Load]) -> Vec<Self> {
        loads.iter().map(Self::of).collect()
    }
}
