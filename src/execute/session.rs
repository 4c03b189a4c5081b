//! Session of one request: the model, its statements and its dataloader.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DatabaseTransaction, Value};
use serde_json::{Map, Value as Json};
use tracing::Instrument;

use super::field_batch::FieldResolver;
use super::loader::RelationLoader;
use super::shared::{ExecutionLimits, ReadConsistency, Shared};
use super::statements::Statements;
use crate::database::{ConflictQueue, Database, Transaction};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::plan::{Catalog, Complexity, Document, Load, Plan, Planner, Sight, SqlBuilder, rows_asked};
use crate::policy::SessionSettings;

/// Database access of one request.
pub struct Session {
    shared: Arc<Shared>,
    dialect: Dialect,
    /// True if a query of several statements begins a snapshot.
    begins_snapshots: bool,
    statements: Arc<Statements>,
    /// Values of the viewer that the rules of the role take.
    viewer: Vec<Value>,
    /// Session of the same request under the rules of the viewer's role, if this one is not subject to them.
    under_rules: Option<Box<Session>>,
    /// Created for the first batch: many requests have none.
    loader: OnceLock<DataLoader<RelationLoader>>,
}

impl Session {
    /// Creates a session for one request.
    ///
    /// # Errors
    /// Fails for a database that Crowsfoot does not support, or a viewer without the values that the rules take.
    pub(crate) fn new(
        shared: Arc<Shared>,
        database: Database,
        consistency: ReadConsistency,
        viewer: &Map<String, Json>,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self> {
        let dialect = Dialect::of(database.get_database_backend())?;
        let statements = Arc::new(Statements::new(database, shared.clone(), settings));
        let begins_snapshots = consistency == ReadConsistency::Snapshot;
        let viewer = match &shared.rules {
            Some(rules) => rules.values(dialect, viewer)?,
            None => Vec::new(),
        };
        let (under_rules, loader) = (None, OnceLock::new());
        Ok(Self { shared, dialect, begins_snapshots, statements, viewer, under_rules, loader })
    }

    fn inside(&self, (statements, transaction): (Statements, Transaction)) -> (Self, Transaction) {
        (self.over(self.shared.clone(), Arc::new(statements)), transaction)
    }

    fn over(&self, shared: Arc<Shared>, statements: Arc<Statements>) -> Self {
        Self {
            shared,
            dialect: self.dialect,
            begins_snapshots: false,
            statements,
            viewer: self.viewer.clone(),
            under_rules: None,
            loader: OnceLock::new(),
        }
    }

    /// Returns the session with full sight: the whole model, and no rules. Rows that clients name are looked up through
    /// [`Session::viewer`].
    pub fn with_full_sight(self) -> Self {
        let Some(rules) = &self.shared.rules else { return self };
        let full = self.shared.with_full_sight(rules.model().clone());
        self.over(Arc::new(full), self.statements.clone()).seen_by(self)
    }

    fn seen_by(self, viewer: Self) -> Self {
        Self { under_rules: Some(Box::new(viewer)), ..self }
    }

    /// Returns the session of the same request under the rules of the viewer's role: that of an administrator is the session
    /// itself.
    pub fn viewer(&self) -> &Self {
        self.under_rules.as_deref().unwrap_or(self)
    }

    /// Returns the rules of the viewer's role, with the viewer's values; `None` for administrators.
    pub(crate) fn sight(&self) -> Option<Sight<'_>> {
        self.shared.rules.as_ref().map(|rules| Sight { rules, values: &self.viewer })
    }

    /// Returns a session of the same request, with the same sight, outside any transaction.
    pub(crate) fn outside(&self) -> Self {
        let statements = Arc::new(self.statements.outside());
        let outside = self.over(self.shared.clone(), statements.clone());
        match &self.under_rules {
            Some(viewer) => outside.seen_by(viewer.over(viewer.shared.clone(), statements)),
            None => outside,
        }
    }

    /// Begins a transaction for the same request. Dropping both rolls it back.
    pub(crate) async fn begin(&self) -> Result<(Self, Transaction)> {
        Ok(self.inside(self.statements.begin().await?))
    }

    /// Begins a transaction that reads one snapshot, for the same request.
    pub(super) async fn begin_snapshot(&self) -> Result<(Self, Transaction)> {
        // Inside the transaction, a catalog query could wait for the connection of its own request.
        self.statements.catalog().await;
        Ok(self.inside(self.statements.begin_snapshot().await?))
    }

    /// Returns true if a query of several statements begins a snapshot.
    pub(super) fn begins_snapshots(&self) -> bool {
        self.begins_snapshots
    }

    /// Returns the database's dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Checks the cost of `loads` for `parents` parent rows.
    ///
    /// # Errors
    /// `TOO_COMPLEX` if the loads request too many rows, or statements beyond the database's limits.
    pub(crate) fn check_cost(&self, loads: &[Load], parents: u64) -> Result<()> {
        self.check_complexity(loads)?;
        self.afford_rows(loads, parents)
    }

    /// Checks that the database accepts the statements of `loads`, with the rules of the role.
    ///
    /// # Errors
    /// `TOO_COMPLEX` with the first exceeded limit.
    pub(crate) fn check_complexity(&self, loads: &[Load]) -> Result<()> {
        Complexity::of(self.model(), self.shared.rules.as_ref(), loads).check(self.dialect)
    }

    /// Checks the cost of a whole plan.
    ///
    /// # Errors
    /// Fails as [`Session::check_cost`].
    pub(crate) fn afford_plan(&self, plan: &Plan) -> Result<()> {
        plan.complexity.check(self.dialect)?;
        self.afford_rows(&plan.loads, 1)
    }

    fn afford_rows(&self, loads: &[Load], parents: u64) -> Result<()> {
        let ExecutionLimits { rows, cost, .. } = self.shared.limits;
        let asked = rows_asked(loads, parents, rows);
        if asked <= cost {
            return Ok(());
        }
        let document = format!("the query requests up to {asked} rows; reduce them with limit or first");
        Err(Error::too_complex("cost", &document, cost, asked))
    }

    /// Returns the time during which a mutation that conflicts with others is retried.
    pub(crate) fn retry_time(&self) -> Duration {
        self.shared.limits.retry_time
    }

    /// Returns the queue of operations that conflicted with others.
    pub(crate) fn conflicts(&self) -> &ConflictQueue {
        self.statements.database().conflicts()
    }

    /// Returns the model.
    pub fn model(&self) -> &Arc<Model> {
        &self.shared.model
    }

    /// Returns a planner for the fields of one document.
    pub(crate) fn planner<'a>(&'a self, document: Document<'a>) -> Planner<'a> {
        Planner::new(&self.shared.model, &self.shared.defaults, document)
    }

    /// Returns the request's statements.
    pub(crate) fn statements(&self) -> &Statements {
        &self.statements
    }

    /// Returns the resolver of a field of the application.
    pub(super) fn field_resolver(&self, index: usize) -> Result<&FieldResolver> {
        let resolver = self.shared.resolvers.0.get(index);
        resolver.ok_or_else(|| Error::internal("a field has no resolver"))
    }

    /// Returns a session for the next event of a subscription, whose rows are counted anew.
    pub(crate) fn renewed(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            under_rules: None,
            dialect: self.dialect,
            begins_snapshots: self.begins_snapshots,
            statements: Arc::new(self.statements.renewed()),
            viewer: self.viewer.clone(),
            loader: OnceLock::new(),
        }
    }

    /// Begins a transaction over SeaORM's pool, for fields of the application.
    pub(crate) async fn begin_pooled(&self) -> Result<(Self, Transaction)> {
        Ok(self.inside(self.statements.begin_pooled().await?))
    }

    /// Returns the database for statements of the application, outside any transaction. In a query on a database with replicas
    /// it is a replica, which takes no writes.
    pub fn connection(&self) -> &DatabaseConnection {
        self.statements.connection()
    }

    /// Returns the transaction of a mutation with a field of the application, for that field's own statements. The
    /// generated fields of the mutation use the same transaction.
    ///
    /// # Errors
    /// If the request is no mutation, or the transaction has ended.
    pub async fn transaction(&self) -> Result<impl Deref<Target = DatabaseTransaction>> {
        self.statements.pooled_transaction().await
    }

    /// Returns the request's dataloader.
    pub(crate) fn loader(&self) -> &DataLoader<RelationLoader> {
        self.loader.get_or_init(|| {
            // Log events of the task belong to this request.
            let spawn = |load: BoxFuture<'static, ()>| tokio::spawn(load.in_current_span());
            // A batch is complete when requested. With one key per batch, each is dispatched at once, without
            // a timer.
            DataLoader::new(RelationLoader::new(self.statements.clone()), spawn).max_batch_size(1)
        })
    }

    /// Returns the statement builder for a database with this catalog.
    pub(crate) fn select<'a>(&'a self, catalog: &'a Catalog) -> SqlBuilder<'a> {
        SqlBuilder {
            model: &self.shared.model,
            dialect: self.dialect,
            row_ceiling: self.shared.limits.rows,
            catalog,
            sight: self.sight(),
        }
    }
}
