//! State and limits that the sessions of a schema share.

use std::sync::Arc;
use std::time::Duration;

use super::field_batch::FieldResolvers;
use crate::database::Availability;
use crate::model::Model;
use crate::plan::{ListDefaults, Rules};
use crate::policy::Isolation;

/// Limits of one request: change fields of [`ExecutionLimits::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutionLimits {
    /// Maximum number of rows that all statements of a request return together.
    pub rows: u64,
    /// Maximum number of rows that a plan may request, as estimated before execution: limits multiplied along
    /// the levels (see [`rows_asked`](crate::plan::rows_asked)). Lists without a limit count with an assumed number. The limit refuses
    /// statements that the row ceiling would stop only after the database has worked for them. Five nested
    /// levels of lists without limits pass.
    pub cost: u64,
    /// Time for which a mutation that meets others at the same rows is tried again. What ends the request earlier ends the
    /// mutation with it.
    pub retry_time: Duration,
}

impl ExecutionLimits {
    /// Default limits.
    pub const DEFAULT: Self = Self { rows: 100_000, cost: 10_000_000, retry_time: Duration::from_secs(30) };
}

impl Default for ExecutionLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// State of the database that the statements of one query see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadConsistency {
    /// All statements see one snapshot. Results of subscriptions always do.
    Snapshot,
    /// Each statement sees the commits before it. The default: on SQLite a snapshot adds a sixth of the
    /// instructions to a small query of three statements.
    #[default]
    Statement,
}

/// State shared by all sessions of a schema.
#[derive(Debug)]
pub struct Shared {
    /// The model.
    pub model: Arc<Model>,
    /// Rules of the role that the schema is for; `None` for administrators.
    pub rules: Option<Rules>,
    /// Default orders and scopes of lists.
    pub defaults: ListDefaults,
    /// Limits of each request.
    pub limits: ExecutionLimits,
    /// State of the database that the statements of one query see.
    pub consistency: ReadConsistency,
    /// Isolation of mutations.
    pub isolation: Isolation,
    /// Resolvers of the application's fields on generated types.
    pub resolvers: FieldResolvers,
    /// Availability of the database.
    pub availability: Availability,
}

impl Shared {
    /// Returns the state without rules, over the full model.
    pub fn with_full_sight(&self, model: Arc<Model>) -> Self {
        let Self { limits, consistency, isolation, .. } = *self;
        // Lists are read under the rules.
        let defaults = ListDefaults::default();
        let (resolvers, availability) = (self.resolvers.clone(), self.availability.clone());
        Self { model, rules: None, defaults, limits, consistency, isolation, resolvers, availability }
    }
}
