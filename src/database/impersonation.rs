//! Check of the database's roles that viewers have: a role that no policy of the database binds would see all rows.

use std::sync::Arc;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Value};

use super::handle::Database;
use crate::error::Result;
use crate::model::{ColumnType, Table};

/// Reads what is wrong with each role: it does not exist, is exempt from policies, cannot be taken by the connection's role, or
/// owns a table whose policies do not bind owners.
const FAULTS: &str = "
    SELECT wanted.name,
        role.oid IS NULL,
        COALESCE(role.rolsuper OR role.rolbypassrls, false),
        role.oid IS NOT NULL AND NOT pg_has_role(current_user, role.oid, 'MEMBER'),
        (SELECT string_agg(class.oid::regclass::text, ', ' ORDER BY class.oid::regclass::text) FROM pg_class AS class
            WHERE class.relkind IN ('r', 'p') AND class.oid IN (SELECT to_regclass(name) FROM unnest($2) AS served(name))
                AND class.relrowsecurity AND NOT class.relforcerowsecurity
                AND pg_has_role(role.oid, class.relowner, 'USAGE'))
    FROM unnest($1) AS wanted(name) LEFT JOIN pg_roles AS role ON role.rolname = wanted.name";

/// Returns the faults of impersonating `roles` over the served `tables`.
///
/// # Errors
/// Fails if the database cannot be queried.
pub(crate) async fn faults(database: &Database, roles: &[String], tables: &[Table]) -> Result<Vec<String>> {
    if database.get_database_backend() != DbBackend::Postgres || database.reader().is_none() {
        return Ok(vec![
            "[database] needs PostgreSQL, over connections that database::connect has opened".to_owned(),
        ]);
    }
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let texts = |texts: Vec<String>| {
        let values = texts.into_iter().map(|text| Value::String(Some(text))).collect();
        Value::Array(ArrayType::String, Some(Box::new(values)))
    };
    let names = tables.iter().map(Table::quoted).collect();
    let columns =
        [ColumnType::Text, ColumnType::Boolean, ColumnType::Boolean, ColumnType::Boolean, ColumnType::Text];
    let rows = database.ask(FAULTS, vec![texts(roles.to_vec()), texts(names)], Arc::new(columns)).await?;
    let mut faults = Vec::new();
    for row in 0..rows.len() {
        let row = rows.row(row);
        let is = |column| matches!(row.value(column), Value::Bool(Some(true)));
        let text = |column| match row.value(column) {
            Value::String(text) => text.map(|text| text.to_string()),
            _ => None,
        };
        let role = text(0).unwrap_or_default();
        if is(1) {
            faults.push(format!("the database has no role \"{role}\""));
        }
        if is(2) {
            faults.push(format!("the role \"{role}\" is a superuser, or has BYPASSRLS: no policy binds it"));
        }
        if is(3) {
            faults.push(format!("the connection's role is no member of \"{role}\": GRANT \"{role}\" to it"));
        }
        if let Some(tables) = text(4) {
            faults.push(format!(
                "the role \"{role}\" owns {tables}: policies bind owners only after ALTER TABLE … FORCE ROW LEVEL SECURITY"
            ));
        }
    }
    Ok(faults)
}
