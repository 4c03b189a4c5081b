//! Which layer each box is in: what is referenced to the left of what references it, as far as the layers stay of
//! about one height.

use super::{Group, Link, Size};

/// How wide a drawing is in relation to its height, about.
const ASPECT: f64 = 1.5;

/// What the lines between two layers take, about.
const CHANNEL: f64 = 200.0;

/// What stands between two boxes of a layer, about.
const GAP: f64 = 40.0;

/// Times that boxes are moved nearer to what they are connected with.
const ROUNDS: usize = 12;

/// The layer of each box of a group.
pub(super) fn rank(group: &Group, sizes: &[Size], links: &[Link]) -> Vec<usize> {
    let heights: Vec<f64> = group.nodes.iter().map(|node| sizes[*node].height + GAP).collect();
    let neighbours = neighbours(group, links);
    let (limit, depths) = (limit(group, sizes, &heights), depths(&neighbours));
    let mut sequence: Vec<usize> = (0..heights.len()).collect();
    sequence.sort_by_key(|node| depths[*node]);

    let mut layers = Layering { heights: &heights, limit, layer: vec![0; heights.len()], load: Vec::new() };
    let mut placed = vec![false; heights.len()];
    for node in sequence {
        let before = neighbours[node].iter().filter(|(other, _)| placed[*other]);
        let first = before.map(|(other, _)| layers.layer[*other] + 1).max().unwrap_or(0);
        let layer = (first..).find(|layer| layers.has_room(node, *layer)).unwrap_or(first);
        layers.put(node, layer);
        placed[node] = true;
    }
    for _ in 0..ROUNDS {
        for node in 0..heights.len() {
            layers.pull(node, &neighbours[node]);
        }
    }
    layers.without_gaps()
}

/// What each box is connected with, by its place in the group, and whether it references it.
fn neighbours(group: &Group, links: &[Link]) -> Vec<Vec<(usize, bool)>> {
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

/// How high a layer may be, so that the whole is about as wide as it should be.
fn limit(group: &Group, sizes: &[Size], heights: &[f64]) -> f64 {
    let count = group.nodes.len() as f64;
    let column = group.nodes.iter().map(|node| sizes[*node].width).sum::<f64>() / count + CHANNEL;
    let height: f64 = heights.iter().sum();
    height / (ASPECT * height / column).sqrt().ceil()
}

/// The length of the longest chain of references from each box. Where references go round in a circle, the one that
/// closes it does not count.
fn depths(neighbours: &[Vec<(usize, bool)>]) -> Vec<usize> {
    fn visit(node: usize, neighbours: &[Vec<(usize, bool)>], depths: &mut [Option<usize>], path: &mut Vec<usize>) {
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
    /// The height of what is in each layer.
    load: Vec<f64>,
}

impl Layering<'_> {
    fn has_room(&self, node: usize, layer: usize) -> bool {
        let load = self.load.get(layer).copied().unwrap_or(0.0);
        load == 0.0 || load + self.heights[node] <= self.limit
    }

    fn put(&mut self, node: usize, layer: usize) {
        self.load.resize(self.load.len().max(layer + 1), 0.0);
        self.load[layer] += self.heights[node];
        self.layer[node] = layer;
    }

    /// Moves a box to where its lines are shortest, but never into a layer with what it is connected with.
    fn pull(&mut self, node: usize, neighbours: &[(usize, bool)]) {
        let length = |layer: usize| {
            neighbours.iter().map(|(other, _)| self.layer[*other].abs_diff(layer)).sum::<usize>()
        };
        let own = self.layer[node];
        let is_apart = |layer: usize| neighbours.iter().all(|(other, _)| self.layer[*other] != layer);
        let is_open = |layer: &usize| *layer == own || self.has_room(node, *layer) && is_apart(*layer);
        let open = (0..self.load.len()).filter(is_open);
        let best = open.min_by_key(|layer| (length(*layer), *layer != own)).unwrap_or(own);
        if best != own {
            self.load[own] -= self.heights[node];
            self.put(node, best);
        }
    }

    /// Without layers that have become empty.
    fn without_gaps(self) -> Vec<usize> {
        let is_used = |layer: usize| self.layer.contains(&layer);
        self.layer.iter().map(|layer| (0..*layer).filter(|before| is_used(*before)).count()).collect()
    }
}
