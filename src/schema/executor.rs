//! Answers a request: validates, plans, loads and writes it. Root fields outside the model, introspection and
//! hand-written ones, are delegated to async-graphql's executor.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Data, PathSegment, Request, Response, ServerError, ServerResult, Value, Variables};
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tracing::{Instrument, Span};

use super::compiled::Compiled;
use super::prepared::PreparedOperation;
use super::resolver_error::located;
use super::validate::validate;
use super::{QUERY, SUBSCRIPTION, Schema, introspection, rows, variables};
use crate::error::{Error, LocatedError, Result};
use crate::execute::{Json, ModelResponse, PreparedPlan, Session, Shared, Tree, json, object};
use crate::mutate;
use crate::plan::{self, Catalog, Document, FieldKind, FragmentDefinitions, Plan};

/// The most selections and values that a worker plans itself: some milliseconds of work.
const LIGHT: u64 = 2_000;

/// Data of a response as JSON text, and its errors. A request refused before execution has no data (September
/// 2025, section 7.1.3).
pub(super) type PartialResponse = (Option<Json>, Vec<LocatedError>);

impl Schema {
    /// Answers a request.
    pub(super) async fn answer(
        &self,
        session: &Arc<Session>,
        prepared: PreparedOperation,
    ) -> PartialResponse {
        match self.plan_or_write(session, &prepared).await {
            Ok(answered) => answered,
            Err(errors) => (None, errors),
        }
    }

    async fn plan_or_write(
        &self,
        session: &Arc<Session>,
        prepared: &PreparedOperation,
    ) -> Result<PartialResponse, Vec<LocatedError>> {
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
            let coerced = variables;
            let variables = plan::Variables::fixed(&coerced);
            let document = Document { fragments: &compiled.document.fragments, variables: &variables };
            // Boxed, as all rare paths: otherwise it would be part of every request's future, and be moved
            // with it.
            let application = self.application_fields(prepared, &coerced);
            return Ok(match Box::pin(mutate::mutate(session, operation, document, &application)).await {
                Ok(data) => (Some(data), Vec::new()),
                // Any fault discards the whole response, because nothing was written.
                Err(errors) if errors.iter().all(|error| error.path.is_empty()) => (None, errors),
                Err(errors) => (Some(json(&())), errors),
            });
        }
        let mut plan = match compiled.kept_plan(operation, &variables) {
            Some(plan) => plan,
            None => {
                let made =
                    Box::pin(self.plan_anew(session, &compiled, &variables, plan::Variables::open)).await;
                let plan = made.map_err(refuse)?;
                compiled.keep_plan(operation, &variables, plan.clone());
                plan
            }
        };
        let values = match plan.values(&session.select(Catalog::none()), &variables) {
            Some(values) => values,
            // The fields that such a value stands in are at fault, and they alone.
            None => {
                let made =
                    Box::pin(self.plan_anew(session, &compiled, &variables, plan::Variables::fixed)).await;
                plan = made.map_err(refuse)?;
                Vec::new()
            }
        };
        session.afford_plan(&plan).map_err(refuse)?;
        let is_foreign = |field: &plan::Field| matches!(field.kind, FieldKind::Delegated);
        if !plan.fields.iter().any(is_foreign) {
            let loaded = Tree { session, values: &values }.load_roots(&plan).await;
            let (data, errors) = ModelResponse::write_object(self.model(), &plan, &loaded);
            return Ok((Some(data), errors));
        }
        // With defaults: async-graphql ignores those of variables in @skip and @include.
        // Boxed, as all rare paths.
        if plan.fields.iter().any(|field| introspection::is_about_schema(&field.name)) {
            return Box::pin(self.introspect(session, prepared, variables, plan, values))
                .await
                .map_err(refuse);
        }
        let loaded = Box::pin(Tree { session, values: &values }.load_roots(&plan)).await;
        let answer = ModelResponse::write(self.model(), &plan, &loaded, Vec::new());
        let request = prepared.request(variables);
        let foreign = Box::pin(self.delegate(request.data(session.clone()), prepared.data.clone())).await;
        Ok(self.complete(&plan, answer, foreign))
    }

    /// Answers an operation that queries the schema, from the cache or on a blocking thread. Caches a
    /// response without other data.
    async fn introspect(
        &self,
        session: &Arc<Session>,
        prepared: &PreparedOperation,
        variables: Variables,
        plan: Arc<PreparedPlan>,
        values: Vec<sea_orm::Value>,
    ) -> Result<PartialResponse> {
        let Some(introspection) = &self.introspection else {
            let message = "introspection is disabled: __schema and __type are not available";
            return Err(Error::validation(message));
        };
        let compiled = prepared.compiled.clone();
        introspection.check_cost(compiled.operation()?, &compiled.document)?;
        let is_constant = |field: &plan::Field| {
            introspection::is_about_schema(&field.name) || matches!(field.kind, FieldKind::TypeName(_))
        };
        let is_constant = plan.fields.iter().all(is_constant);
        if is_constant && let Some(kept) = introspection.kept(&compiled, &variables) {
            return Ok(kept);
        }
        let loaded = Tree { session, values: &values }.load_roots(&plan).await;
        let answer = ModelResponse::write(self.model(), &plan, &loaded, Vec::new());
        let request = prepared.request(variables.clone()).data(session.clone());
        let (schema, data) = (self.clone(), prepared.data.clone());
        let (runtime, span) = (Handle::current(), Span::current());
        let complete = move || {
            let foreign = runtime.block_on(schema.delegate(request, data).instrument(span));
            schema.complete(&plan, answer, foreign)
        };
        let answered = spawn_blocking(complete).await.map_err(Error::internal)?;
        if is_constant {
            introspection.keep(&compiled, &variables, &answered);
        }
        Ok(answered)
    }

    /// Executes a request by async-graphql. `data` has the values that the caller provides for hand-written fields.
    pub(super) async fn delegate(&self, request: Request, data: Arc<Data>) -> Response {
        let mut responses = self.inner.execute_stream_with_session_data(request, data);
        responses.next().await.unwrap_or_default()
    }

    /// Returns the plan of a query or a subscription for these variables, and the values of its parameters.
    pub(super) async fn plan_anew(
        &self,
        session: &Arc<Session>,
        compiled: &Arc<Compiled>,
        variables: &Variables,
        read: fn(&Variables) -> plan::Variables,
    ) -> Result<Arc<PreparedPlan>> {
        let make = |schema: &Self, compiled: &Compiled, variables: plan::Variables| {
            let fragments = &compiled.document.fragments;
            let make = || plan(&schema.shared, compiled.operation()?, fragments, variables);
            tracing::debug_span!("plan").in_scope(make)
        };
        let (weight, _) = compiled.uses.weight(variables, |_| true);
        let variables = read(variables);
        if weight <= LIGHT {
            return Ok(Arc::new(make(self, compiled, variables)?.into()));
        }
        let catalog = session.statements().catalog().await;
        let (schema, session, compiled) = (self.clone(), session.clone(), compiled.clone());
        let span = Span::current();
        let plan_and_write = move || {
            let _entered = span.entered();
            let plan = PreparedPlan::from(make(&schema, &compiled, variables)?);
            session.afford_plan(&plan)?;
            plan.build_statements(&session.select(catalog.as_deref().unwrap_or(Catalog::none())));
            Ok(Arc::new(plan))
        };
        spawn_blocking(plan_and_write).await.map_err(Error::internal)?
    }

    /// Validates the document, once while it is cached.
    pub(super) fn validate(&self, compiled: &Compiled) -> Result<(), Vec<LocatedError>> {
        let errors = compiled.validation_result.get_or_init(|| {
            let validate = || validate(self.inner.registry(), &compiled.document);
            tracing::debug_span!("validate").in_scope(validate)
        });
        if errors.is_empty() { Ok(()) } else { Err(errors.clone()) }
    }

    /// Inserts the data from async-graphql into the fields that the plan delegated.
    fn complete(&self, plan: &Plan, answer: ModelResponse, foreign: Response) -> PartialResponse {
        let mut theirs: HashMap<_, _> = match foreign.data {
            Value::Object(fields) => fields.into_iter().collect(),
            _ => HashMap::new(),
        };
        let is_theirs = |error: &ServerError| match error.path.first() {
            Some(PathSegment::Field(key)) => plan
                .fields
                .iter()
                .any(|field| field.key == *key && matches!(field.kind, FieldKind::Delegated)),
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
                    // The executor leaves out a field that failed.
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

pub(super) struct ExecutorFactory;

impl ExtensionFactory for ExecutorFactory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Answering)
    }
}

/// Extension that gives the errors of hand-written fields their paths, and removes the schema's description.
/// async-graphql describes the type `__Schema` there, and tools print that before the schema.
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
        // A resolver's error has no path.
        answered.map_err(|error| match error.path.is_empty() {
            true => error.with_path(rows::path(node)),
            false => error,
        })
    }
}

/// Returns the operation that a request selects.
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

/// Builds the plan of a query or a subscription.
pub(super) fn plan(
    shared: &Shared,
    operation: &OperationDefinition,
    fragments: &FragmentDefinitions,
    variables: plan::Variables,
) -> Result<Plan> {
    let root = match operation.ty {
        OperationType::Query => QUERY,
        OperationType::Subscription => SUBSCRIPTION,
        OperationType::Mutation => {
            return Err(Error::validation(
                "a mutation has no plan, because each of its fields is read after it is written",
            ));
        }
    };
    let plan = plan::plan(&shared.model, &shared.defaults, operation, fragments, variables, root)?;
    match plan.fields.as_slice() {
        // Single root field without introspection (September 2025, section 5.2.4.1).
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
