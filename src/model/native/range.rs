//! Ranges in PostgreSQL's notation: `[1,5)`, `(,2024-01-01]`, `empty`.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use rust_decimal::Decimal;

/// Type of a range's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subtype {
    /// 32 bits.
    Integer,
    /// 64 bits.
    BigInteger,
    /// Exact decimal.
    Decimal,
    /// Calendar date.
    Date,
    /// Date and time without an offset.
    DateTime,
    /// Date and time with an offset.
    Timestamp,
}

/// Bound, in order.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Bound {
    Lowest,
    Number(Decimal),
    Moment(NaiveDateTime),
    Highest,
}

impl Subtype {
    fn example(self) -> &'static str {
        match self {
            Self::Integer | Self::BigInteger => "[1,5)",
            Self::Decimal => "[1.5,2.5)",
            Self::Date => "[2025-01-01,2025-02-01)",
            Self::DateTime => "[2025-01-01T10:00:00,2025-01-01T11:00:00)",
            Self::Timestamp => "[2025-01-01T10:00:00Z,2025-01-01T11:00:00Z)",
        }
    }

    fn read(self, text: &str) -> Option<Bound> {
        let is_in_calendar = |moment: &NaiveDateTime| (1..=9_999).contains(&moment.year());
        let moment = match self {
            Self::Integer => return Some(Bound::Number(text.parse::<i32>().ok()?.into())),
            Self::BigInteger => return Some(Bound::Number(text.parse::<i64>().ok()?.into())),
            Self::Decimal => return Decimal::from_str_exact(text).ok().map(Bound::Number),
            _ if text == "infinity" => return Some(Bound::Highest),
            _ if text == "-infinity" => return Some(Bound::Lowest),
            Self::Date => text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?,
            Self::DateTime => text.replacen(' ', "T", 1).parse().ok()?,
            Self::Timestamp => {
                let mut text = text.replacen(' ', "T", 1);
                // PostgreSQL leaves out zero minutes of an offset.
                if text.rfind(['+', '-']).is_some_and(|sign| sign + 3 == text.len()) {
                    text.push_str(":00");
                }
                DateTime::parse_from_rfc3339(&text).ok()?.naive_utc()
            }
        };
        Some(Bound::Moment(moment)).filter(|_| is_in_calendar(&moment))
    }

    /// Returns the integer whose successor does not exist: PostgreSQL writes ranges of integers with the successor of an
    /// included upper bound.
    fn last(self) -> Option<i64> {
        match self {
            Self::Integer => Some(i32::MAX.into()),
            Self::BigInteger => Some(i64::MAX),
            _ => None,
        }
    }
}

/// Checks a range.
pub(super) fn check(text: &str, subtype: Subtype) -> Result<(), String> {
    match text == "empty" || range(text, subtype) == Some("") {
        true => Ok(()),
        false => {
            Err(format!("expected a range such as \"{}\", with the lower bound first", subtype.example()))
        }
    }
}

/// Checks a set of ranges.
pub(super) fn check_set(text: &str, subtype: Subtype) -> Result<(), String> {
    let expected = || {
        let example = subtype.example();
        format!("expected ranges such as \"{{{example}}}\", each with the lower bound first")
    };
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or_else(expected)?;
    let mut rest = inner;
    while !rest.is_empty() {
        rest = range(rest, subtype).ok_or_else(expected)?;
        match rest.strip_prefix(',') {
            Some(more) if !more.is_empty() => rest = more,
            _ if rest.is_empty() => {}
            _ => return Err(expected()),
        }
    }
    Ok(())
}

/// Reads a range at the start of the text, and returns the rest.
fn range(text: &str, subtype: Subtype) -> Option<&str> {
    let includes_lower = match text.chars().next()? {
        '[' => true,
        '(' => false,
        _ => return None,
    };
    let (lower, rest) = bound(&text[1..], &[','], subtype)?;
    let (upper, rest) = bound(&rest[1..], &[']', ')'], subtype)?;
    let includes_upper = rest.starts_with(']');
    let is_in_order = lower.zip(upper).is_none_or(|(lower, upper)| lower <= upper);
    let is_last =
        |bound: Option<Bound>| subtype.last().is_some_and(|last| bound == Some(Bound::Number(last.into())));
    let exceeds = is_last(lower) && !includes_lower || is_last(upper) && includes_upper;
    (is_in_order && !exceeds).then_some(&rest[1..])
}

/// Reads a bound up to one of the letters `ends`; a missing bound is infinite.
fn bound<'a>(text: &'a str, ends: &[char], subtype: Subtype) -> Option<(Option<Bound>, &'a str)> {
    let (written, rest) = match text.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.find('"')?;
            (&quoted[..end], &quoted[end + 1..])
        }
        None => text.split_at(text.find(ends)?),
    };
    if !rest.starts_with(ends) {
        return None;
    }
    match written.is_empty() {
        true => Some((None, rest)),
        false => Some((Some(subtype.read(written)?), rest)),
    }
}
