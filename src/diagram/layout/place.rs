//! Vertical positions: lines as straight as the order allows.

use super::layers::{Layers, Side};

/// Distance between two boxes.
const BOX_GAP: f64 = 32.0;

/// Distance between a box and a lane.
const LANE_TO_BOX: f64 = 22.0;

/// Distance between two lanes.
const LANE_GAP: f64 = 14.0;

/// Number of sweeps over all layers, there and back.
const SWEEPS: usize = 10;

/// Preferred height of an item, with a weight.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub at: f64,
    pub weight: f64,
}

/// Returns the heights in order, at least `gaps` apart, with the least sum of squared distances to the
/// wishes.
///
/// Merges wishes that come too close at their mean (pool adjacent violators).
pub(super) fn nearest(wishes: &[Wish], gaps: &[f64]) -> Vec<f64> {
    let mut offsets = vec![0.0; wishes.len()];
    for index in 1..wishes.len() {
        offsets[index] = offsets[index - 1] + gaps[index - 1];
    }
    // Pooled wishes, each with its total weight and number of members.
    let mut pools: Vec<(Wish, usize)> = Vec::new();
    for (wish, offset) in wishes.iter().zip(&offsets) {
        let mut pool = (Wish { at: wish.at - offset, weight: wish.weight }, 1);
        while let Some((before, count)) = pools.pop_if(|(before, _)| before.at >= pool.0.at) {
            let weight = before.weight + pool.0.weight;
            let at = (before.at * before.weight + pool.0.at * pool.0.weight) / weight;
            pool = (Wish { at, weight }, pool.1 + count);
        }
        pools.push(pool);
    }
    let heights = pools.iter().flat_map(|(wish, count)| std::iter::repeat_n(wish.at, *count));
    heights.zip(offsets).map(|(height, offset)| height + offset).collect()
}

/// Stacks each layer's items.
pub(super) fn stack(layers: &mut Layers) {
    for layer in 0..layers.layers.len() {
        let wishes = vec![Wish { at: 0.0, weight: 1.0 }; layers.layers[layer].len()];
        set(layers, layer, &wishes);
    }
}

/// Moves items towards their neighbours.
pub(super) fn settle(layers: &mut Layers) {
    let count = layers.layers.len();
    for sweep in 0..SWEEPS {
        for step in 0..count {
            let (layer, sides) = match sweep {
                // The last sweeps use both sides, so that neither side dominates.
                sweep if sweep + 2 >= SWEEPS => (step, &Side::BOTH[..]),
                sweep if sweep % 2 == 0 => (step, &[Side::Left][..]),
                _ => (count - 1 - step, &[Side::Right][..]),
            };
            let wishes: Vec<Wish> =
                layers.layers[layer].iter().map(|item| wish(layers, *item, sides)).collect();
            set(layers, layer, &wishes);
        }
    }
}

/// Returns the height at which the item's lines to these sides would be straight.
fn wish(layers: &Layers, item: usize, sides: &[Side]) -> Wish {
    let own = &layers.items[item];
    let (mut sum, mut total) = (0.0, 0.0);
    for (segment, end) in sides.iter().flat_map(|side| layers.ends_at(item, *side)) {
        let segment = &layers.segments[segment];
        if segment.is_loop() {
            continue;
        }
        let other = &layers.items[segment.items[1 - end]];
        // A bend in a long line is more visible than one near a box.
        let weight = match (own.node, other.node) {
            (None, None) => 8.0,
            (Some(_), Some(_)) => 1.0,
            _ => 2.0,
        };
        sum += weight * (own.y + segment.y[1 - end] - segment.y[end]);
        total += weight;
    }
    if total == 0.0 { Wish { at: own.y, weight: 0.1 } } else { Wish { at: sum / total, weight: total } }
}

/// Moves lanes to the height of their neighbours along the line, if the layer's order permits.
pub(super) fn straighten(layers: &mut Layers) {
    for layer in layers.layers.clone() {
        for (place, &lane) in layer.iter().enumerate() {
            if layers.items[lane].node.is_some() {
                continue;
            }
            let upper = place.checked_sub(1).map(|place| layer[place]);
            let highest = upper.map(|upper| layers.items[upper].y + layers.distance(upper, lane));
            let lowest =
                layer.get(place + 1).map(|lower| layers.items[*lower].y - layers.distance(lane, *lower));
            let is_free = |y: &f64| {
                highest.is_none_or(|highest| *y >= highest) && lowest.is_none_or(|lowest| *y <= lowest)
            };
            let near = Side::BOTH.into_iter().flat_map(|side| layers.ends_at(lane, side));
            let straight = near.map(|(segment, end)| layers.segments[segment].y[1 - end]).find(is_free);
            if let Some(y) = straight {
                layers.move_to(lane, y);
            }
        }
    }
}

impl Layers {
    /// Returns the minimum distance between the centres of an item and the next in its layer.
    fn distance(&self, upper: usize, lower: usize) -> f64 {
        let [upper, lower] = [upper, lower].map(|item| &self.items[item]);
        let between = match (upper.node, lower.node) {
            (Some(_), Some(_)) => BOX_GAP,
            (None, None) => LANE_GAP,
            _ => LANE_TO_BOX,
        };
        upper.height / 2.0 + between + lower.height / 2.0
    }

    /// Moves an item together with the ends of its lines.
    fn move_to(&mut self, item: usize, y: f64) {
        let step = y - self.items[item].y;
        self.items[item].y = y;
        for segment in &mut self.segments {
            for end in 0..2 {
                if segment.items[end] == item {
                    segment.y[end] += step;
                }
            }
        }
    }
}

fn set(layers: &mut Layers, layer: usize, wishes: &[Wish]) {
    let items = layers.layers[layer].clone();
    let gaps: Vec<f64> = items.windows(2).map(|pair| layers.distance(pair[0], pair[1])).collect();
    for (item, y) in items.into_iter().zip(nearest(wishes, &gaps)) {
        layers.move_to(item, y);
    }
}
