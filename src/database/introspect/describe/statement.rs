//! Statements that SQLite keeps as text: conditions of tables, and events of triggers.

use serde_json::Value as Json;

use super::accepted::{is_part, of_parentheses};
use super::literal::{Literal, quoted};

/// Words of a statement outside of quotes and comments, each with the text after it.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.0;
            let first = rest.chars().next()?;
            let past = |end: &str| rest.split_once(end).map_or("", |(_, rest)| rest);
            self.0 = match first {
                '-' if rest.starts_with("--") => past("\n"),
                '/' if rest.starts_with("/*") => past("*/"),
                '[' => past("]"),
                '\'' | '"' | '`' => quoted(rest, first).map_or("", |(_, rest)| rest),
                letter if is_part(letter) => {
                    let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
                    let (word, rest) = rest.split_at(end);
                    self.0 = rest;
                    return Some((word, rest));
                }
                letter => &rest[letter.len_utf8()..],
            };
        }
    }
}

/// Returns the columns of which a CHECK in a CREATE TABLE statement lists the values.
pub(super) fn accepted(sql: &str) -> Vec<(String, Vec<Json>)> {
    let checks = Words(sql).filter(|(word, _)| word.eq_ignore_ascii_case("check"));
    checks.filter_map(|(_, rest)| of_parentheses(rest.trim_start())).collect()
}

/// Returns true if a CREATE TABLE statement has a CHECK of this name.
pub fn has_check_named(sql: &str, name: &str) -> bool {
    let constraints = Words(sql).filter(|(word, _)| word.eq_ignore_ascii_case("constraint"));
    constraints.filter_map(|(_, rest)| identifier(rest.trim_start())).any(|(known, rest)| {
        known == name && Words(rest).next().is_some_and(|(word, _)| word.eq_ignore_ascii_case("check"))
    })
}

/// Returns the name at the start of a text, and the text after it.
fn identifier(text: &str) -> Option<(String, &str)> {
    match text.chars().next()? {
        '[' => text[1..].split_once(']').map(|(name, rest)| (name.to_owned(), rest)),
        quote @ ('\'' | '"' | '`') => match quoted(text, quote)? {
            (Literal::Text(name), rest) => Some((name, rest)),
            _ => None,
        },
        _ => {
            let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
            Some((text[..end].to_owned(), &text[end..]))
        }
    }
}

/// Returns the event of an INSTEAD OF trigger.
pub(super) fn event_of_trigger(sql: &str) -> Option<String> {
    let mut words = Words(sql).map(|(word, _)| word).skip_while(|word| !word.eq_ignore_ascii_case("instead"));
    words.nth(2).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_found_in_a_statement() {
        let sql = "CREATE TABLE t (a text CHECK(a IN ('x', 'y')), -- CHECK (b = 'z')\n\
            b text DEFAULT 'CHECK (b = ''z'')' CHECK (b <> ''), /* CHECK (c = 1) */ \"check\" text,\n\
            [c] int CONSTRAINT of check (c = 1), check_d int, CHECK ((d IN (1, 2))))";
        let found = accepted(sql);
        let expected = [
            ("a".to_owned(), vec![json!("x"), json!("y")]),
            ("c".to_owned(), vec![json!(1)]),
            ("d".to_owned(), vec![json!(1), json!(2)]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_condition_has_a_name() {
        let sql = "CREATE TABLE t (a int CONSTRAINT positive CHECK (a > 0), b int CHECK (b), c int CONSTRAINT \"a \"\"b\"\"\" check (c),\n\
            d text DEFAULT 'CONSTRAINT d CHECK (d)' CONSTRAINT e NOT NULL CONSTRAINT [f g] /* x */ CHECK(d <> ''))";
        for name in ["positive", "a \"b\"", "f g"] {
            assert!(has_check_named(sql, name), "{name}");
        }
        for name in ["b", "a > 0", "c", "d", "e"] {
            assert!(!has_check_named(sql, name), "{name}");
        }
    }

    #[test]
    fn a_trigger_has_an_event() {
        let sql = "CREATE TRIGGER \"instead of delete\" /* INSTEAD OF DELETE */ INSTEAD OF update OF a ON v BEGIN SELECT 1; END";
        assert_eq!(event_of_trigger(sql).as_deref(), Some("update"));
        assert_eq!(event_of_trigger("CREATE TRIGGER t AFTER INSERT ON v BEGIN SELECT 1; END"), None);
    }
}
