//! Columns whose type in the database cannot be read as what their entity says, found at the start instead of row by row.

use std::collections::BTreeMap;

use sea_orm::DatabaseConnection;

use super::described::Described;
use super::verify::Difference;
use crate::error::Result;
use crate::model::{Column, Entity, Model, Table};
use crate::plan::Dialect;

/// A column's type as PostgreSQL describes it, that of a domain as the type below it.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only PostgreSQL's types are compared"))]
struct LiveType {
    oid: u32,
    /// Function that writes its values in the binary format.
    send: String,
    name: String,
    always_generated: bool,
}

/// All columns: schema (NULL where it is the connection's own), table, column, type, the type's function, the type's name,
/// and whether the database always makes the value.
const COLUMNS: &str = "SELECT NULLIF(n.nspname, current_schema())::text, r.relname::text, c.attname::text,
    b.oid::int8, b.typsend::text, format_type(c.atttypid, c.atttypmod)::text,
    (c.attidentity = 'a' OR c.attgenerated <> '')::int::int8
    FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace JOIN pg_attribute c ON c.attrelid = r.oid
    JOIN pg_type t ON t.oid = c.atttypid JOIN pg_type b ON b.oid = COALESCE(NULLIF(t.typbasetype, 0), t.oid)
    WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.attnum > 0 AND NOT c.attisdropped AND b.typtype <> 'd'";

/// Finds the columns whose values could not be read: a service must not start with one. SQLite's columns hold values of any
/// type, which are judged one by one.
///
/// # Errors
/// When the database cannot be asked.
pub async fn unreadable_columns(model: &Model, connection: &DatabaseConnection) -> Result<Vec<Difference>> {
    let mut differences = compare(model, connection).await?;
    differences.retain(|difference| matches!(difference, Difference::Type { .. }));
    Ok(differences)
}

/// The columns whose types differ, or whose values the database always makes.
pub(super) async fn compare(model: &Model, connection: &DatabaseConnection) -> Result<Vec<Difference>> {
    if Dialect::of(connection.get_database_backend())? == Dialect::Sqlite {
        return Ok(Vec::new());
    }
    let mut live: BTreeMap<(Table, String), LiveType> = BTreeMap::new();
    for row in Described::ask(connection, COLUMNS).await? {
        let described = LiveType {
            oid: u32::try_from(row.get::<i64>(3)?).unwrap_or_default(),
            send: row.get(4)?,
            name: row.get(5)?,
            always_generated: row.get::<i64>(6)? != 0,
        };
        live.insert((row.table()?, row.get(2)?), described);
    }
    let mut differences = Vec::new();
    for entity in &model.entities {
        for column in entity.columns.iter().filter(|column| is_read(entity, column)) {
            let Some(live) = live.get(&(entity.table.clone(), column.name.clone())) else { continue };
            let label = format!("{}.{}", entity.table.name, column.name);
            if !is_readable(column, live) {
                let in_entity = format!("{:?}", column.column_type);
                differences.push(Difference::Type {
                    column: label,
                    in_entity,
                    in_database: live.name.clone(),
                });
            } else if live.always_generated && !column.always_generated {
                differences.push(Difference::AlwaysGenerated { column: label });
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
    super::postgres::is_readable(&column.column_type, live.oid, &live.send)
}

#[cfg(not(feature = "postgres"))]
fn is_readable(_: &Column, _: &LiveType) -> bool {
    true
}
