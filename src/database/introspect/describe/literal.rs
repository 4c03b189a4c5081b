//! Literals of SQL.

/// A literal of SQL.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
}

/// Parses a literal, with its casts (`'a'::text`). Other expressions give `None`.
pub(super) fn parse(expression: &str) -> Option<Literal> {
    let (literal, rest) = operand(expression.trim())?;
    rest.trim().is_empty().then_some(literal)
}

/// Parses a literal at the start of the text, and returns the rest.
pub(super) fn operand(text: &str) -> Option<(Literal, &str)> {
    let first = text.chars().next()?;
    let (literal, rest) = match first {
        '(' => {
            let (literal, rest) = operand(text[1..].trim_start())?;
            (literal, rest.trim_start().strip_prefix(')')?)
        }
        // SQLite reads a name in double quotes as text if no column has that name.
        '\'' | '"' => quoted(text, first)?,
        '+' | '-' | '.' | '0'..='9' => number(text)?,
        _ => {
            let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
            let literal = match text[..end].to_ascii_lowercase().as_str() {
                "null" => Literal::Null,
                "true" => Literal::Boolean(true),
                "false" => Literal::Boolean(false),
                _ => return None,
            };
            (literal, &text[end..])
        }
    };
    Some((literal, casts(rest)?))
}

pub(super) fn quoted(text: &str, quote: char) -> Option<(Literal, &str)> {
    let mut value = String::new();
    let mut rest = &text[1..];
    loop {
        let end = rest.find(quote)?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(quote) {
            Some(more) => rest = more,
            None => return Some((Literal::Text(value), rest)),
        }
        value.push(quote);
    }
}

fn number(text: &str) -> Option<(Literal, &str)> {
    let sign = if text.starts_with('-') { "-" } else { "" };
    let unsigned = text.trim_start_matches(['+', '-']).trim_start();
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | 'e' | 'E');
    let end = unsigned.find(|letter| !is_part(letter)).unwrap_or(unsigned.len());
    unsigned.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.').then_some(())?;
    Some((Literal::Number(format!("{sign}{}", &unsigned[..end])), &unsigned[end..]))
}

/// Skips casts. A cast with a length (`::varchar(3)`) may change the value, and gives `None`.
pub(super) fn casts(mut text: &str) -> Option<&str> {
    while let Some(named) = text.trim_start().strip_prefix("::") {
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '"' | ' ');
        text = &named[named.find(|letter| !is_part(letter)).unwrap_or(named.len())..];
        if text.starts_with(['(', '[']) {
            return None;
        }
    }
    Some(text)
}
