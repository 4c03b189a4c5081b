//! Join columns of a relation, and the faults that make a join impossible.
//!
//! SeaORM accepts any `RelationDef`: the sides may differ in number of columns, or have types that the
//! database does not compare. Each such definition becomes a fault here, so later code need not check.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::reflect::Reflected;
use crate::model::registry::EntityOptions;
use crate::model::relation::Declared;
use crate::model::{ColumnId, ColumnType, EntityId, Model, ModelFault, Table};

/// Join columns of both sides, in pairs. A side is `None` if its table's entity is not registered.
pub(super) struct Joined {
    pub from: Option<Vec<ColumnId>>,
    pub to: Option<Vec<ColumnId>>,
}

/// Entities that relations join.
pub(super) struct JoinedEntities<'a> {
    pub model: &'a Model,
    /// Entities by table.
    pub tables: &'a BTreeMap<Table, EntityId>,
    pub registered: &'a [(Reflected, EntityOptions)],
}

impl JoinedEntities<'_> {
    /// Returns the columns by which a definition joins two tables, or the faults that prevent the join.
    pub fn joined(&self, relation: &str, declared: &Declared) -> Result<Joined, Vec<ModelFault>> {
        let mut faults = Vec::new();
        let sides = [(&declared.from_table, &declared.from), (&declared.to_table, &declared.to)];
        if declared.from.len() != declared.to.len() || declared.from.is_empty() {
            let [from, to] = sides.map(|(table, columns)| written(table, columns));
            return Err(vec![ModelFault::ColumnCounts { relation: relation.to_owned(), sides: [from, to] }]);
        }
        for (table, columns) in sides {
            let mut once = BTreeSet::new();
            let repeated: BTreeSet<&String> = columns.iter().filter(|name| !once.insert(*name)).collect();
            faults.extend(repeated.into_iter().map(|name| ModelFault::RepeatedColumn {
                relation: relation.to_owned(),
                column: format!("{table}.{name}"),
            }));
        }
        let ends = sides.map(|(table, columns)| {
            let id = *self.tables.get(table)?;
            Some((id, self.columns(relation, id, columns, &mut faults)))
        });
        if let [Some((from, from_columns)), Some((to, to_columns))] = &ends
            && faults.is_empty()
        {
            for pair in from_columns.iter().zip(to_columns) {
                faults.extend(self.unlike(relation, (*from, *pair.0), (*to, *pair.1)));
            }
        }
        let [from, to] = ends.map(|end| end.map(|(_, columns)| columns));
        if faults.is_empty() { Ok(Joined { from, to }) } else { Err(faults) }
    }

    /// Returns the columns with these names, and adds a fault for each missing column.
    fn columns(
        &self,
        relation: &str,
        id: EntityId,
        wanted: &[String],
        faults: &mut Vec<ModelFault>,
    ) -> Vec<ColumnId> {
        let entity = &self.model.entities[id];
        let mut found = Vec::new();
        for name in wanted {
            match entity.column_named(name) {
                Some(column) => found.push(column),
                None => faults.push(ModelFault::NoSuchColumn {
                    relation: relation.to_owned(),
                    column: format!("{}.{name}", entity.table),
                }),
            }
        }
        found
    }

    /// Returns a fault if no database compares the values of the two columns.
    fn unlike(
        &self,
        relation: &str,
        from: (EntityId, ColumnId),
        to: (EntityId, ColumnId),
    ) -> Option<ModelFault> {
        let column = |(entity, column): (EntityId, ColumnId)| &self.model.entities[entity].columns[column];
        let (one, other) = (&column(from).column_type, &column(to).column_type);
        // A column whose type has no scalar is reported elsewhere.
        if one.is_compared_with(other) || !self.has_scalar(from) || !self.has_scalar(to) {
            return None;
        }
        let described = |end: (EntityId, ColumnId)| {
            let column_type = match &column(end).column_type {
                ColumnType::Enumeration(id) => self.model.enumerations[*id].database_name.clone(),
                other => format!("{other:?}"),
            };
            let table = &self.model.entities[end.0].table;
            format!("{table}.{} ({column_type})", column(end).name)
        };
        Some(ModelFault::ColumnTypes {
            relation: relation.to_owned(),
            columns: [described(from), described(to)],
        })
    }

    fn has_scalar(&self, (entity, column): (EntityId, ColumnId)) -> bool {
        ColumnType::of(&self.registered[entity].0.columns[column].database_type, |_, _| 0).is_some()
    }
}

fn written(table: &Table, columns: &[String]) -> String {
    format!("{table} ({})", columns.join(", "))
}
