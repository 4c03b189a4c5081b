//! A request that was read: its document parsed, its operation found.

use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Data, Request, Variables};

use super::compiled::{Compiled, Documents};
use crate::error::LocatedError;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// It reads.
    Query,
    /// It writes.
    Mutation,
    /// It reads, and again after every change.
    Subscription,
}

impl OperationKind {
    /// As GraphQL writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

/// A request whose document is parsed and whose operation is known. Nothing of it has been sent.
#[derive(Debug)]
pub struct Prepared {
    pub(super) compiled: Arc<Compiled>,
    pub(super) variables: Variables,
    /// What the caller gave for hand-written fields.
    data: Data,
}

impl Prepared {
    pub(super) fn read(request: Request, documents: &Documents) -> Result<Self, LocatedError> {
        // Many clients send an empty name where they have none.
        let operation_name = request.operation_name.filter(|name| !name.is_empty());
        let compiled = documents.get(request.query, operation_name)?;
        documents.check(&compiled, &request.variables)?;
        Ok(Self { compiled, variables: request.variables, data: request.data })
    }

    /// What its operation does.
    pub fn kind(&self) -> OperationKind {
        match self.compiled.operation_type() {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        }
    }

    /// The operation's name, where it has one.
    pub fn operation_name(&self) -> Option<&str> {
        match (&self.compiled.operation_name, &self.compiled.document.operations) {
            (Some(name), _) => Some(name),
            // Where the request does not say which is meant, there is one.
            (None, DocumentOperations::Multiple(operations)) => operations.keys().next().map(|name| &**name),
            (None, DocumentOperations::Single(_)) => None,
        }
    }

    /// The same once more, without what was given for hand-written fields.
    pub(super) fn again(&self) -> Self {
        let compiled = self.compiled.clone();
        Self { compiled, variables: self.variables.clone(), data: Data::default() }
    }

    /// For async-graphql, which runs hand-written fields and introspection. What the caller gave goes along once.
    pub(super) fn request(&mut self) -> Request {
        let mut request = Request::new(String::new()).variables(self.variables.clone());
        request.operation_name = self.compiled.operation_name.clone();
        request.data = std::mem::take(&mut self.data);
        request.set_parsed_query(self.compiled.document.clone());
        request
    }
}
