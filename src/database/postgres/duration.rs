//! Decoder of PostgreSQL's `interval` in binary format, to a duration of ISO 8601.

use std::fmt::Write as _;

use crate::database::row::Unreadable;

/// Reads an interval: microseconds (64 bits), days and months (32 bits each). Every part has its own sign, as PostgreSQL
/// itself writes it with `IntervalStyle` `iso_8601`.
pub(super) fn read(bytes: &[u8]) -> Result<String, Unreadable> {
    let bytes: &[u8; 16] = bytes.try_into().map_err(|_| Unreadable::Malformed)?;
    let [micros @ .., _, _, _, _, _, _, _, _] = bytes;
    let [_, _, _, _, _, _, _, _, days @ .., _, _, _, _] = bytes;
    let [_, _, _, _, _, _, _, _, _, _, _, _, months @ ..] = bytes;
    let (micros, days, months) =
        (i64::from_be_bytes(*micros), i32::from_be_bytes(*days), i32::from_be_bytes(*months));
    match (micros, days, months) {
        // PostgreSQL 17 has infinite intervals.
        (i64::MAX, i32::MAX, i32::MAX) | (i64::MIN, i32::MIN, i32::MIN) => Err(Unreadable::NotFinite),
        _ => Ok(write(micros, days, months)),
    }
}

fn write(micros: i64, days: i32, months: i32) -> String {
    let mut text = "P".to_owned();
    let part = |text: &mut String, number: i64, unit: char| {
        if number != 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "{number}{unit}");
        }
    };
    part(&mut text, i64::from(months / 12), 'Y');
    part(&mut text, i64::from(months % 12), 'M');
    part(&mut text, i64::from(days), 'D');
    if micros != 0 || text == "P" {
        text.push('T');
        part(&mut text, micros / 3_600_000_000, 'H');
        part(&mut text, micros / 60_000_000 % 60, 'M');
        let rest = micros % 60_000_000;
        if rest != 0 || micros == 0 && text == "PT" {
            let sign = if rest < 0 { "-" } else { "" };
            let (seconds, fraction) = (rest.abs() / 1_000_000, rest.abs() % 1_000_000);
            let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
            let _ = write!(text, "{sign}{seconds}{}S", fraction.trim_end_matches('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_postgresql_does() {
        for (micros, days, months, text) in [
            (0, 0, 0, "PT0S"),
            (14_706_700_000, 3, 14, "P1Y2M3DT4H5M6.7S"),
            (-7_200_000_000, -1, 0, "P-1DT-2H"),
            (-500_000, 0, 0, "PT-0.5S"),
            (1, 0, 0, "PT0.000001S"),
            (0, 0, -14, "P-1Y-2M"),
            (i64::MIN, 0, 0, "PT-2562047788H-54.775808S"),
        ] {
            assert_eq!(write(micros, days, months), text);
        }
    }
}
