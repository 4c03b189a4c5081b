//! Session settings: `-c name=value`, as on a server's command line.

use std::time::Duration;

/// Session setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub value: String,
}

impl Setting {
    /// Returns true if the setting has this name; PostgreSQL ignores case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Parses `-c name=value`, `-cname=value` and `--name=value`, with backslashes before blanks (PostgreSQL's
/// `process_postgres_switches`). Other words are ignored.
pub fn read(text: &str) -> Vec<Setting> {
    let mut words = words(text).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--") {
            Some(long) => long.to_owned(),
            None if word == "-c" => words.next().unwrap_or_default(),
            None => word.strip_prefix("-c").unwrap_or_default().to_owned(),
        };
        if let Some((name, value)) = setting.split_once('=') {
            // A dash in a command-line name represents an underscore.
            settings.push(Setting { name: name.replace('-', "_"), value: value.to_owned() });
        }
    }
    settings
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.extend(characters.next()),
            blank if blank.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Writes settings in the form of [`read`]; `None` without settings.
pub fn write(settings: &[Setting]) -> Option<String> {
    let each = settings.iter().map(|Setting { name, value }| format!("-c {name}={}", escape(value)));
    let all = each.collect::<Vec<_>>().join(" ");
    (!all.is_empty()).then_some(all)
}

/// Escapes blanks and backslashes in a value.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if character == '\\' || character.is_ascii_whitespace() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Builds a statement that applies all settings until the end of the transaction. Calls a function, because
/// `SET LOCAL` outside an explicit transaction makes the server warn.
pub fn preamble(settings: &[Setting]) -> Option<String> {
    let quoted = |text: &str| text.replace('\'', "''");
    let call = |setting: &Setting| {
        let (name, value) = (quoted(&setting.name), quoted(&setting.value));
        // A backslash is literal there: standard_conforming_strings is on.
        format!("set_config('{name}', '{value}', true)")
    };
    let calls: Vec<String> = settings.iter().map(call).collect();
    (!calls.is_empty()).then(|| format!("SELECT {}", calls.join(", ")))
}

/// Returns the value of `statement_timeout`; `None` if it is off or has an unknown unit.
pub fn statement_timeout(settings: &[Setting]) -> Option<Duration> {
    let value = &settings.iter().rev().find(|setting| setting.is("statement_timeout"))?.value;
    let value = value.trim();
    let digits = value.find(|character: char| !character.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    match unit.trim() {
        "" | "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "min" => Some(Duration::from_secs(number.saturating_mul(60))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_server_reads_them() {
        let all = read(r"-c a=b  -cstatement_timeout=5s --search-path=x,\ y -c  lone -d 3");
        let pairs: Vec<_> =
            all.iter().map(|setting| (setting.name.as_str(), setting.value.as_str())).collect();
        assert_eq!(pairs, [("a", "b"), ("statement_timeout", "5s"), ("search_path", "x, y")]);
        assert_eq!(read(&write(&all).unwrap_or_default()), all);
        assert_eq!(statement_timeout(&all), Some(Duration::from_secs(5)));
        assert_eq!(write(&[]), None);
    }

    #[test]
    fn settings_of_a_transaction_cannot_break_out_of_their_quotes() {
        let all = [Setting { name: "a".to_owned(), value: "'; DROP".to_owned() }];
        assert_eq!(preamble(&all).as_deref(), Some("SELECT set_config('a', '''; DROP', true)"));
        assert_eq!(preamble(&[]), None);
    }
}
