//! Plain English in the texts that users read, and in the first words of documentation comments.

use super::architecture::sources;
use super::process::{Folder, run};

/// Words that the schema, the help and the messages do not use.
const DENIED_WORDS: [&str; 12] = [
    "told",
    "nobody",
    "whoever",
    "in vain",
    "hangs on",
    "gives way",
    "at most so many",
    "so many",
    "points at nothing",
    "belong here no more",
    "is there",
    "one who",
];

/// First words that a documentation comment does not have: it begins with a noun or a verb.
const DENIED_FIRST_WORDS: [&str; 9] =
    ["What", "Whether", "Where", "How", "Those", "One", "The same", "It", "Its"];

#[tokio::test]
async fn schema_uses_plain_words() {
    let sdl = printed(&["schema"]).await;
    let descriptions: Vec<&str> = sdl.lines().filter(|line| line.trim_start().starts_with('"')).collect();
    assert!(descriptions.len() > 1_000, "no description was found");
    assert_plain("schema", descriptions);
}

#[tokio::test]
async fn help_uses_plain_words() {
    let commands: [&[&str]; 14] = [
        &[],
        &["serve"],
        &["migrate"],
        &["migrate", "up"],
        &["migrate", "down"],
        &["migrate", "status"],
        &["seed"],
        &["schema"],
        &["explain"],
        &["model"],
        &["client"],
        &["health"],
        &["check"],
        &["init"],
    ];
    for command in commands {
        for option in ["-h", "--help"] {
            let help = printed(&[command, &[option]].concat()).await;
            assert!(help.contains("Usage: "), "{command:?} {option}: {help}");
            assert_plain(&format!("{command:?} {option}"), help.lines());
        }
    }
}

/// Checks every string, because a message may be put together far from its error.
#[test]
fn messages_use_plain_words() {
    let mut count = 0;
    for (file, text) in ["src", "cli/src"].into_iter().flat_map(sources) {
        if file.ends_with("tests.rs") {
            continue;
        }
        let strings = strings(&text);
        count += strings.len();
        assert_plain(&file.display().to_string(), strings.iter().map(String::as_str));
    }
    assert!(count > 1_000, "no string was found");
}

#[test]
fn documentation_begins_with_a_noun_or_a_verb() {
    let mut faults = Vec::new();
    for (file, text) in ["src", "cli/src"].into_iter().flat_map(sources) {
        for (line, first) in denied_first_words(&text) {
            faults.push(format!("{}:{line}: a documentation comment begins with {first}", file.display()));
        }
    }
    assert!(faults.is_empty(), "{} found\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn denied_words_are_found_as_whole_words() {
    assert_eq!(denied_words("No answer: nobody is there."), ["nobody", "is there"]);
    assert_eq!(denied_words("At most so many."), ["at most so many", "so many"]);
    assert!(denied_words("an untoldable isThere, one whole").is_empty());
}

#[test]
fn strings_are_found_however_they_are_written() {
    let text = r##"
/// A "comment". // "another"
fn f<'a>(of: &'a str) -> char { let one = "first \"inner\""; let two = r#"raw "text""#; '"' }
/* "a block" */ const THREE: &str = "two \
    lines";

#[cfg(test)]
mod tests { const FOUR: &str = "not in the program"; }
"##;
    assert_eq!(strings(text), [r#"first \"inner\""#, r#"raw "text""#, "two lines"]);
}

#[test]
fn first_words_are_those_of_the_first_line() {
    let text = "
        //! What is denied.
        /// Returns a value.
        /// How it does so is not looked at.
        fn f() {}
        /// Its value.
        #[derive(Debug)]
        /// Items, not It.
        // Whether a plain comment matters: no.
        /// The same again.
    ";
    assert_eq!(denied_first_words(text), [(2, "What"), (6, "Its"), (10, "The same")]);
}

async fn printed(arguments: &[&str]) -> String {
    let ended = run(&Folder::new(), arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.log);
    ended.out
}

fn assert_plain<'a>(place: &str, texts: impl IntoIterator<Item = &'a str>) {
    for text in texts {
        let found = denied_words(text);
        assert!(found.is_empty(), "{place}: {found:?} in {text:?}");
    }
}

/// The denied words of a text, as whole words in any case.
fn denied_words(text: &str) -> Vec<&'static str> {
    let words: Vec<String> =
        text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase).collect();
    let text =
        format!(" {} ", words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
    DENIED_WORDS.into_iter().filter(|denied| text.contains(&format!(" {denied} "))).collect()
}

/// Lines at which a documentation comment begins with denied words, with these words.
fn denied_first_words(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut previous = None;
    for (number, line) in (1..).zip(text.lines()) {
        let comment = line.trim_start();
        let kind = ["///", "//!"].into_iter().find(|kind| comment.starts_with(kind));
        if let Some(kind) = kind.filter(|_| kind != previous) {
            let first = format!("{} ", comment[kind.len()..].trim());
            let is_first = |denied: &&str| first.starts_with(&format!("{denied} "));
            found.extend(DENIED_FIRST_WORDS.into_iter().find(is_first).map(|denied| (number, denied)));
        }
        previous = kind;
    }
    found
}

/// Strings of a source file as they are written, without those of comments and of its tests at the end.
fn strings(text: &str) -> Vec<String> {
    let mut rest = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut strings = Vec::new();
    while let Some(at) = rest.find(['/', '"', '\'', 'r']) {
        let is_in_word = rest[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        rest = &rest[at..];
        let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
        if rest.starts_with("//") {
            rest = after(rest, "\n");
        } else if rest.starts_with("/*") {
            rest = after(rest, "*/");
        } else if rest.starts_with('r') && rest[1 + hashes..].starts_with('"') && !is_in_word {
            let begun = &rest[2 + hashes..];
            let (string, remaining) = begun.split_once(&format!("\"{}", "#".repeat(hashes))).unwrap();
            strings.push(string.to_owned());
            rest = remaining;
        } else if rest.starts_with('"') {
            let end = end_of_literal(rest, '"');
            strings.push(joined(&rest[1..end]));
            rest = &rest[end + 1..];
        } else if rest.starts_with('\'') && is_character(rest) {
            rest = &rest[end_of_literal(rest, '\'') + 1..];
        } else {
            rest = &rest[1..];
        }
    }
    strings
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, after)| after)
}

/// Tells if a quote begins a character and not a lifetime.
fn is_character(text: &str) -> bool {
    let mut letters = text.chars().skip(1);
    letters.next() == Some('\\') || letters.next() == Some('\'')
}

/// Place of the quote that ends the literal at the begin of a text.
fn end_of_literal(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == quote && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        ends
    });
    end.map(|(place, _)| place).unwrap()
}

/// A string whose lines are continued by a backslash, in one line.
fn joined(string: &str) -> String {
    let mut lines = string.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}
