//! PostgreSQL's binary format, decoded straight into cells.

use chrono::{DateTime, NaiveDate, NaiveTime};
use postgres_types::{FromSql, Type};
use rust_decimal::Decimal;
use sea_orm::{DbErr, Value};
use uuid::Uuid;

use crate::execute::row_builder::RowSetBuilder;
use crate::model::ColumnType;

/// How the cells of a column are decoded: found out once for all rows of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Boolean,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Text,
    Decimal,
    Uuid,
    Date,
    Time,
    DateTime,
    Timestamp,
    Json,
    JsonBinary,
    Bytes,
    /// The column is of a type that cannot be what the entity says: its NULLs can be read.
    Other(u32),
}

/// The first id of a type that no release of PostgreSQL has by itself (`access/transam.h`).
const FIRST_OWN_TYPE: u32 = 16_384;

impl Form {
    /// Of a column that the entity and the database describe so.
    pub fn of(column_type: &ColumnType, oid: u32) -> Self {
        let is = |other: &Type| oid == other.oid();
        match column_type {
            ColumnType::Boolean if is(&Type::BOOL) => Self::Boolean,
            // PostgreSQL stores 8 bits in 16, and 16, 32 and 64 unsigned ones in the next wider signed type.
            ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::TinyUnsigned if is(&Type::INT2) => {
                Self::Int2
            }
            ColumnType::Int | ColumnType::SmallUnsigned if is(&Type::INT4) => Self::Int4,
            ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned if is(&Type::INT8) => {
                Self::Int8
            }
            ColumnType::Float if is(&Type::FLOAT4) => Self::Float4,
            ColumnType::Double if is(&Type::FLOAT8) => Self::Float8,
            ColumnType::Text | ColumnType::Enumeration(_)
                if [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME].iter().any(is)
                    // Such as citext.
                    || oid >= FIRST_OWN_TYPE =>
            {
                Self::Text
            }
            ColumnType::Decimal if is(&Type::NUMERIC) => Self::Decimal,
            ColumnType::Uuid if is(&Type::UUID) => Self::Uuid,
            ColumnType::Date if is(&Type::DATE) => Self::Date,
            ColumnType::Time if is(&Type::TIME) => Self::Time,
            ColumnType::DateTime if is(&Type::TIMESTAMP) => Self::DateTime,
            ColumnType::Timestamp if is(&Type::TIMESTAMPTZ) => Self::Timestamp,
            ColumnType::Json if is(&Type::JSON) => Self::Json,
            ColumnType::Json if is(&Type::JSONB) => Self::JsonBinary,
            ColumnType::Bytes if is(&Type::BYTEA) => Self::Bytes,
            _ => Self::Other(oid),
        }
    }

    /// Adds a cell; no bytes are NULL.
    pub fn decode(self, bytes: Option<&[u8]>, rows: &mut RowSetBuilder) -> Result<(), DbErr> {
        let Some(bytes) = bytes else {
            rows.push_null();
            return Ok(());
        };
        match self {
            Self::Boolean => rows.push_boolean(fixed::<1>(bytes)? != [0]),
            Self::Int2 => rows.push_integer(i16::from_be_bytes(fixed(bytes)?).into()),
            Self::Int4 => rows.push_integer(i32::from_be_bytes(fixed(bytes)?).into()),
            Self::Int8 => rows.push_integer(i64::from_be_bytes(fixed(bytes)?)),
            Self::Float4 => rows.push_float(f32::from_be_bytes(fixed(bytes)?)),
            Self::Float8 => rows.push_double(f64::from_be_bytes(fixed(bytes)?)),
            Self::Date => rows.push_date(date(i32::from_be_bytes(fixed(bytes)?))?),
            Self::Text => rows.push_text(bytes)?,
            rarer => rows.push_other(rarer.value(bytes)?),
        }
        Ok(())
    }

    fn value(self, bytes: &[u8]) -> Result<Value, DbErr> {
        Ok(match self {
            Self::Decimal => Decimal::from_sql(&Type::NUMERIC, bytes).map_err(refusal)?.into(),
            Self::Uuid => Uuid::from_slice(bytes).map_err(refusal)?.into(),
            Self::Time => time(i64::from_be_bytes(fixed(bytes)?))?.into(),
            Self::DateTime => moment(i64::from_be_bytes(fixed(bytes)?))?.naive_utc().into(),
            Self::Timestamp => moment(i64::from_be_bytes(fixed(bytes)?))?.fixed_offset().into(),
            Self::Json => serde_json::from_slice::<serde_json::Value>(bytes).map_err(refusal)?.into(),
            Self::JsonBinary => match bytes.split_first() {
                Some((1, text)) => serde_json::from_slice::<serde_json::Value>(text).map_err(refusal)?.into(),
                _ => return Err(refusal("jsonb of a version other than 1")),
            },
            Self::Bytes => bytes.to_vec().into(),
            Self::Other(oid) => return Err(refusal(format!("PostgreSQL's type {oid} is not the entity's"))),
            simple => return Err(refusal(format!("{simple:?} is no value of its own"))),
        })
    }
}

/// The error of a value that its column should not hold.
pub(super) fn refusal(why: impl std::fmt::Display) -> DbErr {
    DbErr::Type(why.to_string())
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DbErr> {
    bytes.try_into().map_err(|_| refusal(format!("{} bytes came for a value of {N}", bytes.len())))
}

/// The days of the common era up to 2000-01-01, from which PostgreSQL counts.
const EPOCH_DAYS: i32 = 730_120;

/// The microseconds from 1970-01-01 to 2000-01-01.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

const MICROSECONDS_OF_A_DAY: i64 = 86_400_000_000;

/// PostgreSQL's calendar goes further than chrono's, and knows `infinity`.
fn date(days: i32) -> Result<NaiveDate, DbErr> {
    let date = days.checked_add(EPOCH_DAYS).and_then(NaiveDate::from_num_days_from_ce_opt);
    date.ok_or_else(|| refusal("a date that is out of range"))
}

fn moment(microseconds: i64) -> Result<DateTime<chrono::Utc>, DbErr> {
    let moment = microseconds.checked_add(EPOCH_MICROSECONDS).and_then(DateTime::from_timestamp_micros);
    moment.ok_or_else(|| refusal("a moment that is out of range"))
}

/// `24:00:00`, which PostgreSQL has, is midnight.
fn time(microseconds: i64) -> Result<NaiveTime, DbErr> {
    let microseconds = microseconds.rem_euclid(MICROSECONDS_OF_A_DAY);
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let time = u32::try_from(seconds).ok().zip(u32::try_from(rest * 1_000).ok());
    time.and_then(|(seconds, nanoseconds)| {
        NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds)
    })
    .ok_or_else(|| refusal("a time that is out of range"))
}
