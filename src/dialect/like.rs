//! `LIKE` patterns.

/// Escapes the wildcards of `LIKE`.
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Returns the first text after all texts with this prefix, or `None` if no text follows.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut rest = prefix.chars();
    while let Some(letter) = rest.next_back() {
        if let Some(next) = (letter..=char::MAX).nth(1) {
            return Some(format!("{}{next}", rest.as_str()));
        }
    }
    None
}

/// Step of a `LIKE` pattern.
pub(super) enum Wildcard {
    Any,
    One,
    Letter(char),
}

pub(super) fn wildcards(pattern: &str) -> impl Iterator<Item = Wildcard> {
    let mut letters = pattern.chars();
    std::iter::from_fn(move || {
        Some(match letters.next()? {
            '%' => Wildcard::Any,
            '_' => Wildcard::One,
            '\\' => Wildcard::Letter(letters.next().unwrap_or('\\')),
            letter => Wildcard::Letter(letter),
        })
    })
}

/// Returns the prefix of a `LIKE` pattern that tests nothing besides a prefix.
pub fn prefix_of_like(pattern: &str) -> Option<String> {
    let mut prefix = String::with_capacity(pattern.len());
    let mut steps = wildcards(pattern);
    loop {
        match steps.next()? {
            Wildcard::Letter(letter) => prefix.push(letter),
            Wildcard::Any => return steps.next().is_none().then_some(prefix),
            Wildcard::One => return None,
        }
    }
}

/// Returns the `GLOB` pattern that matches the same texts.
pub fn glob_of_like(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for step in wildcards(pattern) {
        match step {
            Wildcard::Any => glob.push('*'),
            Wildcard::One => glob.push('?'),
            Wildcard::Letter(letter @ ('*' | '?' | '[')) => glob.extend(['[', letter, ']']),
            Wildcard::Letter(letter) => glob.push(letter),
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns_translate() {
        assert_eq!(glob_of_like(r"50\%*_%"), "50%[*]?*");
        assert_eq!(escape_like(r"50%_\"), r"50\%\_\\");
        assert_eq!(prefix_of_like(r"50\%*%").as_deref(), Some("50%*"));
        assert_eq!(prefix_of_like("%").as_deref(), Some(""));
        for pattern in ["", "a", "a_%", "%a%", "a%%"] {
            assert_eq!(prefix_of_like(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_range_ends_after_its_prefix() {
        assert_eq!(after_prefix("Silverfox").as_deref(), Some("Silverfoy"));
        assert_eq!(after_prefix("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after_prefix("a\u{10ffff}\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }
}
