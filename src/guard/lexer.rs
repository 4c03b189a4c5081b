//! Lexical analysis (September 2025, section 2.1 and sections 2.10.1 to 2.10.4): tokens with their positions.
//! Reads each byte a fixed number of times, without recursion.

use std::iter;

use async_graphql::Pos;

use super::limits::GuardRefusal;
use crate::error::Error;

/// Kind of a token. A punctuator is named by its first byte, `...` by a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Punctuator(u8),
    Name,
    Int,
    Float,
    String,
    BlockString,
    End,
}

/// Token: its kind, its bytes in the text and its position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub begin: usize,
    pub end: usize,
    pub position: Pos,
}

/// Tokens of a text, in order.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Position of the character at `counted_to`.
    position: Pos,
    counted_to: usize,
}

/// Lexical fault: the position of the byte, and the expectation that failed.
struct LexicalError {
    at: usize,
    expected: String,
}

fn fault<T>(at: usize, expected: impl Into<String>) -> Result<T, LexicalError> {
    Err(LexicalError { at, expected: expected.into() })
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, position: Pos { line: 1, column: 1 }, counted_to: 0 }
    }

    /// Returns the next token; [`TokenKind::End`] after the last one.
    ///
    /// # Errors
    /// `GRAPHQL_PARSE_FAILED` if no token begins at the current position.
    pub fn next(&mut self) -> Result<Token, GuardRefusal> {
        let bytes = self.text.as_bytes();
        while let Some(end) = end_of_ignored(bytes, self.at) {
            self.at = end;
        }
        let begin = self.at;
        let position = self.position(begin);
        let (kind, end) = match token(self.text, begin) {
            Ok(token) => token,
            Err(LexicalError { at, expected }) => {
                let found = found(self.text, at);
                return Err(refusal(&expected, &found, self.position(at)));
            }
        };
        self.at = end;
        Ok(Token { kind, begin, end, position })
    }

    /// Returns line and column of the character at a byte that no earlier call has passed. Columns count code
    /// points.
    fn position(&mut self, at: usize) -> Pos {
        let bytes = self.text.as_bytes();
        for place in self.counted_to..at {
            match bytes[place] {
                b'\r' if bytes.get(place + 1) == Some(&b'\n') => {}
                b'\n' | b'\r' => self.position = Pos { line: self.position.line + 1, column: 1 },
                continued if continued & 0xc0 == 0x80 => {}
                _ => self.position.column += 1,
            }
        }
        self.counted_to = at;
        self.position
    }
}

/// Builds the refusal of a text that is not GraphQL, on a single line.
pub(super) fn refusal(expected: &str, found: &str, position: Pos) -> GuardRefusal {
    GuardRefusal { error: Error::parse(format!("expected {expected}, found {found}")), position }
}

/// Returns the end of the ignored token that begins here: white space, a comma, a comment, or a byte order
/// mark.
fn end_of_ignored(bytes: &[u8], begin: usize) -> Option<usize> {
    match bytes.get(begin)? {
        b' ' | b'\t' | b'\n' | b'\r' | b',' => Some(begin + 1),
        b'#' => Some(end_of_run(bytes, begin, |byte| !matches!(byte, b'\n' | b'\r'))),
        _ if bytes[begin..].starts_with("\u{feff}".as_bytes()) => Some(begin + '\u{feff}'.len_utf8()),
        _ => None,
    }
}

fn token(text: &str, begin: usize) -> Result<(TokenKind, usize), LexicalError> {
    let rest = &text.as_bytes()[begin..];
    Ok(match rest {
        [] => (TokenKind::End, begin),
        [b'_' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
            (TokenKind::Name, end_of_run(text.as_bytes(), begin, is_name_character))
        }
        [b'-' | b'0'..=b'9', ..] => number(text.as_bytes(), begin)?,
        [b'"', b'"', b'"', ..] => (TokenKind::BlockString, end_of_block_string(text.as_bytes(), begin)?),
        [b'"', ..] => (TokenKind::String, end_of_string(text, begin)?),
        [b'.', b'.', b'.', ..] => (TokenKind::Punctuator(b'.'), begin + 3),
        [
            punctuator @ (b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|'
            | b'}'),
            ..,
        ] => (TokenKind::Punctuator(*punctuator), begin + 1),
        _ => return fault(begin, "a token"),
    })
}

fn is_name_character(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn end_of_run(bytes: &[u8], begin: usize, goes_on: impl Fn(u8) -> bool) -> usize {
    begin + bytes[begin..].iter().take_while(|byte| goes_on(**byte)).count()
}

/// Scans a number (sections 2.10.1 and 2.10.2, with their lookahead): no leading zero, and neither a dot nor
/// a name start after it.
fn number(bytes: &[u8], begin: usize) -> Result<(TokenKind, usize), LexicalError> {
    let is_at = |at: usize, expected: &[u8]| bytes.get(at).is_some_and(|byte| expected.contains(byte));
    let digits = |begin| match end_of_run(bytes, begin, |byte| byte.is_ascii_digit()) {
        end if end == begin => fault(begin, "a digit"),
        end => Ok(end),
    };
    let mut kind = TokenKind::Int;
    let first = begin + usize::from(bytes[begin] == b'-');
    let mut at = digits(first)?;
    if is_at(first, b"0") && at > first + 1 {
        return fault(first, "a number without a leading zero");
    }
    if is_at(at, b".") {
        kind = TokenKind::Float;
        at = digits(at + 1)?;
    }
    if is_at(at, b"eE") {
        kind = TokenKind::Float;
        at = digits(at + 1 + usize::from(is_at(at + 1, b"+-")))?;
    }
    match bytes.get(at) {
        Some(byte) if *byte == b'.' || is_name_character(*byte) => fault(at, "the end of the number"),
        _ => Ok((kind, at)),
    }
}

fn end_of_string(text: &str, begin: usize) -> Result<usize, LexicalError> {
    let bytes = text.as_bytes();
    let mut at = begin + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            None | Some(b'\n' | b'\r') => return fault(at, "\" at the end of the string"),
            Some(b'\\') => at = escape(text, at)?.1,
            Some(_) => at += 1,
        }
    }
}

/// Decodes an escape sequence; returns the character and the end (section 2.10.4).
fn escape(text: &str, begin: usize) -> Result<(char, usize), LexicalError> {
    let bytes = text.as_bytes();
    let simple = match bytes.get(begin + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(text, begin),
        _ => return fault(begin, "an escape sequence such as \\n or \\u00e9"),
    };
    Ok((simple, begin + 2))
}

fn unicode_escape(text: &str, begin: usize) -> Result<(char, usize), LexicalError> {
    let bytes = text.as_bytes();
    let expected =
        || fault(begin, "\\u with the hexadecimal digits of a character: four, or any number in braces");
    if bytes.get(begin + 2) == Some(&b'{') {
        let end = end_of_run(bytes, begin + 3, |byte| byte.is_ascii_hexdigit());
        let digits = &text[begin + 3..end];
        return match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
            Some(character) if bytes.get(end) == Some(&b'}') => Ok((character, end + 1)),
            _ => expected(),
        };
    }
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 4).filter(|four| four.iter().all(u8::is_ascii_hexdigit))?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let Some(first) = unit(begin + 2) else { return expected() };
    if let Some(character) = char::from_u32(first.into()) {
        return Ok((character, begin + 6));
    }
    // Half of a surrogate pair: the other half must follow.
    let second = bytes.get(begin + 6..begin + 8).filter(|two| two == b"\\u").and_then(|_| unit(begin + 8));
    let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    match pair {
        Some(character) => Ok((character, begin + 12)),
        None => expected(),
    }
}

fn end_of_block_string(bytes: &[u8], begin: usize) -> Result<usize, LexicalError> {
    let mut at = begin + 3;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'"', b'"', b'"', ..] => return Ok(at + 3),
            [b'\\', b'"', b'"', b'"', ..] => at += 4,
            _ => at += 1,
        }
    }
    fault(at, "\"\"\" at the end of the block string")
}

/// Returns the value of a string token (section 2.10.4).
pub(super) fn string_value(text: &str, token: Token) -> String {
    if token.kind == TokenKind::BlockString {
        return block_string_value(&text[token.begin + 3..token.end - 3]);
    }
    let mut value = String::with_capacity(token.end - token.begin);
    let mut at = token.begin + 1;
    let end = token.end - 1;
    while at < end {
        let plain = text[at..end].find('\\').map_or(end, |length| at + length);
        value.push_str(&text[at..plain]);
        at = plain;
        // The lexer has checked every escape sequence.
        if let Some((character, after)) = (at < end).then(|| escape(text, at).ok()).flatten() {
            value.push(character);
            at = after;
        }
    }
    value
}

/// Computes BlockStringValue (section 2.10.4): removes common indentation, and blank lines at both ends.
fn block_string_value(raw: &str) -> String {
    let raw = raw.replace("\\\"\"\"", "\"\"\"");
    let lines: Vec<&str> = lines(&raw).collect();
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let is_blank = |line: &&str| indentation(line) == line.len();
    let common = lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indentation(line)).min();
    let first = lines.iter().position(|line| !is_blank(line)).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !is_blank(line)).map_or(first, |last| last + 1);
    let shown = |(place, line): (usize, &&str)| {
        let cut = if place == 0 { 0 } else { common.unwrap_or(0).min(line.len()) };
        line[cut..].to_owned()
    };
    let shown: Vec<String> = lines.iter().enumerate().take(end).skip(first).map(shown).collect();
    shown.join("\n")
}

/// Splits a text at the specification's line terminators.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else { return rest.take() };
        let terminator = if text[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&text[end + terminator..]);
        Some(&text[..end])
    })
}

/// Maximum length of a document's excerpt in an error, in characters.
const SHOWN_CHARACTERS: usize = 40;

/// Describes a token for errors.
pub(super) fn describe(text: &str, token: Token) -> String {
    let shown = shorten(&text[token.begin..token.end]);
    match token.kind {
        TokenKind::End => "the end of the document".to_owned(),
        TokenKind::Punctuator(_) => format!("\"{shown}\""),
        TokenKind::Name => format!("the name \"{shown}\""),
        TokenKind::Int | TokenKind::Float => format!("the number {shown}"),
        TokenKind::String | TokenKind::BlockString => "a string".to_owned(),
    }
}

/// Describes the text at a lexical fault for errors.
fn found(text: &str, at: usize) -> String {
    match text[at..].chars().next() {
        None => "the end of the document".to_owned(),
        Some('\n' | '\r') => "the end of the line".to_owned(),
        Some('\\') => {
            let is_shown = |character: &char| *character != '"' && character.is_ascii_graphic();
            format!("\"{}\"", text[at..].chars().take(8).take_while(is_shown).collect::<String>())
        }
        Some(character) => format!("\"{}\"", character.escape_debug()),
    }
}

pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<String, String> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next().map_err(|refusal| refusal.error.message().to_owned())?;
        assert!(matches!(token.kind, TokenKind::String | TokenKind::BlockString), "{text}");
        assert_eq!(token.end, text.len(), "{text}");
        Ok(string_value(text, token))
    }

    #[test]
    fn strings_have_the_values_of_the_specification() {
        for (text, expected) in [
            (r#""""#, ""),
            (r#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{c}\n\r\tz"),
            (r#""\u00e9\u00E9\u{e9}\u{0000e9}""#, "éééé"),
            (r#""\ud83d\ude00\u{1F600}😀""#, "😀😀😀"),
            (r#""\u0000\u{10ffff}""#, "\0\u{10ffff}"),
            ("\"\u{0}\t\u{feff}\u{2028}#{\"", "\u{0}\t\u{feff}\u{2028}#{"),
        ] {
            assert_eq!(value(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn block_strings_lose_their_common_indentation_and_blank_lines_at_both_ends() {
        for (text, expected) in [
            ("", ""),
            (" \n\t\n", ""),
            ("  a", "  a"),
            ("\n    a,\n      b\n\n    c\n  ", "a,\n  b\n\nc"),
            ("  a\r\n  b\r    c\n", "  a\nb\n  c"),
            ("\n\ta\n b", "a\nb"),
            (r#"\n \""" \ \u00e9"#, r#"\n """ \ \u00e9"#),
            ("\n\u{a0}a\n\u{a0}b", "\u{a0}a\n\u{a0}b"),
            ("\n  a\n \n  b", "a\n\nb"),
        ] {
            let text = format!("\"\"\"{text}\"\"\"");
            assert_eq!(value(&text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_faulty_string_is_refused_where_the_fault_stands() {
        for (text, column) in [
            (r#""a\x""#, 3),
            (r#""a\u12g4""#, 3),
            (r#""\u{110000}""#, 2),
            (r#""\u{d800}""#, 2),
            (r#""\u{}""#, 2),
            (r#""\u{12""#, 2),
            (r#""\ud83d""#, 2),
            (r#""\ude00\ud83d""#, 2),
            (r#""\ud83d\u{de00}""#, 2),
            (r#""é\ud83d\u0041""#, 3),
            ("\"a\nb\"", 3),
            ("\"a\rb\"", 3),
            ("\"a", 3),
            ("\"a\\", 3),
        ] {
            let refusal = Lexer::new(text).next().unwrap_err();
            assert_eq!(refusal.position, Pos { line: 1, column }, "{text}: {refusal:?}");
        }
    }

    #[test]
    fn a_number_is_followed_by_neither_a_digit_nor_a_dot_nor_a_name() {
        for text in ["0", "-0", "12", "1.5", "0.0", "1e5", "1E+5", "-1.5e-05"] {
            let token = Lexer::new(text).next().unwrap();
            assert_eq!(token.end, text.len(), "{text}");
            let kind = if text.contains(['.', 'e', 'E']) { TokenKind::Float } else { TokenKind::Int };
            assert_eq!(token.kind, kind, "{text}");
        }
        for (text, column) in [
            ("00", 1),
            ("-01", 2),
            ("1.", 3),
            ("1..", 3),
            ("1...a", 3),
            ("1.5.", 4),
            ("1e", 3),
            ("1e+", 4),
            ("1x", 2),
            ("1_", 2),
            ("0xF", 2),
            ("1.5e5x", 6),
            ("-", 2),
            ("--1", 2),
            (".5", 1),
            ("+1", 1),
        ] {
            let refusal = Lexer::new(text).next().unwrap_err();
            assert_eq!(refusal.position, Pos { line: 1, column }, "{text}: {refusal:?}");
        }
    }

    #[test]
    fn positions_count_lines_and_code_points() {
        let text = "{ é\r\n  \"日本😀\" a\rb\n\nc \u{feff}d";
        let mut lexer = Lexer::new(text.trim_start_matches("{ é"));
        assert_eq!(lexer.next().unwrap().position, Pos { line: 2, column: 3 });
        assert_eq!(lexer.next().unwrap().position, Pos { line: 2, column: 9 });
        assert_eq!(lexer.next().unwrap().position, Pos { line: 3, column: 1 });
        assert_eq!(lexer.next().unwrap().position, Pos { line: 5, column: 1 });
        assert_eq!(lexer.next().unwrap().position, Pos { line: 5, column: 4 });
        assert_eq!(lexer.next().unwrap().kind, TokenKind::End);
    }
}
