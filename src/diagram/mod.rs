//! Entity diagram of the model with crow's feet: boxes and lines are read from the model, and written in one
//! of three formats.

mod boxes;
mod dot;
mod layout;
mod lines;
mod mermaid;
mod svg;

use crate::model::Model;

/// Format of a diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// SVG picture, which browsers show.
    Svg,
    /// `erDiagram` of Mermaid, which many Markdown renderers draw.
    Mermaid,
    /// Graph for Graphviz.
    Dot,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Mermaid, Self::Dot];

    /// Returns the name of the format in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
        }
    }
}

/// Draws the types of the schema and their relations; deterministic for the same model.
pub fn draw(model: &Model, format: Format) -> String {
    let (boxes, lines) = (boxes::of(model), lines::of(model));
    match format {
        Format::Svg => svg::write(&boxes, &lines),
        Format::Mermaid => mermaid::write(&boxes, &lines),
        Format::Dot => dot::write(&boxes, &lines),
    }
}
