//! Diagram as an `erDiagram` of Mermaid.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::boxes::TypeBox;
use super::lines::Line;
use crate::model::Cardinality;

pub(super) fn write(boxes: &[TypeBox<'_>], lines: &[Line<'_>]) -> String {
    let mut text = String::from("erDiagram\n");
    for type_box in boxes {
        // Type names are quoted: a `Class` or a `Style` would be a statement. Writing to a string cannot
        // fail.
        let title =
            type_box.table.as_ref().map(|table| format!("[\"{} ({})\"]", type_box.name, plain(table)));
        let _ = writeln!(text, "    \"{}\"{} {{", type_box.name, title.unwrap_or_default());
        for row in &type_box.rows {
            let marks = row.marks.iter().map(|mark| format!(" {mark}")).collect::<Vec<_>>().join(",");
            // Mermaid types are words without `!`, so nullable columns are marked instead.
            let nullable = if row.nullable { " \"nullable\"" } else { "" };
            let (type_name, field) = (word(row.type_name), word(row.field));
            let _ = writeln!(text, "        {type_name} {field}{marks}{nullable}");
        }
        text.push_str("    }\n");
    }
    for line in lines {
        let [one, other] = &line.ends;
        let (left, right) = (left(one.cardinality), right(other.cardinality));
        let stroke = if line.is_shortcut { ".." } else { "--" };
        let label = [one, other].map(|end| if end.fields.is_empty() { "-".to_owned() } else { end.label() });
        let _ = writeln!(
            text,
            "    \"{}\" {left}{stroke}{right} \"{}\" : \"{}\"",
            one.name,
            other.name,
            label.join(" / ")
        );
    }
    text
}

fn left(cardinality: Cardinality) -> &'static str {
    match cardinality {
        Cardinality::One => "||",
        Cardinality::OptionalOne => "|o",
        Cardinality::Many => "}o",
    }
}

fn right(cardinality: Cardinality) -> &'static str {
    match cardinality {
        Cardinality::One => "||",
        Cardinality::OptionalOne => "o|",
        Cardinality::Many => "o{",
    }
}

/// Changes a name that Mermaid would take for a key mark: it accepts `pk` anywhere.
fn word(name: &str) -> Cow<'_, str> {
    let is_mark = ["PK", "FK", "UK"].iter().any(|mark| mark.eq_ignore_ascii_case(name));
    if is_mark { format!("{name}_").into() } else { name.into() }
}

/// Replaces characters that end or change a quoted text, which Mermaid cannot escape.
fn plain(text: &str) -> String {
    text.replace(|letter: char| letter.is_control() || "\"\\%#;".contains(letter), "_")
}
