//! Exact decoder and encoder of PostgreSQL's `numeric` in binary format (`numeric_send` in `utils/adt/numeric.c`).

use bytes::{BufMut, BytesMut};
use sea_orm::Value;

use crate::database::row::Unreadable;
use crate::model::stored_decimal;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// Decimal digits in one group: groups count in base 10,000.
const GROUP_DIGITS: usize = 4;

/// Reads a number. `Decimal::from_sql` would round beyond 28 digits.
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
    Ok(stored_decimal(text))
}

/// Writes the text of a decimal: an optional sign, digits, and an optional point with further digits. `None` for a number
/// that is too long.
pub(super) fn write(text: &str, bytes: &mut BytesMut) -> Option<()> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (NEGATIVE, unsigned),
        None => (POSITIVE, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let before = whole.len().div_ceil(GROUP_DIGITS);
    let after = fraction.len().div_ceil(GROUP_DIGITS);
    let digits = format!("{whole:0>0$}{fraction:0<1$}", before * GROUP_DIGITS, after * GROUP_DIGITS);
    let (groups, _) = digits.as_bytes().as_chunks::<GROUP_DIGITS>();
    bytes.put_u16(u16::try_from(groups.len()).ok()?);
    bytes.put_i16(i16::try_from(before).ok()? - 1);
    bytes.put_u16(sign);
    bytes.put_u16(u16::try_from(fraction.len()).ok()?);
    for group in groups {
        bytes.put_u16(group.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')));
    }
    Some(())
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
    use rust_decimal::Decimal;

    use super::*;
    use crate::model::long_decimal;

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
    fn more_digits_than_a_decimal_has_are_read_and_written() {
        let long = [10, 4, 0, 20, 1234, 5678, 9012, 3456, 7890, 1234, 5678, 9012, 3456, 7891];
        let texts = ["12345678901234567890.12345678901234567891".to_owned(), format!("1{}", "0".repeat(32))];
        for (words, text) in [&long[..], &[1, 8, 0, 0, 1]].into_iter().zip(&texts) {
            assert_eq!(long_decimal(&read(&sent(words)).unwrap()), Some(text.as_str()));
        }
        for text in texts.iter().map(String::as_str).chain([
            "-0.000000000000000000000000000000000000012345",
            "99999999999999999999999999999999999999.5",
            "-1000000000000000000000000000000000000000000",
        ]) {
            let mut bytes = BytesMut::new();
            write(text, &mut bytes).unwrap();
            assert_eq!(long_decimal(&read(&bytes).unwrap()), Some(text));
        }
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
