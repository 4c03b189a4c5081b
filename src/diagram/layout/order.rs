//! Order of items within each layer, to minimise crossings.

use super::layers::Layers;

/// Number of sweeps over all layers, there and back; more change little.
const SWEEPS: usize = 24;

/// Orders each layer by its neighbours' positions, and keeps the best order found.
pub(super) fn order(layers: &mut Layers) {
    let mut best = layers.layers.clone();
    let mut fewest = crossings(layers);
    for sweep in 0..SWEEPS {
        let count = layers.layers.len();
        let is_back = sweep % 2 == 1;
        for step in 0..count {
            let layer = if is_back { count - 1 - step } else { step };
            sort(layers, layer, is_back);
        }
        swap(layers);
        let met = crossings(layers);
        if met < fewest {
            (fewest, best) = (met, layers.layers.clone());
        }
    }
    layers.layers = best;
}

/// Returns the position of each item within its layer.
fn places(layers: &Layers) -> Vec<usize> {
    let mut places = vec![0; layers.items.len()];
    for layer in &layers.layers {
        layer.iter().enumerate().for_each(|(place, item)| places[*item] = place);
    }
    places
}

/// Sorts a layer by the mean position of each item's neighbours on one side. Items without neighbours stay in place.
fn sort(layers: &mut Layers, layer: usize, by_right: bool) {
    let places = places(layers);
    let middle = |item: usize| {
        let near = layers.segments.iter().filter(|segment| !segment.is_loop()).filter_map(|segment| {
            let [left, right] = segment.items;
            match by_right {
                true => (left == item).then(|| places[right]),
                false => (right == item).then(|| places[left]),
            }
        });
        let near: Vec<usize> = near.collect();
        (!near.is_empty()).then(|| near.iter().sum::<usize>() as f64 / near.len() as f64)
    };
    let (mut sorted, mut fixed) = (Vec::new(), Vec::new());
    for (place, &item) in layers.layers[layer].iter().enumerate() {
        match middle(item) {
            Some(middle) => sorted.push((middle, item)),
            None => fixed.push((place, item)),
        }
    }
    sorted.sort_by(|one: &(f64, usize), other| one.0.total_cmp(&other.0));
    let mut items: Vec<usize> = sorted.into_iter().map(|(_, item)| item).collect();
    for (place, item) in fixed {
        items.insert(place.min(items.len()), item);
    }
    layers.layers[layer] = items;
}

/// Swaps neighbours in a layer as long as that reduces crossings.
fn swap(layers: &mut Layers) {
    let mut near: Vec<[Vec<usize>; 2]> = layers.items.iter().map(|_| Default::default()).collect();
    for segment in layers.segments.iter().filter(|segment| !segment.is_loop()) {
        let [left, right] = segment.items;
        near[right][0].push(left);
        near[left][1].push(right);
    }
    let mut places = places(layers);
    for layer in &mut layers.layers {
        // Each swap reduces the number of crossings, so the loop terminates by itself; the bound limits it.
        for _ in 0..layer.len() {
            let mut is_changed = false;
            for place in 1..layer.len() {
                let (upper, lower) = (layer[place - 1], layer[place]);
                let crossed = |first: usize, second: usize| {
                    let sides = near[first].iter().zip(&near[second]);
                    sides
                        .flat_map(|(first, second)| first.iter().map(move |one| (one, second)))
                        .map(|(one, second)| {
                            second.iter().filter(|other| places[**other] < places[*one]).count()
                        })
                        .sum::<usize>()
                };
                if crossed(lower, upper) < crossed(upper, lower) {
                    layer.swap(place - 1, place);
                    (places[lower], places[upper]) = (place - 1, place);
                    is_changed = true;
                }
            }
            if !is_changed {
                break;
            }
        }
    }
}

/// Counts the pairs of crossing lines.
fn crossings(layers: &Layers) -> usize {
    let places = places(layers);
    let mut spans: Vec<Vec<[usize; 2]>> = vec![Vec::new(); layers.layers.len()];
    for segment in layers.segments.iter().filter(|segment| !segment.is_loop()) {
        spans[layers.items[segment.items[0]].layer].push(segment.items.map(|item| places[item]));
    }
    let crosses = |one: &[usize; 2], other: &[usize; 2]| {
        (one[0] < other[0] && one[1] > other[1]) || (one[0] > other[0] && one[1] < other[1])
    };
    let of_layer = |spans: Vec<[usize; 2]>| {
        let pairs = spans
            .iter()
            .enumerate()
            .flat_map(|(index, one)| spans[..index].iter().map(move |other| (one, other)));
        pairs.filter(|(one, other)| crosses(one, other)).count()
    };
    spans.into_iter().map(of_layer).sum()
}
