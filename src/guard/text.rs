//! Measures a text by its tokens before they are parsed: no recursion, each byte read a fixed number of
//! times.

use async_graphql::Pos;

use super::lexer::{Lexer, Token, TokenKind};
use super::limits::{DocumentLimits, GuardRefusal, refuse_above};
use crate::error::Error;

/// Returns the tokens of a text, the end last. Refuses a text with too many bytes or tokens, too long a name,
/// or too deep nesting.
pub(super) fn tokens(text: &str, limits: &DocumentLimits) -> Result<Vec<Token>, GuardRefusal> {
    refuse_above(
        limits.bytes,
        text.len() as u64,
        "bytes",
        || format!("the document has {} bytes", text.len()),
        Pos::default(),
    )?;
    let measured = Measured::read(text, limits)?;
    refuse_above(
        limits.name_bytes,
        measured.name_bytes,
        "nameBytes",
        || format!("the document has a name of {} bytes", measured.name_bytes),
        measured.longest_name,
    )?;
    if measured.depth > limits.depth as u64 {
        let error = Error::too_deep("the document", limits.depth as u64, measured.depth);
        return Err(GuardRefusal { error, position: measured.too_deep });
    }
    refuse_above(
        limits.tokens,
        measured.count,
        "tokens",
        || format!("the document has {} tokens", measured.count),
        measured.one_too_many,
    )?;
    Ok(measured.tokens)
}

/// Tokens of a text, and their measurements.
#[derive(Debug, Default)]
struct Measured {
    /// Tokens up to the limit, and the end.
    tokens: Vec<Token>,
    count: u64,
    depth: u64,
    name_bytes: u64,
    longest_name: Pos,
    /// Position of the first token above the limit.
    one_too_many: Pos,
    /// Position of the first bracket below the depth limit.
    too_deep: Pos,
}

impl Measured {
    fn read(text: &str, limits: &DocumentLimits) -> Result<Self, GuardRefusal> {
        let mut measured = Self::default();
        let mut depth: u64 = 0;
        let mut lexer = Lexer::new(text);
        loop {
            let token = lexer.next()?;
            if token.kind == TokenKind::End {
                measured.tokens.push(token);
                return Ok(measured);
            }
            if measured.count == limits.tokens as u64 {
                measured.one_too_many = token.position;
            }
            if measured.count < limits.tokens as u64 {
                measured.tokens.push(token);
            }
            measured.count += 1;
            let length = (token.end - token.begin) as u64;
            match token.kind {
                TokenKind::Name if length > measured.name_bytes => {
                    measured.name_bytes = length;
                    measured.longest_name = token.position;
                }
                TokenKind::Punctuator(b'{' | b'[' | b'(') => {
                    if depth == limits.depth as u64 && measured.depth == depth {
                        measured.too_deep = token.position;
                    }
                    depth += 1;
                    measured.depth = measured.depth.max(depth);
                }
                TokenKind::Punctuator(b'}' | b']' | b')') => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn measured(text: &str) -> (u64, u64) {
        let measured = Measured::read(text, &DocumentLimits::DEFAULT).unwrap();
        (measured.count, measured.depth)
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
            ("... ...", 2),
            ("\"\" \"a b\" \"\\\"\" \"\\\\\"", 4),
            ("\"\"\"a \" b\n \\\"\"\" { \"\"\" x", 2),
            ("\"\"\"\"\"\" x", 2),
            ("0 -0 12 1.5 1e9 1.5E-9 -1", 7),
            ("1-1", 2),
            ("\"日本\"", 1),
        ] {
            assert_eq!(measured(text).0, tokens, "{text}");
        }
    }

    #[test]
    fn brackets_count_outside_of_strings_and_comments() {
        for (text, depth) in [
            ("{ a(b: [[{ c: 1 }]]) { d } }", 5),
            ("}}}] {", 1),
            ("\"{{{\" { \"\"\"[[[\"\"\" }", 1),
            ("#{{{\r{", 1),
        ] {
            assert_eq!(measured(text).1, depth, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_measured_to_its_end_or_refused(text in "[\\PC\"\\\\#\n\r{}\\[\\]()0-9.e+-]{0,200}") {
            if let Ok(measured) = Measured::read(&text, &DocumentLimits::DEFAULT) {
                prop_assert!(measured.count <= text.len() as u64);
                prop_assert!(measured.depth <= measured.count);
            }
        }
    }
}
