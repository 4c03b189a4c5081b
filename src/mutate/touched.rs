//! The tables that a change reaches, by the keys that give way to it.

use crate::model::{ColumnId, Declaration, EntityId, Model, OnDelete, Relation, Table};

/// What an update of these columns touches: the table itself, and those whose keys follow (ON UPDATE).
pub(super) fn by_update(model: &Model, id: EntityId, columns: &[ColumnId]) -> Vec<Table> {
    let mut reached = vec![(id, columns.to_vec())];
    let mut next = 0;
    while let Some((entity, columns)) = reached.get(next).cloned() {
        for (child, relation) in pointing_at(model, entity) {
            let follows = relation.yields && relation.to.iter().any(|column| columns.contains(column));
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
        for (child, relation) in pointing_at(model, entity) {
            let table = &model.entities[child].table;
            match relation.on_delete {
                OnDelete::Restrict | OnDelete::NoAction => continue,
                OnDelete::Cascade if !deleted.contains(&child) => deleted.push(child),
                OnDelete::Cascade | OnDelete::SetNull | OnDelete::SetDefault => {}
            }
            if !touched.contains(table) {
                touched.push(table.clone());
            }
        }
        next += 1;
    }
    touched
}

fn pointing_at(model: &Model, id: EntityId) -> impl Iterator<Item = (EntityId, &Relation)> {
    model.entities.iter().enumerate().flat_map(move |(child, entity)| {
        let points_here = move |relation: &&Relation| {
            relation.declaration == Declaration::BelongsTo && relation.enforced && relation.target == id
        };
        entity.relations.iter().filter(points_here).map(move |relation| (child, relation))
    })
}
