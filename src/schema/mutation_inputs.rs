//! Input types of mutations. Types express requirements: a relation whose key cannot be NULL has no `disconnect`, and a row
//! nested inside another does not name that row again.

use std::collections::BTreeSet;

use async_graphql::dynamic::{Type, TypeRef};

use super::column_types::column_type;
use super::input_type::{InputType, used};
use super::writable::{Writable, has_reverse};
use crate::model::{
    Column, ColumnId, Declaration, Entity, EntityId, Model, NestedVerb, Relation, RelationId, names,
};
use crate::policy::RowAction;

/// Builds the inputs `wanted`, and all that they use.
pub(super) fn types(writable: &Writable, wanted: BTreeSet<String>) -> Vec<Type> {
    let model = writable.model;
    let mut inputs = Vec::new();
    for (id, entity) in writable.entities() {
        if writable.links(id) {
            inputs.push(link(writable, id));
        }
        if writable.has_key(id) {
            inputs.push(key(writable, id));
        }
        inputs.extend(composite_keys(writable, id));
        inputs.extend(writable.creates(id, None).then(|| create(writable, id, None)));
        inputs.extend(writable.updates(id, None).then(|| update(writable, id, None)));
        for (relation_id, relation) in entity.relations.iter().enumerate() {
            let place = Some(relation_id);
            if has_reverse(model, id, relation_id) {
                inputs.extend(writable.creates(id, place).then(|| create(writable, id, place)));
                inputs.extend(writable.updates(id, place).then(|| update(writable, id, place)));
            }
            if relation.declaration != Declaration::BelongsTo {
                inputs.extend(below(writable, id, relation_id));
            }
        }
    }
    used(inputs, wanted)
}

/// Adds the fields that identify a row: each unique key.
fn with_keys(writable: &Writable, id: EntityId, input: InputType) -> InputType {
    let (model, entity) = (writable.model, &writable.model.entities[id]);
    writable.keys(id).fold(input, |input, (field, key)| {
        let of = match key {
            [column] => model.type_name(&entity.columns[*column].column_type).to_owned(),
            _ => names::composite_key(&entity.types.key, &field),
        };
        input.field(field, TypeRef::named(of))
    })
}

fn composite_keys(writable: &Writable, id: EntityId) -> Vec<InputType> {
    let (model, entity) = (writable.model, &writable.model.entities[id]);
    let input = |(field, key): (String, &[ColumnId])| {
        let name = names::composite_key(&entity.types.key, &field);
        let input = InputType::new(name, format!("Columns of a composite unique key of {}.", entity.name));
        key.iter().fold(input, |input, id| {
            let column = &entity.columns[*id];
            input.field(&column.field, TypeRef::named_nn(model.type_name(&column.column_type)))
        })
    };
    writable.keys(id).filter(|(_, key)| key.len() > 1).map(input).collect()
}

fn key(writable: &Writable, id: EntityId) -> InputType {
    let entity = &writable.model.entities[id];
    let description = format!("Existing {}, identified by exactly one unique key.", entity.name);
    with_keys(writable, id, InputType::new(&entity.types.key, description).one_of())
}

fn link(writable: &Writable, id: EntityId) -> InputType {
    let entity = &writable.model.entities[id];
    let description = format!("Existing {} by one of its unique keys, or values of a new one.", entity.name);
    let input = with_keys(writable, id, InputType::new(&entity.types.link, description).one_of());
    match writable.creates(id, None) {
        true => input.field("create", TypeRef::named(&entity.types.create)),
        false => input,
    }
}

/// Returns the name of an input without the relation that its nesting determines.
fn without(model: &Model, owner: EntityId, input: &str, relation: Option<RelationId>) -> String {
    match relation {
        Some(relation) => names::without(input, &model.entities[owner].relations[relation].field),
        None => input.to_owned(),
    }
}

/// Returns the type of a column in a new row.
fn of_new_row(model: &Model, column: &Column) -> TypeRef {
    column_type(model, &column.column_type, column.nullable || column.has_default)
}

fn create(writable: &Writable, id: EntityId, place: Option<RelationId>) -> InputType {
    let model = writable.model;
    let entity = &model.entities[id];
    let name = without(model, id, &entity.types.create, place);
    let description = format!("Values of a new {}. An omitted field takes its default.", entity.name);
    let input =
        writable.columns(id, RowAction::Create).fold(InputType::new(name, description), |input, column| {
            input.field(&column.field, of_new_row(model, column))
        });
    writable.relations(id, place, RowAction::Create).fold(input, |input, relation| {
        let of = if relation.declaration == Declaration::BelongsTo {
            let of = &model.entities[relation.target].types.link;
            if writable.is_required(id, relation) { TypeRef::named_nn(of) } else { TypeRef::named(of) }
        } else {
            TypeRef::named(names::NestedInputs::new(&entity.name, &relation.field).create)
        };
        input.field(&relation.field, of)
    })
}

fn update(writable: &Writable, id: EntityId, place: Option<RelationId>) -> InputType {
    let model = writable.model;
    let entity = &model.entities[id];
    let name = without(model, id, &entity.types.update, place);
    let description =
        format!("Values to set on an existing {}. An omitted field keeps its value.", entity.name);
    let input =
        writable.columns(id, RowAction::Update).fold(InputType::new(name, description), |input, column| {
            input.field(&column.field, column_type(model, &column.column_type, true))
        });
    writable.relations(id, place, RowAction::Update).fold(input, |input, relation| {
        let of = match relation.declaration {
            Declaration::BelongsTo => model.entities[relation.target].types.link.clone(),
            _ => names::NestedInputs::new(&entity.name, &relation.field).update,
        };
        input.field(&relation.field, TypeRef::named(of))
    })
}

/// Builds the inputs of nested writes through a reverse or many-to-many relation, for create and update.
fn below(writable: &Writable, owner: EntityId, id: RelationId) -> Vec<InputType> {
    let entity = &writable.model.entities[owner];
    let relation = &entity.relations[id];
    let far = TargetInputs::new(writable, owner, id);
    let mut inputs = far.types(writable, owner, relation);
    let verbs = |action| writable.verbs(owner, id, action);
    inputs.extend(verbs(RowAction::Update).filter_map(|verb| far.object(verb, relation)));
    for (action, name, what) in [
        (RowAction::Create, &far.nested.create, "a new"),
        (RowAction::Update, &far.nested.update, "an existing"),
    ] {
        let description = format!("Nested writes to `{}` of {what} {}.", relation.field, entity.name);
        let mut verbs = verbs(action).peekable();
        if verbs.peek().is_some() {
            let input = InputType::new(name, description);
            inputs.push(verbs.fold(input, |input, verb| far.field(input, verb, relation)));
        }
    }
    inputs
}

/// Inputs of nested writes to the target of a relation.
struct TargetInputs {
    nested: names::NestedInputs,
    create: String,
    update: String,
    key: String,
    connect: String,
    many: bool,
    junction: Option<(EntityId, Vec<ColumnId>)>,
}

impl TargetInputs {
    fn new(writable: &Writable, owner: EntityId, id: RelationId) -> Self {
        let model = writable.model;
        let entity = &model.entities[owner];
        let relation = &entity.relations[id];
        let target = &model.entities[relation.target];
        let forward = model.forward_side(owner, id);
        let junction = writable.link_columns(relation);
        let nested = names::NestedInputs::new(&entity.name, &relation.field);
        let (create, connect) = match &junction {
            Some(_) => (nested.create_link.clone(), nested.connect_link.clone()),
            None => {
                (without(model, relation.target, &target.types.create, forward), target.types.key.clone())
            }
        };
        Self {
            nested,
            create,
            update: without(model, relation.target, &target.types.update, forward),
            key: target.types.key.clone(),
            connect,
            many: relation.is_many(),
            junction,
        }
    }

    /// Adds the field of a verb.
    fn field(&self, input: InputType, verb: NestedVerb, relation: &Relation) -> InputType {
        let of_row = || TypeRef::named(TypeRef::BOOLEAN);
        let (of, description) = match (verb, self.many) {
            (NestedVerb::Create, true) => (self.some(&self.create), "Creates and links new rows."),
            (NestedVerb::Create, false) => (self.some(&self.create), "Creates and links a new row."),
            (NestedVerb::Connect, true) if relation.junction.is_some() => {
                (self.some(&self.connect), "Links existing rows.")
            }
            (NestedVerb::Connect, true) => {
                (self.some(&self.connect), "Links existing rows, and unlinks them from other rows.")
            }
            (NestedVerb::Connect, false) => {
                (self.some(&self.connect), "Links an existing row, and unlinks it from another row.")
            }
            (NestedVerb::Upsert, _) => (
                TypeRef::named(&self.nested.upsert),
                "Updates the linked row, or creates one if none is linked.",
            ),
            (NestedVerb::Update, true) => (TypeRef::named_nn_list(&self.nested.row), "Updates linked rows."),
            (NestedVerb::Update, false) => (TypeRef::named(&self.update), "Updates the linked row."),
            (NestedVerb::Delete, true) => (self.some(&self.key), "Deletes these rows."),
            (NestedVerb::Delete, false) => (of_row(), "Deletes the linked row if true."),
            (NestedVerb::Disconnect, true) => (self.some(&self.key), "Unlinks these rows."),
            (NestedVerb::Disconnect, false) => (of_row(), "Unlinks the linked row if true."),
            (NestedVerb::Set, _) => {
                (self.some(&self.connect), "Links exactly these rows and unlinks all others.")
            }
        };
        input.described(verb.name(), of, Some(description))
    }

    /// Builds the input object of a verb that has one of its own.
    fn object(&self, verb: NestedVerb, relation: &Relation) -> Option<InputType> {
        let object = match verb {
            NestedVerb::Upsert => InputType::new(
                &self.nested.upsert,
                "Values to update the linked row with, or to create one from if none is linked.",
            )
            .field("create", TypeRef::named_nn(&self.create))
            .field("update", TypeRef::named_nn(&self.update)),
            NestedVerb::Update if self.many => {
                InputType::new(&self.nested.row, format!("Update of one row in `{}`.", relation.field))
                    .field("where", TypeRef::named_nn(&self.key))
                    .field("input", TypeRef::named_nn(&self.update))
            }
            NestedVerb::Create
            | NestedVerb::Connect
            | NestedVerb::Update
            | NestedVerb::Delete
            | NestedVerb::Disconnect
            | NestedVerb::Set => return None,
        };
        Some(object)
    }

    /// Returns the type of a single input or a list, depending on the relation.
    fn some(&self, of: &str) -> TypeRef {
        if self.many { TypeRef::named_nn_list(of) } else { TypeRef::named(of) }
    }

    /// Builds inputs that carry the junction's own columns beside a key or a new row.
    fn types(&self, writable: &Writable, owner: EntityId, relation: &Relation) -> Vec<InputType> {
        let Some((junction, columns)) = &self.junction else { return Vec::new() };
        let model = writable.model;
        let target: &Entity = &model.entities[relation.target];
        let with_own = |input: InputType| {
            let columns = columns.iter().map(|id| &model.entities[*junction].columns[*id]);
            columns
                .filter(|column| !column.always_generated)
                .fold(input, |input, column| input.field(&column.field, of_new_row(model, column)))
        };
        let what = format!("from {} to {}", model.entities[owner].name, target.name);
        let connect = format!(
            "Link {what}: exactly one unique key of an existing row, and the columns of the junction."
        );
        let connect = InputType::new(&self.connect, connect);
        let connect = writable
            .has_key(relation.target)
            .then(|| with_own(with_keys(writable, relation.target, connect)));
        let create = format!("Link {what}: the values of a new row, and the columns of the junction.");
        let create = InputType::new(&self.create, create);
        // A junction determines no relation of the new row.
        let create = writable
            .creates(relation.target, None)
            .then(|| with_own(create.field(names::NODE, TypeRef::named_nn(&target.types.create))));
        connect.into_iter().chain(create).collect()
    }
}
