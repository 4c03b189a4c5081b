//! Values as clients write them: JSON to values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;
use sea_orm::Value;
use serde_json::Value as Json;
use uuid::Uuid;

use super::scalar::Scalar;
use super::types::{ColumnType, ListType};
use crate::model::expected::Expected;
use crate::model::long_decimal::read_decimal;
use crate::model::native::NativeForm;
use crate::model::range;

impl ColumnType {
    /// Reads a client's value, and refuses a value that a column of this type cannot hold exactly. The limits
    /// of a single column are checked on write: see [`Limit`](crate::model::Limit).
    pub fn read(&self, json: &Json, variants: &[(String, String)]) -> Result<Value, Expected> {
        if let Self::List(list) = self {
            return list.read(json, |item| list.element.read(item, variants));
        }
        let value = match self {
            Self::Native(native) if native.form != NativeForm::Money => {
                native.form.read(json).map_err(Expected)?
            }
            _ => self.restore(json, variants)?,
        };
        range::check(&value)?;
        Ok(value)
    }

    /// Reads a client's text for a column of text, as [`ColumnType::read`] does, without a copy as JSON.
    pub fn read_text(text: &str) -> Result<Value, Expected> {
        let value = Value::String(Some(text.to_owned()));
        range::check(&value)?;
        Ok(value)
    }

    /// Reads a stored value from the form of [`ColumnType::write`]; the value may exceed the range of input.
    ///
    /// Integers get the narrowest signed type that every database can bind: PostgreSQL has neither unsigned
    /// nor 8-bit columns. `variants` maps GraphQL names to stored enum values.
    pub fn restore(&self, json: &Json, variants: &[(String, String)]) -> Result<Value, Expected> {
        let value = match (self, json) {
            (Self::Boolean, Json::Bool(value)) => Value::Bool(Some(*value)),
            (Self::TinyInt, json) => Value::SmallInt(Some(integer(json, i8::MIN, i8::MAX)?.into())),
            (Self::SmallInt, json) => Value::SmallInt(Some(integer(json, i16::MIN, i16::MAX)?)),
            (Self::Int, json) => Value::Int(Some(integer(json, i32::MIN, i32::MAX)?)),
            (Self::BigInt, json) => Value::BigInt(Some(big_integer(json, i64::MIN, i64::MAX)?)),
            (Self::TinyUnsigned, json) => Value::SmallInt(Some(integer(json, u8::MIN, u8::MAX)?.into())),
            (Self::SmallUnsigned, json) => Value::Int(Some(integer(json, u16::MIN, u16::MAX)?.into())),
            (Self::Unsigned, json) => Value::BigInt(Some(big_integer(json, u32::MIN, u32::MAX)?.into())),
            // SQLite and PostgreSQL have no unsigned columns; SeaORM uses signed 64-bit columns.
            (Self::BigUnsigned, json) => Value::BigInt(Some(big_integer(json, 0, i64::MAX)?)),
            (Self::Float, Json::Number(number)) => Value::Float(Some(single(number)?)),
            (Self::Double, Json::Number(number)) => Value::Double(Some(float(number)?)),
            (Self::Decimal, json) => decimal(json)?,
            (Self::Text, Json::String(text)) => Value::String(Some(text.clone())),
            (Self::Uuid | Self::AnyUuid, Json::String(text)) => {
                Value::Uuid(Some(text.parse::<Uuid>().map_err(|_| Expected("expected a UUID".into()))?))
            }
            (Self::Spelled(spelling), json) => match spelling.stored(json) {
                Some(text) => text.into(),
                None if spelling.is_uuid() => return Err(Expected("expected a UUID".into())),
                None => return Err(Expected("expected Boolean".into())),
            },
            (Self::Date, Json::String(text)) => Value::ChronoDate(Some(
                text.parse::<NaiveDate>()
                    .map_err(|_| Expected("expected a date such as \"2025-12-31\"".into()))?,
            )),
            (Self::Time, Json::String(text)) => Value::ChronoTime(Some(
                text.parse::<NaiveTime>()
                    .map_err(|_| Expected("expected a time such as \"23:59:59\"".into()))?,
            )),
            (Self::DateTime, Json::String(text)) => Value::ChronoDateTime(Some(moment(text)?.naive_utc())),
            // Always UTC, because SQLite compares the stored text, including the offset.
            (Self::Timestamp, Json::String(text)) => {
                Value::ChronoDateTimeWithTimeZone(Some(moment(text)?.to_utc().fixed_offset()))
            }
            (Self::Json, json) => Value::Json(Some(Box::new(json.clone()))),
            (Self::Bytes, Json::String(text)) => {
                Value::Bytes(Some(BASE64.decode(text).map_err(|_| Expected("expected base64".into()))?))
            }
            (Self::Native(native), json) if native.form == NativeForm::Money => money(decimal(json)?)?.into(),
            // PostgreSQL wrote the text itself.
            (Self::Native(native), Json::String(text)) if !native.form.is_json() => {
                Value::String(Some(text.clone()))
            }
            (Self::Native(native), json) => native.form.read(json).map_err(Expected)?,
            (Self::List(list), json) => list.read(json, |item| list.element.restore(item, variants))?,
            (Self::Enumeration(_) | Self::Choice(_), Json::String(name)) => {
                match variants.iter().find(|(variant, _)| variant == name) {
                    Some((_, stored)) => self.listed(stored),
                    None => {
                        let names: Vec<&str> = variants.iter().map(|(variant, _)| variant.as_str()).collect();
                        return Err(Expected(format!("expected one of {}", names.join(", "))));
                    }
                }
            }
            _ => {
                let scalar = self.scalar().map_or("an enum value", Scalar::name);
                return Err(Expected(format!("expected {scalar}")));
            }
        };
        Ok(value)
    }

    /// Returns a stored value of an enum or of choices from its text.
    fn listed(&self, stored: &str) -> Value {
        match self.stored() {
            of if of.is_integer() => stored.parse().map_or_else(|_| of.null(), |value| of.integer(value)),
            _ => stored.into(),
        }
    }
}

impl ListType {
    /// Reads a list, whose items may be null; a single value is a list of one item (September 2025, section 3.11).
    fn read(&self, json: &Json, read: impl Fn(&Json) -> Result<Value, Expected>) -> Result<Value, Expected> {
        let items = match json {
            Json::Array(items) => items.as_slice(),
            json => std::slice::from_ref(json),
        };
        let items = items.iter().enumerate().map(|(place, item)| match item {
            Json::Null => Ok(self.element.null()),
            item => read(item).map_err(|Expected(expected)| Expected(format!("item {place}: {expected}"))),
        });
        Ok(Value::Array(self.element.array_type(), Some(Box::new(items.collect::<Result<_, _>>()?))))
    }
}

fn integer<T: TryFrom<i64> + Into<i64>>(json: &Json, low: T, high: T) -> Result<T, Expected> {
    let number = json.as_i64().or_else(|| whole(json.as_f64()?));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| between(low, high))
}

fn big_integer<T: TryFrom<i64> + Into<i64> + PartialOrd + Copy>(
    json: &Json,
    low: T,
    high: T,
) -> Result<T, Expected> {
    let number = match json {
        Json::String(text) => text.parse::<i64>().ok(),
        other => other.as_i64(),
    };
    // The bounds may be narrower than the type: an unsigned 64-bit integer is kept in a signed one.
    let number = number.and_then(|number| T::try_from(number).ok());
    number.filter(|number| (low..=high).contains(number)).ok_or_else(|| between(low, high))
}

/// Decimal digits that every 64-bit float keeps.
const FLOAT_DIGITS: usize = 15;

/// Converts a float without a fraction: input coercion of `Int` accepts `1.0` too (September 2025, section
/// 3.5.1).
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 2f64.powi(53)).then_some(number as i64)
}

fn between<T: Into<i64>>(low: T, high: T) -> Expected {
    let (low, high): (i64, i64) = (low.into(), high.into());
    Expected(format!("expected an integer from {low} to {high}"))
}

fn float(number: &serde_json::Number) -> Result<f64, Expected> {
    number
        .as_f64()
        .filter(|value| value.is_finite())
        .ok_or_else(|| Expected("expected a finite number".into()))
}

/// Returns the nearest 32-bit float. Refuses overflow, and underflow to zero.
fn single(number: &serde_json::Number) -> Result<f32, Expected> {
    let wide = float(number)?;
    let value = wide as f32;
    let fits = value.is_finite() && (value != 0.0 || wide == 0.0);
    fits.then_some(value).ok_or_else(|| Expected("expected a number in the range of a 32-bit float".into()))
}

fn decimal(json: &Json) -> Result<Value, Expected> {
    let text = match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => String::new(),
    };
    // JSON numbers are floats here: beyond 15 digits the value differs from the written number.
    if json.is_f64() && text.bytes().filter(u8::is_ascii_digit).count() > FLOAT_DIGITS {
        return Err(Expected(
            "expected a string, because JSON numbers are exact only up to 15 digits".into(),
        ));
    }
    read_decimal(&text).ok_or_else(|| Expected("expected a decimal number, such as \"19.90\"".into()))
}

/// Refuses an amount of money that PostgreSQL would round, or could not hold in 64 bits.
fn money(amount: Value) -> Result<Decimal, Expected> {
    let refused =
        || Expected("expected an amount of at most two digits after the point and 17 before it".into());
    let Value::Decimal(Some(amount)) = amount else { return Err(refused()) };
    let cents = amount.normalize();
    let fits = cents.scale() <= 2 && (amount.abs() <= Decimal::new(i64::MAX, 2));
    fits.then_some(amount).ok_or_else(refused)
}

/// Parses RFC 3339; without an offset the time is UTC. Years outside of RFC 3339 have a sign: `+10000-01-01T00:00:00Z`.
fn moment(text: &str) -> Result<DateTime<FixedOffset>, Expected> {
    let utc = || text.strip_suffix('Z').unwrap_or(text).parse::<NaiveDateTime>();
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| utc().map(|moment| moment.and_utc().fixed_offset()))
        .map_err(|_| Expected("expected a date and time such as \"2025-12-31T23:59:59Z\"".into()))
}
