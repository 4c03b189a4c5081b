//! Durations, and times with an offset.

use chrono::NaiveTime;

/// Digits of a second that PostgreSQL keeps.
const FRACTION: usize = 6;

/// Maximum offset from UTC in PostgreSQL, in seconds: less than 16 hours.
const MOST_OFFSET: u32 = 16 * 3_600;

/// Returns true for a duration of ISO 8601 that fits PostgreSQL's months (32 bits), days (32 bits) and microseconds (64
/// bits). Only seconds may have a fraction. Each part may have a sign, as PostgreSQL writes them.
pub(super) fn is_duration(text: &str) -> bool {
    read(text).is_some()
}

fn read(text: &str) -> Option<()> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (parts(date, "YMWD")?, Some(parts(time, "HMS")?)),
        None => (parts(rest, "YMWD")?, None),
    };
    // `T` must be followed by a part, and `P` by one or by `T`.
    if time.as_ref().map_or(date.is_empty(), Vec::is_empty) {
        return None;
    }
    let of = |parts: &[(char, i128)], scales: &[(char, i128)]| -> i128 {
        let scale = |unit| scales.iter().find(|(known, _)| *known == unit).map_or(0, |(_, scale)| *scale);
        parts.iter().map(|(unit, number)| number * scale(*unit)).sum()
    };
    let time = time.unwrap_or_default();
    // Numbers are in millionths.
    i32::try_from(of(&date, &[('Y', 12), ('M', 1)]) / 1_000_000).ok()?;
    i32::try_from(of(&date, &[('W', 7), ('D', 1)]) / 1_000_000).ok()?;
    i64::try_from(of(&time, &[('H', 3_600), ('M', 60), ('S', 1)])).ok()?;
    Some(())
}

/// Reads numbers with their units, which must be in this order; the numbers in millionths.
fn parts(mut text: &str, units: &str) -> Option<Vec<(char, i128)>> {
    let mut units = units.chars();
    let mut parts = Vec::new();
    while !text.is_empty() {
        let end = text.find(|letter: char| letter.is_ascii_alphabetic())?;
        let unit = text[end..].chars().next()?;
        units.find(|known| *known == unit)?;
        parts.push((unit, number(&text[..end], unit == 'S')?));
        text = &text[end + 1..];
    }
    Some(parts)
}

fn number(text: &str, may_have_fraction: bool) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if may_have_fraction && !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (digits, ""),
    };
    let is_number = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    // PostgreSQL reads each number as one of 32 bits.
    let whole: i32 = whole.parse().ok().filter(|_| is_number(whole))?;
    if fraction.len() > FRACTION || !is_number(fraction) {
        return None;
    }
    let fraction: i128 = format!("{fraction:0<FRACTION$}").parse().ok()?;
    Some(sign * (i128::from(whole) * 1_000_000 + fraction))
}

/// Returns true for a time of day with an offset: `23:59:59+02:00`.
pub(super) fn is_offset_time(text: &str) -> bool {
    let Some(place) = text.find(['+', '-', 'Z']) else { return false };
    let (time, offset) = text.split_at(place);
    let has_few_digits = time.split_once('.').is_none_or(|(_, fraction)| fraction.len() <= FRACTION);
    let is_time =
        time.len() >= "00:00:00".len() && time.parse::<NaiveTime>().is_ok() && !time.contains(":60");
    has_few_digits && is_time && (offset == "Z" || is_offset(&offset[1..]))
}

fn is_offset(text: &str) -> bool {
    let parts: Vec<Option<u32>> = text
        .split(':')
        .map(|part| {
            part.parse().ok().filter(|_| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit()))
        })
        .collect();
    let seconds = match parts.as_slice() {
        [Some(hours)] => hours * 3_600,
        [Some(hours), Some(minutes @ ..60)] => hours * 3_600 + minutes * 60,
        [Some(hours), Some(minutes @ ..60), Some(seconds @ ..60)] => hours * 3_600 + minutes * 60 + seconds,
        _ => return false,
    };
    seconds < MOST_OFFSET
}
