//! Sizes that the layout is given, and positions that it finds.

/// Width of the crow's foot at a box, without the label.
pub(in crate::diagram) const FOOT: f64 = 26.0;

/// Size of a box.
#[derive(Clone, Copy, Debug)]
pub(in crate::diagram) struct BoxSize {
    pub width: f64,
    /// Minimum height; a box with many lines becomes higher.
    pub height: f64,
}

/// Line to be drawn.
#[derive(Clone, Copy, Debug)]
pub(in crate::diagram) struct BoxLink {
    /// Indexes of the boxes at its ends.
    pub ends: [usize; 2],
    /// Width of the label at each end.
    pub labels: [f64; 2],
}

/// Rectangle of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::diagram) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Point of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::diagram) struct Point {
    pub x: f64,
    pub y: f64,
}

/// Positions of all boxes and lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::diagram) struct Layout {
    pub width: f64,
    pub height: f64,
    /// Boxes, in the order of the sizes.
    pub boxes: Vec<Area>,
    /// Routes, in the order of the links, each from its first end to its second. Every part is horizontal or
    /// vertical; the first and the last are horizontal.
    pub routes: Vec<Vec<Point>>,
}
