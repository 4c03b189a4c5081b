//! Errors of keys that the database numbers, when no number is left.

use sea_orm::{Statement, Value};

use super::attempt::Attempt;
use crate::error::Error;
use crate::execute::Session;
use crate::model::{Column, ColumnType};

/// Returns the error of new rows for which SQLite has no further 64-bit number: AUTOINCREMENT reports that as a
/// full disk. `None` if the disk is full.
pub(super) async fn exhausted(session: &Session, attempt: Attempt<'_>) -> Option<Error> {
    let entity = &session.model().entities[attempt.entity];
    let [key] = entity.primary_key[..] else { return None };
    let column = &entity.columns[key];
    if !column.generated || attempt.rows.is_empty() || attempt.rows.iter().any(|row| row.has(key)) {
        return None;
    }
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = ? COLLATE NOCASE";
    let values = [Value::from(entity.table.name.as_str())];
    let statement = Statement::from_sql_and_values(session.dialect().backend(), sql, values);
    let last = session.statements().write(statement, [ColumnType::BigInt].into()).await.ok()?;
    let is_last = !last.is_empty() && last.row(0).value(0) == Value::BigInt(Some(i64::MAX));
    is_last.then(|| no_free_key(&attempt.path(0), column))
}

/// Returns the error of a new row, at `path` of the input, for which no number is left.
pub(super) fn no_free_key(path: &str, column: &Column) -> Error {
    Error::no_free_key(&format!("{path}.{}", column.field))
}
