//! SVG 1.1 picture of the diagram with an embedded style, for light and dark colour schemes.

use std::fmt::Write as _;

use super::boxes::{BoxRow, TypeBox};
use super::layout::{self, Area, BoxLink, BoxSize, FOOT, Layout, Point};
use super::lines::{Line, LineEnd};
use crate::model::Cardinality;

const MARGIN: f64 = 28.0;
/// Height of the title and the legend.
const TOP: f64 = 84.0;
/// Width of the legend.
const LEGEND: f64 = 780.0;

const HEAD: f64 = 30.0;
const ROW: f64 = 20.0;
const PADDING: f64 = 10.0;
/// Distance between a field and its type.
const SPACE: f64 = 18.0;

/// Width of a letter at each text size: that of the widest of the usual monospaced fonts, rounded up.
const NAME_LETTER: f64 = 8.2;
const LETTER: f64 = 7.3;
const SMALL_LETTER: f64 = 6.3;
const MARK_LETTER: f64 = 5.6;

/// Radius of line corners.
const BEND: f64 = 7.0;

const STYLE: &str = "
:root{color-scheme:light dark}
svg{background:#fff}
text{font:12px ui-monospace,'SF Mono',Menlo,'DejaVu Sans Mono','Liberation Mono',Consolas,monospace;fill:#1f2328}
.page,.ring{fill:#fff}
.box rect{fill:#fff;stroke:#8c959f}
.box .head{fill:#f3eaf1}
.name{font-weight:bold;font-size:13.5px}
.small,.label{font-size:10px;fill:#656d76}
.type{fill:#0550ae}
.nullable{fill:#656d76;font-style:italic}
.mark{font-size:9px;font-weight:bold;fill:#a3056e}
.line{fill:none;stroke:#57606a;stroke-width:1.3}
.line text{stroke:none}
.near{stroke:transparent;stroke-width:11}
.shortcut .way{stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){
svg{background:#16191f}
text{fill:#e6edf3}
.page,.ring{fill:#16191f}
.box rect{fill:#1f242c;stroke:#6e7681}
.box .head{fill:#38263a}
.small,.label,.nullable{fill:#9aa4af}
.type{fill:#79c0ff}
.mark{fill:#ff7ec7}
.line{stroke:#9aa4af}
}
.line:hover{stroke:#d60590;stroke-width:2.2}
.line:hover .label{fill:#d60590}
";

/// Symbols of line ends, drawn at the left border of a box whose line goes to the right.
const ENDS: &str = r##"<defs>
<g id="one"><path d="M7-6V6M12-6V6"/></g>
<g id="optional"><path d="M7-6V6"/><circle class="ring" cx="16" cy="0" r="4.5"/></g>
<g id="many"><path d="M0-7L12 0L0 7"/><circle class="ring" cx="16.5" cy="0" r="4.5"/></g>
</defs>
"##;

pub(super) fn write(boxes: &[TypeBox<'_>], lines: &[Line<'_>]) -> String {
    let layout = arrange(boxes, lines);
    let width = layout.width.max(LEGEND) + 2.0 * MARGIN;
    let height = layout.height + TOP + 2.0 * MARGIN;
    let counts = format!("{}, {}", count(boxes.len(), "type"), count(lines.len(), "relation"));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"graphics-document document\" aria-labelledby=\"title\">\n\
         <title id=\"title\">Model: {counts}</title>\n<style>{STYLE}{}</style>\n{ENDS}\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n",
        highlight(boxes)
    );
    let dashed = if lines.iter().any(|line| line.is_shortcut) {
        " · a dashed line passes through another type"
    } else {
        ""
    };
    legend(&mut text, &format!("{counts} · each end of a line shows the field of that type{dashed}"));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "<g transform=\"translate({MARGIN} {})\">", MARGIN + TOP);
    for (line, route) in lines.iter().zip(&layout.routes) {
        draw_line(&mut text, line, route);
    }
    for (type_box, area) in boxes.iter().zip(&layout.boxes) {
        draw_box(&mut text, type_box, area);
    }
    text.push_str("</g>\n</svg>\n");
    text
}

fn arrange(boxes: &[TypeBox<'_>], lines: &[Line<'_>]) -> Layout {
    let sizes: Vec<BoxSize> = boxes.iter().map(size).collect();
    let place = |end: &LineEnd<'_>| boxes.iter().position(|known| known.entity == end.entity).unwrap_or(0);
    let link = |line: &Line<'_>| BoxLink {
        ends: line.ends.each_ref().map(place),
        labels: line.ends.each_ref().map(|end| letters(&end.label()) * SMALL_LETTER),
    };
    layout::arrange(&sizes, &lines.iter().map(link).collect::<Vec<_>>())
}

fn size(type_box: &TypeBox<'_>) -> BoxSize {
    let table = type_box.table.as_deref().map_or(0.0, |table| SPACE + letters(table) * SMALL_LETTER);
    let head = letters(type_box.name) * NAME_LETTER + table;
    let row = |row: &BoxRow<'_>| {
        marks(type_box) + SPACE + (letters(row.field) + letters(&row.full_type())) * LETTER
    };
    let width = type_box.rows.iter().map(row).fold(head, f64::max) + 2.0 * PADDING;
    BoxSize { width: width.ceil(), height: HEAD + ROW * type_box.rows.len() as f64 + 6.0 }
}

/// Returns the width of the widest key marks of a box, with the distance to the fields.
fn marks(type_box: &TypeBox<'_>) -> f64 {
    let widest = type_box.rows.iter().map(|row| letters(&row.marks.join(" "))).fold(2.0, f64::max);
    (widest * MARK_LETTER + 8.0).ceil()
}

/// Counts the letters of a text; letters beyond ASCII may be twice as wide.
fn letters(text: &str) -> f64 {
    text.chars().map(|letter| if letter.is_ascii() { 1.0 } else { 2.0 }).sum()
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Builds the style that highlights a box's lines on hover.
fn highlight(boxes: &[TypeBox<'_>]) -> String {
    if boxes.is_empty() {
        return String::new();
    }
    let id = |type_box: &TypeBox<'_>| format!("svg:has(.b{0}:hover) .l{0}", type_box.entity);
    let selectors: Vec<String> = boxes.iter().map(id).collect();
    format!("{}{{stroke:#d60590;stroke-width:2.2}}\n", selectors.join(","))
}

fn legend(text: &mut String, summary: &str) {
    let (x, y) = (MARGIN, MARGIN + 36.0);
    let _ = writeln!(
        text,
        "<text class=\"name\" x=\"{x}\" y=\"{}\">Model</text><text class=\"small\" x=\"{}\" y=\"{0}\">{summary}</text>",
        MARGIN + 10.0,
        x + 54.0
    );
    let ends = [
        (Cardinality::One, "exactly one"),
        (Cardinality::OptionalOne, "zero or one"),
        (Cardinality::Many, "any number"),
    ];
    let mut x = x;
    for (cardinality, meaning) in ends {
        let _ = writeln!(
            text,
            "<g class=\"line\"><path d=\"M{x} {y}h34\"/><use href=\"#{}\" transform=\"translate({x} {y})\"/>\
             <text class=\"small\" x=\"{}\" y=\"{}\">{meaning}</text></g>",
            id(cardinality),
            x + 42.0,
            y + 3.5
        );
        x += 54.0 + letters(meaning) * SMALL_LETTER;
    }
    let _ = writeln!(
        text,
        "<text class=\"small\" x=\"{x}\" y=\"{}\">PK primary key · FK foreign key · UK unique · ! never null</text>",
        y + 3.5
    );
}

fn draw_box(text: &mut String, type_box: &TypeBox<'_>, area: &Area) {
    let Area { x, y, width, height } = area;
    let description = type_box.description.map(|words| format!(": {}", escape(words))).unwrap_or_default();
    let _ = writeln!(
        text,
        "<g class=\"box b{}\" role=\"group\" transform=\"translate({x} {y})\"><title>{}{description}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"5\"/>\
         <path class=\"head\" d=\"M.5 {HEAD}V5.5a5 5 0 0 1 5-5h{}a5 5 0 0 1 5 5V{HEAD}z\"/>\
         <text class=\"name\" x=\"{PADDING}\" y=\"20\">{1}</text>",
        type_box.entity,
        type_box.name,
        width - 11.0,
    );
    let right = width - PADDING;
    if let Some(table) = &type_box.table {
        let _ = writeln!(
            text,
            "<text class=\"small\" x=\"{right}\" y=\"19.5\" text-anchor=\"end\">{}</text>",
            escape(table)
        );
    }
    let left = PADDING + marks(type_box);
    for (number, row) in type_box.rows.iter().enumerate() {
        let y = HEAD + ROW * number as f64 + 15.0;
        if !row.marks.is_empty() {
            let _ =
                write!(text, "<text class=\"mark\" x=\"{PADDING}\" y=\"{y}\">{}</text>", row.marks.join(" "));
        }
        let _ = writeln!(
            text,
            "<text x=\"{left}\" y=\"{y}\">{}</text><text class=\"{}\" x=\"{right}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
            row.field,
            if row.nullable { "nullable" } else { "type" },
            row.full_type()
        );
    }
    text.push_str("</g>\n");
}

fn draw_line(text: &mut String, line: &Line<'_>, route: &[Point]) {
    let ([first, second, ..], [.., before, last]) = (route, route) else { return };
    let [one, other] = &line.ends;
    let shortcut = if line.is_shortcut { " shortcut" } else { "" };
    let through = line.through().map(|table| format!("\nthrough {}", escape(table))).unwrap_or_default();
    let fields: Vec<String> = line.fields().collect();
    let way = path(route);
    let _ = write!(
        text,
        "<g class=\"line l{} l{}{shortcut}\" role=\"img\"><title>{}{through}</title>\n\
         <path class=\"way\" d=\"{way}\"/><path class=\"near\" d=\"{way}\"/>",
        one.entity,
        other.entity,
        fields.join("\n")
    );
    draw_end(text, one, *first, *second);
    draw_end(text, other, *last, *before);
    text.push_str("</g>\n");
}

/// Draws the crow's foot at a border, and the fields above the line.
fn draw_end(text: &mut String, end: &LineEnd<'_>, at: Point, next: Point) {
    let Point { x, y } = at;
    let (out, anchor) = if next.x > x { (1.0, "start") } else { (-1.0, "end") };
    let _ = write!(
        text,
        "<use href=\"#{}\" transform=\"translate({x} {y}) scale({out} 1)\"/>",
        id(end.cardinality)
    );
    if !end.fields.is_empty() {
        let _ = write!(
            text,
            "<text class=\"label\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            x + out * FOOT,
            y - 4.0,
            end.label()
        );
    }
}

fn id(cardinality: Cardinality) -> &'static str {
    match cardinality {
        Cardinality::One => "one",
        Cardinality::OptionalOne => "optional",
        Cardinality::Many => "many",
    }
}

/// Builds the path of a route with round corners.
fn path(route: &[Point]) -> String {
    let mut path = String::new();
    for (index, point) in route.iter().enumerate() {
        let (before, after) = (index.checked_sub(1).map(|index| route[index]), route.get(index + 1));
        let _ = match (before, after) {
            (None, _) => write!(path, "M{} {}", point.x, point.y),
            (Some(_), None) => write!(path, "L{} {}", point.x, point.y),
            (Some(before), Some(after)) => {
                let bend = BEND.min(distance(*point, before) / 2.0).min(distance(*point, *after) / 2.0);
                let [from, to] = [before, *after].map(|end| towards(*point, end, bend));
                write!(path, "L{} {}Q{} {} {} {}", from.x, from.y, point.x, point.y, to.x, to.y)
            }
        };
    }
    path
}

fn distance(one: Point, other: Point) -> f64 {
    (one.x - other.x).abs() + (one.y - other.y).abs()
}

/// Returns the point at this distance from `from`, on the horizontal or vertical line to `to`.
fn towards(from: Point, to: Point, distance: f64) -> Point {
    let step = |from: f64, to: f64| if from == to { from } else { from + distance.copysign(to - from) };
    Point { x: step(from.x, to.x), y: step(from.y, to.y) }
}

/// Escapes text for XML content and attributes; replaces characters that XML cannot contain.
pub(super) fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
        escaped
    })
}
