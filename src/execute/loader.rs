//! The dataloader: its `load` is the only code that runs a batch of a relation.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use futures_util::future::try_join_all;
use sea_orm::Statement;

use super::row::RowSet;
use super::statements::Statements;
use crate::error::{Error, Result};
use crate::plan::Query;

/// One relation for all parents of one level. It equals another batch when statement and values are the same:
/// whatever shapes the statement, arguments and keys included, is part of it.
#[derive(Clone, Debug)]
pub struct Batch {
    statement: Arc<Statement>,
    query: Arc<Query>,
}

impl Batch {
    /// The batch of a statement that was prepared from `query`.
    pub fn new(statement: Statement, query: Arc<Query>) -> Self {
        Self { statement: Arc::new(statement), query }
    }
}

impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        self.statement == other.statement
    }
}

impl Eq for Batch {}

impl Hash for Batch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal statements have equal texts; hashing thousands of values besides would cost more than it tells.
        self.statement.sql.hash(state);
    }
}

/// Runs batches for one request.
#[derive(Debug)]
pub struct RelationLoader {
    statements: Arc<Statements>,
}

impl RelationLoader {
    pub(super) fn new(statements: Arc<Statements>) -> Self {
        Self { statements }
    }
}

impl Loader<Batch> for RelationLoader {
    type Value = Arc<RowSet>;
    type Error = Error;

    async fn load(&self, batches: &[Batch]) -> Result<HashMap<Batch, Arc<RowSet>>> {
        let run = async |batch: &Batch| {
            let rows = self.statements.query(Statement::clone(&batch.statement), &batch.query).await?;
            Ok::<_, Error>((batch.clone(), Arc::new(rows)))
        };
        Ok(try_join_all(batches.iter().map(run)).await?.into_iter().collect())
    }
}
