//! Positions of line ends at the sides of boxes.

use super::layers::{CORNER, Layers, PORT, Side};
use super::place::{Wish, nearest, straighten};

/// Number of rounds in which each end follows the other.
const ROUNDS: usize = 4;

/// Places line ends where the lines are straight, as far as the side has space.
pub(super) fn spread(layers: &mut Layers) {
    for item in 0..layers.items.len() {
        layers.items[item].y = layers.items[item].y.round();
    }
    for segment in &mut layers.segments {
        segment.y = segment.items.map(|item| layers.items[item].y);
    }
    // Sorted by centres first, so that the order at a side is that of the neighbouring layer.
    for _ in 0..ROUNDS {
        for item in 0..layers.items.len() {
            for side in Side::BOTH {
                spread_side(layers, item, side);
            }
        }
        straighten(layers);
    }
}

fn spread_side(layers: &mut Layers, item: usize, side: Side) {
    let box_item = &layers.items[item];
    if box_item.node.is_none() {
        return;
    }
    let bottom = box_item.y + box_item.height / 2.0;
    let mut ends: Vec<(f64, f64, (usize, usize))> = layers
        .ends_at(item, side)
        .map(|(segment, end)| {
            let known = &layers.segments[segment];
            if known.is_loop() {
                // Below the others, where it crosses none.
                return (f64::INFINITY, bottom, (segment, end));
            }
            (layers.items[known.items[1 - end]].y, known.y[1 - end], (segment, end))
        })
        .collect();
    // Lines to the same box keep the order that they have there.
    ends.sort_by(|one, other| {
        one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)).then(one.2.cmp(&other.2))
    });
    let wishes: Vec<Wish> = ends.iter().map(|(_, at, _)| Wish { at: *at, weight: 1.0 }).collect();
    let gaps = vec![PORT; ends.len().saturating_sub(1)];
    let first = (box_item.y - box_item.height / 2.0 + CORNER).ceil();
    let last = (bottom - CORNER).floor() - gaps.iter().sum::<f64>();
    let heights = nearest(&wishes, &gaps);
    for (index, ((.., (segment, end)), height)) in ends.into_iter().zip(heights).enumerate() {
        let offset = PORT * index as f64;
        layers.segments[segment].y[end] = offset + (height - offset).round().min(last).max(first);
    }
}
