//! How a request is answered: validated, planned, loaded, written. Root fields that are not the
//! model's, introspection and the user's own, are left to async-graphql's executor.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{PathSegment, Response, ServerError, ServerResult, Value, Variables};
use sea_orm::DbErr;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tracing::{Instrument, Span};

use super::compiled::Compiled;
use super::prepared::Prepared;
use super::validate::validate;
use super::{QUERY, SUBSCRIPTION, Schema, introspection, rows, variables};
use crate::error::{Error, LocatedError, Result};
use crate::execute::{Answer, Json, Session, SqlError, Tree, json, object};
use crate::model::Model;
use crate::mutate;
use crate::plan::{self, Catalog, Document, FieldKind, Plan, Select};

/// The data of an answer, as JSON text, and its errors. A request that was refused before execution has no data
/// (October 2021, section 7.1.2).
pub(super) type Answered = (Option<Json>, Vec<LocatedError>);

impl Schema {
    /// Answers a request.
    pub(super) async fn answer(&self, session: &Arc<Session>, mut prepared: Prepared) -> Answered {
        match self.plan_or_write(session, &mut prepared).await {
            Ok(answered) => answered,
            Err(errors) => (None, errors),
        }
    }

    async fn plan_or_write(
        &self,
        session: &Arc<Session>,
        prepared: &mut Prepared,
    ) -> Result<Answered, Vec<LocatedError>> {
        let refuse = |error: Error| vec![error.into()];
        let compiled = prepared.compiled.clone();
        let operation = compiled.operation().map_err(refuse)?;
        self.validate(&compiled)?;
        let variables =
            variables::read(self.inner.registry(), operation, &prepared.variables).map_err(refuse)?;
        if let Some(position) = compiled.introspects_too_deep {
            let error = Error::validation("Maximum introspection depth exceeded");
            return Err(vec![LocatedError::new(error, position, Vec::new())]);
        }
        if operation.ty == OperationType::Mutation {
            let variables = plan::Variables::fixed(&variables);
            let document = Document { fragments: &compiled.document.fragments, variables: &variables };
            // Boxed, as all that few requests need: it would be a part of every request's future, and be moved with it.
            return Ok(match Box::pin(mutate::mutate(session, operation, document)).await {
                Ok(data) => (Some(data), Vec::new()),
                // Whatever fails takes the whole answer with it, since nothing was written.
                Err(errors) if errors.iter().all(|error| error.path.is_empty()) => (None, errors),
                Err(errors) => (Some(json(&())), errors),
            });
        }
        let (plan, values) = self
            .planned(&compiled, operation, &variables, session.select(Catalog::none()))
            .map_err(refuse)?;
        session.afford_plan(&plan).map_err(refuse)?;
        let is_foreign = |field: &plan::Field| matches!(field.kind, FieldKind::Foreign);
        if !plan.fields.iter().any(is_foreign) {
            let loaded = Tree { session, values: &values }.load_roots(&plan.loads).await;
            let (data, errors) = Answer::write_object(self.model(), &plan, &loaded);
            return Ok((Some(data), errors));
        }
        // With defaults: async-graphql does not see those in the arguments of @skip and @include.
        prepared.variables = variables;
        // Boxed, as all that few requests need.
        if plan.fields.iter().any(|field| introspection::is_about_schema(&field.name)) {
            return Box::pin(self.introspect(session, prepared, plan, values)).await.map_err(refuse);
        }
        let loaded = Box::pin(Tree { session, values: &values }.load_roots(&plan.loads)).await;
        let answer = Answer::write(self.model(), &plan, &loaded, Vec::new());
        let foreign = Box::pin(self.inner.execute(prepared.request().data(session.clone()))).await;
        Ok(self.complete(&plan, answer, foreign))
    }

    /// Answers an operation that asks about the schema, from what is kept, or on a thread that may be busy for long. An
    /// answer that holds nothing else is kept.
    async fn introspect(
        &self,
        session: &Arc<Session>,
        prepared: &mut Prepared,
        plan: Arc<Plan>,
        values: Vec<sea_orm::Value>,
    ) -> Result<Answered> {
        let Some(introspection) = &self.introspection else {
            let message = "introspection is disabled: __schema and __type are not available";
            return Err(Error::validation(message));
        };
        let compiled = prepared.compiled.clone();
        introspection.afford(compiled.operation()?, &compiled.document)?;
        let is_constant = |field: &plan::Field| {
            introspection::is_about_schema(&field.name) || matches!(field.kind, FieldKind::TypeName(_))
        };
        let is_constant = plan.fields.iter().all(is_constant);
        if is_constant && let Some(kept) = introspection.kept(&compiled, &prepared.variables) {
            return Ok(kept);
        }
        let loaded = Tree { session, values: &values }.load_roots(&plan.loads).await;
        let answer = Answer::write(self.model(), &plan, &loaded, Vec::new());
        let (schema, request) = (self.clone(), prepared.request().data(session.clone()));
        let (runtime, span) = (Handle::current(), Span::current());
        let complete = move || {
            let foreign = runtime.block_on(schema.inner.execute(request).instrument(span));
            schema.complete(&plan, answer, foreign)
        };
        let answered = spawn_blocking(complete).await.map_err(Error::internal)?;
        if is_constant {
            introspection.keep(&compiled, &prepared.variables, &answered);
        }
        Ok(answered)
    }

    /// The plan of a query or a subscription for these variables, and the values of its parameters.
    fn planned(
        &self,
        compiled: &Compiled,
        operation: &OperationDefinition,
        variables: &Variables,
        select: Select,
    ) -> Result<(Arc<Plan>, Vec<sea_orm::Value>)> {
        let fragments = &compiled.document.fragments;
        let make = |variables: &plan::Variables| {
            let make = || plan(self.model(), operation, Document { fragments, variables });
            tracing::debug_span!("plan").in_scope(make)
        };
        let plan = compiled.plan(operation, variables, || make(&plan::Variables::open(variables)))?;
        match plan.values(&select, variables) {
            Some(values) => Ok((plan, values)),
            // The fields that such a value stands in are at fault, and they alone.
            None => Ok((Arc::new(make(&plan::Variables::fixed(variables))?), Vec::new())),
        }
    }

    /// Validates the document, once as long as it is kept.
    fn validate(&self, compiled: &Compiled) -> Result<(), Vec<LocatedError>> {
        let errors = compiled.verdict.get_or_init(|| {
            let validate = || validate(self.inner.registry(), &compiled.document);
            tracing::debug_span!("validate").in_scope(validate)
        });
        if errors.is_empty() { Ok(()) } else { Err(errors.clone()) }
    }

    /// Puts what async-graphql answered into the places that the plan left to it.
    fn complete(&self, plan: &Plan, answer: Answer, foreign: Response) -> Answered {
        let mut theirs: HashMap<_, _> = match foreign.data {
            Value::Object(fields) => fields.into_iter().collect(),
            _ => HashMap::new(),
        };
        let is_theirs = |error: &ServerError| match error.path.first() {
            Some(PathSegment::Field(key)) => {
                plan.fields.iter().any(|field| field.key == *key && matches!(field.kind, FieldKind::Foreign))
            }
            _ => true,
        };
        let query_type = self.inner.registry().types.get(QUERY);
        let mut errors = answer.errors;
        errors.extend(foreign.errors.into_iter().filter(is_theirs).map(located));
        let mut is_null = answer.is_null;
        let mut fields = Vec::new();
        for (key, value) in answer.fields {
            let value = match value {
                Some(value) => value,
                None => match theirs.remove(&key) {
                    Some(value) => json(&value),
                    // A field that failed is left out by the executor.
                    None => {
                        let name = plan.fields.iter().find(|field| field.key == key).map(|field| &field.name);
                        let field = name.and_then(|name| query_type?.field_by_name(name));
                        is_null |= field.is_some_and(|field| field.ty.ends_with('!'));
                        json(&())
                    }
                },
            };
            fields.push((key, value));
        }
        let data = match is_null {
            true => json(&()),
            false => object(fields.iter().map(|(key, value)| (key.as_str(), value.as_slice()))),
        };
        (Some(data), errors)
    }
}

pub(super) struct AnsweringFactory;

impl ExtensionFactory for AnsweringFactory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Answering)
    }
}

/// Gives the errors of hand-written fields their paths, and the schema no description: async-graphql describes the type
/// `__Schema` there, and tools print that before the schema.
struct Answering;

#[async_trait::async_trait]
impl Extension for Answering {
    async fn resolve(
        &self,
        context: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if (info.parent_type, info.name) == ("__Schema", "description") {
            return Ok(Some(Value::Null));
        }
        let node = info.path_node;
        let answered = next.run(context, info).await;
        // An error of a resolver comes without its path.
        answered.map_err(|error| match error.path.is_empty() {
            true => error.with_path(rows::path(node)),
            false => error,
        })
    }
}

/// An error of async-graphql, which may be one of ours that went through it: with its code, and one of the database without
/// its text.
fn located(error: ServerError) -> LocatedError {
    if let Some(located) = error.source::<LocatedError>() {
        return located.clone();
    }
    let ours = error.source::<Error>().cloned();
    let ours = ours.or_else(|| error.source::<DbErr>().cloned().map(|error| SqlError::from(error).into()));
    let ServerError { message, locations, path, extensions, .. } = error;
    let own = || {
        let extensions = serde_json::to_value(extensions).ok();
        let extensions = extensions.and_then(|extensions| extensions.as_object().cloned());
        Error::of_hand_written_field(message, extensions.unwrap_or_default())
    };
    LocatedError { error: ours.unwrap_or_else(own), path, locations }
}

/// The operation that a request means.
pub(super) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        _ => None,
    };
    found.map(|operation| &operation.node).ok_or_else(|| match name {
        _ if document.operations.iter().next().is_none() => {
            Error::validation("the document has no operation")
        }
        Some(name) => Error::validation(format!("unknown operation \"{name}\"")),
        None => Error::validation("the document has several operations; expected an operationName"),
    })
}

/// The plan of a query or a subscription.
pub(super) fn plan(model: &Model, operation: &OperationDefinition, document: Document<'_>) -> Result<Plan> {
    let root = match operation.ty {
        OperationType::Query => QUERY,
        OperationType::Subscription => SUBSCRIPTION,
        OperationType::Mutation => {
            return Err(Error::validation(
                "a mutation has no plan, because each of its fields is read after it is written",
            ));
        }
    };
    let plan = plan::plan(model, operation, document, root)?;
    match plan.fields.as_slice() {
        // October 2021, section 5.2.3.1: one root field, and none of introspection.
        [field] if root == SUBSCRIPTION && field.name.starts_with("__") => Err(Error::validation(format!(
            "a subscription must select a field with results, and {} has none",
            field.name
        ))),
        fields if root == SUBSCRIPTION && fields.len() != 1 => Err(Error::validation(format!(
            "a subscription must have exactly one root field, but this one has {}",
            fields.len()
        ))),
        _ => Ok(plan),
    }
}
