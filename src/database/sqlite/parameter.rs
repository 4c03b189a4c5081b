//! Encodes statement parameters for SQLite.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use sea_orm::Value;

use crate::dialect::sqlite_time;
use crate::model::long_decimal;

/// Parameter in sqlx's storage form, except for times.
pub(super) struct SqliteParameter<'a>(pub &'a Value);

impl ToSql for SqliteParameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let stored = match self.0 {
            Value::Bool(value) => value.map(|value| Stored::Integer(value.into())),
            Value::TinyInt(value) => value.map(|value| Stored::Integer(value.into())),
            Value::SmallInt(value) => value.map(|value| Stored::Integer(value.into())),
            Value::Int(value) => value.map(|value| Stored::Integer(value.into())),
            Value::BigInt(value) => value.map(Stored::Integer),
            Value::TinyUnsigned(value) => value.map(|value| Stored::Integer(value.into())),
            Value::SmallUnsigned(value) => value.map(|value| Stored::Integer(value.into())),
            Value::Unsigned(value) => value.map(|value| Stored::Integer(value.into())),
            Value::BigUnsigned(value) => match value.map(i64::try_from).transpose() {
                Ok(value) => value.map(Stored::Integer),
                Err(error) => return Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
            },
            Value::Float(value) => value.map(|value| Stored::Real(value.into())),
            Value::Double(value) => value.map(Stored::Real),
            Value::String(Some(text)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Bytes(Some(bytes)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
            Value::Uuid(Some(id)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes()))),
            Value::Json(Some(json)) => Some(Stored::Text(json.to_string())),
            Value::Decimal(Some(value)) => Some(Stored::Text(value.to_string())),
            value => match sqlite_time::stored(value).or_else(|| long_decimal(value).map(str::to_owned)) {
                Some(text) => Some(Stored::Text(text)),
                None if crate::model::is_null(value) => None,
                None => {
                    let told = format!("cannot bind {value:?} as an SQLite parameter");
                    return Err(rusqlite::Error::ToSqlConversionFailure(told.into()));
                }
            },
        };
        Ok(ToSqlOutput::Owned(stored.unwrap_or(Stored::Null)))
    }
}
