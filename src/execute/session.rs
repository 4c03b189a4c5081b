//! One request: the model, its statements, its dataloader.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::changes::Changes;
use super::database::Database;
use super::loader::RelationLoader;
use super::presence::Presence;
use super::statements::{Statements, Transaction};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::plan::{Catalog, Complexity, Dialect, Load, Plan, Select, rows_asked};

/// What a request may ask of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most rows that all statements of one request may return together.
    pub rows: u64,
    /// The most rows that a plan may ask for, as far as they can be told before anything is sent: limits multiplied
    /// along the levels, with a guess for lists that have none (see [`rows_asked`]). It keeps statements away that the
    /// ceiling of rows would end only after the database has worked for them. Of lists without limits five levels below
    /// each other are let through.
    pub cost: u64,
    /// Time for which a mutation that meets others at the same rows is tried again. What ends the request earlier ends the
    /// mutation with it.
    pub retry_time: Duration,
}

impl Limits {
    /// The limits where nothing else is said.
    pub const DEFAULT: Self = Self { rows: 100_000, cost: 10_000_000, retry_time: Duration::from_secs(30) };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What all sessions of a schema have in common.
#[derive(Debug)]
pub struct Shared {
    /// The model.
    pub model: Arc<Model>,
    /// What a request may ask for.
    pub limits: Limits,
    /// Where commits tell what they have touched.
    pub changes: Changes,
    /// Whether the database is there.
    pub presence: Presence,
}

/// The database as one request sees it.
pub struct Session {
    shared: Arc<Shared>,
    dialect: Dialect,
    statements: Arc<Statements>,
    /// Made for the first batch: many requests have none.
    loader: OnceLock<DataLoader<RelationLoader>>,
}

impl Session {
    /// A session for one request.
    ///
    /// # Errors
    /// When the database is of a kind that Crowsfoot does not speak.
    pub fn new(shared: Arc<Shared>, database: Database) -> Result<Self> {
        let dialect = Dialect::of(database.get_database_backend())?;
        let statements = Statements::new(database, shared.clone());
        Ok(Self::over(shared, dialect, statements))
    }

    fn over(shared: Arc<Shared>, dialect: Dialect, statements: Statements) -> Self {
        Self { shared, dialect, statements: Arc::new(statements), loader: OnceLock::new() }
    }

    /// The same request inside a transaction. Dropping both takes everything back.
    pub async fn begin(&self) -> Result<(Self, Transaction)> {
        let (statements, transaction) = self.statements.begin().await?;
        Ok((Self::over(self.shared.clone(), self.dialect, statements), transaction))
    }

    /// The database's dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether `loads` may be carried out for so many rows above them.
    ///
    /// # Errors
    /// `TOO_COMPLEX` when they ask for more rows than the request may, or for statements that the database does not take.
    pub fn afford(&self, loads: &[Load], parents: u64) -> Result<()> {
        Complexity::of(self.model(), loads).check(self.dialect)?;
        self.afford_rows(loads, parents)
    }

    /// Whether a whole plan may be carried out.
    ///
    /// # Errors
    /// As [`Session::afford`].
    pub fn afford_plan(&self, plan: &Plan) -> Result<()> {
        plan.complexity.check(self.dialect)?;
        self.afford_rows(&plan.loads, 1)
    }

    fn afford_rows(&self, loads: &[Load], parents: u64) -> Result<()> {
        let Limits { rows, cost, .. } = self.shared.limits;
        let asked = rows_asked(loads, parents, rows);
        if asked <= cost {
            return Ok(());
        }
        let document = format!("the query asks for up to {asked} rows; ask for fewer with limit or first");
        Err(Error::too_complex("cost", &document, cost, asked))
    }

    /// Returns the time for which a mutation that meets others is tried again.
    pub fn retry_time(&self) -> Duration {
        self.shared.limits.retry_time
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.shared.model
    }

    /// What sends its statements.
    pub fn statements(&self) -> &Statements {
        &self.statements
    }

    /// The request's dataloader, for hand-written resolvers too.
    pub fn loader(&self) -> &DataLoader<RelationLoader> {
        self.loader.get_or_init(|| {
            // What it logs is about this request.
            let spawn = |load: BoxFuture<'static, ()>| tokio::spawn(load.in_current_span());
            // A batch is complete when it is asked for: with one key a batch, each is dispatched at once and none waits
            // for a timer.
            DataLoader::new(RelationLoader::new(self.statements.clone()), spawn).max_batch_size(1)
        })
    }

    /// The builder of its statements, for a database of which this is known.
    pub fn select<'a>(&'a self, catalog: &'a Catalog) -> Select<'a> {
        Select {
            model: &self.shared.model,
            dialect: self.dialect,
            row_ceiling: self.shared.limits.rows,
            catalog,
        }
    }
}
