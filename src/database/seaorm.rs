//! Statements and results by way of SeaORM's pool.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;
use sea_orm::{DbBackend, DbErr, QueryResult, RuntimeErr, Statement, TryGetable, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use super::row::{RowSet, Unreadable};
use super::row_builder::RowSetBuilder;
use crate::dialect::{sqlite_text, sqlite_time};
use crate::model::ColumnType;

/// Builds SeaORM's statement. SQLite gets times as text, because sqlx writes other forms.
pub(super) fn statement(backend: DbBackend, sql: &str, values: &[Value]) -> Statement {
    let written = |value: &Value| match backend {
        DbBackend::Sqlite => {
            sqlite_time::stored(value).map_or_else(|| value.clone(), |text| Value::String(Some(text)))
        }
        _ => value.clone(),
    };
    Statement::from_sql_and_values(backend, sql, values.iter().map(written))
}

/// SQLite's code for a function that refuses its arguments (`SQLITE_CONSTRAINT_FUNCTION`).
const SQLITE_FUNCTION: &str = "1043";

/// Returns the statement with a check of texts for UTF-8, if a text that is not UTF-8 made it fail.
pub(super) fn checking_text(sql: &str, error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error
    else {
        return None;
    };
    let code = source.as_database_error()?.code()?;
    if code == SQLITE_FUNCTION { sqlite_text::checking_utf8(sql) } else { None }
}

/// Decodes the results of a statement into these rows.
pub(super) fn read(results: &[QueryResult], mut rows: RowSetBuilder) -> RowSet {
    rows.reserve(results.len());
    push(results, &mut rows);
    rows.finish()
}

fn push(results: &[QueryResult], rows: &mut RowSetBuilder) {
    #[cfg(feature = "postgres")]
    if results.first().and_then(QueryResult::try_as_pg_row).is_some() {
        return super::postgres::decode(results, rows);
    }
    #[cfg(feature = "sqlite")]
    if results.first().and_then(QueryResult::try_as_sqlite_row).is_some() {
        return super::sqlite::decode(results, rows);
    }
    let columns = rows.columns().clone();
    for result in results {
        for (index, column_type) in columns.iter().enumerate() {
            match value_of(result, index, column_type) {
                Ok(value) => rows.push_value(value.unwrap_or_else(|| column_type.null())),
                Err(_) => rows.push_unreadable(Unreadable::WrongType),
            }
        }
    }
}

/// Decodes a cell with SeaORM.
fn value_of(result: &QueryResult, index: usize, column_type: &ColumnType) -> Result<Option<Value>, DbErr> {
    Ok(match column_type {
        ColumnType::Choice(choice) => value_of(result, index, &choice.stored)?,
        ColumnType::Boolean => get::<bool>(result, index)?.map(Value::from),
        ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::TinyUnsigned => {
            get::<i16>(result, index)?.map(Value::from)
        }
        ColumnType::Int | ColumnType::SmallUnsigned => get::<i32>(result, index)?.map(Value::from),
        ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned => {
            get::<i64>(result, index)?.map(Value::from)
        }
        ColumnType::Float => get::<f32>(result, index)?.map(Value::from),
        ColumnType::Double => get::<f64>(result, index)?.map(Value::from),
        ColumnType::Text | ColumnType::Enumeration(_) | ColumnType::Native(_) | ColumnType::Spelled(_) => {
            get::<String>(result, index)?.map(Value::from)
        }
        ColumnType::Decimal => get::<Decimal>(result, index)?.map(Value::from),
        ColumnType::Uuid | ColumnType::AnyUuid => get::<Uuid>(result, index)?.map(Value::from),
        ColumnType::Date => get::<NaiveDate>(result, index)?.map(Value::from),
        ColumnType::Time => get::<NaiveTime>(result, index)?.map(Value::from),
        ColumnType::DateTime => get::<NaiveDateTime>(result, index)?.map(Value::from),
        ColumnType::Timestamp => get::<DateTime<FixedOffset>>(result, index)?.map(Value::from),
        ColumnType::Json => get::<Json>(result, index)?.map(Value::from),
        ColumnType::Bytes => get::<Vec<u8>>(result, index)?.map(Value::from),
        ColumnType::List(_) => return Err(DbErr::Type("only PostgreSQL has lists".to_owned())),
    })
}

fn get<T: TryGetable>(result: &QueryResult, index: usize) -> Result<Option<T>, DbErr> {
    result.try_get_by_index(index)
}
