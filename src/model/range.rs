//! Range of client values that every database stores, orders and returns alike.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use sea_orm::Value;
use serde_json::Value as Json;

use super::expected::Expected;

/// Nanoseconds of PostgreSQL's smallest time step.
const STEP_NANOSECONDS: u32 = 1_000;

/// Nanosecond value from which chrono encodes a leap second.
const LEAP_SECOND: u32 = 1_000_000_000;

/// Refuses a value that one of the databases would store differently, or could not order.
pub(super) fn check(value: &Value) -> Result<(), Expected> {
    match value {
        Value::ChronoDate(Some(date)) => check_date(*date),
        Value::ChronoTime(Some(time)) => check_time(*time),
        Value::ChronoDateTime(Some(moment)) => {
            check_date(moment.date()).and_then(|()| check_time(moment.time()))
        }
        Value::ChronoDateTimeWithTimeZone(Some(moment)) => {
            let moment = moment.naive_utc();
            check_date(moment.date()).and_then(|()| check_time(moment.time()))
        }
        // PostgreSQL cannot store U+0000.
        Value::String(Some(text)) if text.contains('\0') => {
            Err(Expected("expected text without U+0000".to_owned()))
        }
        Value::Json(Some(json)) if has_nul(json) => {
            Err(Expected("expected JSON without U+0000 in its strings".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Accepts years of four digits, as in RFC 3339. PostgreSQL has no year 0, and SQLite compares years as text.
fn check_date(date: NaiveDate) -> Result<(), Expected> {
    match date.year() {
        1..=9_999 => Ok(()),
        _ => Err(Expected("expected a year from 0001 to 9999 (in UTC)".to_owned())),
    }
}

/// Accepts six fractional digits and no leap second. PostgreSQL keeps six digits, and moves a leap second to
/// the next second.
fn check_time(time: NaiveTime) -> Result<(), Expected> {
    match time.nanosecond() {
        LEAP_SECOND.. => Err(Expected("expected seconds from 00 to 59".to_owned())),
        fraction if fraction % STEP_NANOSECONDS != 0 => {
            Err(Expected("expected at most six fractional digits of a second".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Returns true if the JSON contains U+0000, which PostgreSQL's `jsonb` cannot hold. Nesting is bounded where
/// documents and variables are read.
fn has_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
