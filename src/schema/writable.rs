//! Inputs of mutations that a role may use, and that have fields and a finite value (September 2025, section 3.10). All others
//! are left out: an input type without fields makes a schema invalid, and one that requires itself has no value.

use std::collections::HashSet;

use crate::model::{
    Column, ColumnId, Declaration, Entity, EntityId, Model, NestedNeed, NestedVerb, Relation, RelationId,
    TableKind,
};
use crate::plan::Rules;
use crate::policy::RowAction;

/// Entity, and the relation that an input's nesting determines, if any.
type InputContext = (EntityId, Option<RelationId>);

/// Writes that a role may make. Administrators may make all.
pub(super) struct Writable<'a> {
    /// Model with all entities.
    pub model: &'a Model,
    /// Model that the role reads.
    seen: &'a Model,
    rules: Option<&'a Rules>,
    /// Rows that can be created.
    made: HashSet<InputContext>,
    /// Inputs for new rows that have fields.
    filled: HashSet<InputContext>,
    /// Inputs for changed rows that have fields.
    changed: HashSet<InputContext>,
}

impl<'a> Writable<'a> {
    /// Computes a least fixed point: begins with nothing, and adds inputs that the known ones make possible.
    /// The remaining inputs require themselves.
    pub fn new(seen: &'a Model, rules: Option<&'a Rules>) -> Self {
        let model = rules.map_or(seen, |rules| rules.model());
        let (made, filled, changed) = Default::default();
        let mut writable = Self { model, seen, rules, made, filled, changed };
        let placed: Vec<InputContext> = writable
            .entities()
            .flat_map(|(id, _)| places(model, id).into_iter().map(move |place| (id, place)))
            .collect();
        loop {
            let known = writable.count();
            for (id, place) in &placed {
                if writable.is_insertable(*id, *place) {
                    writable.made.insert((*id, *place));
                }
                if writable.has_fields(*id, *place, RowAction::Create) {
                    writable.filled.insert((*id, *place));
                }
                if writable.has_fields(*id, *place, RowAction::Update) {
                    writable.changed.insert((*id, *place));
                }
            }
            if writable.count() == known {
                return writable;
            }
        }
    }

    fn count(&self) -> usize {
        self.made.len() + self.filled.len() + self.changed.len()
    }

    /// Returns the entities that the role reads, with all their columns and relations.
    pub fn entities(&self) -> impl Iterator<Item = (EntityId, &'a Entity)> {
        let model = self.model;
        self.seen.exposed().map(move |(id, _)| (id, &model.entities[id]))
    }

    /// Returns every unique key that the role reads, with the input field that names the key.
    pub fn keys(&self, id: EntityId) -> impl Iterator<Item = (String, &'a [ColumnId])> {
        self.seen.entities[id].keys()
    }

    /// Returns true if clients can identify a row: the role reads all columns of some unique key.
    pub fn has_key(&self, id: EntityId) -> bool {
        self.keys(id).next().is_some()
    }

    /// Returns true if clients can identify a row by its primary key.
    pub fn has_primary_key(&self, id: EntityId) -> bool {
        let entity = &self.seen.entities[id];
        entity.has_key() && entity.primary_key.iter().all(|column| !entity.columns[*column].hidden)
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
        self.changed.contains(&(id, place))
    }

    /// Returns true if rows can be deleted.
    pub fn deletes(&self, id: EntityId) -> bool {
        self.model.entities[id].writes.delete && self.rules.is_none_or(|rules| rules.deletes(id).is_some())
    }

    /// Returns true if the role may not read a row that one of these actions leaves.
    pub fn leaves_sight(&self, id: EntityId, actions: &[RowAction]) -> bool {
        let rules = actions.iter().filter_map(|action| self.rules?.writes(id, *action));
        rules.into_iter().any(|rules| rules.leaves_sight)
    }

    /// Returns the unique keys by which an existing row can be updated in place of a new one: a role needs the columns of the
    /// new row for both.
    pub fn upsert_keys(&self, id: EntityId) -> Vec<(String, &'a [ColumnId])> {
        if !self.creates(id, None) || !self.may(id, RowAction::Update) {
            return Vec::new();
        }
        let entity = &self.model.entities[id];
        let is_open = |key: &[ColumnId]| {
            if !entity.is_arbiter(key) {
                return false;
            }
            self.rules.is_none()
                || key.iter().all(|column| self.has_value(id, RowAction::Create, *column))
                    && (0..entity.columns.len()).all(|column| {
                        key.contains(&column)
                            || entity.columns[column].generated
                            || !self.may_give(id, RowAction::Create, column)
                            || self.may_give(id, RowAction::Update, column)
                    })
        };
        self.keys(id).filter(|(_, key)| is_open(key)).collect()
    }

    /// Returns the columns that clients set directly: a relation sets the columns of its own key.
    pub fn columns(&self, id: EntityId, action: RowAction) -> impl Iterator<Item = &'a Column> {
        let entity = &self.model.entities[id];
        let is_set = move |column: &Column| match action {
            RowAction::Create => !column.always_generated,
            RowAction::Update => !column.generated,
        };
        entity
            .visible_columns()
            .filter(move |(column, described)| {
                entity.relations_of_column(*column).next().is_none()
                    && is_set(described)
                    && self.may_give(id, action, *column)
            })
            .map(|(_, column)| column)
    }

    /// Returns the relations that have fields in an input: all except the one that nesting determines.
    pub fn relations(
        &self,
        id: EntityId,
        place: Option<RelationId>,
        action: RowAction,
    ) -> impl Iterator<Item = &'a Relation> {
        let relations = self.model.entities[id].relations.iter().enumerate();
        relations
            .filter(move |(relation_id, relation)| {
                Some(*relation_id) != place
                    && match relation.declaration {
                        Declaration::BelongsTo => {
                            self.gives_key(id, action, &relation.from)
                                && self.links(relation.target)
                                && !self.follows_another(id, relation)
                        }
                        _ => self.verbs(id, *relation_id, action).next().is_some(),
                    }
            })
            .map(|(_, relation)| relation)
    }

    /// Returns true for a forward relation to a view whose key the relations to tables set: it follows from them.
    fn follows_another(&self, id: EntityId, relation: &Relation) -> bool {
        let is_of_table = |other: &Relation| {
            other.declaration == Declaration::BelongsTo
                && self.model.entities[other.target].kind == TableKind::Table
        };
        let is_set = |column: &ColumnId| {
            let mut relations = self.model.entities[id].relations_of_column(*column);
            relations.any(|(_, other)| is_of_table(other))
        };
        !is_of_table(relation) && relation.from.iter().all(is_set)
    }

    /// Returns true if an input needs a value for this forward relation.
    pub fn is_required(&self, id: EntityId, relation: &Relation) -> bool {
        let columns = &self.model.entities[id].columns;
        !relation.from.iter().any(|column| columns[*column].nullable || columns[*column].has_default)
            && !relation.from.iter().all(|column| self.sets(id, RowAction::Create, *column))
    }

    /// Returns the columns that links carry beside their ends.
    pub fn link_columns(&self, relation: &Relation) -> Option<(EntityId, Vec<ColumnId>)> {
        let id = relation.junction.as_ref()?.entity?;
        let mut columns = self.model.junction_columns(relation);
        columns.retain(|column| self.may_give(id, RowAction::Create, *column));
        (!columns.is_empty()).then_some((id, columns))
    }

    /// Returns true if `UserLink` is a type: clients can choose the row that another row references.
    pub fn links(&self, id: EntityId) -> bool {
        self.seen.entities[id].exposed && (self.has_key(id) || self.creates(id, None))
    }

    /// Returns the verbs of a reverse or many-to-many relation, in the inputs of new or of changed rows.
    pub fn verbs(
        &self,
        owner: EntityId,
        id: RelationId,
        action: RowAction,
    ) -> impl Iterator<Item = NestedVerb> + use<'_, 'a> {
        let relation = &self.model.entities[owner].relations[id];
        let is_read = self.seen.entities[owner].relation_of_field(&relation.field).is_some();
        let forward = self.model.forward_side(owner, id);
        let columns = &self.model.entities[relation.target].columns;
        NestedVerb::ALL.into_iter().filter(move |verb| {
            let is_met = |need: &NestedNeed| match need {
                NestedNeed::Key => self.has_key(relation.target),
                NestedNeed::Creation => self.creates(relation.target, forward),
                NestedNeed::Change => self.updates(relation.target, forward),
                NestedNeed::Nullable => relation.to.iter().all(|column| columns[*column].nullable),
            };
            is_read
                && (action == RowAction::Update || verb.adds())
                && verb.needs(relation.declaration).is_some_and(|needs| needs.iter().all(is_met))
                && self.is_granted(relation, *verb)
        })
    }

    /// Returns true if the role's grants allow a verb: each row has its own, nothing follows from those of its parent.
    fn is_granted(&self, relation: &Relation, verb: NestedVerb) -> bool {
        let target = relation.target;
        if relation.junction.is_some() {
            return match verb {
                NestedVerb::Disconnect => self.unlinks(relation),
                NestedVerb::Set => self.unlinks(relation) && self.makes_links(relation),
                _ => self.makes_links(relation),
            };
        }
        let gives = |action| self.gives_key(target, action, &relation.to);
        match verb {
            NestedVerb::Create => gives(RowAction::Create),
            NestedVerb::Connect | NestedVerb::Disconnect | NestedVerb::Set => gives(RowAction::Update),
            NestedVerb::Upsert => gives(RowAction::Create) && self.may(target, RowAction::Update),
            NestedVerb::Update => self.may(target, RowAction::Update),
            NestedVerb::Delete => self.deletes(target),
        }
    }

    /// Returns true if links can be made: rows of the junction, with both ends given.
    fn makes_links(&self, relation: &Relation) -> bool {
        let Some(junction) = &relation.junction else { return true };
        let Some(id) = junction.entity else { return self.rules.is_none() };
        let entity = &self.model.entities[id];
        if self.rules.is_none() {
            return entity.writes.create;
        }
        (0..entity.columns.len()).all(|column| {
            let described = &entity.columns[column];
            match junction.from.contains(&described.name) || junction.to.contains(&described.name) {
                true => self.may_give(id, RowAction::Create, column),
                false => is_filled(described) || self.has_value(id, RowAction::Create, column),
            }
        })
    }

    fn unlinks(&self, relation: &Relation) -> bool {
        let junction = relation.junction.as_ref().and_then(|junction| junction.entity);
        junction.map_or(self.rules.is_none(), |id| self.deletes(id))
    }

    fn may(&self, id: EntityId, action: RowAction) -> bool {
        self.is_accepted(id, action) && self.rules.is_none_or(|rules| rules.writes(id, action).is_some())
    }

    /// Returns true if the database accepts the statement of this action.
    fn is_accepted(&self, id: EntityId, action: RowAction) -> bool {
        let writes = self.model.entities[id].writes;
        match action {
            RowAction::Create => writes.create,
            RowAction::Update => writes.update,
        }
    }

    fn may_give(&self, id: EntityId, action: RowAction, column: ColumnId) -> bool {
        self.is_accepted(id, action)
            && self.rules.is_none_or(|rules| {
                rules.writes(id, action).is_some_and(|rules| rules.columns.contains(&column))
            })
    }

    fn sets(&self, id: EntityId, action: RowAction, column: ColumnId) -> bool {
        let rules = self.rules.and_then(|rules| rules.writes(id, action));
        rules.is_some_and(|rules| rules.set.iter().any(|(set, _)| *set == column))
    }

    fn has_value(&self, id: EntityId, action: RowAction, column: ColumnId) -> bool {
        self.may_give(id, action, column) || self.sets(id, action, column)
    }

    /// Returns true if clients can give a key: the service may set a part of it.
    fn gives_key(&self, id: EntityId, action: RowAction, columns: &[ColumnId]) -> bool {
        columns.iter().all(|column| self.has_value(id, action, *column))
            && columns.iter().any(|column| self.may_give(id, action, *column))
    }

    /// Returns true if no column and no relation requires a value that clients cannot give.
    fn is_insertable(&self, id: EntityId, place: Option<RelationId>) -> bool {
        let entity = &self.model.entities[id];
        let mut columns = entity.columns.iter().enumerate();
        let mut required = entity.relations.iter().enumerate().filter(|(relation_id, relation)| {
            Some(*relation_id) != place
                && relation.declaration == Declaration::BelongsTo
                && !self.follows_another(id, relation)
                && self.is_required(id, relation)
        });
        let is_given = |(column, described): (ColumnId, &Column)| match self.rules {
            None => !(described.hidden || described.always_generated) || is_filled(described),
            Some(_) => is_filled(described) || self.has_value(id, RowAction::Create, column),
        };
        let has_relation = |column: ColumnId| entity.relations_of_column(column).next().is_some();
        self.may(id, RowAction::Create)
            && columns.all(|(column, described)| has_relation(column) || is_given((column, described)))
            && required.all(|(_, relation)| {
                self.gives_key(id, RowAction::Create, &relation.from) && self.links(relation.target)
            })
    }

    fn has_fields(&self, id: EntityId, place: Option<RelationId>, action: RowAction) -> bool {
        self.may(id, action)
            && (self.columns(id, action).next().is_some()
                || self.relations(id, place, action).next().is_some())
    }
}

/// Returns true if a column has a value without the client.
fn is_filled(column: &Column) -> bool {
    column.nullable || column.has_default
}

/// Returns every nesting of an entity's rows: on their own, and inside the row that each forward relation
/// references.
fn places(model: &Model, id: EntityId) -> Vec<Option<RelationId>> {
    let relations = 0..model.entities[id].relations.len();
    std::iter::once(None)
        .chain(relations.filter(|relation| has_reverse(model, id, *relation)).map(Some))
        .collect()
}

/// Returns true if rows of the entity can be nested inside the row that this forward relation references.
pub(super) fn has_reverse(model: &Model, owner: EntityId, forward: RelationId) -> bool {
    let target = model.entities[owner].relations[forward].target;
    let reverse = &model.entities[target].relations;
    (0..reverse.len())
        .any(|id| reverse[id].target == owner && model.forward_side(target, id) == Some(forward))
}
