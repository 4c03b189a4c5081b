//! Orders that have fields (September 2025, section 3.10): an input type without fields makes a schema invalid.

use std::collections::HashSet;

use crate::model::{Entity, EntityId, Model, Relation};

/// Possible orders of each entity.
pub(super) struct Possible<'a> {
    pub model: &'a Model,
    /// Entities that can be ordered.
    ordered: HashSet<EntityId>,
}

impl<'a> Possible<'a> {
    /// Computes a least fixed point: begins with nothing, and adds orders that the known ones make possible.
    pub fn new(model: &'a Model) -> Self {
        let mut possible = Self { model, ordered: HashSet::new() };
        loop {
            let known = possible.ordered.len();
            for (id, entity) in model.exposed() {
                if possible.has_order_fields(entity) {
                    possible.ordered.insert(id);
                }
            }
            if possible.ordered.len() == known {
                return possible;
            }
        }
    }

    /// Returns true if `UserOrder` is a type.
    pub fn orders(&self, id: EntityId) -> bool {
        self.ordered.contains(&id)
    }

    /// Returns true if a relation has a field in the order of its owner: a count, or the order of its target.
    pub fn orders_by(&self, relation: &Relation) -> bool {
        match relation.is_many() {
            true => self.model.is_counted(relation),
            false => self.orders(relation.target),
        }
    }

    fn has_order_fields(&self, entity: &Entity) -> bool {
        entity.visible_columns().any(|(_, column)| column.column_type.sortable())
            || entity.relations.iter().any(|relation| self.orders_by(relation))
    }
}
