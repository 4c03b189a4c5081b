//! Layout of boxes and the lines between them. Knows sizes only, not entities.
//!
//! Each connected group is drawn in layers from left to right, after Sugiyama, Tagawa and Toda (1981). The
//! steps assign a layer to each box, an order within each layer, a height to each item, and then a route to
//! each line. A line that passes a layer has a lane there, so no line crosses a box.

mod geometry;
mod groups;
mod layers;
mod order;
mod pack;
mod place;
mod ports;
mod rank;
mod route;

pub(super) use geometry::{Area, BoxLink, BoxSize, FOOT, Layout, Point};
use groups::{BoxGroup, groups};
use layers::Layers;
use pack::GroupDrawing;

/// Computes the layout; deterministic for the same boxes and links.
pub(super) fn arrange(sizes: &[BoxSize], links: &[BoxLink]) -> Layout {
    let parts = groups(sizes.len(), links).into_iter().map(|group| draw(group, sizes, links)).collect();
    pack::pack(parts, sizes.len(), links.len())
}

fn draw(group: BoxGroup, sizes: &[BoxSize], links: &[BoxLink]) -> GroupDrawing {
    let mut layers = Layers::new(&group, sizes, links);
    order::order(&mut layers);
    place::stack(&mut layers);
    // Box heights depend on line ends, and line ends on box heights: three iterations.
    for _ in 0..3 {
        ports::spread(&mut layers);
        place::settle(&mut layers);
    }
    ports::spread(&mut layers);
    let layout = route::route(&layers, &group, sizes, links);
    GroupDrawing { group, layout }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Generates boxes of many sizes, and lines between any of them.
    fn drawings() -> impl Strategy<Value = (Vec<BoxSize>, Vec<BoxLink>)> {
        let size = (60_u16..300, 2_u16..20)
            .prop_map(|(width, rows)| BoxSize { width: width.into(), height: f64::from(rows) * 20.0 });
        (prop::collection::vec(size, 1..40), 0_usize..60).prop_flat_map(|(sizes, links)| {
            let end = 0..sizes.len();
            let link = (end.clone(), end, 0_u16..120, 0_u16..120).prop_map(|(one, other, first, second)| {
                BoxLink { ends: [one, other], labels: [first.into(), second.into()] }
            });
            (Just(sizes), prop::collection::vec(link, links))
        })
    }

    /// Builds a hundred boxes; most lines lead to a neighbour, and some to one of the first.
    fn hundred() -> (Vec<BoxSize>, Vec<BoxLink>) {
        let sizes = (0..100_u16).map(|box_| BoxSize {
            width: f64::from(150 + box_ % 7 * 20),
            height: f64::from(60 + box_ % 9 * 20),
        });
        let link = |number: usize| BoxLink {
            ends: [if number.is_multiple_of(5) { number % 3 } else { number * 7 % 100 }, number * 11 % 100],
            labels: [70.0, 40.0],
        };
        (sizes.collect(), (0..160).map(link).collect())
    }

    /// Returns true if two areas share more than a border.
    fn overlap(one: &Area, other: &Area) -> bool {
        one.x < other.x + other.width
            && other.x < one.x + one.width
            && one.y < other.y + other.height
            && other.y < one.y + one.height
    }

    /// Returns the area between two points, made a little smaller or larger.
    fn between(from: Point, to: Point, grow: f64) -> Area {
        Area {
            x: from.x.min(to.x) - grow,
            y: from.y.min(to.y) - grow,
            width: (from.x - to.x).abs() + 2.0 * grow,
            height: (from.y - to.y).abs() + 2.0 * grow,
        }
    }

    /// Returns the area of the label at the first point of a route.
    fn label(route: &[Point], width: f64) -> Area {
        let Point { x, y } = route[0];
        let x = if route[1].x > x { x + FOOT } else { x - FOOT - width };
        Area { x, y: y - 13.0, width, height: 11.0 }
    }

    fn assert_is_readable(sizes: &[BoxSize], links: &[BoxLink]) {
        let layout = arrange(sizes, links);
        assert_eq!(layout, arrange(sizes, links), "the same every time");
        assert_eq!((layout.boxes.len(), layout.routes.len()), (sizes.len(), links.len()));
        for (index, area) in layout.boxes.iter().enumerate() {
            assert!(area.width >= sizes[index].width && area.height >= sizes[index].height);
            assert!(area.x >= 0.0 && area.y >= 0.0);
            assert!(area.x + area.width <= layout.width && area.y + area.height <= layout.height);
            assert!(layout.boxes[..index].iter().all(|other| !overlap(area, other)), "boxes overlap");
        }
        let mut labels: Vec<(usize, Area)> = Vec::new();
        for (index, (link, route)) in links.iter().zip(&layout.routes).enumerate() {
            for (end, place) in [(0, route[0]), (1, route[route.len() - 1])] {
                let area = &layout.boxes[link.ends[end]];
                assert!(
                    place.x == area.x || place.x == area.x + area.width,
                    "line {index} ends beside its box"
                );
                assert!(place.y > area.y && place.y < area.y + area.height, "line {index} ends at no side");
            }
            for pair in route.windows(2) {
                assert!((pair[0].x == pair[1].x) != (pair[0].y == pair[1].y), "{route:?}");
                let inside = between(pair[0], pair[1], -0.5);
                let inside = Area { width: inside.width.max(0.1), height: inside.height.max(0.1), ..inside };
                assert!(
                    layout.boxes.iter().all(|area| !overlap(&inside, area)),
                    "line {index} goes through a box"
                );
            }
            let back: Vec<Point> = route.iter().rev().copied().collect();
            labels.push((index, label(route, link.labels[0])));
            labels.push((index, label(&back, link.labels[1])));
        }
        for (place, (line, area)) in labels.iter().enumerate() {
            assert!(
                layout.boxes.iter().all(|other| !overlap(area, other)),
                "a label of line {line} is on a box"
            );
            assert!(
                labels[..place].iter().all(|(_, other)| !overlap(area, other)),
                "labels of line {line} collide"
            );
            for (other, route) in layout.routes.iter().enumerate() {
                let is_crossed = route.windows(2).any(|pair| overlap(area, &between(pair[0], pair[1], 0.1)));
                assert!(!is_crossed, "line {other} goes through a label of line {line}");
            }
        }
    }

    #[test]
    fn a_hundred_boxes_are_readable() {
        let (sizes, links) = hundred();
        assert_is_readable(&sizes, &links);
    }

    #[test]
    fn arranging_no_boxes_gives_an_empty_layout() {
        assert_eq!(arrange(&[], &[]), Layout::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_boxes_are_readable((sizes, links) in drawings()) {
            assert_is_readable(&sizes, &links);
        }
    }
}
