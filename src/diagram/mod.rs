//! The model drawn as an entity diagram with crow's feet: boxes and lines are read from the model, and written in one
//! of three formats.

mod boxes;
mod dot;
mod layout;
mod lines;
mod mermaid;
mod svg;

use crate::model::Model;

/// What a diagram is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A picture that browsers show as it is.
    Svg,
    /// An `erDiagram` of Mermaid, which many renderers of Markdown draw.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Mermaid, Self::Dot];

    /// What it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
        }
    }
}

/// Draws the types of the schema and the relations between them; the same text for the same model.
pub fn draw(model: &Model, format: Format) -> String {
    let (boxes, lines) = (boxes::of(model), lines::of(model));
    match format {
        Format::Svg => svg::write(&boxes, &lines),
        Format::Mermaid => mermaid::write(&boxes, &lines),
        Format::Dot => dot::write(&boxes, &lines),
    }
}
