//! Which layer each box is in: what is referenced to the left of what references it, as far as the layers stay of
//! about one height.

use super::{Group, Link, Size};

/// How wide a drawing is in relation to its height, about.
const ASPECT: f64 = 1.5;

/// What the lines between two layers take, about.
const CHANNEL: f64 = 200.0;

/// What stands between two boxes of a layer, about.
const GAP: f64 = 40.0;

/// As high as this a layer may always be.
const SCREEN: f64 = 600.0;

/// How many layers more there may be for the sake of a chain of references.
const STRETCH: f64 = 1.35;

/// Times that boxes are moved nearer to what they are connected with.
const ROUNDS: usize = 12;

/// The layer of each box of a group.
pub(super) fn rank(group: &Group, sizes: &[Size], links: &[Link]) -> Vec<usize> {
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
        // A chain of references longer than the drawing is wide turns back.
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

/// How many layers there should be, and how high one may be, so that the whole is about as wide as it should be.
fn extent(group: &Group, sizes: &[Size], heights: &[f64]) -> (usize, f64) {
    let count = group.nodes.len() as f64;
    let column = group.nodes.iter().map(|node| sizes[*node].width).sum::<f64>() / count + CHANNEL;
    let height: f64 = heights.iter().sum();
    let layers = (ASPECT * height / column).sqrt().ceil();
    (layers as usize, (height / layers).max(SCREEN))
}

/// The length of the longest chain of references from each box. Where references go round in a circle, the one that
/// closes it does not count.
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
    /// The height of what is in each layer.
    load: Vec<f64>,
}

impl Layering<'_> {
    /// Whether the layer has room for the box, and nothing in it that the box is connected with.
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

    /// Moves a box to where its lines are shortest, but never into a layer with what it is connected with.
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

    /// Without layers that have become empty.
    fn without_gaps(self) -> Vec<usize> {
        let is_used = |layer: usize| self.layer.contains(&layer);
        self.layer.iter().map(|layer| (0..*layer).filter(|before| is_used(*before)).count()).collect()
    }
}
