//! Rows of the database's own catalog.

#[cfg(feature = "postgres")]
use sea_orm::DbBackend;
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement, TryGetable, Value};

use crate::database::row::RowSet;
use crate::error::{Error, Result};
use crate::model::Table;

/// Catalog row that begins with a table: schema, NULL for the connection's own, and name.
pub(super) struct CatalogRow(QueryResult);

impl CatalogRow {
    /// Returns the rows of this statement. On PostgreSQL the statement is not prepared: behind a pooler each step may go to
    /// another connection of the server, which knows another statement by the same name.
    ///
    /// # Errors
    /// Fails if the database cannot be queried.
    pub async fn ask(connection: &DatabaseConnection, sql: &'static str) -> Result<Vec<Self>> {
        #[cfg(feature = "postgres")]
        if connection.get_database_backend() == DbBackend::Postgres {
            let pool = connection.get_postgres_connection_pool();
            let rows = sqlx::raw_sql(sql).fetch_all(pool).await.map_err(Error::unavailable)?;
            return Ok(rows.into_iter().map(|row| Self(row.into())).collect());
        }
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.map_err(Error::unavailable)?;
        Ok(rows.into_iter().map(Self).collect())
    }

    /// Returns the table of the row.
    pub fn table(&self) -> Result<Table> {
        Ok(Table { schema: self.get(0)?, name: self.get(1)? })
    }

    /// Returns another column of the row; an `Option` if it may be NULL.
    pub fn get<T: TryGetable>(&self, index: usize) -> Result<T> {
        self.0.try_get_by_index(index).map_err(Error::internal)
    }
}

/// Returns the table at the start of a row: schema, NULL for the connection's own, and name.
pub(super) fn table(rows: &RowSet, index: usize) -> Table {
    Table { schema: text(rows, index, 0), name: text(rows, index, 1).unwrap_or_default() }
}

/// Returns a text of a row, or `None` for NULL.
pub(super) fn text(rows: &RowSet, index: usize, slot: usize) -> Option<String> {
    match rows.row(index).value(slot) {
        Value::String(text) => text,
        _ => None,
    }
}
