//! Schema names of keys and columns: errors never show a hidden junction or a raw column. The model is that of the viewer.

use super::reference::Reference;
use crate::error::Error;
use crate::model::{ColumnId, Declaration, Entity, EntityId, Model, Relation, Table};

/// Type of the schema, and its field; `None` for a column without a field.
pub(super) type Named = (String, Option<String>);

/// Returns the schema's field for a key: the relation of the entity that holds the key. For a hidden
/// junction, returns the list through it. `None` for a table outside the schema.
pub(super) fn key_named(model: &Model, table: &Table, columns: &[String]) -> Option<Named> {
    let entity = entity_of(model, table).map(|id| &model.entities[id]);
    if let Some(entity) = entity.filter(|entity| entity.exposed) {
        let columns: Vec<ColumnId> = columns.iter().filter_map(|name| entity.column_named(name)).collect();
        return Some((entity.name.clone(), fields(entity, &columns).into_iter().next()));
    }
    // Finds the list that leaves the junction by this key.
    let mut lists = model
        .exposed()
        .flat_map(|(_, entity)| entity.relations.iter().map(move |relation| (entity, relation)));
    let leads_out = |(_, relation): &(&Entity, &Relation)| {
        let junction = relation.junction.as_ref();
        junction.is_some_and(|junction| junction.table.is_named(table) && junction.to == columns)
    };
    let (entity, relation) = lists.find(leads_out)?;
    Some((entity.name.clone(), Some(relation.field.clone())))
}

/// Returns the relation that restricts a deletion, as `Entity.field`.
pub(super) fn label(model: &Model, target: EntityId, reference: &Reference<'_>) -> Option<String> {
    let target = &model.entities[target];
    // A hidden junction is reported as a list of the deleted row.
    let comes_in = |relation: &&Relation| {
        relation.junction.as_ref().is_some_and(|junction| {
            junction.table.is_named(&reference.table) && junction.from == reference.columns
        })
    };
    let child = reference.child.map(|child| &model.entities[child]);
    match child.filter(|child| child.exposed) {
        Some(child) => match reference.relation {
            // The viewer may see the child, but not its relation.
            Some(relation) => {
                child.relation_of_field(&relation.field)?;
                Some(format!("{}.{}", child.name, relation.field))
            }
            None => Some(child.name.clone()),
        },
        None => {
            let list = target.relations.iter().find(comes_in)?;
            Some(format!("{}.{}", target.name, list.field))
        }
    }
}

/// Builds the error of a key of `child` that references no row.
pub(super) fn dangling(model: &Model, child: EntityId, reference: &Reference<'_>) -> Error {
    let entity = &model.entities[child];
    let named = key_named(model, &entity.table, &reference.columns);
    match named {
        None if !entity.exposed => Error::foreign_key_violation("", ""),
        named => foreign_key_violation(named.unwrap_or_else(|| (entity.name.clone(), None))),
    }
}

/// Builds `FOREIGN_KEY_VIOLATION` for this field.
pub(super) fn foreign_key_violation((entity, field): Named) -> Error {
    Error::foreign_key_violation(&entity, field.as_deref().unwrap_or_default())
}

/// Returns the entity of a table as the database names it.
pub(super) fn entity_of(model: &Model, table: &Table) -> Option<EntityId> {
    let exact = model.entities.iter().position(|entity| entity.table == *table);
    exact.or_else(|| model.entities.iter().position(|entity| entity.table.is_named(table)))
}

/// Returns the schema's fields for columns. Columns that form a relation's key become the relation, then
/// parts of larger keys, and others the column's field. Of overlapping relations, the one with more of the
/// columns comes first.
pub(super) fn fields(entity: &Entity, columns: &[ColumnId]) -> Vec<String> {
    let mut relations: Vec<&Relation> = entity
        .relations
        .iter()
        .filter(|relation| {
            relation.declaration == Declaration::BelongsTo
                && relation.from.iter().all(|column| columns.contains(column))
        })
        .collect();
    relations.sort_by_key(|relation| std::cmp::Reverse(relation.from.len()));
    let mut fields: Vec<String> = Vec::new();
    let mut named: Vec<ColumnId> = Vec::new();
    for column in columns {
        if named.contains(column) {
            continue;
        }
        let whole = relations.iter().find(|relation| {
            relation.from.contains(column) && !relation.from.iter().any(|other| named.contains(other))
        });
        let field = match whole {
            Some(relation) => {
                named.extend(&relation.from);
                Some(&relation.field)
            }
            // A part of a key is reported as the relation, as in the input.
            None => match entity.relations_of_column(*column).next() {
                Some((_, relation)) => Some(&relation.field),
                None => Some(&entity.columns[*column].field).filter(|_| !entity.columns[*column].hidden),
            },
        };
        if let Some(field) = field.filter(|field| !fields.contains(field)) {
            fields.push(field.clone());
        }
    }
    fields
}
