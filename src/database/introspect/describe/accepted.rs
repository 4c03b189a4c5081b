//! Values that a CHECK admits: `status IN ('open', 'closed')`, in the forms that people write and PostgreSQL prints.

use serde_json::Value as Json;

use super::literal::{Literal, casts, operand, quoted};

/// A column, and the values that it may have.
type Accepted = (String, Vec<Literal>);

/// Returns the column of a condition and the values that the condition admits beside NULL. Other conditions give `None`.
pub(super) fn of_condition(condition: &str) -> Option<(String, Vec<Json>)> {
    let (accepted, rest) = alternatives(condition)?;
    rest.trim().is_empty().then_some(())?;
    in_json(accepted)
}

/// Returns the column and the values of such a condition in parentheses, at the start of the text.
pub(super) fn of_parentheses(text: &str) -> Option<(String, Vec<Json>)> {
    let (accepted, rest) = alternatives(text.strip_prefix('(')?)?;
    rest.trim_start().starts_with(')').then_some(())?;
    in_json(accepted)
}

/// Returns the values as those of an option; `None` for a value that no choice has.
fn in_json((column, values): Accepted) -> Option<(String, Vec<Json>)> {
    let mut accepted: Vec<Json> = Vec::new();
    for value in values {
        let value = match value {
            Literal::Text(text) => Json::from(text),
            Literal::Number(text) => Json::from(text.parse::<i64>().ok()?),
            Literal::Null | Literal::Boolean(_) => return None,
        };
        if !accepted.contains(&value) {
            accepted.push(value);
        }
    }
    (!accepted.is_empty()).then_some((column, accepted))
}

/// Parses comparisons of one column that OR connects, and returns the rest.
fn alternatives(text: &str) -> Option<(Accepted, &str)> {
    let ((column, mut values), mut rest) = comparison(text)?;
    while let Some(other) = keyword(rest, "or") {
        let ((of, more), after) = comparison(other)?;
        (of == column).then_some(())?;
        values.extend(more);
        rest = after;
    }
    Some(((column, values), rest))
}

/// Parses a comparison of a column with literals, or alternatives in parentheses.
fn comparison(text: &str) -> Option<(Accepted, &str)> {
    let text = text.trim_start();
    let Some((column, rest)) = column(text) else {
        let (accepted, rest) = alternatives(text.strip_prefix('(')?)?;
        return Some((accepted, rest.trim_start().strip_prefix(')')?));
    };
    if let Some(rest) = keyword(rest, "is").and_then(|rest| keyword(rest, "null")) {
        return Some(((column, Vec::new()), rest));
    }
    let (values, rest) = match (keyword(rest, "in"), rest.trim_start().strip_prefix('=')) {
        (Some(list), _) => literals(list.trim_start().strip_prefix('(')?, ')')?,
        (_, Some(value)) => match keyword(value, "any") {
            Some(array) => {
                let (values, rest) = self::array(array.trim_start().strip_prefix('(')?)?;
                (values, rest.trim_start().strip_prefix(')')?)
            }
            None => {
                let (value, rest) = operand(value.trim_start())?;
                (vec![value], rest)
            }
        },
        _ => return None,
    };
    Some(((column, values), rest))
}

/// Parses an array of literals, in parentheses or not, with its casts.
fn array(text: &str) -> Option<(Vec<Literal>, &str)> {
    let text = text.trim_start();
    let (values, rest) = match text.strip_prefix('(') {
        Some(inner) => {
            let (values, rest) = array(inner)?;
            (values, rest.trim_start().strip_prefix(')')?)
        }
        None => literals(keyword(text, "array")?.trim_start().strip_prefix('[')?, ']')?,
    };
    match rest.trim_start().strip_prefix("::") {
        Some(cast) => Some((values, cast.split_once("[]")?.1)),
        None => Some((values, rest)),
    }
}

/// Parses literals up to the end of their list.
fn literals(text: &str, end: char) -> Option<(Vec<Literal>, &str)> {
    let (value, rest) = operand(text.trim_start())?;
    let mut values = vec![value];
    let mut rest = rest.trim_start();
    while let Some(more) = rest.strip_prefix(',') {
        let (value, after) = operand(more.trim_start())?;
        values.push(value);
        rest = after.trim_start();
    }
    Some((values, rest.strip_prefix(end)?))
}

/// Parses the name of a column, with its casts.
fn column(text: &str) -> Option<(String, &str)> {
    let (name, rest) = match text.chars().next()? {
        '(' => {
            let (name, rest) = column(text[1..].trim_start())?;
            (name, rest.trim_start().strip_prefix(')')?)
        }
        '[' => {
            let (name, rest) = text[1..].split_once(']')?;
            (name.to_owned(), rest)
        }
        quote @ ('"' | '`') => match quoted(text, quote)? {
            (Literal::Text(name), rest) => (name, rest),
            _ => return None,
        },
        letter if letter.is_alphabetic() || letter == '_' => {
            let (name, rest) = text.split_at(text.find(|letter| !is_part(letter)).unwrap_or(text.len()));
            (name.to_owned(), rest)
        }
        _ => return None,
    };
    Some((name, casts(rest)?))
}

/// Returns the text after a keyword.
fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (found, rest) = text.split_at(text.find(|letter| !is_part(letter)).unwrap_or(text.len()));
    found.eq_ignore_ascii_case(word).then_some(rest)
}

pub(super) fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_of_values_is_read_in_every_form() {
        for condition in [
            "status IN ('open', 'it''s')",
            "((status)::text = ANY ((ARRAY['open'::character varying, 'it''s'::character varying])::text[]))",
            "(status = ANY (ARRAY['open'::text, 'it''s'::text]))",
            "(((status)::text = 'open'::text) OR ((status)::text = 'it''s'::text))",
            "\"status\" is null or ( [status] in ('open') or `status` = 'it''s' ) OR status = 'open'",
        ] {
            let expected = Some(("status".to_owned(), vec![json!("open"), json!("it's")]));
            assert_eq!(of_condition(condition), expected, "{condition}");
        }
        let levels = Some(("level".to_owned(), vec![json!(-1), json!(2)]));
        assert_eq!(of_condition("level IN (-1, 2)"), levels);
    }

    #[test]
    fn other_conditions_list_no_values() {
        for condition in [
            "",
            "length > 0",
            "a = 'x' OR b = 'y'",
            "a = 'x' AND b",
            "a NOT IN ('x')",
            "a IN ('x', NULL)",
            "a IN (SELECT 1)",
            "a = 'x' COLLATE NOCASE",
            "lower(a) = 'x'",
            "a IN (1.5)",
            "((a",
            "a IS NULL",
            "a = ANY (ARRAY['x'::text]",
        ] {
            assert_eq!(of_condition(condition), None, "{condition}");
        }
    }
}
