//! Layer of each box: referenced boxes to the left of referencing ones, as far as the layers keep about the
//! same height.

use super::geometry::{BoxLink, BoxSize};
use super::groups::BoxGroup;

/// Approximate ratio of a drawing's width to its height.
const ASPECT: f64 = 1.5;

/// Approximate width of the lines between two layers.
const CHANNEL: f64 = 200.0;

/// Approximate distance between two boxes of a layer.
const GAP: f64 = 40.0;

/// Height that every layer may have.
const SCREEN: f64 = 600.0;

/// Factor by which a chain of references may raise the number of layers.
const STRETCH: f64 = 1.35;

/// Number of rounds that move boxes towards their neighbours.
const ROUNDS: usize = 12;

/// Returns the layer of each box of a group.
pub(super) fn rank(group: &BoxGroup, sizes: &[BoxSize], links: &[BoxLink]) -> Vec<usize> {
    let heights: Vec<f64> = group.nodes.iter().map(|node| sizes[*node].height + GAP).collect();
    let neighbours = neighbours(group, links);
    let depths = depths(&neighbours);
    let mut sequence: Vec<usize> = (0..heights.len()).collect();
    sequence.sort_by_key(|node| depths[*node]);

    let (count, limit) = extent(group, sizes, &heights);
    let longest = depths.iter().max().map_or(0, |depth| depth + 1);
    let count = count.max(longest.min((STRETCH * count as f64).ceil() as usize));
    let mut layers =
        Layering { heights: &heights, limit, layer: vec![usize::MAX; heights.len()], load: vec![0.0; count] };
    for node in sequence {
        let before = neighbours[node].iter().map(|(other, _)| layers.layer[*other]);
        let first = before.filter(|layer| *layer != usize::MAX).max().map_or(0, |layer| layer + 1);
        // A chain of references longer than the drawing's width turns back.
        let layer = (first..count).chain((0..first.min(count)).rev()).chain(count..);
        layers.put(
            node,
            layer.into_iter().find(|layer| layers.is_open(node, *layer, &neighbours[node])).unwrap_or(first),
        );
    }
    for _ in 0..ROUNDS {
        for (node, neighbours) in neighbours.iter().enumerate() {
            layers.pull(node, neighbours);
        }
    }
    layers.without_gaps()
}

/// Returns the neighbours of each box by their index in the group; true if the box references the neighbour.
fn neighbours(group: &BoxGroup, links: &[BoxLink]) -> Vec<Vec<(usize, bool)>> {
    let place = |node: usize| group.nodes.iter().position(|known| *known == node).unwrap_or(0);
    let mut neighbours = vec![Vec::new(); group.nodes.len()];
    for [one, other] in group.links.iter().map(|link| links[*link].ends.map(place)) {
        if one != other {
            neighbours[one].push((other, false));
            neighbours[other].push((one, true));
        }
    }
    neighbours
}

/// Returns the target number of layers, and their maximum height, for the wanted aspect ratio.
fn extent(group: &BoxGroup, sizes: &[BoxSize], heights: &[f64]) -> (usize, f64) {
    let count = group.nodes.len() as f64;
    let column = group.nodes.iter().map(|node| sizes[*node].width).sum::<f64>() / count + CHANNEL;
    let height: f64 = heights.iter().sum();
    let layers = (ASPECT * height / column).sqrt().ceil();
    (layers as usize, (height / layers).max(SCREEN))
}

/// Returns the length of the longest chain of references from each box. In a cycle, the closing reference
/// does not count.
fn depths(neighbours: &[Vec<(usize, bool)>]) -> Vec<usize> {
    fn visit(
        node: usize,
        neighbours: &[Vec<(usize, bool)>],
        depths: &mut [Option<usize>],
        path: &mut Vec<usize>,
    ) {
        if depths[node].is_some() || path.contains(&node) {
            return;
        }
        path.push(node);
        let mut depth = 0;
        for (other, _) in neighbours[node].iter().filter(|(_, references)| *references) {
            visit(*other, neighbours, depths, path);
            depth = depth.max(depths[*other].map_or(0, |depth| depth + 1));
        }
        path.pop();
        depths[node] = Some(depth);
    }
    let mut depths = vec![None; neighbours.len()];
    for node in 0..neighbours.len() {
        visit(node, neighbours, &mut depths, &mut Vec::new());
    }
    depths.into_iter().map(Option::unwrap_or_default).collect()
}

struct Layering<'a> {
    heights: &'a [f64],
    limit: f64,
    layer: Vec<usize>,
    /// Total height of each layer's boxes.
    load: Vec<f64>,
}

impl Layering<'_> {
    /// Returns true if the layer has space for the box, and contains none of its neighbours.
    fn is_open(&self, node: usize, layer: usize, neighbours: &[(usize, bool)]) -> bool {
        let load = self.load.get(layer).copied().unwrap_or(0.0);
        let has_room = load == 0.0 || load + self.heights[node] <= self.limit;
        has_room && neighbours.iter().all(|(other, _)| self.layer[*other] != layer)
    }

    fn put(&mut self, node: usize, layer: usize) {
        self.load.resize(self.load.len().max(layer + 1), 0.0);
        self.load[layer] += self.heights[node];
        self.layer[node] = layer;
    }

    /// Moves a box to the layer with the shortest lines, but never into a layer of its neighbours.
    fn pull(&mut self, node: usize, neighbours: &[(usize, bool)]) {
        let length = |layer: usize| {
            neighbours.iter().map(|(other, _)| self.layer[*other].abs_diff(layer)).sum::<usize>()
        };
        let own = self.layer[node];
        let open =
            (0..self.load.len()).filter(|layer| *layer == own || self.is_open(node, *layer, neighbours));
        let best = open.min_by_key(|layer| (length(*layer), *layer != own)).unwrap_or(own);
        if best != own {
            self.load[own] -= self.heights[node];
            self.put(node, best);
        }
    }

    /// Returns the layers renumbered without empty ones.
    fn without_gaps(self) -> Vec<usize> {
        let is_used = |layer: usize| self.layer.contains(&layer);
        self.layer.iter().map(|layer| (0..*layer).filter(|before| is_used(*before)).count()).collect()
    }
}
