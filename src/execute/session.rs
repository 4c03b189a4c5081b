//! One request: the model, its statements, its dataloader.

use std::sync::Arc;

use async_graphql::dataloader::DataLoader;

use super::changes::Changes;
use super::database::Database;
use super::loader::RelationLoader;
use super::statements::{Statements, Transaction};
use crate::error::Result;
use crate::model::Model;
use crate::plan::{Dialect, Select};

/// What a request may ask of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most rows that all statements of one request may return together.
    pub rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 100_000 }
    }
}

/// The database as one request sees it.
pub struct Session {
    model: Arc<Model>,
    dialect: Dialect,
    limits: Limits,
    statements: Arc<Statements>,
    loader: DataLoader<RelationLoader>,
}

impl Session {
    /// A session for one request.
    ///
    /// # Errors
    /// When the database is of a kind that Crowsfoot does not speak.
    pub fn new(model: Arc<Model>, database: Database, limits: Limits, changes: Changes) -> Result<Self> {
        let dialect = Dialect::of(database.get_database_backend())?;
        Ok(Self::over(model, dialect, limits, Statements::new(database, limits, changes)))
    }

    fn over(model: Arc<Model>, dialect: Dialect, limits: Limits, statements: Statements) -> Self {
        let statements = Arc::new(statements);
        // A batch is complete when it is asked for: with one key a batch, each is dispatched at once and none waits
        // for a timer.
        let loader = DataLoader::new(RelationLoader::new(statements.clone()), tokio::spawn).max_batch_size(1);
        Self { model, dialect, limits, statements, loader }
    }

    /// The same request inside a transaction. Dropping both takes everything back.
    pub async fn begin(&self) -> Result<(Self, Transaction)> {
        let (statements, transaction) = self.statements.begin().await?;
        Ok((Self::over(self.model.clone(), self.dialect, self.limits, statements), transaction))
    }

    /// The database's dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// What sends its statements.
    pub fn statements(&self) -> &Statements {
        &self.statements
    }

    /// The request's dataloader, for hand-written resolvers too.
    pub fn loader(&self) -> &DataLoader<RelationLoader> {
        &self.loader
    }

    /// The builder of its statements.
    pub fn select(&self) -> Select<'_> {
        Select { model: &self.model, dialect: self.dialect, row_ceiling: self.limits.rows }
    }
}
