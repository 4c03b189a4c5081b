//! Value of a column, in memory.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Timelike, Utc,
};
use rust_decimal::Decimal;
use sea_orm::Value;
use sea_orm::sea_query::{Expr, ExprTrait};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::tables::Kind;

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    /// Integer of any width.
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    /// Text, or the stored value of an enum.
    Text(String),
    Uuid(Uuid),
    Date(NaiveDate),
    Time(NaiveTime),
    DateTime(NaiveDateTime),
    Timestamp(DateTime<Utc>),
    Json(Json),
    Bytes(Vec<u8>),
}

impl Cell {
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// Compares two values of a column, neither of them NULL.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Int(one), Self::Int(other)) => one.cmp(other),
            (Self::Float(one), Self::Float(other)) => one.total_cmp(other),
            (Self::Decimal(one), Self::Decimal(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
            (Self::Uuid(one), Self::Uuid(other)) => one.as_bytes().cmp(other.as_bytes()),
            (Self::Date(one), Self::Date(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
            (Self::DateTime(one), Self::DateTime(other)) => one.cmp(other),
            (Self::Timestamp(one), Self::Timestamp(other)) => one.cmp(other),
            (Self::Bytes(one), Self::Bytes(other)) => one.cmp(other),
            _ => panic!("{self:?} and {other:?} do not compare"),
        }
    }

    /// Formats the value as a client reads it.
    pub fn json(&self, kind: Kind) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => json!(value),
            Self::Int(value) if kind == Kind::BigInt => json!(value.to_string()),
            Self::Int(value) => json!(value),
            Self::Float(value) => json!(value),
            Self::Decimal(value) => json!(value.to_string()),
            Self::Text(value) if kind == Kind::Grade => json!(grade_name(value)),
            Self::Text(value) => json!(value),
            Self::Uuid(value) => json!(value.to_string()),
            Self::Date(value) => json!(value.to_string()),
            Self::Time(value) => json!(value.to_string()),
            Self::DateTime(value) => json!(value.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Timestamp(value) => json!(value.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Json(value) => value.clone(),
            Self::Bytes(value) => json!(BASE64.encode(value)),
        }
    }

    /// Formats a time in the spelling of a program that writes to SQLite; `None` for other values.
    pub fn spelled(&self, writer: usize) -> Option<String> {
        let moment = |moment: NaiveDateTime| {
            let is_near_an_end = !(2..9_999).contains(&moment.year());
            let local = |hours: f32, form: &str| {
                let offset = FixedOffset::east_opt((hours * 3_600.0) as i32).unwrap();
                moment.and_utc().with_timezone(&offset).format(form).to_string()
            };
            match writer % 8 {
                1 => moment.format("%FT%T%.f+00:00").to_string(),
                2 => moment.format("%F %T%.9fZ").to_string(),
                3 if !is_near_an_end => local(2.0, "%FT%T%.f%:z"),
                4 if !is_near_an_end => local(-5.5, "%F %T%.6f%:z"),
                5 if !is_near_an_end => local(14.0, "%F %T%.f%:z"),
                6 if moment.second() == 0 && moment.nanosecond() == 0 => moment.format("%F %R").to_string(),
                _ => moment.format("%F %T%.f").to_string(),
            }
        };
        match self {
            Self::Timestamp(value) => Some(moment(value.naive_utc())),
            Self::DateTime(value) => Some(moment(*value)),
            Self::Date(value) => {
                Some(value.format(["%F", "%F 00:00:00", "%FT23:59:59.5-12:00"][writer % 3]).to_string())
            }
            Self::Time(value) => Some(value.format(["%T%.f", "%T%.9f", "%T%.fZ"][writer % 3]).to_string()),
            _ => None,
        }
    }

    /// Converts the value as SeaORM inserts it.
    pub fn insert(&self, kind: Kind) -> Expr {
        let value = match (self, kind) {
            (Self::Null, Kind::Bool) => Value::Bool(None),
            (Self::Null, Kind::SmallInt) => Value::SmallInt(None),
            (Self::Null, Kind::Int) => Value::Int(None),
            (Self::Null, Kind::BigInt) => Value::BigInt(None),
            (Self::Null, Kind::Float) => Value::Double(None),
            (Self::Null, Kind::Decimal) => Value::Decimal(None),
            (Self::Null, Kind::Text | Kind::Grade) => Value::String(None),
            (Self::Null, Kind::Uuid) => Value::Uuid(None),
            (Self::Null, Kind::Date) => Value::ChronoDate(None),
            (Self::Null, Kind::Time) => Value::ChronoTime(None),
            (Self::Null, Kind::DateTime) => Value::ChronoDateTime(None),
            (Self::Null, Kind::Timestamp) => Value::ChronoDateTimeWithTimeZone(None),
            (Self::Null, Kind::Json) => Value::Json(None),
            (Self::Null, Kind::Bytes) => Value::Bytes(None),
            (Self::Bool(value), _) => (*value).into(),
            (Self::Int(value), Kind::SmallInt) => i16::try_from(*value).unwrap().into(),
            (Self::Int(value), Kind::Int) => i32::try_from(*value).unwrap().into(),
            (Self::Int(value), _) => (*value).into(),
            (Self::Float(value), _) => (*value).into(),
            (Self::Decimal(value), _) => (*value).into(),
            (Self::Text(value), _) => value.as_str().into(),
            (Self::Uuid(value), _) => (*value).into(),
            (Self::Date(value), _) => (*value).into(),
            (Self::Time(value), _) => (*value).into(),
            (Self::DateTime(value), _) => (*value).into(),
            (Self::Timestamp(value), _) => value.fixed_offset().into(),
            (Self::Json(value), _) => value.clone().into(),
            (Self::Bytes(value), _) => value.clone().into(),
        };
        match kind {
            Kind::Grade => Expr::val(value).as_enum("grade"),
            _ => Expr::val(value),
        }
    }
}

/// Stored values of the enum with their names in the schema.
pub const GRADES: [(&str, &str); 3] = [("low", "LOW"), ("mid-way", "MID_WAY"), ("HIGH", "HIGH")];

fn grade_name(stored: &str) -> &'static str {
    GRADES.iter().find(|(known, _)| *known == stored).unwrap().1
}
