//! Encodes statement parameters in PostgreSQL's binary format.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::types::{ArrayDimension, array_to_sql};
use postgres_types::{Kind, ToSql, Type};
use sea_orm::Value;
use sea_orm::sea_query::ArrayType;

use super::numeric;
use crate::model::long_decimal;

type EncodeError = Box<dyn StdError + Send + Sync>;

/// Returns the PostgreSQL type of a value, or `None` for SeaORM types that no column here has.
pub(super) fn type_of(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Bool(_) => Type::BOOL,
        // PostgreSQL stores 8 bits in 16, and unsigned 16, 32 and 64 bits in the next wider signed type.
        Value::TinyInt(_) | Value::TinyUnsigned(_) | Value::SmallInt(_) => Type::INT2,
        Value::SmallUnsigned(_) | Value::Int(_) => Type::INT4,
        Value::Unsigned(_) | Value::BigUnsigned(_) | Value::BigInt(_) => Type::INT8,
        Value::Float(_) => Type::FLOAT4,
        Value::Double(_) => Type::FLOAT8,
        Value::String(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
        Value::Json(_) => Type::JSONB,
        Value::ChronoDate(_) => Type::DATE,
        Value::ChronoTime(_) => Type::TIME,
        Value::ChronoDateTime(_) => Type::TIMESTAMP,
        Value::ChronoDateTimeUtc(_) | Value::ChronoDateTimeWithTimeZone(_) => Type::TIMESTAMPTZ,
        Value::Uuid(_) => Type::UUID,
        Value::Decimal(_) => Type::NUMERIC,
        long if long_decimal(long).is_some() => Type::NUMERIC,
        Value::Array(ArrayType::Bool, _) => Type::BOOL_ARRAY,
        Value::Array(ArrayType::SmallInt, _) => Type::INT2_ARRAY,
        Value::Array(ArrayType::Int, _) => Type::INT4_ARRAY,
        Value::Array(ArrayType::BigInt, _) => Type::INT8_ARRAY,
        Value::Array(ArrayType::Float, _) => Type::FLOAT4_ARRAY,
        Value::Array(ArrayType::Double, _) => Type::FLOAT8_ARRAY,
        Value::Array(ArrayType::String, _) => Type::TEXT_ARRAY,
        Value::Array(ArrayType::Bytes, _) => Type::BYTEA_ARRAY,
        Value::Array(ArrayType::Json, _) => Type::JSONB_ARRAY,
        Value::Array(ArrayType::ChronoDate, _) => Type::DATE_ARRAY,
        Value::Array(ArrayType::ChronoTime, _) => Type::TIME_ARRAY,
        Value::Array(ArrayType::ChronoDateTime, _) => Type::TIMESTAMP_ARRAY,
        Value::Array(ArrayType::ChronoDateTimeWithTimeZone, _) => Type::TIMESTAMPTZ_ARRAY,
        Value::Array(ArrayType::Uuid, _) => Type::UUID_ARRAY,
        Value::Array(ArrayType::Decimal, _) => Type::NUMERIC_ARRAY,
        _ => return None,
    })
}

/// Writes a value as the type of [`type_of`].
pub(super) fn write(value: &Value, bytes: &mut BytesMut) -> Result<IsNull, EncodeError> {
    let Value::Array(_, items) = value else {
        return Ok(match scalar(value, bytes)? {
            postgres_types::IsNull::Yes => IsNull::Yes,
            postgres_types::IsNull::No => IsNull::No,
        });
    };
    let Some(items) = items else { return Ok(IsNull::Yes) };
    let array = type_of(value).ok_or_else(|| refusal(value))?;
    let Kind::Array(element) = array.kind() else { return Err(refusal(value)) };
    let dimension = ArrayDimension { len: i32::try_from(items.len())?, lower_bound: 1 };
    array_to_sql(Some(dimension), element.oid(), items.iter(), write, bytes)?;
    Ok(IsNull::No)
}

fn scalar(value: &Value, bytes: &mut BytesMut) -> Result<postgres_types::IsNull, EncodeError> {
    match value {
        Value::Bool(value) => value.to_sql(&Type::BOOL, bytes),
        Value::TinyInt(value) => value.map(i16::from).to_sql(&Type::INT2, bytes),
        Value::TinyUnsigned(value) => value.map(i16::from).to_sql(&Type::INT2, bytes),
        Value::SmallInt(value) => value.to_sql(&Type::INT2, bytes),
        Value::SmallUnsigned(value) => value.map(i32::from).to_sql(&Type::INT4, bytes),
        Value::Int(value) => value.to_sql(&Type::INT4, bytes),
        Value::Unsigned(value) => value.map(i64::from).to_sql(&Type::INT8, bytes),
        Value::BigUnsigned(value) => value.map(i64::try_from).transpose()?.to_sql(&Type::INT8, bytes),
        Value::BigInt(value) => value.to_sql(&Type::INT8, bytes),
        Value::Float(value) => value.to_sql(&Type::FLOAT4, bytes),
        Value::Double(value) => value.to_sql(&Type::FLOAT8, bytes),
        Value::String(value) => value.as_deref().to_sql(&Type::TEXT, bytes),
        Value::Bytes(value) => value.as_deref().to_sql(&Type::BYTEA, bytes),
        Value::Json(value) => value.as_deref().to_sql(&Type::JSONB, bytes),
        Value::ChronoDate(value) => value.to_sql(&Type::DATE, bytes),
        Value::ChronoTime(value) => value.to_sql(&Type::TIME, bytes),
        Value::ChronoDateTime(value) => value.to_sql(&Type::TIMESTAMP, bytes),
        Value::ChronoDateTimeUtc(value) => value.to_sql(&Type::TIMESTAMPTZ, bytes),
        Value::ChronoDateTimeWithTimeZone(value) => value.to_sql(&Type::TIMESTAMPTZ, bytes),
        Value::Uuid(value) => value.to_sql(&Type::UUID, bytes),
        Value::Decimal(value) => value.to_sql(&Type::NUMERIC, bytes),
        other => {
            let written = long_decimal(other).and_then(|digits| numeric::write(digits, bytes));
            written.map(|()| postgres_types::IsNull::No).ok_or_else(|| refusal(other))
        }
    }
}

fn refusal(value: &Value) -> EncodeError {
    format!("cannot bind {value:?} as a PostgreSQL parameter").into()
}
