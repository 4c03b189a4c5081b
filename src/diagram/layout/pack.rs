//! Packs the groups on a page.

use super::geometry::{Area, Layout, Point};
use super::groups::BoxGroup;

/// Drawn group.
pub(super) struct GroupDrawing {
    pub(super) group: BoxGroup,
    pub(super) layout: Layout,
}

/// Approximate ratio of the page's width to its height.
const ASPECT: f64 = 1.9;

/// Distance between two groups.
const GAP: f64 = 48.0;

/// Places each group at the highest free position, the highest group first.
pub(super) fn pack(mut parts: Vec<GroupDrawing>, boxes: usize, links: usize) -> Layout {
    let area: f64 = parts.iter().map(|part| (part.layout.width + GAP) * (part.layout.height + GAP)).sum();
    let widest = parts.iter().map(|part| part.layout.width).fold(0.0, f64::max);
    let page = widest.max((area * ASPECT).sqrt() - GAP);
    // Stable sort: groups of the same height keep their order.
    parts.sort_by(|one, other| other.layout.height.total_cmp(&one.layout.height));

    let mut whole = Layout {
        boxes: vec![Area { x: 0.0, y: 0.0, width: 0.0, height: 0.0 }; boxes],
        routes: vec![Vec::new(); links],
        ..Layout::default()
    };
    let mut taken: Vec<Area> = Vec::new();
    for GroupDrawing { group, layout } in parts {
        let Point { x, y } = free_place(&taken, layout.width, layout.height, page);
        taken.push(Area { x, y, width: layout.width, height: layout.height });
        whole.width = whole.width.max(x + layout.width);
        whole.height = whole.height.max(y + layout.height);
        for node in group.nodes {
            let Area { width, height, .. } = layout.boxes[node];
            whole.boxes[node] =
                Area { x: x + layout.boxes[node].x, y: y + layout.boxes[node].y, width, height };
        }
        for link in group.links {
            let moved = layout.routes[link].iter().map(|point| Point { x: x + point.x, y: y + point.y });
            whole.routes[link] = moved.collect();
        }
    }
    whole
}

/// Returns the highest, then leftmost, free position for this size: in the corner, or next to a placed area.
fn free_place(taken: &[Area], width: f64, height: f64, page: f64) -> Point {
    let mut columns: Vec<f64> = taken.iter().map(|area| area.x + area.width + GAP).collect();
    columns.retain(|x| x + width <= page);
    columns.push(0.0);
    columns.sort_by(f64::total_cmp);
    let mut rows: Vec<f64> = taken.iter().map(|area| area.y + area.height + GAP).collect();
    rows.push(0.0);
    rows.sort_by(f64::total_cmp);
    let places = rows.iter().flat_map(|&y| columns.iter().map(move |&x| Point { x, y }));
    let is_free = |place: &Point| {
        taken.iter().all(|area| {
            place.x + width + GAP <= area.x
                || area.x + area.width + GAP <= place.x
                || place.y + height + GAP <= area.y
                || area.y + area.height + GAP <= place.y
        })
    };
    // Below all areas a position is always free.
    places.into_iter().find(is_free).unwrap_or(Point { x: 0.0, y: 0.0 })
}
