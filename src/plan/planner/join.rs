//! Which to-one relations come with their parents' rows, in one statement.
//!
//! Measured on PostgreSQL and SQLite, a join of the one row at the other end is about twice as fast as a statement of its own.
//! A list stays a statement of its own: joined, it would repeat its parent for each row.

use crate::model::Model;
use crate::plan::{Load, Page, What};

/// The most relations that one statement joins. SQLite takes 64 tables, and those of filters and orders are among them.
const MOST: usize = 24;

/// Decides it for everything below `load`.
pub(super) fn decide(model: &Model, load: &mut Load) {
    decide_within(model, load, &mut MOST.clone());
}

/// The same where the statement of `load` has room for so many joins more.
fn decide_within(model: &Model, load: &mut Load, room: &mut usize) {
    let What::Rows(rows) = &mut load.what else { return };
    // The parts of a page by cursors are put together; their joins would be done for each part.
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
    let (Some((owner, relation)), What::Rows(_)) = (load.relation, &load.what) else { return false };
    load.filter.is_everything() && model.leads_to_one(owner, &model.entities[owner].relations[relation])
}
