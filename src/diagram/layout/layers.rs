//! Layers of a connected group of boxes, with lanes for the lines that pass a layer.

use super::geometry::{BoxLink, BoxSize};
use super::groups::BoxGroup;
use super::rank;

/// Distance between the upper ends of two lines at a side of a box: space for a label.
pub(super) const PORT: f64 = 18.0;

/// Distance between the corner of a box and the nearest line.
pub(super) const CORNER: f64 = 9.0;

/// Box, or lane of a line that passes its layer.
pub(super) struct LayerItem {
    pub(super) node: Option<usize>,
    pub(super) layer: usize,
    pub(super) height: f64,
    /// Vertical centre.
    pub(super) y: f64,
}

/// Part of a line between two neighbouring layers, or from a box to itself.
pub(super) struct Segment {
    pub(super) link: usize,
    /// Items at its ends, the left one first. A loop has the same item twice, and lies at its right side.
    pub(super) items: [usize; 2],
    /// Heights of both ends.
    pub(super) y: [f64; 2],
}

impl Segment {
    pub(super) fn is_loop(&self) -> bool {
        self.items[0] == self.items[1]
    }
}

/// Connected group of boxes in layers.
pub(super) struct Layers {
    pub(super) items: Vec<LayerItem>,
    pub(super) segments: Vec<Segment>,
    /// Items of each layer from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
}

impl Layers {
    pub(super) fn new(group: &BoxGroup, sizes: &[BoxSize], links: &[BoxLink]) -> Self {
        let rank = rank::rank(group, sizes, links);
        let mut layers = Self { items: Vec::new(), segments: Vec::new(), layers: Vec::new() };
        let mut item_of = vec![usize::MAX; sizes.len()];
        for (&node, &layer) in group.nodes.iter().zip(&rank) {
            item_of[node] = layers.add(Some(node), layer, sizes[node].height);
        }
        for &link in &group.links {
            let ends = links[link].ends.map(|end| item_of[end]);
            let [from, to] = ends.map(|item| layers.items[item].layer);
            let (mut left, last) = if from <= to { (ends[0], ends[1]) } else { (ends[1], ends[0]) };
            for layer in from.min(to) + 1..from.max(to) {
                let lane = layers.add(None, layer, 0.0);
                layers.segments.push(Segment { link, items: [left, lane], y: [0.0; 2] });
                left = lane;
            }
            layers.segments.push(Segment { link, items: [left, last], y: [0.0; 2] });
        }
        layers.make_room();
        layers
    }

    pub(super) fn add(&mut self, node: Option<usize>, layer: usize, height: f64) -> usize {
        self.layers.resize_with(self.layers.len().max(layer + 1), Vec::new);
        self.layers[layer].push(self.items.len());
        self.items.push(LayerItem { node, layer, height, y: 0.0 });
        self.items.len() - 1
    }

    /// Enlarges boxes to fit their lines.
    pub(super) fn make_room(&mut self) {
        for item in 0..self.items.len() {
            if self.items[item].node.is_some() {
                let most = Side::BOTH.map(|side| self.ends_at(item, side).count()).into_iter().max();
                let needed = 2.0 * CORNER + PORT * most.unwrap_or(0).saturating_sub(1) as f64;
                self.items[item].height = self.items[item].height.max(needed);
            }
        }
    }

    /// Returns the segment ends at a side of an item: the index of the segment, and of its end.
    pub(super) fn ends_at(&self, item: usize, side: Side) -> impl Iterator<Item = (usize, usize)> {
        self.segments.iter().enumerate().flat_map(move |(index, segment)| {
            [0, 1].into_iter().filter_map(move |end| {
                let its_side = if end == 0 || segment.is_loop() { Side::Right } else { Side::Left };
                (segment.items[end] == item && its_side == side).then_some((index, end))
            })
        })
    }
}

/// Side of a box.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Left, Self::Right];
}
