//! Order of rows.

use std::collections::HashSet;

use super::input::Input;
use crate::error::Result;
use crate::model::{ColumnId, ColumnType, Entity, EntityId, Model, RelationId, names};

/// Term of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderTerm {
    /// To-one relations that lead to the compared entity.
    pub path: Vec<RelationId>,
    /// Compared value.
    pub by: OrderBy,
    /// Direction and NULL position.
    pub direction: Direction,
}

/// Value that an order compares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrderBy {
    /// A column.
    Column(ColumnId),
    /// Number of rows in a list.
    Count(RelationId),
    /// A column of the list's junction.
    Junction(EntityId, ColumnId),
}

/// Ascending or descending, and position of NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Direction {
    /// True if the greatest value comes first.
    pub descending: bool,
    /// True if NULL comes before all values.
    pub nulls_first: bool,
}

impl Direction {
    /// Ascending, NULL last.
    pub const ASCENDING: Self = Self { descending: false, nulls_first: false };

    /// All directions, with their names in the schema.
    pub const ALL: [(&'static str, Self); 6] = [
        ("ASC", Self::ASCENDING),
        ("ASC_NULLS_FIRST", Self { descending: false, nulls_first: true }),
        ("ASC_NULLS_LAST", Self::ASCENDING),
        ("DESC", Self { descending: true, nulls_first: true }),
        ("DESC_NULLS_FIRST", Self { descending: true, nulls_first: true }),
        ("DESC_NULLS_LAST", Self { descending: true, nulls_first: false }),
    ];

    /// Returns the reverse direction, including the NULL position.
    pub fn reversed(self) -> Self {
        Self { descending: !self.descending, nulls_first: !self.nulls_first }
    }

    fn read(input: &Input) -> Result<Self> {
        let name = input.text()?;
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, direction)| *direction)
            .ok_or_else(|| input.refuse("expected a Direction"))
    }
}

impl OrderTerm {
    /// Returns the order by primary key.
    pub fn primary_key(entity: &Entity) -> Vec<Self> {
        Self::ascending(&entity.primary_key)
    }

    /// Returns the default order of lists, and the last tie-break of `orderBy`: the primary key. Without one, all columns
    /// that the viewer sees, and those of the relations. Rows that are equal in all of these cannot be told apart.
    fn tie_break(entity: &Entity) -> Vec<Self> {
        if entity.has_key() {
            return Self::primary_key(entity);
        }
        let is_of_relation =
            |column: &ColumnId| entity.relations.iter().any(|relation| relation.from.contains(column));
        let is_told_apart = |column: &ColumnId| !entity.columns[*column].hidden || is_of_relation(column);
        Self::ascending(&Vec::from_iter((0..entity.columns.len()).filter(is_told_apart)))
    }

    fn ascending(columns: &[ColumnId]) -> Vec<Self> {
        let by = columns.iter().map(|column| OrderBy::Column(*column));
        by.map(|by| Self { path: Vec::new(), by, direction: Direction::ASCENDING }).collect()
    }

    /// Reads `orderBy` of a list of `entity`, or takes the default order, and completes it to a total order.
    pub fn read(
        model: &Model,
        entity: EntityId,
        input: Option<&Input>,
        default: &[Self],
    ) -> Result<Vec<Self>> {
        let given = match input {
            Some(input) => {
                let read = |input: &Input| Self::read_term(model, entity, input);
                input.list().iter().map(read).collect::<Result<_>>()?
            }
            None => default.to_vec(),
        };
        let mut terms: Vec<Self> = Vec::new();
        // A repeated term never decides.
        let mut compared = HashSet::new();
        for term in given {
            if compared.insert((term.path.clone(), term.by.clone())) {
                terms.push(term);
            }
        }
        for last in Self::tie_break(&model.entities[entity]) {
            if compared.insert((Vec::new(), last.by.clone())) {
                terms.push(last);
            }
        }
        Ok(terms)
    }

    /// Returns the last tie-break of a list whose junction may repeat a pair: the junction's own key. The
    /// order is then total over the links, each of which is an edge.
    pub fn links(model: &Model, owner: EntityId, relation: RelationId) -> Vec<Self> {
        let Some(junction) = &model.entities[owner].relations[relation].junction else { return Vec::new() };
        let Some(id) = junction.entity else { return Vec::new() };
        let entity = &model.entities[id];
        let pair = junction.from.iter().chain(&junction.to);
        let pair: Vec<ColumnId> = pair.filter_map(|name| entity.column_named(name)).collect();
        if entity.is_unique(&pair) {
            return Vec::new();
        }
        let key = entity.primary_key.iter().filter(|column| !pair.contains(column));
        key.map(|column| Self {
            path: Vec::new(),
            by: OrderBy::Junction(id, *column),
            direction: Direction::ASCENDING,
        })
        .collect()
    }

    pub(super) fn read_term(model: &Model, id: EntityId, input: &Input) -> Result<Self> {
        let entity = &model.entities[id];
        let (name, value) = input.one_of()?;
        if let Some(column) = entity.column_of_field(name) {
            return Ok(Self {
                path: Vec::new(),
                by: OrderBy::Column(column),
                direction: Direction::read(&value)?,
            });
        }
        for (relation_id, relation) in entity.relations.iter().enumerate() {
            if model.is_counted(relation) && names::count_order(&relation.field) == *name {
                return Ok(Self {
                    path: Vec::new(),
                    by: OrderBy::Count(relation_id),
                    direction: Direction::read(&value)?,
                });
            }
            if !relation.is_many() && relation.field == *name {
                let mut term = Self::read_term(model, relation.target, &value)?;
                term.path.insert(0, relation_id);
                return Ok(term);
            }
        }
        Err(value.refuse(format!("{} cannot be sorted by \"{name}\"", entity.name)))
    }

    /// Returns the entity whose column or list the term compares.
    pub(super) fn entity(&self, model: &Model, root: EntityId) -> EntityId {
        self.path.iter().fold(root, |id, hop| model.entities[id].relations[*hop].target)
    }

    /// Returns the type of the compared value, and true if the value may be NULL. Values without an order are compared as
    /// text.
    pub fn column_type(&self, model: &Model, root: EntityId) -> (ColumnType, bool) {
        let mut id = root;
        let mut nullable = false;
        for hop in &self.path {
            let relation = &model.entities[id].relations[*hop];
            nullable |= relation.cardinality != crate::model::Cardinality::One;
            id = relation.target;
        }
        match self.by {
            OrderBy::Column(column) => {
                let column = &model.entities[id].columns[column];
                let is_text = !column.column_type.sortable();
                let column_type = if is_text { ColumnType::Text } else { column.column_type.clone() };
                (column_type, nullable || column.nullable)
            }
            OrderBy::Count(_) => (ColumnType::BigInt, false),
            OrderBy::Junction(junction, column) => {
                let column = &model.entities[junction].columns[column];
                (column.column_type.clone(), column.nullable)
            }
        }
    }
}
