//! Detects at start-up the columns whose database type cannot be read as the entity's type.

use std::collections::BTreeMap;

use sea_orm::DatabaseConnection;

use super::catalog_row::CatalogRow;
use super::verify::Difference;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::model::{Column, ColumnType, Entity, Model, Table};

/// Column type as PostgreSQL describes it; a domain is replaced by its base type.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only PostgreSQL's types are compared"))]
struct LiveType {
    oid: u32,
    /// Function that writes the values in binary format.
    send: String,
    name: String,
}

/// All columns: schema (NULL for the connection's own), table, column, type, send function, type name.
const COLUMNS: &str = "SELECT NULLIF(n.nspname, current_schema())::text, r.relname::text, c.attname::text,
    b.oid::int8, b.typsend::text, format_type(c.atttypid, c.atttypmod)::text
    FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace JOIN pg_attribute c ON c.attrelid = r.oid
    JOIN pg_type t ON t.oid = c.atttypid JOIN pg_type b ON b.oid = COALESCE(NULLIF(t.typbasetype, 0), t.oid)
    WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.attnum > 0 AND NOT c.attisdropped AND b.typtype <> 'd'";

/// SQLite's columns that keep numbers as text, by the rules of column affinity: schema (NULL), table, column,
/// declared type.
const TEXT_COLUMNS: &str =
    "SELECT NULL, m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c
    WHERE m.type = 'table' AND c.type NOT LIKE '%int%'
        AND (c.type LIKE '%char%' OR c.type LIKE '%clob%' OR c.type LIKE '%text%' OR c.type LIKE '%blob%')";

/// Finds the columns whose values could not be read: a service must not start with such a column. SQLite's
/// columns hold values of any type, which are checked individually. Only decimals must not be text, which has
/// another order.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn unreadable_columns(model: &Model, connection: &DatabaseConnection) -> Result<Vec<Difference>> {
    if Dialect::of(connection.get_database_backend())? == Dialect::Sqlite {
        return text_decimals(model, connection).await;
    }
    let mut live: BTreeMap<(Table, String), LiveType> = BTreeMap::new();
    for row in CatalogRow::ask(connection, COLUMNS).await? {
        let described = LiveType {
            oid: u32::try_from(row.get::<i64>(3)?).unwrap_or_default(),
            send: row.get(4)?,
            name: row.get(5)?,
        };
        live.insert((row.table()?, row.get(2)?), described);
    }
    let mut differences = Vec::new();
    for entity in &model.entities {
        for column in entity.columns.iter().filter(|column| is_read(entity, column)) {
            let Some(live) = live.get(&(entity.table.clone(), column.name.clone())) else { continue };
            let label = format!("{}.{}", entity.table, column.name);
            if !is_readable(column, live) {
                let in_entity = format!("{:?}", column.column_type);
                differences.push(Difference::Type {
                    column: label,
                    in_entity,
                    in_database: live.name.clone(),
                });
            }
        }
    }
    Ok(differences)
}

/// The columns of decimals that SQLite keeps as text.
async fn text_decimals(model: &Model, connection: &DatabaseConnection) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for row in CatalogRow::ask(connection, TEXT_COLUMNS).await? {
        let (table, name, declared): (Table, String, String) = (row.table()?, row.get(2)?, row.get(3)?);
        let holds = |entity: &&Entity| entity.table.name.eq_ignore_ascii_case(&table.name);
        for entity in model.entities.iter().filter(holds) {
            let is_it = |column: &&Column| column.name.eq_ignore_ascii_case(&name) && is_read(entity, column);
            let column = entity.columns.iter().find(is_it);
            if column.is_some_and(|column| column.column_type == ColumnType::Decimal) {
                differences.push(Difference::Type {
                    column: format!("{table}.{name}"),
                    in_entity: format!("{:?}", ColumnType::Decimal),
                    in_database: format!("{declared} (text to SQLite)"),
                });
            }
        }
    }
    Ok(differences)
}

fn is_read(entity: &Entity, column: &Column) -> bool {
    let is_key = entity.primary_key.iter().any(|id| entity.columns[*id].name == column.name);
    !column.hidden || is_key
}

#[cfg(feature = "postgres")]
fn is_readable(column: &Column, live: &LiveType) -> bool {
    crate::database::postgres::is_readable(&column.column_type, live.oid, &live.send)
}

#[cfg(not(feature = "postgres"))]
fn is_readable(_: &Column, _: &LiveType) -> bool {
    true
}
