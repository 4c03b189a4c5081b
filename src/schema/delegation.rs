//! Delegates root fields outside the model, introspection and the application's own, to async-graphql's executor.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::{Data, PathSegment, Request, Response, ServerError, ServerResult, Value};
use futures_util::StreamExt;

use super::definition::Schema;
use super::executed::PartialResponse;
use super::resolver_error::located;
use super::rows;
use crate::execute::{ModelResponse, json, object};
use crate::model::names::QUERY;
use crate::plan::{FieldKind, Plan};

impl Schema {
    /// Executes a request by async-graphql. `data` has the values that the caller provides for hand-written fields.
    pub(super) async fn delegate(&self, request: Request, data: Arc<Data>) -> Response {
        let mut responses = self.inner.execute_stream_with_session_data(request, data);
        responses.next().await.unwrap_or_default()
    }

    /// Inserts the data from async-graphql into the fields that the plan delegated.
    pub(super) fn complete(&self, plan: &Plan, answer: ModelResponse, foreign: Response) -> PartialResponse {
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
