//! Decodes SQLite's stored values by column type.

use rusqlite::types::ValueRef;
use rust_decimal::Decimal;
use sea_orm::QueryResult;
use sqlx::sqlite::SqliteValueRef;
use sqlx::{Decode, Row, Sqlite, TypeInfo, ValueRef as _};
use uuid::Uuid;

use super::fault::SqliteError;
use super::time;
use crate::database::row::Unreadable;
use crate::database::row_builder::RowSetBuilder;
use crate::dialect::sqlite_decimal;
use crate::model::{ColumnType, Spelling};

/// Adds a stored value to the cells, as sqlx would decode it. A column may hold values of any type; a value
/// of another type is refused.
///
/// Common kinds are read in place from SQLite's driver. A copied value would be read back while its parts are
/// still on their way to memory. The processor stalls on that, which took a twentieth of the time of a
/// response.
#[inline(always)]
pub(super) fn push(
    rows: &mut RowSetBuilder,
    stored: rusqlite::Result<ValueRef<'_>>,
    column_type: &ColumnType,
) -> Result<(), SqliteError> {
    let column_type = column_type.stored();
    let pushed = match stored {
        Ok(ValueRef::Integer(value)) => push_integer(rows, value, column_type),
        Ok(ValueRef::Text(bytes)) if matches!(column_type, ColumnType::Text | ColumnType::Enumeration(_)) => {
            rows.push_text(bytes);
            return Ok(());
        }
        Ok(ValueRef::Null) => {
            rows.push_null();
            return Ok(());
        }
        Ok(other) => push_rarer(rows, other, column_type),
        Err(error) => return Err(error.into()),
    };
    if let Err(reason) = pushed {
        rows.push_unreadable(reason);
    }
    Ok(())
}

/// Adds rows read by sqlx.
pub(in crate::database) fn decode(results: &[QueryResult], rows: &mut RowSetBuilder) {
    let columns = rows.columns().clone();
    for result in results {
        for (index, column_type) in columns.iter().enumerate() {
            let value = result.try_as_sqlite_row().and_then(|row| row.try_get_raw(index).ok());
            let pushed = value.and_then(as_stored).map(|stored| push(rows, Ok(stored), column_type));
            if !matches!(pushed, Some(Ok(()))) {
                rows.push_unreadable(Unreadable::WrongType);
            }
        }
    }
}

/// Converts sqlx's value to rusqlite's.
fn as_stored(value: SqliteValueRef<'_>) -> Option<ValueRef<'_>> {
    if value.is_null() {
        return Some(ValueRef::Null);
    }
    let storage = value.type_info().into_owned();
    let decoded = match storage.name() {
        "INTEGER" => <i64 as Decode<Sqlite>>::decode(value).map(ValueRef::Integer),
        "REAL" => <f64 as Decode<Sqlite>>::decode(value).map(ValueRef::Real),
        "TEXT" => <&[u8] as Decode<Sqlite>>::decode(value).map(ValueRef::Text),
        _ => <&[u8] as Decode<Sqlite>>::decode(value).map(ValueRef::Blob),
    };
    decoded.ok()
}

fn push_integer(rows: &mut RowSetBuilder, value: i64, column_type: &ColumnType) -> Result<(), Unreadable> {
    use ColumnType as Type;

    let fits = match column_type {
        Type::Boolean => {
            // Any other number would be true here, and equal to neither value in the database.
            match value {
                0 | 1 => rows.push_boolean(value == 1),
                _ => return Err(Unreadable::WrongType),
            }
            return Ok(());
        }
        Type::TinyInt | Type::SmallInt | Type::TinyUnsigned => i16::try_from(value).is_ok(),
        Type::Int | Type::SmallUnsigned => i32::try_from(value).is_ok(),
        column_type if column_type.is_integer() => true,
        column_type => return push_rarer(rows, ValueRef::Integer(value), column_type),
    };
    if !fits {
        return Err(Unreadable::WrongType);
    }
    rows.push_integer(value);
    Ok(())
}

fn push_rarer(
    rows: &mut RowSetBuilder,
    stored: ValueRef<'_>,
    column_type: &ColumnType,
) -> Result<(), Unreadable> {
    use ColumnType as Type;

    let other = match (column_type, stored) {
        // The value of a virtual column that is sorted loses its class: 5.0 comes as 5.
        (Type::Float, ValueRef::Integer(value)) => {
            rows.push_float(value as f32);
            return Ok(());
        }
        (Type::Double, ValueRef::Integer(value)) => {
            rows.push_double(value as f64);
            return Ok(());
        }
        (Type::Float, ValueRef::Real(value)) => {
            rows.push_float(value as f32);
            return Ok(());
        }
        (Type::Double, ValueRef::Real(value)) => {
            rows.push_double(value);
            return Ok(());
        }
        (Type::Date, stored) => {
            rows.push_date(time::date(stored).ok_or(Unreadable::WrongType)?);
            return Ok(());
        }
        (Type::Decimal, ValueRef::Blob(bytes)) => {
            sqlite_decimal::of_aggregate(text(bytes)?).ok_or(Unreadable::WrongType)?.into()
        }
        (Type::Decimal, ValueRef::Integer(value)) => Decimal::from(value).into(),
        (Type::Decimal, ValueRef::Real(value)) => {
            sqlite_decimal::of_real(value).ok_or(Unreadable::WrongType)?.into()
        }
        (Type::Uuid | Type::AnyUuid, ValueRef::Blob(bytes)) => {
            Uuid::from_slice(bytes).map_err(|_| Unreadable::WrongType)?.into()
        }
        (Type::AnyUuid, ValueRef::Text(bytes)) => {
            let known = Spelling::ALL
                .into_iter()
                .find(|known| known.is_uuid() && known.is_of(text(bytes).unwrap_or_default()));
            let id = known.and_then(|_| Uuid::try_parse_ascii(bytes).ok());
            id.ok_or(Unreadable::WrongType)?.into()
        }
        (Type::Spelled(spelling), ValueRef::Text(bytes)) if spelling.is_of(text(bytes)?) => {
            rows.push_text(bytes);
            return Ok(());
        }
        (Type::Time, stored) => time::time(stored).ok_or(Unreadable::WrongType)?.into(),
        (Type::DateTime, stored) => time::moment(stored).ok_or(Unreadable::WrongType)?.into(),
        (Type::Timestamp, stored) => {
            let moment = time::moment(stored).ok_or(Unreadable::WrongType)?;
            moment.and_utc().fixed_offset().into()
        }
        (Type::Json, ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
            rows.push_json(bytes);
            return Ok(());
        }
        // A column of numeric affinity, as of the type `json`, turns the texts of numbers to numbers.
        (Type::Json, ValueRef::Integer(value)) => {
            rows.push_json(value.to_string().as_bytes());
            return Ok(());
        }
        (Type::Json, ValueRef::Real(value)) => {
            rows.push_json(value.to_string().as_bytes());
            return Ok(());
        }
        (Type::Bytes, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => bytes.to_vec().into(),
        _ => return Err(Unreadable::WrongType),
    };
    rows.push_other(other);
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(|_| Unreadable::WrongType)
}
