//! Fields of the application on the mutation root, among the generated ones.

use std::sync::Arc;

use async_graphql::Positioned;
use async_graphql::parser::types::Field;
use futures_util::future::BoxFuture;

use crate::error::{LocatedError, Result};
use crate::execute::{Json, Session};

/// Resolver of the application's fields on the mutation root.
pub trait ApplicationFields: Sync {
    /// Returns true if the application has a field of this name.
    fn has(&self, name: &str) -> bool;

    /// Resolves a field, which the document may select at several places, inside the session's transaction.
    fn resolve<'a>(
        &'a self,
        session: &Arc<Session>,
        field: &[Positioned<Field>],
    ) -> BoxFuture<'a, Result<Json, Vec<LocatedError>>>;
}
