//! The text, measured by its tokens (October 2021, section 2.1) without parsing: no recursion, each byte looked at a
//! fixed number of times.

use async_graphql::Pos;

use super::{Limits, Refusal, refuse_above};
use crate::error::Error;

/// Refuses a text that has too many bytes or tokens, too long a name, or nests too deep. Whether it is GraphQL is for the parser to say,
/// with one exception: a block string without an end makes the parser look for that end again at every later quote,
/// which takes minutes for a few hundred kilobytes.
pub(super) fn check(text: &str, limits: &Limits) -> Result<(), Refusal> {
    refuse_above(
        limits.bytes,
        text.len() as u64,
        "bytes",
        || format!("the document has {} bytes", text.len()),
        Pos::default(),
    )?;
    let measured = measure(text, limits)?;
    refuse_above(
        limits.name_bytes,
        measured.name_bytes,
        "nameBytes",
        || format!("the document has a name of {} bytes", measured.name_bytes),
        position(text, measured.longest_name),
    )?;
    if measured.depth > limits.depth as u64 {
        let error = Error::too_deep("the document", limits.depth as u64, measured.depth);
        return Err(Refusal { error, position: position(text, measured.too_deep) });
    }
    refuse_above(
        limits.tokens,
        measured.tokens,
        "tokens",
        || format!("the document has {} tokens", measured.tokens),
        position(text, measured.one_too_many),
    )
}

/// What a text is made of.
#[derive(Debug, Default, PartialEq)]
struct Measured {
    tokens: u64,
    depth: u64,
    name_bytes: u64,
    /// Where the longest name begins.
    longest_name: usize,
    /// Where the first token begins that goes above the limit.
    one_too_many: usize,
    /// Where the first bracket stands that goes below the limit.
    too_deep: usize,
}

fn measure(text: &str, limits: &Limits) -> Result<Measured, Refusal> {
    let mut measured = Measured::default();
    let mut depth: u64 = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begin = at;
        at = match end_of_ignored(bytes, begin) {
            Some(end) => {
                at = end;
                continue;
            }
            None => end_of_token(bytes, begin).map_err(|Unclosed| Refusal {
                error: Error::parse("a block string is not closed: \"\"\" expected"),
                position: position(text, begin),
            })?,
        };
        if measured.tokens == limits.tokens as u64 {
            measured.one_too_many = begin;
        }
        measured.tokens += 1;
        match bytes[begin] {
            b'_' | b'a'..=b'z' | b'A'..=b'Z' if (at - begin) as u64 > measured.name_bytes => {
                measured.name_bytes = (at - begin) as u64;
                measured.longest_name = begin;
            }
            b'{' | b'[' | b'(' => {
                if depth == limits.depth as u64 && measured.depth == depth {
                    measured.too_deep = begin;
                }
                depth += 1;
                measured.depth = measured.depth.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(measured)
}

/// The end of what means nothing and begins here: white space, a comma, a comment, a byte order mark.
fn end_of_ignored(bytes: &[u8], begin: usize) -> Option<usize> {
    match bytes[begin] {
        b' ' | b'\t' | b'\n' | b'\r' | b',' => Some(begin + 1),
        b'#' => Some(end_of_run(bytes, begin, |byte| !matches!(byte, b'\n' | b'\r'))),
        _ if bytes[begin..].starts_with("\u{feff}".as_bytes()) => Some(begin + '\u{feff}'.len_utf8()),
        _ => None,
    }
}

/// A block string without an end.
struct Unclosed;

/// The end of the token that begins here. What is none, such as `?`, counts as one.
fn end_of_token(bytes: &[u8], begin: usize) -> Result<usize, Unclosed> {
    let rest = &bytes[begin..];
    Ok(match rest[0] {
        b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
            end_of_run(bytes, begin, |byte| byte == b'_' || byte.is_ascii_alphanumeric())
        }
        b'-' | b'0'..=b'9' => end_of_number(bytes, begin),
        b'"' if rest.starts_with(b"\"\"\"") => end_of_block_string(bytes, begin)?,
        b'"' => end_of_string(bytes, begin),
        b'.' if rest.starts_with(b"...") => begin + 3,
        0..=0x7f => begin + 1,
        // A character outside ASCII, with the bytes that continue it.
        _ => end_of_run(bytes, begin + 1, |byte| byte & 0xc0 == 0x80),
    })
}

fn end_of_run(bytes: &[u8], begin: usize, goes_on: impl Fn(u8) -> bool) -> usize {
    begin + bytes[begin..].iter().take_while(|byte| goes_on(**byte)).count()
}

/// Exactly what the grammar has (sections 2.9.1 and 2.9.2): the parser reads `000` and `1-1` as several numbers.
fn end_of_number(bytes: &[u8], begin: usize) -> usize {
    let digits = |begin| end_of_run(bytes, begin, |byte| byte.is_ascii_digit());
    let is_at = |at: usize, expected: &[u8]| bytes.get(at).is_some_and(|byte| expected.contains(byte));
    let mut at = begin + usize::from(bytes[begin] == b'-');
    at = if is_at(at, b"0") { at + 1 } else { digits(at) };
    if is_at(at, b".") && digits(at + 1) > at + 1 {
        at = digits(at + 1);
    }
    if is_at(at, b"eE") {
        let exponent = at + 1 + usize::from(is_at(at + 1, b"+-"));
        if digits(exponent) > exponent {
            at = digits(exponent);
        }
    }
    at
}

/// The end of the line where its closing quote is missing.
fn end_of_string(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' | b'\r' => return at,
            b'\\' if !matches!(bytes.get(at + 1), Some(b'\n' | b'\r')) => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_block_string(bytes: &[u8], begin: usize) -> Result<usize, Unclosed> {
    let mut at = begin + 3;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'"', b'"', b'"', ..] => return Ok(at + 3),
            [b'\\', b'"', b'"', b'"', ..] => at += 4,
            _ => at += 1,
        }
    }
    Err(Unclosed)
}

/// Line and column as the parser counts them.
fn position(text: &str, at: usize) -> Pos {
    let before = text.get(..at).unwrap_or_default();
    let line_begin = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    Pos { line: before.matches('\n').count() + 1, column: before[line_begin..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn measured(text: &str) -> (u64, u64) {
        let measured = measure(text, &Limits::DEFAULT).unwrap();
        (measured.tokens, measured.depth)
    }

    #[test]
    fn tokens_are_those_of_the_grammar() {
        for (text, tokens) in [
            ("", 0),
            (" \t\r\n,,, \u{feff}", 0),
            ("\u{feff}{ a }", 3),
            ("# { [ ( \" \"\"\"\n{ a }", 3),
            ("# to the end {", 0),
            ("query Q($v: [Int!]! = [1, -2.5e+3]) @d { a: b ...f ... on T { c } }", 32),
            ("... .. .", 4),
            ("\"\" \"a b\" \"\\\"\" \"\\\\\"", 4),
            ("\"\"\"a \" b\n \\\"\"\" { \"\"\" x", 2),
            ("\"\"\"\"\"\" x", 2),
            ("0 -0 12 1.5 1e9 1.5E-9 -1", 7),
            ("000", 3),
            ("1-1", 2),
            ("-", 1),
            ("1...a", 3),
            ("1.e5", 3),
            ("日本 ?", 3),
            ("\"日本\"", 1),
        ] {
            assert_eq!(measured(text).0, tokens, "{text}");
        }
    }

    #[test]
    fn brackets_count_where_the_parser_would_see_them() {
        for (text, depth) in [
            ("{ a(b: [[{ c: 1 }]]) { d } }", 5),
            ("}}}] {", 1),
            ("\"{{{\" { \"\"\"[[[\"\"\" }", 1),
            // A string ends with its line.
            ("\"abc {\n{{", 2),
            ("\"abc\\\n{{", 2),
            ("#{{{\r{", 1),
        ] {
            assert_eq!(measured(text).1, depth, "{text}");
        }
    }

    #[test]
    fn a_place_is_told_as_the_parser_tells_it() {
        assert_eq!(position("a\n\r\n  é{", 8), Pos { line: 3, column: 4 });
        assert_eq!(position("a", 0), Pos { line: 1, column: 1 });
    }

    proptest! {
        #[test]
        fn any_text_is_measured_to_its_end(text in "[\\PC\"\\\\#\n\r{}\\[\\]()0-9.e+-]{0,200}") {
            if let Ok(measured) = measure(&text, &Limits::DEFAULT) {
                prop_assert!(measured.tokens <= text.len() as u64);
                prop_assert!(measured.depth <= measured.tokens);
            }
        }
    }
}
