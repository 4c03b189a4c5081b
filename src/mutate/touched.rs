//! Tables that a write affects, including those with keys changed by ON UPDATE or ON DELETE.

use std::collections::BTreeSet;

use super::reference::{Rule, beyond, references};
use crate::database::ForeignKeys;
use crate::model::{ColumnId, EntityId, Model, Table, TableKind};

/// Returns all tables of a model, for a write to tables that are not known.
pub(super) fn every(model: &Model) -> Vec<Table> {
    let relations = model.entities.iter().flat_map(|entity| &entity.relations);
    let junctions =
        relations.filter_map(|relation| relation.junction.as_ref()).map(|junction| &junction.table);
    let tables: BTreeSet<&Table> =
        model.entities.iter().map(|entity| &entity.table).chain(junctions).collect();
    tables.into_iter().cloned().collect()
}

/// Returns true if the rows are not those of the table itself: a view writes to other tables.
fn writes_elsewhere(model: &Model, id: EntityId) -> bool {
    model.entities[id].kind != TableKind::Table
}

/// Returns the tables that new rows touch: the table itself.
pub(super) fn by_insert(model: &Model, id: EntityId) -> Vec<Table> {
    if writes_elsewhere(model, id) { every(model) } else { vec![model.entities[id].table.clone()] }
}

/// Returns the tables that an update of these columns touches: the table itself, and those whose keys follow
/// (ON UPDATE).
pub(super) fn by_update(
    model: &Model,
    keys: Option<&ForeignKeys>,
    id: EntityId,
    columns: &[ColumnId],
) -> Vec<Table> {
    if writes_elsewhere(model, id) {
        return every(model);
    }
    let mut reached = vec![(id, columns.to_vec())];
    let mut next = 0;
    while let Some((entity, columns)) = reached.get(next).cloned() {
        next += 1;
        for reference in references(model, keys, entity) {
            let Some(child) = reference.child else { continue };
            let follows =
                reference.follows_updates && reference.to.iter().any(|column| columns.contains(column));
            if follows && !reached.iter().any(|(known, _)| *known == child) {
                reached.push((child, reference.from));
            }
        }
    }
    reached.into_iter().map(|(entity, _)| model.entities[entity].table.clone()).collect()
}

/// Returns the tables that a deletion touches: the table itself, and those whose rows are deleted or lose
/// their key (ON DELETE).
pub(super) fn by_delete(model: &Model, keys: Option<&ForeignKeys>, id: EntityId) -> Vec<Table> {
    if writes_elsewhere(model, id) {
        return every(model);
    }
    let mut deleted = vec![id];
    let mut touched = vec![model.entities[id].table.clone()];
    let mut next = 0;
    while let Some(entity) = deleted.get(next).copied() {
        for reference in references(model, keys, entity) {
            let mut nested = Vec::from_iter(reference.child.map(|child| (child, reference.rule)));
            let is_outside = reference.child.is_none_or(|child| !model.entities[child].has_key());
            if is_outside && reference.rule.cascades() {
                let beyond = beyond(model, keys, &reference.table).into_iter();
                nested.extend(beyond.map(|(child, action)| (child, Rule::Database(action))));
            }
            for (child, rule) in nested {
                if rule.cascades() && !deleted.contains(&child) {
                    deleted.push(child);
                }
                let table = &model.entities[child].table;
                if (rule.cascades() || rule.changes_key()) && !touched.contains(table) {
                    touched.push(table.clone());
                }
            }
        }
        next += 1;
    }
    touched
}
