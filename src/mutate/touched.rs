//! The tables that a change reaches, by the keys that give way to it.

use crate::model::{ColumnId, EntityId, KeyAction, Model, Table};

/// What an update of these columns touches: the table itself, and those whose keys follow (ON UPDATE).
pub(super) fn by_update(model: &Model, id: EntityId, columns: &[ColumnId]) -> Vec<Table> {
    let mut reached = vec![(id, columns.to_vec())];
    let mut next = 0;
    while let Some((entity, columns)) = reached.get(next).cloned() {
        for (child, relation) in model.pointing_at(entity) {
            let follows =
                !relation.on_update.restricts() && relation.to.iter().any(|column| columns.contains(column));
            if follows && !reached.iter().any(|(known, _)| *known == child) {
                reached.push((child, relation.from.clone()));
            }
        }
        next += 1;
    }
    reached.into_iter().map(|(entity, _)| model.entities[entity].table.clone()).collect()
}

/// What a deletion touches: the table itself, and those whose rows go along or lose their key (ON DELETE).
pub(super) fn by_delete(model: &Model, id: EntityId) -> Vec<Table> {
    let mut deleted = vec![id];
    let mut touched = vec![model.entities[id].table.clone()];
    let mut next = 0;
    while let Some(entity) = deleted.get(next).copied() {
        for (child, relation) in model.pointing_at(entity) {
            let table = &model.entities[child].table;
            match relation.on_delete {
                KeyAction::Restrict | KeyAction::NoAction => continue,
                KeyAction::Cascade if !deleted.contains(&child) => deleted.push(child),
                KeyAction::Cascade | KeyAction::SetNull | KeyAction::SetDefault => {}
            }
            if !touched.contains(table) {
                touched.push(table.clone());
            }
        }
        next += 1;
    }
    touched
}
