//! Root fields of the application in mutations and subscriptions: async-graphql resolves them.

use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationType, Selection, SelectionSet,
};
use async_graphql::{Positioned, Response, Value, Variables};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};

use super::definition::Schema;
use super::executed::Executed;
use super::prepared::PreparedOperation;
use super::resolver_error::located;
use super::{planning, variables};
use crate::database::Database;
use crate::error::{Error, LocatedError, Result};
use crate::execute::{Json, ReadConsistency, Session, json};
use crate::model::names::SUBSCRIPTION;
use crate::mutate::ApplicationFields;
use crate::plan::{self, Document};

/// Fields of the application in one mutation.
struct MutationFields<'a> {
    schema: &'a Schema,
    prepared: &'a PreparedOperation,
    /// Coerced variables of the request.
    variables: &'a Variables,
}

impl ApplicationFields for MutationFields<'_> {
    fn has(&self, name: &str) -> bool {
        self.schema.application.mutations.contains(name)
    }

    fn resolve<'a>(
        &'a self,
        session: &Arc<Session>,
        field: &[Positioned<Field>],
    ) -> BoxFuture<'a, Result<Json, Vec<LocatedError>>> {
        let (document, session) = (self.document(field), session.clone());
        async move {
            let document = document.map_err(|error| vec![error.into()])?;
            let mut request = self.prepared.request(self.variables.clone()).data(session);
            request.operation_name = None;
            request.set_parsed_query(document);
            let Response { data, errors, .. } =
                self.schema.delegate(request, self.prepared.data.clone()).await;
            if !errors.is_empty() {
                return Err(errors.into_iter().map(located).collect());
            }
            match data {
                Value::Object(fields) => Ok(json(&fields.into_iter().next().map(|(_, value)| value))),
                _ => Ok(json(&())),
            }
        }
        .boxed()
    }
}

impl MutationFields<'_> {
    /// Returns the document with a single root field: the fields of a mutation are resolved one after another, and a field
    /// that the document selects at several places once.
    fn document(&self, field: &[Positioned<Field>]) -> Result<ExecutableDocument> {
        let compiled = &self.prepared.compiled;
        let mut operation = compiled.operation()?.clone();
        let position = operation.selection_set.pos;
        let Some((first, others)) = field.split_first() else {
            return Err(Error::internal("a field of the application is selected nowhere"));
        };
        let mut merged = first.clone();
        let selected = others.iter().flat_map(|other| &other.node.selection_set.node.items);
        merged.node.selection_set.node.items.extend(selected.cloned());
        let items = vec![Positioned::new(Selection::Field(merged), first.pos)];
        operation.selection_set = Positioned::new(SelectionSet { items }, position);
        Ok(ExecutableDocument {
            operations: DocumentOperations::Single(Positioned::new(operation, position)),
            fragments: compiled.document.fragments.clone(),
        })
    }
}

impl Schema {
    /// Returns the resolver of the application's fields in a mutation. `variables` are coerced.
    pub(super) fn application_fields<'a>(
        &'a self,
        prepared: &'a PreparedOperation,
        variables: &'a Variables,
    ) -> impl ApplicationFields + 'a {
        MutationFields { schema: self, prepared, variables }
    }

    /// Returns true for a subscription to a field of the application.
    pub(super) fn subscribes_to_application(&self, prepared: &PreparedOperation) -> bool {
        let known = &self.application.subscriptions;
        let is_known = || -> Result<bool> {
            let compiled = &prepared.compiled;
            let operation = compiled.operation()?;
            let variables = variables::with_defaults(operation, prepared.variables.clone())?;
            let variables = plan::Variables::fixed(variables);
            let document = Document { fragments: &compiled.document.fragments, variables: &variables };
            let fields = document.collect(&[&operation.selection_set.node], SUBSCRIPTION, &[])?;
            Ok(fields.iter().any(|field| known.contains(field.name().as_str())))
        };
        !known.is_empty()
            && prepared.compiled.operation_type() == OperationType::Subscription
            && is_known().unwrap_or(false)
    }

    /// Returns the events of a field of the application.
    pub(super) fn application_events(
        &self,
        prepared: PreparedOperation,
        database: &Database,
    ) -> BoxStream<'static, Arc<Executed>> {
        let (schema, database) = (self.clone(), database.clone());
        let begin = async move {
            match schema.begin_events(&prepared, database) {
                Ok(events) => events,
                Err(errors) => stream::iter([Arc::new(Executed { errors, ..Executed::default() })]).boxed(),
            }
        };
        stream::once(begin).flatten().boxed()
    }

    fn begin_events(
        &self,
        prepared: &PreparedOperation,
        database: Database,
    ) -> Result<BoxStream<'static, Arc<Executed>>, Vec<LocatedError>> {
        let refuse = |error| vec![LocatedError::from(error)];
        let compiled = &prepared.compiled;
        self.validate(compiled)?;
        let operation = compiled.operation().map_err(refuse)?;
        let variables =
            variables::read(self.inner.registry(), operation, prepared.variables.clone()).map_err(refuse)?;
        // Refuses a second root field.
        let fragments = &compiled.document.fragments;
        planning::plan(&self.shared, operation, fragments, plan::Variables::fixed(variables.clone()))
            .map_err(refuse)?;
        let session =
            // Administrators alone see such fields; their statements have the connection's role.
            Session::new(self.shared.clone(), database, ReadConsistency::Snapshot, &self.viewer, None);
        let request = prepared.request(variables).data(Arc::new(session.map_err(refuse)?));
        let events = self.inner.execute_stream_with_session_data(request, prepared.data.clone());
        let executed = |response: Response| {
            let errors = response.errors.into_iter().map(located).collect();
            Arc::new(Executed { data: Some(json(&response.data)), errors, ..Executed::default() })
        };
        Ok(events.map(executed).boxed())
    }
}
