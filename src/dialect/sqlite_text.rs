//! Regular expressions over text of SQLite, which need not be UTF-8.
//!
//! Own connections have a function that matches no such text. The function of SeaORM's connections, which serve
//! transactions, refuses the whole statement instead. The statement is then sent once more with a check of each text. The
//! check takes as long as the match, so usual statements go without.

use sea_orm::sea_query::Expr;

/// Start and end of the condition that a value is text.
const IS_TEXT: [&str; 2] = ["unlikely(CASE WHEN typeof(", ") = 'text' THEN "];

/// Hexadecimal form of a literal of a text (`'…'`) that is UTF-8 (RFC 3629, section 4).
const UTF8_LITERAL: &str = "^27([0-7].|(C[2-9A-F]|D.)[89AB].|E0[AB].[89AB].\
    |E[1-9ABCEF][89AB].[89AB].|ED[89].[89AB].|F0[9AB].([89AB].){2}|F[1-3]([89AB].){3}|F48.([89AB].){2})*$";

/// Builds the condition that a column matches a pattern. A blob would make REGEXP fail for all rows.
pub(super) fn matches(column: Expr, pattern: &str) -> Expr {
    let [start, end] = IS_TEXT;
    Expr::cust_with_exprs(
        format!("{start}?{end}? END REGEXP ?)"),
        [column.clone(), column, Expr::val(pattern)],
    )
}

/// Returns the statement with a check for UTF-8 in each condition of [`matches`]; `None` if there is no condition.
pub fn checking_utf8(sql: &str) -> Option<String> {
    let [start, end] = IS_TEXT;
    let checked = format!(")) REGEXP '{UTF8_LITERAL}' THEN ");
    sql.contains(start).then(|| sql.replace(start, "unlikely(CASE WHEN hex(quote(").replace(end, &checked))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn literals_of_utf8_are_recognised_by_their_hexadecimal_form() {
        let check = Regex::new(UTF8_LITERAL).unwrap();
        let is_text = |literal: &[u8]| {
            check.is_match(&literal.iter().map(|byte| format!("{byte:02X}")).collect::<String>())
        };
        for text in ["'a'", "''", "'ß'", "'€'", "'\u{d7ff}\u{e000}'", "'😀\u{10ffff}'"] {
            assert!(is_text(text.as_bytes()), "{text}");
        }
        for other in ["X'41'", "NULL", "-1.5"] {
            assert!(!is_text(other.as_bytes()), "{other}");
        }
        // Every pair of bytes, and the limits of longer sequences.
        for pair in 0..=u16::MAX {
            let pair = pair.to_be_bytes();
            let literal = [&b"'"[..], &pair, b"'"].concat();
            assert_eq!(is_text(&literal), std::str::from_utf8(&pair).is_ok(), "{pair:?}");
        }
        for start in [0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5] {
            for second in 0x80..=0xbf {
                for sequence in [&[start, second, 0x80][..], &[start, second, 0xbf, 0x80]] {
                    let literal = [b"'", sequence, b"'"].concat();
                    assert_eq!(is_text(&literal), std::str::from_utf8(sequence).is_ok(), "{sequence:x?}");
                }
            }
        }
    }
}
