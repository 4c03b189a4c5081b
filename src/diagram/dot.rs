//! Diagram as a graph for Graphviz.

use std::fmt::Write as _;

use super::boxes::TypeBox;
use super::lines::Line;
use super::svg::escape;
use crate::model::Cardinality;

const HEAD: &str = r#"digraph model {
    graph [rankdir=LR, nodesep=0.4, ranksep=1.6, fontname="monospace"];
    node [shape=plain, fontname="monospace", fontsize=11];
    edge [dir=both, fontname="monospace", fontsize=9, labeldistance=3];
"#;

pub(super) fn write(boxes: &[TypeBox<'_>], lines: &[Line<'_>]) -> String {
    let mut text = String::from(HEAD);
    // Writing to a string cannot fail.
    for type_box in boxes {
        let table = type_box.table.as_ref().map(|table| format!(" <i>{}</i>", escape(table)));
        let _ = writeln!(
            text,
            "    \"{0}\" [label=<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\">\n        \
             <tr><td colspan=\"3\"><b>{0}</b>{1}</td></tr>",
            type_box.name,
            table.unwrap_or_default()
        );
        for row in &type_box.rows {
            let _ = writeln!(
                text,
                "        <tr><td>{}</td><td align=\"left\">{}</td><td align=\"left\">{}</td></tr>",
                row.marks.join(" "),
                row.field,
                row.full_type()
            );
        }
        text.push_str("    </table>>];\n");
    }
    for line in lines {
        let [one, other] = &line.ends;
        let style = if line.is_shortcut { ", style=dashed" } else { "" };
        let _ = writeln!(
            text,
            "    \"{}\" -> \"{}\" [taillabel=\"{}\", headlabel=\"{}\", arrowtail={}, arrowhead={}{style}];",
            one.name,
            other.name,
            one.label(),
            other.label(),
            arrow(one.cardinality),
            arrow(other.cardinality)
        );
    }
    text.push_str("}\n");
    text
}

fn arrow(cardinality: Cardinality) -> &'static str {
    match cardinality {
        Cardinality::One => "teetee",
        Cardinality::OptionalOne => "teeodot",
        Cardinality::Many => "crowodot",
    }
}
