//! Rows for which a field of the application is resolved, and its resolver.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::sea_query::ValueType;
use sea_orm::{DatabaseConnection, Value};
use serde_json::Map;

use crate::database::Database;
use crate::error::{Error, Result};

/// Rows of one level of a request, for which a field of the application is resolved at once.
pub struct FieldBatch {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) arguments: Map<String, serde_json::Value>,
    pub(super) database: Database,
}

impl FieldBatch {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns true without rows. A field is not resolved for an empty level.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the values of the field's columns in each row. Each row of the table comes once.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }

    /// Returns the values of one of the field's columns, by its index among them.
    ///
    /// # Errors
    /// If the field has no such column, or the column's type is another.
    pub fn column<T: ValueType>(&self, column: usize) -> Result<Vec<T>> {
        let value = |row: &Vec<Value>| row.get(column).and_then(|value| T::try_from(value.clone()).ok());
        let values = self.rows.iter().map(value).collect::<Option<_>>();
        let expected =
            || Error::internal(format!("column {column} has no values of type {}", T::type_name()));
        values.ok_or_else(expected)
    }

    /// Returns the arguments that the client gave, as JSON.
    pub fn arguments(&self) -> &Map<String, serde_json::Value> {
        &self.arguments
    }

    /// Returns the database, outside the request's transaction. Statements have the connection's own role, as those of all
    /// administrators, who alone have fields of the application.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.database
    }
}

/// Resolver of a field: returns the JSON text of a value for each row of a batch.
pub type FieldResolver = Arc<dyn Fn(FieldBatch) -> BoxFuture<'static, Result<Vec<Vec<u8>>>> + Send + Sync>;

/// Resolvers of all fields of the application on generated types.
#[derive(Clone, Default)]
pub struct FieldResolvers(pub Vec<FieldResolver>);

impl fmt::Debug for FieldResolvers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("FieldResolvers").field(&self.0.len()).finish()
    }
}
