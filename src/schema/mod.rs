//! Dynamic async-graphql schema, built once from the model.

mod additions;
mod application;
mod build;
mod column_types;
mod compiled;
mod executor;
mod input_type;
mod inputs;
mod introspection;
mod live;
mod mutation_inputs;
mod mutations;
mod objects;
mod possible;
mod prepared;
mod resolver_error;
mod roles;
mod roots;
mod rows;
mod type_system;
mod validate;
mod variables;
mod writable;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::dynamic::{self, SchemaError};
use async_graphql::{Request, SDLExportOptions};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::Serialize;

pub use additions::EntityField;
pub use build::SchemaBuilder;
pub use prepared::{OperationKind, PreparedOperation};
pub use rows::rows;

pub use crate::execute::{ExecutionLimits, FieldBatch, ReadConsistency, Session, StatementRecord};
pub use crate::guard::DocumentLimits;

use crate::database::Database;
use crate::dialect::Dialect;
use crate::error::{LocatedError, Result};
use crate::execute::{Json, Shared, json, object};
use crate::guard;
use crate::model::Model;
use crate::plan::{self, Catalog, Plan, SqlBuilder};

/// Name of the query root.
pub const QUERY: &str = "Query";

/// Name of the subscription root.
pub const SUBSCRIPTION: &str = "Subscription";

/// GraphQL schema over a database.
#[derive(Clone)]
pub struct Schema {
    inner: dynamic::Schema,
    shared: Arc<Shared>,
    application: Arc<additions::ApplicationRoots>,
    guard: guard::DocumentLimits,
    live: live::LiveRuns,
    documents: compiled::DocumentCache,
    /// `None` if introspection is disabled.
    introspection: Option<introspection::Introspection>,
    /// Schemas of the roles; `None` without policies, and in the schema of a role.
    roles: Option<Arc<roles::Roles>>,
    /// Values of the viewer's variables.
    viewer: Arc<serde_json::Map<String, serde_json::Value>>,
}

/// Response with the statements that were sent for it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Executed {
    /// Data as JSON text; `None` if the request was refused before execution (September 2025, section 7.1.3).
    pub data: Option<Json>,
    /// Errors of the response. Their causes are not logged yet: see [`LocatedError::log`].
    pub errors: Vec<LocatedError>,
    /// Entry `extensions` of the response.
    pub extensions: BTreeMap<String, serde_json::Value>,
    /// Statements that were sent to the database.
    pub statements: Vec<StatementRecord>,
}

impl Executed {
    /// Creates the response to a refused request.
    pub fn refused(error: LocatedError) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }

    /// Returns true if the request failed before execution.
    pub fn is_request_error(&self) -> bool {
        self.data.is_none()
    }

    /// Serializes the response (September 2025, section 7.1).
    pub fn to_json(&self) -> Json {
        self.to_json_with(&self.errors)
    }

    /// Serializes the response with `told` in place of its errors.
    pub fn to_json_with(&self, told: &[impl Serialize]) -> Json {
        let mut parts: Vec<(&str, Cow<[u8]>)> = Vec::new();
        if let Some(data) = &self.data {
            parts.push(("data", data.into()));
        }
        if !told.is_empty() {
            parts.push(("errors", json(&told).into()));
        }
        if !self.extensions.is_empty() {
            parts.push(("extensions", json(&self.extensions).into()));
        }
        object(parts.iter().map(|(key, value)| (*key, value.as_ref())))
    }

    /// Serializes the response without copying its data.
    pub fn into_json(self) -> Json {
        match self {
            Self { data: Some(mut json), errors, extensions, .. }
                if errors.is_empty() && extensions.is_empty() =>
            {
                json.splice(..0, *b"{\"data\":");
                json.push(b'}');
                json
            }
            executed => executed.to_json(),
        }
    }

    /// Parses the data for use in this process.
    pub fn data(&self) -> serde_json::Value {
        self.data.as_deref().and_then(|data| serde_json::from_slice(data).ok()).unwrap_or_default()
    }

    fn answers_the_same(&self, other: &Self) -> bool {
        // Ignores causes, which may name details that differ each time.
        self.data == other.data
            && self.errors.len() == other.errors.len()
            && (self.errors == other.errors || json(&self.errors) == json(&other.errors))
    }
}

impl Schema {
    /// Builds the schema of a model.
    ///
    /// # Errors
    /// If async-graphql refuses an addition: see [`SchemaBuilder::finish`].
    pub fn new(model: Model) -> Result<Self, SchemaError> {
        SchemaBuilder::new(model).finish()
    }

    /// Returns a builder for a schema with the user's own root fields and types.
    pub fn builder(model: Model) -> SchemaBuilder {
        SchemaBuilder::new(model)
    }

    /// Returns the model of the schema.
    pub fn model(&self) -> &Arc<Model> {
        &self.shared.model
    }

    /// Prints the schema in the schema definition language.
    pub fn sdl(&self) -> String {
        let options = SDLExportOptions::new()
            .include_specified_by()
            .prefer_single_line_descriptions()
            .use_space_ident()
            .indent_width(2);
        format!("{}\n", self.inner.sdl_with_options(options).trim())
    }

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
    /// use crowsfoot::database::Database;
    /// use crowsfoot::{Model, Schema};
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

    /// Executes a prepared request on `database`; of a subscription only its first result.
    pub async fn run(&self, prepared: PreparedOperation, database: &Database) -> Executed {
        if self.subscribes_to_application(&prepared) {
            let first = Box::pin(self.application_events(prepared, database).into_future()).await.0;
            return first.and_then(Arc::into_inner).unwrap_or_default();
        }
        // Nobody could tell a torn result of a subscription from a whole one, and it may be the last for long.
        let consistency = match prepared.kind() {
            OperationKind::Subscription => ReadConsistency::Snapshot,
            _ => self.shared.consistency,
        };
        let session = Session::new(self.shared.clone(), database.clone(), consistency, &self.viewer);
        let session = match session {
            Ok(session) => Arc::new(session),
            Err(error) => return Executed::refused(error.into()),
        };
        // Boxed: otherwise it would be part of every outer future, and be moved with it.
        let (data, errors) = Box::pin(self.answer(&session, prepared)).await;
        Executed { data, errors, statements: session.statements().records(), ..Executed::default() }
    }

    /// Returns the results of a prepared request as a stream. A query or mutation has a single result. A
    /// subscription has one at once, and another after every commit that changed it; if it cannot be
    /// executed, it ends with its first result.
    pub fn subscribe(
        &self,
        prepared: PreparedOperation,
        database: &Database,
    ) -> BoxStream<'static, Arc<Executed>> {
        if self.subscribes_to_application(&prepared) {
            return self.application_events(prepared, database);
        }
        if prepared.kind() == OperationKind::Subscription {
            return self.live(prepared, database).boxed();
        }
        let (schema, database) = (self.clone(), database.clone());
        stream::once(async move { Arc::new(schema.run(prepared, &database).await) }).boxed()
    }

    /// Plans an operation without a database. Validates only as far as planning needs.
    ///
    /// # Errors
    /// If the guard refuses the document, it has no such operation, or a root field of it cannot be planned.
    #[doc(hidden)]
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        let document = guard::parse(&request.query, &self.guard).map_err(|refusal| refusal.error)?;
        guard::Uses::of(&document).check(&request.variables, &self.guard)?;
        let operation_name = request.operation_name.as_deref().filter(|name| !name.is_empty());
        let operation = executor::operation(&document, operation_name)?;
        let variables = variables::with_defaults(operation, &request.variables)?;
        let make = |variables| executor::plan(&self.shared, operation, &document.fragments, variables);
        let mut plan = make(plan::Variables::open(&variables))?;
        // A value beyond its column's range fits no database.
        if plan.values(&self.select(Dialect::Sqlite, Catalog::none()), &variables).is_none() {
            plan = make(plan::Variables::fixed(&variables))?;
        }
        match plan.first_fault() {
            Some(error) => Err(error.clone()),
            None => Ok(plan),
        }
    }

    /// Returns the SQL builder of the schema's plans for a dialect and a catalog.
    #[doc(hidden)]
    pub fn select<'a>(&'a self, dialect: Dialect, catalog: &'a Catalog) -> SqlBuilder<'a> {
        SqlBuilder {
            model: &self.shared.model,
            dialect,
            row_ceiling: self.shared.limits.rows,
            catalog,
            sight: self.shared.rules.as_ref().map(|rules| plan::Sight { rules, values: &[] }),
        }
    }
}
