//! Orders that have fields (September 2025, section 3.10): an input type without fields makes a schema invalid.

use std::collections::HashSet;

use crate::model::{Entity, EntityId, Model};

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

    fn has_order_fields(&self, entity: &Entity) -> bool {
        entity.visible_columns().any(|(_, column)| column.column_type.sortable())
            || entity.relations.iter().any(|relation| relation.is_many() || self.orders(relation.target))
    }
}
