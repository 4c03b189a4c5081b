//! Fenced blocks of a Markdown page, and the layout of the JSON in them.

use std::ops::Range;

use serde_json::Value as Json;

/// Maximum length of a line of JSON.
const LINE: usize = 110;

/// Fenced block.
#[derive(Debug)]
pub struct Block<'a> {
    pub language: &'a str,
    /// Words after the language.
    pub kind: &'a str,
    pub text: &'a str,
    /// Place of the text in the page.
    pub place: Range<usize>,
}

impl Block<'_> {
    pub fn is(&self, language: &str, kind: &str) -> bool {
        self.language == language && self.kind == kind
    }
}

/// Returns the fenced blocks of a page in order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut opened: Option<(&str, usize)> = None;
    let mut start = 0;
    for line in page.split_inclusive('\n') {
        let end = start + line.len();
        match (line.trim_end().strip_prefix("```"), opened.take()) {
            (Some(info), None) => opened = Some((info, end)),
            (Some(_), Some((info, from))) => {
                let (language, kind) = info.split_once(' ').unwrap_or((info, ""));
                let place = from..start.saturating_sub(1).max(from);
                blocks.push(Block { language, kind, text: &page[place.clone()], place });
            }
            (None, of) => opened = of,
        }
        start = end;
    }
    assert!(opened.is_none(), "a block is not closed");
    blocks
}

/// Writes JSON as the pages have it: what fits into a line is one.
pub fn layout(json: &Json, indent: usize, before: usize) -> String {
    let line = one_line(json);
    if indent + before + line.chars().count() <= LINE {
        return line;
    }
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    let items: Vec<String> = match json {
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| {
                format!("{inner}{name:?}: {}", layout(value, indent + 2, name.len() + 4))
            };
            fields.iter().map(field).collect()
        }
        Json::Array(items) => {
            items.iter().map(|item| format!("{inner}{}", layout(item, indent + 2, 0))).collect()
        }
        _ => return line,
    };
    let (open, close) = if json.is_array() { ('[', ']') } else { ('{', '}') };
    format!("{open}\n{}\n{outer}{close}", items.join(",\n"))
}

fn one_line(json: &Json) -> String {
    match json {
        Json::Object(fields) if !fields.is_empty() => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name:?}: {}", one_line(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[test]
fn blocks_have_their_language_and_their_place() {
    let page = "a\n```sh\none\ntwo\n```\nb\n```json event\n```\n";
    let found = blocks(page);
    assert_eq!(found.len(), 2);
    assert!(found[0].is("sh", "") && found[1].is("json", "event"));
    assert_eq!((found[0].text, found[1].text), ("one\ntwo", ""));
    assert_eq!(&page[found[0].place.clone()], "one\ntwo");
}
