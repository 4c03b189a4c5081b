//! Connected groups of boxes.

use super::geometry::BoxLink;

/// Connected boxes, and the lines between them.
pub(super) struct BoxGroup {
    pub(super) nodes: Vec<usize>,
    pub(super) links: Vec<usize>,
}

/// Returns the connected groups of boxes, in order.
pub(super) fn groups(count: usize, links: &[BoxLink]) -> Vec<BoxGroup> {
    let mut leader: Vec<usize> = (0..count).collect();
    for link in links {
        let [one, other] = link.ends.map(|end| leader[end]);
        let (kept, given_up) = (one.min(other), one.max(other));
        leader.iter_mut().filter(|known| **known == given_up).for_each(|known| *known = kept);
    }
    let is_leader = |node: &usize| leader[*node] == *node;
    (0..count)
        .filter(is_leader)
        .map(|group| BoxGroup {
            nodes: (0..count).filter(|node| leader[*node] == group).collect(),
            links: (0..links.len()).filter(|link| leader[links[*link].ends[0]] == group).collect(),
        })
        .collect()
}
