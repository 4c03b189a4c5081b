//! Texts as JSON strings (RFC 8259, section 7), as serde_json writes them: that looks at each byte by itself, which was a tenth of
//! all work for an answer. Nearly no text has anything to escape, and here eight bytes at once are seen to be plain.

/// Writes `text` in quotes.
pub(super) fn write(json: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    json.reserve(bytes.len() + 2);
    json.push(b'"');
    let (mut written, mut place) = (0, 0);
    while place < bytes.len() {
        if bytes[place..].first_chunk().is_some_and(|chunk| is_plain(u64::from_ne_bytes(*chunk))) {
            place += 8;
            continue;
        }
        let end = bytes.len().min(place + 8);
        while place < end {
            if matches!(bytes[place], ..b' ' | b'"' | b'\\') {
                json.extend_from_slice(&bytes[written..place]);
                write_escaped(json, bytes[place]);
                written = place + 1;
            }
            place += 1;
        }
    }
    json.extend_from_slice(&bytes[written..]);
    json.push(b'"');
}

/// Whether none of eight bytes is to be escaped. A byte below a bound borrows from its highest bit when the bound is taken from
/// it; one that is equal to another is below 1 after they were put together by XOR.
fn is_plain(word: u64) -> bool {
    const EACH: u64 = u64::MAX / 255;
    const HIGHEST: u64 = EACH * 0x80;
    let below = |word: u64, bound: u64| word.wrapping_sub(EACH * bound) & !word & HIGHEST;
    let equal = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    below(word, u64::from(b' ')) | equal(b'"') | equal(b'\\') == 0
}

fn write_escaped(json: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
            json.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]);
            return;
        }
    };
    json.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut json = Vec::new();
        write(&mut json, text);
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn every_byte_at_every_place_is_written_as_serde_json_does() {
        for letter in (0..=0x7f).map(char::from).chain(['é', '\u{80}', '\u{7ff}', '\u{ffff}', '\u{10ffff}'])
        {
            for place in 0..20 {
                let mut text = "x".repeat(20);
                text.insert(place, letter);
                assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_does(text in any::<String>()) {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
