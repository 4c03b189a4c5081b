//! Description of all tables of a database as plain data, read in a fixed number of statements.

mod accepted;
mod default;
mod description;
mod keys;
mod literal;
mod postgres;
mod postgres_type;
mod postgres_types;
mod spelling;
mod sqlite;
mod sqlite_type;
mod statement;

use crate::database::handle::Database;
use crate::dialect::Dialect;
use crate::error::Result;
pub use description::{DatabaseDescription, LeftOut};
pub use spelling::suggested_spellings;
pub(crate) use statement::has_check_named;

/// Describes the tables of these schemas; without a schema, the tables of the connection's own schema.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn describe(database: &Database, schemas: &[String]) -> Result<DatabaseDescription> {
    let mut described = match Dialect::of(database.get_database_backend())? {
        Dialect::Sqlite => sqlite::read(database, schemas).await?,
        Dialect::Postgres => postgres::read(database, schemas).await?,
    };
    keys::settle(&mut described);
    Ok(described)
}
