//! Route of each line: horizontal from the box, vertical between two layers, horizontal to the next.

use super::geometry::{Area, BoxLink, BoxSize, FOOT, Layout, Point};
use super::groups::BoxGroup;
use super::layers::{LayerItem, Layers, Segment};

/// Distance between two vertical parts of lines.
const TRACK: f64 = 11.0;

/// Distance between vertical parts and boxes or their labels.
const MARGIN: f64 = 14.0;

/// Distance below which two horizontal parts look like a single line.
const CLOSE: f64 = 6.0;

/// Draws a group whose items have their heights.
pub(super) fn route(layers: &Layers, group: &BoxGroup, sizes: &[BoxSize], links: &[BoxLink]) -> Layout {
    let top = layers.items.iter().map(LayerItem::top).fold(f64::INFINITY, f64::min);
    let mut layout = Layout {
        boxes: vec![Area { x: 0.0, y: 0.0, width: 0.0, height: 0.0 }; sizes.len()],
        routes: vec![Vec::new(); links.len()],
        ..Layout::default()
    };
    let mut x = 0.0;
    for (number, layer) in layers.layers.iter().enumerate() {
        let nodes = || layer.iter().filter_map(|item| layers.items[*item].node.map(|node| (*item, node)));
        let width = nodes().map(|(_, node)| sizes[node].width).fold(0.0, f64::max);
        for (item, node) in nodes() {
            let item = &layers.items[item];
            layout.boxes[node] = Area { x, y: item.top() - top, width, height: item.height };
            layout.height = layout.height.max(item.top() - top + item.height);
        }
        x += width;
        let channel = Channel::new(layers, number, links);
        for (segment, track) in channel.segments.iter().zip(&channel.tracks) {
            let middle = x + channel.left + MARGIN + TRACK * *track as f64;
            let end = if segment.is_loop() { x } else { x + channel.width };
            let [from, to] = segment.y.map(|y| y - top);
            layout.routes[segment.link]
                .extend([(x, from), (middle, from), (middle, to), (end, to)].map(|(x, y)| Point { x, y }));
            layout.height = layout.height.max(from.max(to));
        }
        x += channel.width;
    }
    layout.width = x;
    for &link in &group.links {
        let ends = links[link].ends;
        let route = &mut layout.routes[link];
        straighten(route);
        if layout.boxes[ends[0]].x > layout.boxes[ends[1]].x {
            route.reverse();
        }
    }
    layout
}

impl LayerItem {
    fn top(&self) -> f64 {
        self.y - self.height / 2.0
    }
}

/// Removes points at which the route does not turn.
fn straighten(route: &mut Vec<Point>) {
    let mut kept: Vec<Point> = Vec::new();
    for point in route.drain(..) {
        if kept.last() == Some(&point) {
            continue;
        }
        if let [.., before, last] = kept[..]
            && ((before.x == last.x && last.x == point.x) || (before.y == last.y && last.y == point.y))
        {
            kept.pop();
        }
        kept.push(point);
    }
    *route = kept;
}

/// Channel between a layer and the next.
struct Channel<'a> {
    segments: Vec<&'a Segment>,
    /// Track of each segment, from the left.
    tracks: Vec<usize>,
    /// Space for the labels at the boxes to the left.
    left: f64,
    width: f64,
}

impl<'a> Channel<'a> {
    fn new(layers: &'a Layers, layer: usize, links: &[BoxLink]) -> Self {
        let is_here = |segment: &&Segment| layers.items[segment.items[0]].layer == layer;
        let segments: Vec<&Segment> = layers.segments.iter().filter(is_here).collect();
        let room = |is_wanted: fn(&Segment, usize) -> bool| {
            let ends = segments.iter().flat_map(|segment| [(*segment, 0), (*segment, 1)]);
            let rooms =
                ends.filter(|(segment, end)| is_wanted(segment, *end)).filter_map(|(segment, end)| {
                    let node = layers.items[segment.items[end]].node?;
                    let link = &links[segment.link];
                    let of_link = if segment.is_loop() { end } else { usize::from(link.ends[0] != node) };
                    Some(FOOT + link.labels[of_link])
                });
            rooms.fold(0.0, f64::max)
        };
        let left = room(|segment, end| end == 0 || segment.is_loop());
        let right = room(|segment, end| end == 1 && !segment.is_loop());
        let tracks = tracks(&segments);
        let used = tracks.iter().zip(&segments).filter(|(_, segment)| !segment.is_level());
        let width = match used.map(|(track, _)| *track + 1).max() {
            None if segments.is_empty() => 0.0,
            None => left + right + MARGIN,
            Some(count) => left + right + 2.0 * MARGIN + TRACK * (count - 1) as f64,
        };
        Self { segments, tracks, left, width }
    }
}

impl Segment {
    /// Returns true if the segment has no vertical part.
    fn is_level(&self) -> bool {
        self.y[0] == self.y[1]
    }

    fn spans(&self, y: f64) -> bool {
        y > self.y[0].min(self.y[1]) && y < self.y[0].max(self.y[1])
    }

    /// Returns the heights of its horizontal parts to the left of the vertical one, and to the right.
    fn level_parts(&self) -> (&[f64], &[f64]) {
        if self.is_loop() { (&self.y, &[]) } else { (&self.y[..1], &self.y[1..]) }
    }
}

/// Returns the cost of `first` turning to the left of `second`: a point for each crossing, many if horizontal
/// parts would overlap.
fn cost(first: &Segment, second: &Segment) -> usize {
    let (_, after) = first.level_parts();
    let (before, _) = second.level_parts();
    let crossings = before.iter().filter(|y| first.spans(**y)).count()
        + after.iter().filter(|y| second.spans(**y)).count();
    let is_close = |one: &f64| before.iter().any(|other| (one - other).abs() < CLOSE);
    crossings + if after.iter().any(is_close) { 100 } else { 0 }
}

/// Assigns a track to each segment. Segments whose vertical parts would touch get different tracks, in the
/// cheapest order.
fn tracks(segments: &[&Segment]) -> Vec<usize> {
    let mut turning: Vec<usize> = (0..segments.len()).filter(|index| !segments[*index].is_level()).collect();
    turning.sort_by(|one, other| segments[*one].y[0].total_cmp(&segments[*other].y[0]));
    let mut sequence: Vec<usize> = Vec::new();
    for _ in 0..3 {
        // Inserts each in turn at its best position among the others.
        for &index in &turning {
            sequence.retain(|known| *known != index);
            let own = segments[index];
            let mut total: usize = sequence.iter().map(|other| cost(own, segments[*other])).sum();
            let (mut best, mut least) = (0, total);
            for (place, other) in sequence.iter().map(|other| segments[*other]).enumerate() {
                total = total + cost(other, own) - cost(own, other);
                if total < least {
                    (best, least) = (place + 1, total);
                }
            }
            sequence.insert(best, index);
        }
    }
    let mut tracks = vec![0; segments.len()];
    for (place, &index) in sequence.iter().enumerate() {
        let own = segments[index];
        let before = sequence[..place].iter().filter(|other| touches(own, segments[**other]));
        tracks[index] = before.map(|other| tracks[*other] + 1).max().unwrap_or(0);
    }
    tracks
}

/// Returns true if the vertical parts of both segments touch, so that their order is visible.
fn touches(one: &Segment, other: &Segment) -> bool {
    let [first, second] = [one, other].map(|segment| {
        let [from, to] = segment.y;
        (from.min(to), from.max(to))
    });
    first.0 < second.1 + TRACK && second.0 < first.1 + TRACK
}
