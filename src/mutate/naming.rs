//! Names of keys and columns as the schema has them: errors never show a hidden junction or a raw column.

use super::reference::Reference;
use super::writer::Writer;
use crate::error::Error;
use crate::model::{ColumnId, Declaration, Entity, EntityId, Relation, Table};

/// A type of the schema, and a field of it; none where the schema has no field for a column.
pub(super) type Named = (String, Option<String>);

impl Writer<'_> {
    /// Returns the schema's field for a key: the relation of the entity that holds the key, or of a junction that the
    /// schema hides the list through it. None where the schema knows nothing of the table.
    pub fn key_named(&self, table: &str, columns: &[String]) -> Option<Named> {
        let entities = &self.model().entities;
        if let Some(entity) = entities.iter().find(|entity| entity.exposed && entity.table.name == table) {
            let columns: Vec<ColumnId> =
                columns.iter().filter_map(|name| entity.column_named(name)).collect();
            return Some((entity.name.clone(), fields(entity, &columns).into_iter().next()));
        }
        // The list that leads out by this key.
        let mut lists = self
            .model()
            .exposed()
            .flat_map(|(_, entity)| entity.relations.iter().map(move |relation| (entity, relation)));
        let leads_out = |(_, relation): &(&Entity, &Relation)| {
            let junction = relation.junction.as_ref();
            junction.is_some_and(|junction| junction.table.name == table && junction.to == columns)
        };
        let (entity, relation) = lists.find(leads_out)?;
        Some((entity.name.clone(), Some(relation.field.clone())))
    }

    /// Returns the relation that restricts a deletion, as `Entity.field`.
    pub fn label(&self, target: EntityId, reference: &Reference<'_>) -> Option<String> {
        let target = &self.model().entities[target];
        // A junction that the schema hides is a list of the row that is to go.
        let comes_in = |relation: &&Relation| {
            relation.junction.as_ref().is_some_and(|junction| {
                is_table(&junction.table, &reference.table) && junction.from == reference.columns
            })
        };
        let child = reference.child.map(|child| &self.model().entities[child]);
        match child.filter(|child| child.exposed) {
            Some(child) => Some(match reference.relation {
                Some(relation) => format!("{}.{}", child.name, relation.field),
                None => child.name.clone(),
            }),
            None => {
                let list = target.relations.iter().find(comes_in)?;
                Some(format!("{}.{}", target.name, list.field))
            }
        }
    }

    /// The error of a key of `child` that references no row.
    pub fn dangling(&self, child: EntityId, reference: &Reference<'_>) -> Error {
        let entity = &self.model().entities[child];
        let named = self.key_named(&entity.table.name, &reference.columns);
        foreign_key_violation(named.unwrap_or_else(|| (entity.name.clone(), None)))
    }
}

/// `FOREIGN_KEY_VIOLATION` of this field.
pub(super) fn foreign_key_violation((entity, field): Named) -> Error {
    Error::foreign_key_violation(&entity, field.as_deref().unwrap_or_default())
}

fn is_table(one: &Table, other: &Table) -> bool {
    one.name == other.name
}

/// Returns columns as the schema names them: those that are exactly a relation's key as that relation, then those of
/// larger keys, and any other as itself. Of relations that share a column the one with more of the columns comes first.
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
            // A part of a key stands for the relation, as the input does.
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
