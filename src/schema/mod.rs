//! The async-graphql dynamic schema, built once from the model.

mod answering;
mod build;
mod inputs;
mod mutations;
mod objects;
mod rows;

use std::sync::Arc;

use async_graphql::dynamic::{self, SchemaError};
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, SDLExportOptions};
use sea_orm::DatabaseConnection;

pub use build::SchemaBuilder;
pub use rows::rows;

use crate::error::{Error, Result};
use crate::execute::{Limits, Session, StatementRecord};
use crate::model::Model;
use crate::plan::{Dialect, Plan, Select};

/// The type of the query root.
pub const QUERY: &str = "Query";

/// A GraphQL schema that answers from a database.
#[derive(Clone)]
pub struct Schema {
    inner: dynamic::Schema,
    model: Arc<Model>,
    limits: Limits,
}

/// An answer, and the statements that it took.
#[derive(Debug)]
pub struct Executed {
    /// The answer.
    pub response: Response,
    /// What was sent to the database for it.
    pub statements: Vec<StatementRecord>,
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
    pub fn model(&self) -> &Model {
        &self.model
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

    /// Answers a request from `connection`.
    pub async fn execute(&self, request: Request, connection: &DatabaseConnection) -> Executed {
        let session = match Session::new(self.model.clone(), connection.clone(), self.limits) {
            Ok(session) => Arc::new(session),
            Err(error) => {
                let error = error.to_server_error(async_graphql::Pos::default(), Vec::new());
                return Executed { response: Response::from_errors(vec![error]), statements: Vec::new() };
            }
        };
        let response = self.inner.execute(request.data(session.clone())).await;
        Executed { response, statements: session.statements().records() }
    }

    /// Whether a request changes anything; `false` too where it is no request that could be answered.
    pub fn is_mutation(request: &mut Request) -> bool {
        let name = request.operation_name.clone();
        let Ok(document) = request.parsed_query() else { return false };
        let operation = answering::operation(document, name.as_deref());
        operation.is_ok_and(|operation| operation.ty == OperationType::Mutation)
    }

    /// Plans an operation without a database. Nothing is validated beyond what planning itself needs.
    ///
    /// # Errors
    /// When the document is not GraphQL, has no such operation, or a root field of it cannot be planned.
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        let document = async_graphql::parser::parse_query(&request.query)
            .map_err(|error| Error::parse(error.to_string()))?;
        let operation = answering::operation(&document, request.operation_name.as_deref())?;
        let variables = answering::variables(operation, &request.variables)?;
        let plan = answering::plan(&self.model, &document, operation, &variables)?;
        match plan.first_fault() {
            Some(error) => Err(error.clone()),
            None => Ok(plan),
        }
    }

    /// The builder of the statements that its plans send to a database of this dialect.
    pub fn select(&self, dialect: Dialect) -> Select<'_> {
        Select { model: &self.model, dialect, row_ceiling: self.limits.rows }
    }
}
