//! Selection of the to-one relations that are joined to their parents' statement.
//!
//! On PostgreSQL and SQLite a to-one join is about twice as fast as a separate statement, as measured. A list
//! keeps its own statement: a join would repeat the parent for each row.

use crate::model::Model;
use crate::plan::{Load, LoadKind, Page};

/// Maximum number of relations that one statement joins. SQLite accepts 64 tables, including those of filters
/// and orders.
const MOST: usize = 24;

/// Decides on joins for everything below `load`.
pub(super) fn decide(model: &Model, load: &mut Load) {
    decide_within(model, load, &mut MOST.clone());
}

/// Decides on joins, with room for `room` more joins in the statement of `load`.
fn decide_within(model: &Model, load: &mut Load, room: &mut usize) {
    let LoadKind::Rows(rows) = &mut load.what else { return };
    // The parts of a keyset page are combined by UNION; joins would run for each part.
    let takes_joins = !matches!(rows.page, Page::Keyset { .. });
    for child in &mut rows.children {
        child.joined = takes_joins && *room > 0 && can_join(model, child);
        match child.joined {
            true => {
                *room -= 1;
                decide_within(model, child, room);
            }
            false => decide(model, child),
        }
    }
}

fn can_join(model: &Model, load: &Load) -> bool {
    let (Some((owner, relation)), LoadKind::Rows(_)) = (load.relation, &load.what) else { return false };
    load.source.filter().is_everything()
        && model.is_unique_join(owner, &model.entities[owner].relations[relation])
}
