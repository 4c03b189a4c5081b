//! Exact decoder of PostgreSQL's `numeric` in binary format (`numeric_send` in `utils/adt/numeric.c`).

use rust_decimal::Decimal;
use sea_orm::Value;

use crate::database::row::Unreadable;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// Decimal digits in one group: groups count in base 10,000.
const GROUP_DIGITS: usize = 4;

/// Reads a number as a decimal, or as text if it has too many digits. `Decimal::from_sql` would round beyond
/// 28 digits.
///
/// The head has four 16-bit numbers: groups, weight of the first group, sign, and digits after the point.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Unreadable> {
    let (words, rest) = bytes.as_chunks::<2>();
    let words: Vec<u16> = words.iter().map(|word| u16::from_be_bytes(*word)).collect();
    let [count, weight, sign, scale, groups @ ..] = words.as_slice() else {
        return Err(Unreadable::Malformed);
    };
    let is_whole = rest.is_empty() && usize::from(*count) == groups.len();
    if !is_whole || groups.iter().any(|group| *group > 9_999) {
        return Err(Unreadable::Malformed);
    }
    if ![POSITIVE, NEGATIVE].contains(sign) {
        return Err(Unreadable::NotFinite);
    }
    let is_negative = *sign == NEGATIVE;
    let text = digits(groups, weight.cast_signed(), usize::from(*scale), is_negative);
    Ok(Decimal::from_str_exact(&text).map_or_else(|_| text.into(), Value::from))
}

/// Writes a number in decimal digits, with `scale` digits after the point.
fn digits(groups: &[u16], weight: i16, scale: usize, is_negative: bool) -> String {
    let group = |place: i32| {
        let index = usize::try_from(i32::from(weight) - place).ok();
        index.and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let mut whole = String::new();
    for place in (0..=i32::from(weight)).rev() {
        whole.push_str(&format!("{:04}", group(place)));
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if is_negative { "-" } else { "" };
    if scale == 0 {
        return format!("{sign}{whole}");
    }
    let mut fraction = String::new();
    for place in 1..=scale.div_ceil(GROUP_DIGITS) {
        fraction.push_str(&format!("{:04}", group(-(place as i32))));
    }
    format!("{sign}{whole}.{}", &fraction[..scale])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(words: &[i16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn every_digit_is_read() {
        for (words, text) in [
            (&[0, 0, 0, 0][..], "0"),
            (&[0, 0, 0, 2], "0.00"),
            (&[3, 0, 0, 6, 3950, 1234, 5600], "3950.123456"),
            (&[1, 1, NEGATIVE as i16, 0, 12], "-120000"),
            (&[1, -2, 0, 7, 1230], "0.0000123"),
            (&[1, -1, 0, 3, 5], "0.000"),
            (&[1, 0, 0, 2, 1], "1.00"),
        ] {
            let read = read(&sent(words)).unwrap();
            assert_eq!(read, Value::from(text.parse::<Decimal>().unwrap()), "{text}");
        }
    }

    #[test]
    fn more_digits_than_a_decimal_has_are_text() {
        let long = [10, 4, 0, 20, 1234, 5678, 9012, 3456, 7890, 1234, 5678, 9012, 3456, 7891];
        assert_eq!(read(&sent(&long)), Ok("12345678901234567890.12345678901234567891".into()));
        assert_eq!(read(&sent(&[1, 8, 0, 0, 1])), Ok(format!("1{}", "0".repeat(32)).into()));
    }

    #[test]
    fn special_and_malformed_numerics_are_unreadable() {
        for special in [0xc000_u16, 0xd000, 0xf000] {
            assert_eq!(read(&sent(&[0, 0, special as i16, 0])), Err(Unreadable::NotFinite));
        }
        assert_eq!(read(&sent(&[1, 0, 0, 0])), Err(Unreadable::Malformed));
        assert_eq!(read(b"\0"), Err(Unreadable::Malformed));
    }
}
