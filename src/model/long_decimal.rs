//! Decimals of more digits than [`Decimal`] holds, as PostgreSQL's `numeric` may have.
//!
//! Such a value is the enum value `numeric` of sea-query: text with the name of its type.

use rust_decimal::Decimal;
use sea_orm::Value;
use sea_orm::sea_query::{Enum, OptionEnum};

/// Type that marks the values.
const TYPE: &str = "numeric";

/// Digits before and after the point that PostgreSQL's `numeric` holds.
const MOST_DIGITS: (usize, usize) = (131_072, 16_383);

/// Reads decimal digits with an optional sign and point; `None` for any other text. Zeros that do not count are left out, so
/// equal values are equal.
pub fn read_decimal(text: &str) -> Option<Value> {
    // `Decimal` accepts underscores between digits.
    if !text.contains('_')
        && let Ok(decimal) = Decimal::from_str_exact(text)
    {
        return Some(decimal.into());
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if whole.len() > MOST_DIGITS.0 || fraction.len() > MOST_DIGITS.1 {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    let text = format!("{sign}{whole}{point}{fraction}");
    // Without the zeros it may have few enough digits.
    if let Ok(decimal) = Decimal::from_str_exact(&text) {
        return Some(decimal.into());
    }
    Some(long(text))
}

/// Returns the value of digits from the database, with their last zeros.
pub fn stored_decimal(digits: String) -> Value {
    Decimal::from_str_exact(&digits).map_or_else(|_| long(digits), Value::from)
}

fn long(digits: String) -> Value {
    let value = Enum { type_name: TYPE.into(), value: digits.into() };
    Value::Enum(OptionEnum::Some(Box::new(value)))
}

/// Returns the digits of a long decimal; `None` for other values.
pub fn long_decimal(value: &Value) -> Option<&str> {
    match value {
        Value::Enum(OptionEnum::Some(value)) if &*value.type_name == TYPE => Some(&value.value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decimal_has_one_value() {
        for (text, expected) in [
            ("1234567890123456789012345678901234567890", "1234567890123456789012345678901234567890"),
            (
                "-000000000000000000000000000000012345678901234567890123456789012",
                "-12345678901234567890123456789012",
            ),
            ("0.12345678901234567890123456789012345000", "0.12345678901234567890123456789012345"),
            ("+79228162514264337593543950336.50", "79228162514264337593543950336.5"),
        ] {
            assert_eq!(read_decimal(text).as_ref().and_then(long_decimal), Some(expected), "{text}");
        }
        let short = |text: &str| Some(Value::from(text.parse::<Decimal>().unwrap()));
        assert_eq!(read_decimal("19.90"), short("19.90"));
        assert_eq!(read_decimal("1.0000000000000000000000000000000000000"), short("1"));
        assert_eq!(read_decimal("-00000000000000000000000000000000000000"), short("0"));
        for text in ["", "-", "NaN", "Infinity", "1e40", "1,5", ".5.", "٣", "1 ", "1_000"] {
            assert_eq!(read_decimal(text), None, "{text}");
        }
        assert_eq!(read_decimal(&"9".repeat(131_073)), None);
        let zeros = format!("1.{}", "0".repeat(40));
        assert_eq!(long_decimal(&stored_decimal(zeros.clone())), Some(zeros.as_str()));
    }
}
