//! What SQLite stores, as the types of columns have it.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use rusqlite::types::ValueRef;
use rust_decimal::Decimal;
use sea_orm::DbErr;
use uuid::Uuid;

use super::Fault;
use crate::execute::row::Unreadable;
use crate::execute::row_builder::RowSetBuilder;
use crate::model::ColumnType;

/// Adds what is stored to the cells, as sqlx would decode it. A column may hold values of any type: one that is not its
/// own is refused.
///
/// What nearly all cells are is taken from where SQLite's driver has left it. As a value of its own it would be copied
/// first, as a whole, while its parts are still on their way to memory: the processor waits for that, and it was a
/// twentieth of the time of an answer.
#[inline(always)]
pub(super) fn push(
    rows: &mut RowSetBuilder,
    stored: rusqlite::Result<ValueRef<'_>>,
    column_type: &ColumnType,
) -> Result<(), Fault> {
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
    if pushed.is_err() {
        rows.push_unreadable(Unreadable::WrongType);
    }
    Ok(())
}

fn push_integer(rows: &mut RowSetBuilder, value: i64, column_type: &ColumnType) -> Result<(), DbErr> {
    use ColumnType as Type;

    let fits = match column_type {
        Type::Boolean => {
            rows.push_boolean(value != 0);
            return Ok(());
        }
        Type::TinyInt | Type::SmallInt | Type::TinyUnsigned => i16::try_from(value).is_ok(),
        Type::Int | Type::SmallUnsigned => i32::try_from(value).is_ok(),
        column_type if column_type.is_integer() => true,
        column_type => return push_rarer(rows, ValueRef::Integer(value), column_type),
    };
    if !fits {
        return Err(DbErr::Type(format!("{value} is too large for {column_type:?}")));
    }
    rows.push_integer(value);
    Ok(())
}

fn push_rarer(rows: &mut RowSetBuilder, stored: ValueRef<'_>, column_type: &ColumnType) -> Result<(), DbErr> {
    use ColumnType as Type;

    let other = match (column_type, stored) {
        (Type::Float, ValueRef::Real(value)) => {
            rows.push_float(value as f32);
            return Ok(());
        }
        (Type::Double, ValueRef::Real(value)) => {
            rows.push_double(value);
            return Ok(());
        }
        (Type::Date, ValueRef::Text(bytes)) => {
            rows.push_date(date(text(bytes)?)?);
            return Ok(());
        }
        (Type::Decimal, ValueRef::Text(bytes)) => decimal(text(bytes)?)?.into(),
        (Type::Uuid, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => {
            Uuid::from_slice(bytes).map_err(|error| DbErr::Type(error.to_string()))?.into()
        }
        (Type::Time, ValueRef::Text(bytes)) => time(text(bytes)?)?.into(),
        (Type::DateTime, stored) => moment(stored)?.naive_local().into(),
        (Type::Timestamp, stored) => moment(stored)?.into(),
        (Type::Json, ValueRef::Text(bytes)) => {
            rows.push_json(bytes);
            return Ok(());
        }
        (Type::Bytes, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => bytes.to_vec().into(),
        (column_type, stored) => {
            return Err(DbErr::Type(format!("{column_type:?} cannot be {}", stored.data_type())));
        }
    };
    rows.push_other(other);
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, DbErr> {
    std::str::from_utf8(bytes).map_err(|error| DbErr::Type(error.to_string()))
}

/// A decimal comes as the text that SQLite shows (see `Dialect::selected`), a sum of integers in two halves (see
/// `Dialect::sum`).
pub(in crate::execute) fn decimal(text: &str) -> Result<Decimal, DbErr> {
    let read = |text: &str| text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text));
    let value = match text.split_once(':') {
        None => read(text),
        Some((upper, lower)) => {
            read(upper).and_then(|upper| Ok(upper * Decimal::from(1_u64 << 32) + read(lower)?))
        }
    };
    value.map_err(|error| DbErr::Type(format!("\"{text}\" is not a decimal: {error}")))
}

fn date(text: &str) -> Result<NaiveDate, DbErr> {
    if let Some(usual) = usual_date(text.as_bytes()) {
        return Ok(usual);
    }
    NaiveDate::parse_from_str(text, "%F").map_err(|error| DbErr::Type(format!("\"{text}\": {error}")))
}

/// `YYYY-MM-DD`, without the machine that reads dates of any form.
fn usual_date(text: &[u8]) -> Option<NaiveDate> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let year = i32::try_from(number(&[y0, y1, y2, y3])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m0, m1])?, number(&[d0, d1])?)
}

/// The forms in which SQLite's own functions take a time of day.
const TIMES: [&str; 6] = ["%T%.f", "%R", "%RZ", "%T%.fZ", "%R%:z", "%T%.f%:z"];

fn time(text: &str) -> Result<NaiveTime, DbErr> {
    let read = |form: &&str| NaiveTime::parse_from_str(text, form).ok();
    TIMES.iter().find_map(read).ok_or_else(|| DbErr::Type(format!("\"{text}\" is not a time")))
}

/// The forms of a moment, that in which it is written first. Without an offset it is in UTC.
const MOMENTS: [&str; 12] = [
    "%F %T%.f",
    "%F %R",
    "%F %RZ",
    "%F %R%:z",
    "%F %T%.fZ",
    "%F %T%.f%:z",
    "%FT%R",
    "%FT%RZ",
    "%FT%R%:z",
    "%FT%T%.f",
    "%FT%T%.fZ",
    "%FT%T%.f%:z",
];

/// The day from which SQLite's Julian day numbers count to 1970-01-01.
const JULIAN_EPOCH: f64 = 2_440_587.5;

const SECONDS_OF_A_DAY: f64 = 86_400.0;

fn moment(stored: ValueRef<'_>) -> Result<DateTime<FixedOffset>, DbErr> {
    let utc = Utc.fix();
    let moment = match stored {
        ValueRef::Text(bytes) => {
            let text = text(bytes)?;
            let read = |form: &&str| {
                let without = || NaiveDateTime::parse_from_str(text, form).ok();
                let with = || DateTime::parse_from_str(text, form).ok();
                let with = if form.ends_with("%:z") { with() } else { None };
                with.or_else(|| Some(utc.from_utc_datetime(&without()?)))
            };
            let [most, ..] = &MOMENTS;
            read(most)
                .or_else(|| DateTime::parse_from_rfc3339(text).ok())
                .or_else(|| MOMENTS.iter().find_map(read))
        }
        ValueRef::Integer(seconds) => utc.timestamp_opt(seconds, 0).single(),
        ValueRef::Real(days) => {
            let seconds = (days - JULIAN_EPOCH) * SECONDS_OF_A_DAY;
            let nanoseconds = (seconds.fract() * 1e9).abs() as u32;
            let whole = seconds.is_finite().then(|| seconds.trunc() as i64);
            whole.and_then(|whole| utc.timestamp_opt(whole, nanoseconds).single())
        }
        _ => None,
    };
    moment.ok_or_else(|| DbErr::Type(format!("{stored:?} is not a moment")))
}
