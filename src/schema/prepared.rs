//! A request that was read: its document parsed, its operation found.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Data, ErrorExtensionValues, Name, Request, Response, ServerError, Variables};

use super::answering;
use crate::error::Code;

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

/// A request whose document is parsed and whose operation is known. Nothing of it has been validated or sent.
#[derive(Debug)]
pub struct Prepared {
    text: String,
    document: Arc<ExecutableDocument>,
    operation_name: Option<String>,
    variables: Variables,
    kind: OperationKind,
    /// What the caller gave for hand-written fields.
    data: Data,
}

impl Prepared {
    pub(super) fn read(request: Request) -> Result<Self, Response> {
        let refuse = |mut error: ServerError, code: Code| {
            error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code.as_str());
            Response::from_errors(vec![error])
        };
        let document = parse_query(&request.query)
            .map_err(|error| refuse(ServerError::from(error), Code::ParseFailed))?;
        let operation =
            answering::operation(&document, request.operation_name.as_deref()).map_err(|error| {
                Response::from_errors(vec![error.to_server_error(Default::default(), Vec::new())])
            })?;
        let kind = match operation.ty {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        };
        // Where the request says no name, there is one operation.
        let own_name = || match &document.operations {
            DocumentOperations::Multiple(operations) => operations.keys().next().map(Name::to_string),
            DocumentOperations::Single(_) => None,
        };
        Ok(Self {
            text: request.query,
            operation_name: request.operation_name.or_else(own_name),
            variables: request.variables,
            document: Arc::new(document),
            kind,
            data: request.data,
        })
    }

    /// What its operation does.
    pub fn kind(&self) -> OperationKind {
        self.kind
    }

    /// The operation's name, where it has one.
    pub fn operation_name(&self) -> Option<&str> {
        self.operation_name.as_deref()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The same once more, without what was given for hand-written fields.
    pub(super) fn again(&self) -> Self {
        Self {
            text: self.text.clone(),
            document: self.document.clone(),
            operation_name: self.operation_name.clone(),
            variables: self.variables.clone(),
            kind: self.kind,
            data: Data::default(),
        }
    }

    pub(super) fn into_request(self) -> Request {
        let mut request = Request::new(self.text).variables(self.variables);
        request.operation_name = self.operation_name;
        request.data = self.data;
        request.set_parsed_query(Arc::unwrap_or_clone(self.document));
        request
    }
}
