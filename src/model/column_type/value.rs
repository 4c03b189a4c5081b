//! Values as the project keeps them, as keys, and as clients read them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{SecondsFormat, Utc};
use sea_orm::Value;
use sea_orm::sea_query::{ArrayType, OptionEnum};
use serde_json::Value as Json;

use super::types::ColumnType;
use crate::model::long_decimal::{long_decimal, read_decimal};
use crate::model::native::NativeForm;

impl ColumnType {
    /// Returns NULL of this type.
    pub fn null(&self) -> Value {
        match self {
            Self::Boolean => Value::Bool(None),
            Self::TinyInt | Self::SmallInt | Self::TinyUnsigned => Value::SmallInt(None),
            Self::Int | Self::SmallUnsigned => Value::Int(None),
            Self::BigInt | Self::Unsigned | Self::BigUnsigned => Value::BigInt(None),
            Self::Float => Value::Float(None),
            Self::Double => Value::Double(None),
            Self::Decimal => Value::Decimal(None),
            Self::Text | Self::Enumeration(_) | Self::Spelled(_) => Value::String(None),
            Self::Uuid | Self::AnyUuid => Value::Uuid(None),
            Self::Date => Value::ChronoDate(None),
            Self::Time => Value::ChronoTime(None),
            Self::DateTime => Value::ChronoDateTime(None),
            Self::Timestamp => Value::ChronoDateTimeWithTimeZone(None),
            Self::Json => Value::Json(None),
            Self::Bytes => Value::Bytes(None),
            Self::Choice(choice) => choice.stored.null(),
            Self::Native(native) => match native.form {
                NativeForm::Money => Value::Decimal(None),
                NativeForm::Composite(_) => Value::Json(None),
                _ => Value::String(None),
            },
            Self::List(list) => Value::Array(list.element.array_type(), None),
        }
    }

    /// Returns the type of a list of such values as one parameter.
    pub fn array_type(&self) -> ArrayType {
        array_type_of(&self.null())
    }

    /// Converts an integer to a value of this type.
    pub fn integer(&self, value: i64) -> Value {
        match self.stored() {
            Self::TinyInt | Self::SmallInt | Self::TinyUnsigned => Value::SmallInt(value.try_into().ok()),
            Self::Int | Self::SmallUnsigned => Value::Int(value.try_into().ok()),
            _ => Value::BigInt(Some(value)),
        }
    }

    /// Converts a value of a SeaORM model to the form that the project keeps for this column.
    pub fn canonical(&self, value: Value) -> Value {
        match value {
            Value::TinyInt(value) => Value::SmallInt(value.map(Into::into)),
            Value::TinyUnsigned(value) => Value::SmallInt(value.map(Into::into)),
            Value::SmallUnsigned(value) => Value::Int(value.map(Into::into)),
            Value::Unsigned(value) => Value::BigInt(value.map(Into::into)),
            Value::BigUnsigned(value) => Value::BigInt(value.and_then(|value| i64::try_from(value).ok())),
            Value::Char(value) => Value::String(value.map(Into::into)),
            Value::ChronoDateTimeUtc(value) => {
                Value::ChronoDateTimeWithTimeZone(value.map(|value| value.fixed_offset()))
            }
            Value::ChronoDateTimeLocal(value) => {
                Value::ChronoDateTimeWithTimeZone(value.map(|value| value.fixed_offset()))
            }
            long if long_decimal(&long).is_some() => long,
            Value::Enum(OptionEnum::Some(value)) => Value::String(Some(value.value.to_string())),
            Value::Enum(OptionEnum::None(_)) => Value::String(None),
            other => other,
        }
    }

    /// Normalizes a key of this type: see [`normalize_key`]. Equal keys of `citext` become one text.
    pub fn normalize_key(&self, value: Value) -> Value {
        match (self.folding(), value) {
            (Some(folding), Value::String(Some(text))) => folding.lower(&text).into(),
            (_, value) => normalize_key(value),
        }
    }

    /// Writes a value as JSON, or returns `None` if JSON has no such value (NaN, infinities, an unknown enum
    /// value).
    pub fn write(&self, value: &Value, variants: &[(String, String)]) -> Option<Json> {
        if let Self::Choice(choice) = self {
            let stored = choice.stored.write(value, &[])?;
            let stored = stored.as_str().map_or_else(|| stored.to_string(), str::to_owned);
            return variants
                .iter()
                .find(|(_, listed)| *listed == stored)
                .map(|(name, _)| name.as_str().into());
        }
        Some(match value {
            Value::Bool(Some(value)) => Json::from(*value),
            Value::SmallInt(Some(value)) => Json::from(*value),
            Value::Int(Some(value)) => Json::from(*value),
            Value::BigInt(Some(value)) => Json::from(value.to_string()),
            // Uses the shortest text: 0.1f32 is 0.1 to the client, not 0.10000000149011612.
            Value::Float(Some(value)) => {
                Json::Number(serde_json::Number::from_f64(value.to_string().parse().ok()?)?)
            }
            Value::Double(Some(value)) => Json::Number(serde_json::Number::from_f64(*value)?),
            Value::Decimal(Some(value)) => Json::from(value.to_string()),
            Value::String(Some(value)) => match self {
                Self::Enumeration(_) => Json::from(
                    variants.iter().find(|(_, stored)| stored == value).map(|(name, _)| name.as_str())?,
                ),
                Self::Spelled(spelling) => spelling.value(value)?,
                _ => Json::from(value.as_str()),
            },
            Value::Uuid(Some(value)) => Json::from(value.to_string()),
            Value::ChronoDate(Some(value)) => Json::from(value.to_string()),
            Value::ChronoTime(Some(value)) => Json::from(value.to_string()),
            Value::ChronoDateTime(Some(value)) => {
                Json::from(value.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            Value::ChronoDateTimeWithTimeZone(Some(value)) => {
                Json::from(value.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            Value::Json(Some(value)) => (**value).clone(),
            Value::Bytes(Some(value)) => Json::from(BASE64.encode(value)),
            Value::Array(_, Some(items)) => {
                let Self::List(list) = self else { return None };
                let write = |item: &Value| match is_null(item) {
                    true => Some(Json::Null),
                    false => list.element.write(item, variants),
                };
                items.iter().map(write).collect::<Option<Json>>()?
            }
            value => long_decimal(value)?.into(),
        })
    }
}

/// Returns the type of a list of values like this one as one parameter.
pub fn array_type_of(value: &Value) -> ArrayType {
    match value {
        Value::Bool(_) => ArrayType::Bool,
        Value::SmallInt(_) => ArrayType::SmallInt,
        Value::Int(_) => ArrayType::Int,
        Value::BigInt(_) => ArrayType::BigInt,
        Value::Float(_) => ArrayType::Float,
        Value::Double(_) => ArrayType::Double,
        Value::Decimal(_) => ArrayType::Decimal,
        Value::Uuid(_) => ArrayType::Uuid,
        Value::ChronoDate(_) => ArrayType::ChronoDate,
        Value::ChronoTime(_) => ArrayType::ChronoTime,
        Value::ChronoDateTime(_) => ArrayType::ChronoDateTime,
        Value::ChronoDateTimeWithTimeZone(_) => ArrayType::ChronoDateTimeWithTimeZone,
        Value::Json(_) => ArrayType::Json,
        Value::Bytes(_) => ArrayType::Bytes,
        _ => ArrayType::String,
    }
}

/// Returns true if a cell is NULL.
pub fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

/// Normalizes a key so that keys of both sides of a relation compare equal. A foreign key may be narrower or
/// wider than the key that it references.
pub fn normalize_key(value: Value) -> Value {
    match value {
        Value::SmallInt(Some(value)) => Value::BigInt(Some(value.into())),
        Value::Int(Some(value)) => Value::BigInt(Some(value.into())),
        Value::Decimal(Some(value)) => Value::Decimal(Some(value.normalize())),
        other => long_decimal(&other).and_then(read_decimal).unwrap_or(other),
    }
}
