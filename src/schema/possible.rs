//! Inputs that have fields and a finite value (September 2025, section 3.10). All others are left out: an
//! input type without fields makes a schema invalid, and one that requires itself has no value.

use std::collections::HashSet;

use crate::model::{Column, Declaration, Entity, EntityId, Model, Relation, RelationId};

/// Entity, and the relation that an input's nesting determines, if any.
type InputContext = (EntityId, Option<RelationId>);

/// Possible inputs of each entity.
pub(super) struct Possible<'a> {
    pub model: &'a Model,
    /// Rows that can be created.
    made: HashSet<InputContext>,
    /// Inputs for new rows that have fields.
    filled: HashSet<InputContext>,
    /// Entities that can be ordered.
    ordered: HashSet<EntityId>,
}

impl<'a> Possible<'a> {
    /// Computes a least fixed point: begins with nothing, and adds inputs that the known ones make possible.
    /// The remaining inputs require themselves.
    pub fn new(model: &'a Model) -> Self {
        let (made, filled, ordered) = Default::default();
        let mut possible = Self { model, made, filled, ordered };
        let placed: Vec<InputContext> = model
            .exposed()
            .flat_map(|(id, _)| places(model, id).into_iter().map(move |place| (id, place)))
            .collect();
        loop {
            let known = possible.count();
            for (id, place) in &placed {
                if possible.is_insertable(*id, *place) {
                    possible.made.insert((*id, *place));
                }
                if possible.has_created_fields(*id, *place) {
                    possible.filled.insert((*id, *place));
                }
            }
            for (id, entity) in model.exposed() {
                if possible.has_order_fields(entity) {
                    possible.ordered.insert(id);
                }
            }
            if possible.count() == known {
                return possible;
            }
        }
    }

    fn count(&self) -> usize {
        self.made.len() + self.filled.len() + self.ordered.len()
    }

    /// Returns true if `UserOrder` is a type.
    pub fn orders(&self, id: EntityId) -> bool {
        self.ordered.contains(&id)
    }

    /// Returns true if `UserCreate`, or its variant for this nesting, is a type.
    pub fn creates(&self, id: EntityId, place: Option<RelationId>) -> bool {
        self.made.contains(&(id, place)) && self.filled.contains(&(id, place))
    }

    /// Returns true if a row can be created, but its input has no fields.
    pub fn creates_bare(&self, id: EntityId) -> bool {
        self.made.contains(&(id, None)) && !self.filled.contains(&(id, None))
    }

    /// Returns true if `UserUpdate`, or its variant for this nesting, is a type.
    pub fn updates(&self, id: EntityId, place: Option<RelationId>) -> bool {
        updated_columns(&self.model.entities[id]).next().is_some()
            || self.relations(id, place).next().is_some()
    }

    /// Returns true if `UserLink` is a type: clients can choose the row that another row references.
    pub fn links(&self, id: EntityId) -> bool {
        has_key(&self.model.entities[id]) || self.creates(id, None)
    }

    /// Returns true if rows can be added through a reverse or many-to-many relation.
    pub fn adds(&self, owner: EntityId, relation: RelationId) -> bool {
        let target = self.model.entities[owner].relations[relation].target;
        has_key(&self.model.entities[target])
            || self.creates(target, self.model.forward_side(owner, relation))
    }

    /// Returns the relations that have fields in an input: all except the one that nesting determines.
    pub fn relations(&self, id: EntityId, place: Option<RelationId>) -> impl Iterator<Item = &'a Relation> {
        let relations = self.model.entities[id].relations.iter().enumerate();
        relations
            .filter(move |(relation_id, relation)| {
                Some(*relation_id) != place
                    && match relation.declaration {
                        Declaration::BelongsTo => self.links(relation.target),
                        _ => self.adds(id, *relation_id),
                    }
            })
            .map(|(_, relation)| relation)
    }

    /// Returns true if no hidden column or relation requires a value from the client.
    fn is_insertable(&self, id: EntityId, place: Option<RelationId>) -> bool {
        let entity = &self.model.entities[id];
        let hidden = entity.columns.iter().enumerate().filter(|(_, column)| column.hidden);
        let mut given = hidden.map(|(id, column)| {
            column.nullable || column.has_default || entity.relations_of_column(id).next().is_some()
        });
        let required = entity.relations.iter().enumerate().filter(|(relation_id, relation)| {
            Some(*relation_id) != place
                && relation.declaration == Declaration::BelongsTo
                && is_required(entity, relation)
        });
        given.all(|is_given| is_given)
            && required.into_iter().all(|(_, relation)| self.links(relation.target))
    }

    fn has_order_fields(&self, entity: &Entity) -> bool {
        entity.visible_columns().any(|(_, column)| column.column_type.sortable())
            || entity.relations.iter().any(|relation| relation.is_many() || self.orders(relation.target))
    }

    fn has_created_fields(&self, id: EntityId, place: Option<RelationId>) -> bool {
        created_columns(&self.model.entities[id]).next().is_some()
            || self.relations(id, place).next().is_some()
    }
}

/// Returns every nesting of an entity's rows: on their own, and inside the row that each forward relation
/// references.
fn places(model: &Model, id: EntityId) -> Vec<Option<RelationId>> {
    let relations = 0..model.entities[id].relations.len();
    std::iter::once(None)
        .chain(relations.filter(|relation| has_reverse(model, id, *relation)).map(Some))
        .collect()
}

/// Returns true if clients can identify a row: some unique key has no hidden column.
pub(super) fn has_key(entity: &Entity) -> bool {
    entity.keys().next().is_some()
}

/// Returns true if rows of the entity can be nested inside the row that this forward relation references.
pub(super) fn has_reverse(model: &Model, owner: EntityId, forward: RelationId) -> bool {
    let target = model.entities[owner].relations[forward].target;
    let reverse = &model.entities[target].relations;
    (0..reverse.len())
        .any(|id| reverse[id].target == owner && model.forward_side(target, id) == Some(forward))
}

/// Returns true if a new row requires a row that this forward relation references.
pub(super) fn is_required(entity: &Entity, relation: &Relation) -> bool {
    !relation.from.iter().any(|id| entity.columns[*id].nullable || entity.columns[*id].has_default)
}

/// Returns the columns that clients set directly: a relation sets the columns of its own key.
fn own_columns(entity: &Entity) -> impl Iterator<Item = &Column> {
    entity
        .visible_columns()
        .filter(|(id, _)| entity.relations_of_column(*id).next().is_none())
        .map(|(_, column)| column)
}

/// Returns the columns that can be set in a new row.
pub(super) fn created_columns(entity: &Entity) -> impl Iterator<Item = &Column> {
    own_columns(entity).filter(|column| !column.always_generated)
}

/// Returns the columns that can be updated.
pub(super) fn updated_columns(entity: &Entity) -> impl Iterator<Item = &Column> {
    own_columns(entity).filter(|column| !column.generated)
}
