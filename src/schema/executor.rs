//! Answers a request: validates, plans, loads and writes it. Root fields outside the model, introspection and
//! hand-written ones, are delegated to async-graphql's executor.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Variables};
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tracing::{Instrument, Span};

use super::definition::Schema;
use super::executed::{Executed, PartialResponse};
use super::introspection_depth::is_about_schema;
use super::prepared::{OperationKind, PreparedOperation};
use super::variables;
use crate::database::Database;
use crate::error::{Code, Error, LocatedError, Result};
use crate::execute::{ModelResponse, PreparedPlan, ReadConsistency, Session, Tree, json};
use crate::mutate;
use crate::plan::{self, Catalog, Document, FieldKind};

impl Schema {
    /// Parses a request and finds its operation. Sends nothing to the database.
    ///
    /// # Errors
    /// If the request cannot be executed.
    pub fn prepare(&self, request: Request) -> Result<PreparedOperation, LocatedError> {
        tracing::debug_span!("prepare").in_scope(|| PreparedOperation::read(request, &self.documents))
    }

    /// Executes a request on `database`: the whole of a GraphQL service behind any HTTP library, see
    /// `examples/axum`.
    ///
    /// A value of [`Request::data`] reaches the resolvers of the application's own query fields:
    ///
    /// ```no_run
    /// use async_graphql::Request;
    /// use async_graphql::dynamic::{Field, FieldFuture, FieldValue, TypeRef};
    /// use crowsfoot::{Database, Model, Schema};
    ///
    /// /// Name of the client.
    /// struct Reader(String);
    ///
    /// # async fn answer(model: Model, database: Database) -> Result<(), Box<dyn std::error::Error>> {
    /// let reader = Field::new("reader", TypeRef::named(TypeRef::STRING), |context| {
    ///     FieldFuture::new(async move {
    ///         Ok(context.data_opt::<Reader>().map(|reader| FieldValue::value(reader.0.as_str())))
    ///     })
    /// });
    /// let schema = Schema::builder(model).query_field(reader).finish()?;
    /// let request = Request::new("{ reader }").data(Reader("Ada".to_owned()));
    /// let executed = schema.execute(request, &database).await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute(&self, request: Request, database: &Database) -> Executed {
        match self.prepare(request) {
            Ok(prepared) => self.run(prepared, database).await,
            Err(error) => Executed::refused(error),
        }
    }

    /// Executes a prepared request on `database`, or on a replica of it; of a subscription only its first result.
    pub async fn run(&self, prepared: PreparedOperation, database: &Database) -> Executed {
        if self.subscribes_to_application(&prepared) {
            let first = Box::pin(self.application_events(prepared, database).into_future()).await.0;
            return first.and_then(Arc::into_inner).unwrap_or_default();
        }
        match database.replicas() {
            None => self.run_at(prepared, database).await,
            Some(replicas) => self.run_on_a_node(prepared, database, replicas).await,
        }
    }

    /// Executes a prepared request on this node of the database.
    pub(super) async fn run_at(&self, prepared: PreparedOperation, database: &Database) -> Executed {
        // Nobody could tell a torn result of a subscription from a whole one, and it may be the last for long.
        let consistency = match prepared.kind() {
            OperationKind::Subscription => ReadConsistency::Snapshot,
            _ => self.shared.consistency,
        };
        let session = match self.session(database, consistency).await {
            Ok(session) => Arc::new(session),
            Err(error) => return Executed::refused(error.into()),
        };
        // Boxed: otherwise it would be part of every outer future, and be moved with it.
        let (data, errors) = Box::pin(self.answer(&session, prepared)).await;
        Executed { data, errors, statements: session.statements().records(), ..Executed::default() }
    }

    /// Returns a session of the viewer.
    pub(super) async fn session(&self, database: &Database, consistency: ReadConsistency) -> Result<Session> {
        let settings = match &self.impersonation {
            // Boxed, as all rare paths.
            Some(impersonation) => Some(Box::pin(impersonation.settings(self.model(), database)).await?),
            None => None,
        };
        Session::new(self.shared.clone(), database.clone(), consistency, &self.viewer, settings)
    }

    /// Answers a request.
    async fn answer(&self, session: &Arc<Session>, prepared: PreparedOperation) -> PartialResponse {
        match self.plan_or_write(session, prepared).await {
            Ok(answered) => answered,
            Err(errors) => (None, errors),
        }
    }

    async fn plan_or_write(
        &self,
        session: &Arc<Session>,
        mut prepared: PreparedOperation,
    ) -> Result<PartialResponse, Vec<LocatedError>> {
        let refuse = |error: Error| vec![error.into()];
        let compiled = prepared.compiled.clone();
        let operation = compiled.operation().map_err(refuse)?;
        self.validate(&compiled)?;
        let given = std::mem::take(&mut prepared.variables);
        let variables = variables::read(self.inner.registry(), operation, given).map_err(refuse)?;
        if let Some(position) = compiled.introspects_too_deep {
            let error = Error::validation("Maximum introspection depth exceeded");
            return Err(vec![LocatedError::new(error, position, Vec::new())]);
        }
        if operation.ty == OperationType::Mutation {
            let variables = plan::Variables::fixed(variables);
            let document = Document { fragments: &compiled.document.fragments, variables: &variables };
            // Boxed, as all rare paths: otherwise it would be part of every request's future, and be moved
            // with it.
            let application = self.application_fields(&prepared, variables.values());
            let (kept, on_commit) = (&compiled.writes, prepared.on_commit.as_ref());
            let written = mutate::mutate(session, operation, document, &application, kept, on_commit);
            return Ok(match Box::pin(written).await {
                Ok(data) => (Some(data), Vec::new()),
                // Any fault discards the whole response, because nothing was written.
                Err(errors) if errors.iter().all(is_of_request) => (None, errors),
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
        if plan.fields.iter().any(|field| is_about_schema(&field.name)) {
            return Box::pin(self.introspect(session, &prepared, variables, plan, values))
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
            is_about_schema(&field.name) || matches!(field.kind, FieldKind::TypeName(_))
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
}

/// Returns true for an error that refuses the whole request, and not a field of it.
fn is_of_request(located: &LocatedError) -> bool {
    located.path.is_empty() || located.error.code() == Code::TooComplex
}
