//! Dataloader; its `load` is the only code that runs a batch of a relation.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use futures_util::future::try_join_all;
use sea_orm::Value;

use super::statements::Statements;
use crate::database::{RowSet, TrackedStatement};
use crate::error::{Error, Result};

/// Batch of one relation for all parents of a level. Batches are equal if text and values of the statement
/// are equal: both include arguments and keys.
#[derive(Clone, Debug)]
pub struct Batch {
    query: Arc<TrackedStatement>,
    values: Arc<[Value]>,
}

impl Batch {
    /// Creates the batch of `query` with these values.
    pub fn new(query: Arc<TrackedStatement>, values: Arc<[Value]>) -> Self {
        Self { query, values }
    }
}

impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        self.query.statement.sql == other.query.statement.sql && self.values == other.values
    }
}

impl Eq for Batch {}

impl Hash for Batch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal statements have equal texts; a hash of thousands of values would cost more than it saves.
        self.query.statement.sql.hash(state);
    }
}

/// Loader of one request's batches.
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
            let rows = self.statements.query(&batch.query, batch.values.clone()).await?;
            Ok::<_, Error>((batch.clone(), Arc::new(rows)))
        };
        Ok(try_join_all(batches.iter().map(run)).await?.into_iter().collect())
    }
}
