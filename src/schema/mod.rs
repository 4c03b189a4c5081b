//! The async-graphql dynamic schema, built once from the model.

mod answering;
mod build;
mod compiled;
mod inputs;
mod introspection;
mod live;
mod mutations;
mod objects;
mod possible;
mod prepared;
mod roots;
mod rows;
mod type_system;
mod validate;
mod variables;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::dynamic::{self, SchemaError};
use async_graphql::{Request, SDLExportOptions};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::Serialize;

pub use build::SchemaBuilder;
pub use prepared::{OperationKind, Prepared};
pub use rows::rows;

use crate::error::{LocatedError, Result};
use crate::execute::{
    Changes, Database, Json, ReadConsistency, Session, Shared, StatementRecord, json, object,
};
use crate::guard;
use crate::model::Model;
use crate::plan::{self, Catalog, Dialect, Document, Plan, Select};

/// The type of the query root.
pub const QUERY: &str = "Query";

/// The type of the subscription root.
pub const SUBSCRIPTION: &str = "Subscription";

/// A GraphQL schema that answers from a database.
#[derive(Clone)]
pub struct Schema {
    inner: dynamic::Schema,
    shared: Arc<Shared>,
    guard: guard::Limits,
    live: live::Live,
    documents: compiled::Documents,
    /// None where the schema is not told.
    introspection: Option<introspection::Introspection>,
}

/// An answer, and the statements that it took.
#[derive(Debug, Default)]
pub struct Executed {
    /// The data as JSON text; none where the request was refused before execution (October 2021, section 7.1.2).
    pub data: Option<Json>,
    /// What went wrong. Their causes are not logged yet: see [`LocatedError::log`].
    pub errors: Vec<LocatedError>,
    /// What is told beside.
    pub extensions: BTreeMap<String, serde_json::Value>,
    /// What was sent to the database for it.
    pub statements: Vec<StatementRecord>,
}

impl Executed {
    /// The answer to a request that is refused.
    pub fn refused(error: LocatedError) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }

    /// Whether the fault lies before execution.
    pub fn is_request_error(&self) -> bool {
        self.data.is_none()
    }

    /// The whole answer as clients read it (October 2021, section 7.1).
    pub fn to_json(&self) -> Json {
        self.to_json_with(&self.errors)
    }

    /// The same with its errors as `told`.
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

    /// The same of an answer that nobody else reads: the data stays where it is.
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

    /// The data for a reader in this process.
    pub fn data(&self) -> serde_json::Value {
        self.data.as_deref().and_then(|data| serde_json::from_slice(data).ok()).unwrap_or_default()
    }

    fn answers_the_same(&self, other: &Self) -> bool {
        // Causes aside, which may name what is different each time.
        self.data == other.data
            && self.errors.len() == other.errors.len()
            && (self.errors == other.errors || json(&self.errors) == json(&other.errors))
    }
}

impl Schema {
    /// The schema of a model.
    ///
    /// # Errors
    /// When async-graphql refuses what was added to it: see [`SchemaBuilder::finish`].
    pub fn new(model: Model) -> Result<Self, SchemaError> {
        SchemaBuilder::new(model).finish()
    }

    /// A schema with root fields and types of the user's own.
    pub fn builder(model: Model) -> SchemaBuilder {
        SchemaBuilder::new(model)
    }

    /// The model it was built from.
    pub fn model(&self) -> &Arc<Model> {
        &self.shared.model
    }

    /// The schema in the schema definition language.
    pub fn sdl(&self) -> String {
        let options = SDLExportOptions::new()
            .include_specified_by()
            .prefer_single_line_descriptions()
            .use_space_ident()
            .indent_width(2);
        format!("{}\n", self.inner.sdl_with_options(options).trim())
    }

    /// Where commits tell what they have touched. Live queries listen there; whoever writes to the database by other
    /// ways may tell too.
    pub fn changes(&self) -> &Changes {
        &self.shared.changes
    }

    /// Reads a request: what it asks for is known then, and nothing has been sent.
    ///
    /// # Errors
    /// Why it cannot be executed.
    pub fn prepare(&self, request: Request) -> Result<Prepared, LocatedError> {
        tracing::debug_span!("prepare").in_scope(|| Prepared::read(request, &self.documents))
    }

    /// Answers a request from `database`.
    pub async fn execute(&self, request: Request, database: &Database) -> Executed {
        match self.prepare(request) {
            Ok(prepared) => self.run(prepared, database).await,
            Err(error) => Executed::refused(error),
        }
    }

    /// Answers a prepared request from `database`; a subscription with its first result.
    pub async fn run(&self, prepared: Prepared, database: &Database) -> Executed {
        // Nobody could tell a torn result of a subscription from a whole one, and it may be the last for long.
        let consistency = match prepared.kind() {
            OperationKind::Subscription => ReadConsistency::Snapshot,
            _ => self.shared.consistency,
        };
        let session = Session::new(self.shared.clone(), database.clone(), consistency);
        let session = match session {
            Ok(session) => Arc::new(session),
            Err(error) => return Executed::refused(error.into()),
        };
        // Boxed: it would be a part of every future above, and be moved with it.
        let (data, errors) = Box::pin(self.answer(&session, prepared)).await;
        Executed { data, errors, statements: session.statements().records(), ..Executed::default() }
    }

    /// The results of a prepared request, as they come: of a query or a mutation one, of a subscription one at once and
    /// another after every commit that changed it. A subscription that cannot be executed ends with its first result.
    pub fn subscribe(&self, prepared: Prepared, database: &Database) -> BoxStream<'static, Arc<Executed>> {
        if prepared.kind() == OperationKind::Subscription {
            return self.live(prepared, database).boxed();
        }
        let (schema, database) = (self.clone(), database.clone());
        stream::once(async move { Arc::new(schema.run(prepared, &database).await) }).boxed()
    }

    /// Plans an operation without a database. Nothing is validated beyond what planning itself needs.
    ///
    /// # Errors
    /// When the guard refuses the document, it has no such operation, or a root field of it cannot be planned.
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        let document = guard::parse(&request.query, &self.guard).map_err(|refusal| refusal.error)?;
        guard::Uses::of(&document).check(&request.variables, &self.guard)?;
        let operation_name = request.operation_name.as_deref().filter(|name| !name.is_empty());
        let operation = answering::operation(&document, operation_name)?;
        let variables = variables::with_defaults(operation, &request.variables)?;
        let make = |variables: &plan::Variables| {
            let document = Document { fragments: &document.fragments, variables };
            answering::plan(&self.shared.model, operation, document)
        };
        let mut plan = make(&plan::Variables::open(&variables))?;
        // What a column cannot hold it holds in no database.
        if plan.values(&self.select(Dialect::Sqlite, Catalog::none()), &variables).is_none() {
            plan = make(&plan::Variables::fixed(&variables))?;
        }
        match plan.first_fault() {
            Some(error) => Err(error.clone()),
            None => Ok(plan),
        }
    }

    /// The builder of the statements that its plans send to a database of this dialect, of which this is known.
    pub fn select<'a>(&'a self, dialect: Dialect, catalog: &'a Catalog) -> Select<'a> {
        Select { model: &self.shared.model, dialect, row_ceiling: self.shared.limits.rows, catalog }
    }
}
