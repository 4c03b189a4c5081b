//! Order of two values of one column, as far as every database agrees on it.

use std::cmp::Ordering;

use sea_orm::Value;

/// Returns the order of two values, or `None` where it depends on the database's collation.
pub(super) fn known_order(a: &Value, b: &Value) -> Option<Ordering> {
    use Value as V;

    match (a, b) {
        (V::Float(Some(a)), V::Float(Some(b))) => a.partial_cmp(b),
        (V::Double(Some(a)), V::Double(Some(b))) => a.partial_cmp(b),
        (V::Decimal(Some(a)), V::Decimal(Some(b))) => Some(a.cmp(b)),
        (V::Uuid(Some(a)), V::Uuid(Some(b))) => Some(a.cmp(b)),
        (V::ChronoDate(Some(a)), V::ChronoDate(Some(b))) => Some(a.cmp(b)),
        (V::ChronoTime(Some(a)), V::ChronoTime(Some(b))) => Some(a.cmp(b)),
        (V::ChronoDateTime(Some(a)), V::ChronoDateTime(Some(b))) => Some(a.cmp(b)),
        (V::ChronoDateTimeWithTimeZone(Some(a)), V::ChronoDateTimeWithTimeZone(Some(b))) => Some(a.cmp(b)),
        (V::String(Some(a)), V::String(Some(b))) if is_plain(a) && is_plain(b) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Returns true if no value of the column comes before this one.
pub(super) fn is_least(value: &Value) -> bool {
    matches!(value, Value::String(Some(text)) if text.is_empty())
}

/// Returns true for text that every collation orders by its bytes.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}
