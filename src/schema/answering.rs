//! The door into async-graphql: an extension that keeps the parsed document, plans it, and answers the model's
//! own root fields from the plan. What is left, introspection and the user's own fields, goes on to the executor.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextRequest, NextResolve,
    NextValidation, ResolveInfo,
};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{
    ErrorExtensionValues, PathSegment, Response, ServerError, ServerResult, ValidationResult, Value,
    Variables,
};
use indexmap::IndexMap;
use sea_orm::DbErr;

use super::{QUERY, SUBSCRIPTION, rows};
use crate::error::{Code, Error, Result};
use crate::execute::{Answer, Session, Tree, fault};
use crate::model::Model;
use crate::mutate;
use crate::plan::{Document, FieldKind, Plan};

pub(super) struct AnsweringFactory {
    model: Arc<Model>,
}

impl AnsweringFactory {
    pub(super) fn new(model: Arc<Model>) -> Self {
        Self { model }
    }
}

impl ExtensionFactory for AnsweringFactory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Answering { model: self.model.clone(), parsed: Mutex::default() })
    }
}

/// Answers one request.
struct Answering {
    model: Arc<Model>,
    parsed: Mutex<Option<(ExecutableDocument, Variables)>>,
}

#[async_trait::async_trait]
impl Extension for Answering {
    async fn request(&self, context: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(context).await;
        // What is refused after validation, such as an operation that is not there, belongs to no field.
        let is_refusal = |error: &&mut ServerError| error.path.is_empty() && error.extensions.is_none();
        for error in response.errors.iter_mut().filter(is_refusal) {
            set_code(error, Code::ValidationFailed);
        }
        response
    }

    async fn parse_query(
        &self,
        context: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(context, query, variables).await.map_err(|mut error| {
            set_code(&mut error, Code::ParseFailed);
            error
        })?;
        let kept = (document.clone(), variables.clone());
        *self.parsed.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(document)
    }

    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(context).await.map_err(|mut errors| {
            // An operation that the schema does not have is found twice.
            errors.dedup();
            errors.iter_mut().for_each(|error| set_code(error, Code::ValidationFailed));
            errors
        })
    }

    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let kept = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let session = context.data_opt::<Arc<Session>>();
        let (Some((document, variables)), Some(session)) = (kept, session) else {
            return refuse(&Error::internal("a request came without its document or its session"));
        };
        let prepared = operation(&document, operation_name)
            .and_then(|operation| Ok((operation, self::variables(operation, &variables)?)));
        let (operation, variables) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return refuse(&error),
        };
        if operation.ty == OperationType::Mutation {
            return write(session, &document, operation, &variables).await;
        }
        let plan = || plan(&self.model, &document, operation, &variables);
        let plan = match tracing::debug_span!("plan").in_scope(plan) {
            Ok(plan) => plan,
            Err(error) => return refuse(&error),
        };
        let loaded = Tree { session }.load_roots(&plan.loads).await;
        let answer = Answer::read(&self.model, &plan, &loaded, Vec::new());
        if answer.fields.iter().all(|(_, value)| value.is_some()) {
            return respond(answer);
        }
        let foreign = next.run(context, operation_name).await;
        complete(context, &plan, answer, foreign)
    }

    async fn resolve(
        &self,
        context: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let node = info.path_node;
        let answered = next.run(context, info).await;
        // An error of a resolver comes without its path.
        answered.map_err(|error| if error.path.is_empty() { told(error, rows::path(node)) } else { error })
    }
}

/// The error of a user's own field as clients may read it: one of ours with its code, one of the database without
/// its text.
fn told(error: ServerError, path: Vec<PathSegment>) -> ServerError {
    if let Some(told) = error.source::<ServerError>() {
        return told.clone();
    }
    let ours = error.source::<Error>().cloned();
    match ours.or_else(|| error.source::<DbErr>().cloned().map(fault)) {
        Some(ours) => ours.to_server_error(error.locations.first().copied().unwrap_or_default(), path),
        None => ServerError { path, ..error },
    }
}

/// Carries a mutation out; whatever fails takes the whole answer with it, since nothing was written.
async fn write(
    session: &Session,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Response {
    let document = Document { fragments: &document.fragments, variables };
    match mutate::mutate(session, operation, document).await {
        Ok(fields) => Response::new(Value::Object(fields)),
        Err(errors) => Response::from_errors(errors),
    }
}

/// The answer to an operation that is the model's own throughout.
fn respond(answer: Answer) -> Response {
    let fields = answer.fields.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let data = if answer.is_null { Value::Null } else { Value::Object(fields.collect()) };
    let mut response = Response::new(data);
    response.errors = answer.errors;
    response
}

/// Puts what async-graphql answered into the places that the plan left to it.
fn complete(context: &ExtensionContext<'_>, plan: &Plan, answer: Answer, foreign: Response) -> Response {
    let mut theirs = match foreign.data {
        Value::Object(fields) => fields,
        _ => IndexMap::new(),
    };
    let is_theirs = |error: &ServerError| match error.path.first() {
        Some(PathSegment::Field(key)) => {
            plan.fields.iter().any(|field| field.key == *key && matches!(field.kind, FieldKind::Foreign))
        }
        _ => true,
    };
    let query_type = context.schema_env.registry.types.get(QUERY);
    let mut errors = answer.errors;
    errors.extend(foreign.errors.into_iter().filter(is_theirs));
    let mut is_null = answer.is_null;
    let mut fields = IndexMap::new();
    for (key, value) in answer.fields {
        let value = match value {
            Some(value) => value,
            None => match theirs.shift_remove(&key) {
                Some(value) => value,
                // A field that failed is left out by the executor.
                None => {
                    let name = plan.fields.iter().find(|field| field.key == key).map(|field| &field.name);
                    let field = name.and_then(|name| query_type?.field_by_name(name));
                    is_null |= field.is_some_and(|field| field.ty.ends_with('!'));
                    Value::Null
                }
            },
        };
        fields.insert(key, value);
    }
    let mut response = Response::new(if is_null { Value::Null } else { Value::Object(fields) });
    response.errors = errors;
    response
}

fn refuse(error: &Error) -> Response {
    Response::from_errors(vec![error.to_server_error(async_graphql::Pos::default(), Vec::new())])
}

fn set_code(error: &mut ServerError, code: Code) {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code.as_str());
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
        Some(name) => Error::validation(format!("there is no operation \"{name}\"")),
        None => Error::validation("several operations and no operationName"),
    })
}

/// The request's variables with the operation's defaults (October 2021, section 6.1.2).
pub(super) fn variables(operation: &OperationDefinition, given: &Variables) -> Result<Variables> {
    let mut variables = Variables::default();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let value = given.get(name).cloned();
        let value = value.or_else(|| definition.default_value.as_ref().map(|value| value.node.clone()));
        match value {
            Some(Value::Null) | None if !definition.var_type.node.nullable => {
                let expected = format!("expected a value of type {}", definition.var_type.node);
                return Err(Error::bad_input(&format!("${name}"), serde_json::Value::Null, expected));
            }
            Some(value) => {
                variables.insert(name.clone(), value);
            }
            None => {}
        }
    }
    Ok(variables)
}

/// The plan of a query or a subscription.
pub(super) fn plan(
    model: &Model,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<Plan> {
    let root = match operation.ty {
        OperationType::Query => QUERY,
        OperationType::Subscription => SUBSCRIPTION,
        OperationType::Mutation => {
            return Err(Error::validation(
                "a mutation has no plan: each of its fields is read after it was written",
            ));
        }
    };
    let plan =
        crate::plan::plan(model, operation, Document { fragments: &document.fragments, variables }, root)?;
    match plan.fields.as_slice() {
        // October 2021, section 5.2.3.1: one root field, and none of introspection.
        [field] if root == SUBSCRIPTION && field.name.starts_with("__") => Err(Error::validation(format!(
            "a subscription selects a field with results, and {} has none",
            field.name
        ))),
        fields if root == SUBSCRIPTION && fields.len() != 1 => Err(Error::validation(format!(
            "a subscription has one root field, and this one has {}",
            fields.len()
        ))),
        _ => Ok(plan),
    }
}
