//! PostgreSQL's binary format, decoded straight into cells.

use chrono::{DateTime, NaiveDate, NaiveTime};
use postgres_types::Type;
use sea_orm::Value;
use uuid::Uuid;

use super::numeric;
use crate::execute::row::Unreadable;
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
    /// Text that the database fills up with blanks, which it takes for none.
    Padded,
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

/// Functions that send a type's values as the text that clients read. Other types of their own, such as `ltree`, have a
/// binary form.
const SENDS_TEXT: [&str; 6] =
    ["textsend", "varcharsend", "bpcharsend", "namesend", "enum_send", "citextsend"];

/// Whether the values of a column of PostgreSQL's type `oid`, which `send` writes, are read as what the entity says.
pub(in crate::execute) fn is_readable(column_type: &ColumnType, oid: u32, send: &str) -> bool {
    // An enum is selected as text, whatever it is stored as.
    matches!(column_type, ColumnType::Enumeration(_))
        || (!matches!(Form::of(column_type, oid), Form::Other(_))
            && (oid < FIRST_OWN_TYPE || SENDS_TEXT.contains(&send)))
}

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
                if [Type::TEXT, Type::VARCHAR, Type::NAME].iter().any(is)
                    // Such as citext.
                    || oid >= FIRST_OWN_TYPE =>
            {
                Self::Text
            }
            ColumnType::Text if is(&Type::BPCHAR) => Self::Padded,
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

    /// Adds a cell; no bytes are NULL. What the column's type cannot hold is an unreadable cell.
    pub fn decode(self, bytes: Option<&[u8]>, rows: &mut RowSetBuilder) {
        let Some(bytes) = bytes else { return rows.push_null() };
        if let Err(why) = self.push(bytes, rows) {
            rows.push_unreadable(why);
        }
    }

    fn push(self, bytes: &[u8], rows: &mut RowSetBuilder) -> Result<(), Unreadable> {
        match self {
            Self::Boolean => rows.push_boolean(fixed::<1>(bytes)? != [0]),
            Self::Int2 => rows.push_integer(i16::from_be_bytes(fixed(bytes)?).into()),
            Self::Int4 => rows.push_integer(i32::from_be_bytes(fixed(bytes)?).into()),
            Self::Int8 => rows.push_integer(i64::from_be_bytes(fixed(bytes)?)),
            Self::Float4 => rows.push_float(f32::from_be_bytes(fixed(bytes)?)),
            Self::Float8 => rows.push_double(f64::from_be_bytes(fixed(bytes)?)),
            Self::Date => rows.push_date(date(i32::from_be_bytes(fixed(bytes)?))?),
            Self::Text => rows.push_text(bytes),
            Self::Padded => rows.push_text(without_padding(bytes)),
            Self::Json => rows.push_json(bytes),
            Self::JsonBinary => match bytes.split_first() {
                Some((1, text)) => rows.push_json(text),
                _ => return Err(Unreadable::Malformed),
            },
            rarer => rows.push_other(rarer.value(bytes)?),
        }
        Ok(())
    }

    fn value(self, bytes: &[u8]) -> Result<Value, Unreadable> {
        Ok(match self {
            Self::Decimal => numeric::read(bytes)?,
            Self::Uuid => Uuid::from_slice(bytes).map_err(|_| Unreadable::Malformed)?.into(),
            Self::Time => time(i64::from_be_bytes(fixed(bytes)?))?.into(),
            Self::DateTime => moment(i64::from_be_bytes(fixed(bytes)?))?.naive_utc().into(),
            Self::Timestamp => moment(i64::from_be_bytes(fixed(bytes)?))?.fixed_offset().into(),
            Self::Bytes => bytes.to_vec().into(),
            _ => return Err(Unreadable::WrongType),
        })
    }
}

fn without_padding(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    &text[..end]
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unreadable> {
    bytes.try_into().map_err(|_| Unreadable::Malformed)
}

/// The days of the common era up to 2000-01-01, from which PostgreSQL counts.
const EPOCH_DAYS: i32 = 730_120;

/// The microseconds from 1970-01-01 to 2000-01-01.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// PostgreSQL's calendar goes further than chrono's, and knows `infinity`.
fn date(days: i32) -> Result<NaiveDate, Unreadable> {
    let date = days.checked_add(EPOCH_DAYS).and_then(NaiveDate::from_num_days_from_ce_opt);
    date.ok_or(Unreadable::OutOfRange)
}

fn moment(microseconds: i64) -> Result<DateTime<chrono::Utc>, Unreadable> {
    let moment = microseconds.checked_add(EPOCH_MICROSECONDS).and_then(DateTime::from_timestamp_micros);
    moment.ok_or(Unreadable::OutOfRange)
}

/// PostgreSQL's day ends with a `24:00:00`, which no other time of day equals.
fn time(microseconds: i64) -> Result<NaiveTime, Unreadable> {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let time = u32::try_from(seconds).ok().zip(u32::try_from(rest * 1_000).ok());
    time.and_then(|(seconds, nanoseconds)| {
        NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds)
    })
    .ok_or(Unreadable::OutOfRange)
}
