//! Prepared request: its document is parsed, its operation is known.

use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Data, Request, Variables};

use super::compiled::{Compiled, DocumentCache};
use crate::error::LocatedError;
use crate::guard;
use crate::mutate::CommitHook;

/// Kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Writes.
    Mutation,
    /// Reads, and again after every change.
    Subscription,
}

impl OperationKind {
    /// Returns the keyword of the kind in GraphQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

/// Request whose document is parsed and whose operation is known. Nothing has been sent to the database.
#[derive(Debug)]
pub struct PreparedOperation {
    pub(super) compiled: Arc<Compiled>,
    pub(super) variables: Variables,
    /// Data that the caller provides for hand-written fields.
    pub(super) data: Arc<Data>,
    /// Function that runs after the commit of a mutation.
    pub(super) on_commit: Option<CommitHook>,
}

impl PreparedOperation {
    pub(super) fn read(request: Request, documents: &DocumentCache) -> Result<Self, LocatedError> {
        // Many clients send an empty operation name for none.
        let operation_name = request.operation_name.filter(|name| !name.is_empty());
        let found = documents.get(request.query, operation_name);
        let checked = found.and_then(|compiled| {
            documents.check(&compiled, &request.variables)?;
            Ok(compiled)
        });
        match checked {
            Ok(compiled) => {
                let data = Arc::new(request.data);
                Ok(Self { compiled, variables: request.variables, data, on_commit: None })
            }
            Err(error) => {
                guard::drop_values(request.variables);
                Err(error)
            }
        }
    }

    /// Returns the kind of the operation.
    pub fn kind(&self) -> OperationKind {
        match self.compiled.operation_type() {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        }
    }

    /// Returns the operation's name, if any.
    pub fn operation_name(&self) -> Option<&str> {
        match (&self.compiled.operation_name, &self.compiled.document.operations) {
            (Some(name), _) => Some(name),
            // Without an operation name in the request, the document has a single operation.
            (None, DocumentOperations::Multiple(operations)) => operations.keys().next().map(|name| &**name),
            (None, DocumentOperations::Single(_)) => None,
        }
    }

    /// Runs `hook` after the commit of the mutation, before the answer, whether or not the caller still waits.
    pub fn on_commit(self, hook: CommitHook) -> Self {
        Self { on_commit: Some(hook), ..self }
    }

    /// Copies the request for another run, without the data for hand-written fields.
    pub(super) fn again(&self) -> Self {
        let compiled = self.compiled.clone();
        Self { compiled, variables: self.variables.clone(), data: Arc::default(), on_commit: None }
    }

    /// Converts the request for async-graphql, which runs hand-written fields and introspection.
    pub(super) fn request(&self, variables: Variables) -> Request {
        let mut request = Request::new(String::new()).variables(variables);
        request.operation_name = self.compiled.operation_name.clone();
        request.set_parsed_query(self.compiled.document.clone());
        request
    }
}
