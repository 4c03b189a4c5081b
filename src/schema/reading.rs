//! Operations on a database with replicas: queries on one of them, mutations on the primary.

use std::any::TypeId;

use async_graphql::Data;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::definition::Schema;
use super::executed::Executed;
use super::prepared::{OperationKind, PreparedOperation};
use crate::database::{ConsistencyToken, Database, Replicas, TOKEN};
use crate::error::{Code, LocatedError};

/// Data of a request that only the primary answers.
struct NewestState;

impl Schema {
    /// Executes a request on a node of the database. A query whose node fails is sent to the next one: it only reads.
    pub(super) fn run_on_a_node<'a>(
        &'a self,
        prepared: PreparedOperation,
        database: &'a Database,
        replicas: &'a Replicas<Database>,
    ) -> BoxFuture<'a, Executed> {
        async move {
            if prepared.kind() == OperationKind::Mutation {
                let mut executed = self.run_at(prepared, database).await;
                if executed.errors.is_empty()
                    && let Some(token) = replicas.token().await
                {
                    executed.extensions.insert(TOKEN.to_owned(), token.to_string().into());
                }
                return executed;
            }
            if prepared.datum::<NewestState>().is_some() {
                return self.run_at(prepared, database).await;
            }
            let token = prepared.datum::<ConsistencyToken>().copied();
            if let Some(token) = &token
                && let Err(error) = replicas.check(token).await
            {
                return Executed::refused(error.into());
            }
            let until = replicas.waits_until();
            let mut tried = Vec::new();
            while let Some((number, replica)) = replicas.choose(token, &tried, until).await {
                let executed = self.run_at(prepared.repeated(), &replica).await;
                if !executed.errors.iter().any(is_of_node) {
                    return executed;
                }
                tracing::info!(
                    replica = number + 1,
                    "a query failed on a replica, and is sent to the next node"
                );
                replicas.suspect(number);
                tried.push(number);
            }
            self.run_at(prepared, database).await
        }
        .boxed()
    }
}

impl PreparedOperation {
    /// Copies the request for a run that reads all commits up to now.
    pub(super) async fn again_from_now(&self, database: &Database) -> Self {
        let Some(replicas) = database.replicas() else { return self.again() };
        let mut data = Data::default();
        match replicas.token().await {
            Some(token) => data.insert(token),
            None => data.insert(NewestState),
        }
        Self { data: data.into(), ..self.again() }
    }

    /// Copies the request for another run, with its data.
    fn repeated(&self) -> Self {
        Self { data: self.data.clone(), ..self.again() }
    }

    fn datum<T: 'static>(&self) -> Option<&T> {
        self.data.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

/// Returns true for an error that another node may not have: the replica is lost, or has ended the statement because a
/// change from the primary removed rows that it was reading.
fn is_of_node(located: &LocatedError) -> bool {
    matches!(located.error.code(), Code::Unavailable | Code::Conflict)
}
