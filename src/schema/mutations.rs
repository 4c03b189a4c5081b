//! Mutation root and its input types. Types express requirements: a relation whose key cannot be NULL has no
//! `disconnect`, and a row nested inside another does not name that row again.

use async_graphql::dynamic::{Enum, EnumItem, Field, InputObject, InputValue, Object, Type, TypeRef};

use super::objects::{object_field, scalar_field};
use super::possible::{Possible, created_columns, has_key, has_reverse, is_required, updated_columns};
use super::roots::root_field;
use crate::model::{
    ColumnId, Declaration, Entity, EntityId, Model, NestedNeed, NestedVerb, Relation, RelationId, names,
};

/// Name of the mutation root.
pub(super) const MUTATION: &str = "Mutation";

/// Builds the mutation root.
pub(super) fn root(possible: &Possible) -> Object {
    let mut mutation = Object::new(MUTATION).description(
        "Write operations. Each operation is one transaction: its fields run in order, and an error rolls back all of them.",
    );
    for (id, _) in possible.model.exposed() {
        for field in root_fields(possible, id) {
            mutation = mutation.field(field);
        }
    }
    mutation
}

fn root_fields(possible: &Possible, id: EntityId) -> Vec<Field> {
    let model = possible.model;
    let entity = &model.entities[id];
    let Entity { name, roots, types, .. } = entity;
    let one = || TypeRef::named_nn(name);
    let create = || InputValue::new("input", TypeRef::named_nn(&types.create));
    let update = || InputValue::new("input", TypeRef::named_nn(&types.update));
    let by_key = |field: Field| {
        entity.primary_key.iter().fold(field, |field, id| {
            let column = &entity.columns[*id];
            field.argument(InputValue::new(
                &column.field,
                TypeRef::named_nn(model.type_name(&column.column_type)),
            ))
        })
    };
    let by_filter = |field: Field| {
        field
            .argument(
                InputValue::new("where", TypeRef::named_nn(&types.filter))
                    .description("Filter that selects the rows."),
            )
            .argument(InputValue::new("all", TypeRef::named(TypeRef::BOOLEAN)).description(
                "Allows a filter that matches every row, such as {}; without it, such a filter is an error. Default: false.",
            ))
    };
    let mut fields = Vec::new();
    if possible.creates_bare(id) {
        fields.push(
            root_field(&roots.create, one()).description(format!("Creates one {name} from default values.")),
        );
    }
    if possible.creates(id, None) {
        fields.push(
            root_field(&roots.create, one()).argument(create()).description(format!("Creates one {name}.")),
        );
        fields.push(
            root_field(&roots.create_many, TypeRef::named_nn_list_nn(name))
                .argument(InputValue::new("input", TypeRef::named_nn_list_nn(&types.create)))
                .description(format!(
                    "Creates any number of {name} objects in a constant number of SQL statements."
                )),
        );
    }
    if possible.creates(id, None) && has_key(entity) {
        fields.push(
            root_field(&roots.upsert, one())
                .argument(create().description("Values to insert, or to update an existing row with."))
                .argument(
                    InputValue::new("onConflict", TypeRef::named_nn(&types.unique_key))
                        .description("Unique key that identifies an existing row."),
                )
                .description(format!("Creates one {name}, or updates the existing one with the same key.")),
        );
    }
    let is_named = entity.primary_key.iter().all(|id| !entity.columns[*id].hidden);
    if is_named && possible.updates(id, None) {
        fields.push(
            by_key(root_field(&roots.update, one()))
                .argument(update())
                .description(format!("Updates one {name}.")),
        );
    }
    if is_named {
        fields.push(
            by_key(root_field(&roots.delete, one()))
                .description(format!("Deletes one {name} and returns its last state.")),
        );
    }
    if possible.updates(id, None) {
        fields.push(
            by_filter(root_field(&roots.update_many, TypeRef::named_nn(&types.update_result)))
                .argument(update().description("Values to set on each row."))
                .description(format!(
                    "Updates all {name} objects that match the filter with the same values."
                )),
        );
    }
    fields.push(
        by_filter(root_field(&roots.delete_many, TypeRef::named_nn("DeleteResult")))
            .description(format!("Deletes all {name} objects that match the filter.")),
    );
    fields
}

/// Builds the types that the mutation root needs and no others: introspection would hide unused ones.
pub(super) fn types(possible: &Possible) -> Vec<Type> {
    let model = possible.model;
    let mut types: Vec<Type> = vec![delete_result().into(), cascaded_count().into()];
    for (id, entity) in model.exposed() {
        if possible.updates(id, None) {
            types.push(update_result(entity).into());
        }
        if has_key(entity) && possible.creates(id, None) {
            types.push(unique_key(entity).into());
        }
        let (forward, back): (Vec<_>, Vec<_>) =
            model.incoming_relations(id).partition(|relation| relation.declaration == Declaration::BelongsTo);
        if !forward.is_empty() && possible.links(id) {
            types.push(link(possible, id).into());
        }
        if !back.is_empty() && has_key(entity) {
            types.push(key(model, entity).into());
        }
        if !forward.is_empty() || !back.is_empty() {
            types.extend(composite_keys(model, entity));
        }
        types.extend(possible.creates(id, None).then(|| create(possible, id, None).into()));
        types.extend(possible.updates(id, None).then(|| update(possible, id, None).into()));
        for (relation_id, relation) in entity.relations.iter().enumerate() {
            let place = Some(relation_id);
            if has_reverse(model, id, relation_id) {
                types.extend(possible.creates(id, place).then(|| create(possible, id, place).into()));
                types.extend(possible.updates(id, place).then(|| update(possible, id, place).into()));
            }
            if relation.declaration != Declaration::BelongsTo && possible.adds(id, relation_id) {
                types.extend(below(possible, id, relation_id));
            }
        }
    }
    types
}

fn delete_result() -> Object {
    Object::new("DeleteResult")
        .description("Result of a bulk deletion.")
        .field(
            scalar_field("affected", TypeRef::named_nn(TypeRef::INT))
                .description("Number of deleted rows, without those deleted by cascade."),
        )
        .field(
            object_field("cascaded", TypeRef::named_nn_list_nn("CascadedCount"))
                .description("Numbers of rows deleted by cascade, per entity."),
        )
}

fn cascaded_count() -> Object {
    Object::new("CascadedCount")
        .description("Number of rows of one entity that were deleted by cascade.")
        .field(scalar_field("entity", TypeRef::named_nn(TypeRef::STRING)).description("Name of the entity."))
        .field(scalar_field("count", TypeRef::named_nn(TypeRef::INT)).description("Number of rows."))
}

fn update_result(entity: &Entity) -> Object {
    Object::new(&entity.types.update_result)
        .description(format!("Result of a bulk update of {} objects.", entity.name))
        .field(
            scalar_field("affected", TypeRef::named_nn(TypeRef::INT)).description("Number of updated rows."),
        )
        .field(
            object_field("nodes", TypeRef::named_nn_list_nn(&entity.name))
                .description("Updated objects, ordered by primary key."),
        )
}

fn unique_key(entity: &Entity) -> Enum {
    let items = entity.keys().map(|(field, _)| EnumItem::new(names::enum_value(&field)));
    Enum::new(&entity.types.unique_key).description(format!("Unique keys of {}.", entity.name)).items(items)
}

/// Returns the fields that identify a row: each unique key.
fn key_fields(model: &Model, entity: &Entity) -> Vec<InputValue> {
    let field = |(field, key): (String, &[ColumnId])| match key {
        [column] => {
            InputValue::new(field, TypeRef::named(model.type_name(&entity.columns[*column].column_type)))
        }
        _ => {
            let of = names::composite_key(&entity.types.key, &field);
            InputValue::new(field, TypeRef::named(of))
        }
    };
    entity.keys().map(field).collect()
}

fn composite_keys(model: &Model, entity: &Entity) -> Vec<Type> {
    let input = |(field, key): (String, &[ColumnId])| {
        let object = InputObject::new(names::composite_key(&entity.types.key, &field))
            .description(format!("Columns of a composite unique key of {}.", entity.name));
        let parts = key.iter().map(|id| {
            let column = &entity.columns[*id];
            InputValue::new(&column.field, TypeRef::named_nn(model.type_name(&column.column_type)))
        });
        parts.fold(object, InputObject::field).into()
    };
    entity.keys().filter(|(_, key)| key.len() > 1).map(input).collect()
}

fn key(model: &Model, entity: &Entity) -> InputObject {
    let object = InputObject::new(&entity.types.key)
        .description(format!("Existing {}, identified by exactly one unique key.", entity.name))
        .oneof();
    key_fields(model, entity).into_iter().fold(object, InputObject::field)
}

fn link(possible: &Possible, id: EntityId) -> InputObject {
    let entity = &possible.model.entities[id];
    let object = InputObject::new(&entity.types.link)
        .description(format!("Existing {} by one of its unique keys, or values of a new one.", entity.name))
        .oneof();
    let create =
        possible.creates(id, None).then(|| InputValue::new("create", TypeRef::named(&entity.types.create)));
    key_fields(possible.model, entity).into_iter().chain(create).fold(object, InputObject::field)
}

/// Returns the name of an input without the relation that its nesting determines.
fn without(model: &Model, owner: EntityId, input: &str, relation: Option<RelationId>) -> String {
    match relation {
        Some(relation) => names::without(input, &model.entities[owner].relations[relation].field),
        None => input.to_owned(),
    }
}

fn create(possible: &Possible, id: EntityId, place: Option<RelationId>) -> InputObject {
    let model = possible.model;
    let entity = &model.entities[id];
    let mut input = InputObject::new(without(model, id, &entity.types.create, place))
        .description(format!("Values of a new {}. An omitted field takes its default.", entity.name));
    for column in created_columns(entity) {
        let name = model.type_name(&column.column_type);
        let is_required = !column.nullable && !column.has_default;
        let of = if is_required { TypeRef::named_nn(name) } else { TypeRef::named(name) };
        input = input.field(InputValue::new(&column.field, of));
    }
    for relation in possible.relations(id, place) {
        input = input.field(if relation.declaration == Declaration::BelongsTo {
            let of = &model.entities[relation.target].types.link;
            let is_required = is_required(entity, relation);
            InputValue::new(
                &relation.field,
                if is_required { TypeRef::named_nn(of) } else { TypeRef::named(of) },
            )
        } else {
            let nested = names::NestedInputs::new(&entity.name, &relation.field);
            InputValue::new(&relation.field, TypeRef::named(nested.create))
        });
    }
    input
}

fn update(possible: &Possible, id: EntityId, place: Option<RelationId>) -> InputObject {
    let model = possible.model;
    let entity = &model.entities[id];
    let mut input = InputObject::new(without(model, id, &entity.types.update, place)).description(format!(
        "Values to set on an existing {}. An omitted field keeps its value.",
        entity.name
    ));
    for column in updated_columns(entity) {
        input =
            input.field(InputValue::new(&column.field, TypeRef::named(model.type_name(&column.column_type))));
    }
    for relation in possible.relations(id, place) {
        let of = match relation.declaration {
            Declaration::BelongsTo => model.entities[relation.target].types.link.clone(),
            _ => names::NestedInputs::new(&entity.name, &relation.field).update,
        };
        input = input.field(InputValue::new(&relation.field, TypeRef::named(of)));
    }
    input
}

/// Builds the inputs of nested writes through a reverse or many-to-many relation, for create and update.
fn below(possible: &Possible, owner: EntityId, id: RelationId) -> Vec<Type> {
    let model = possible.model;
    let entity = &model.entities[owner];
    let relation = &entity.relations[id];
    let far = TargetInputs::new(possible, owner, id);
    let verbs = || NestedVerb::ALL.into_iter().filter(|verb| far.has(*verb, relation));
    let in_create = InputObject::new(&far.nested.create)
        .description(format!("Nested writes to `{}` of a new {}.", relation.field, entity.name));
    let additions = verbs().filter(|verb| verb.adds());
    let in_create = additions.map(|verb| far.field(verb, relation)).fold(in_create, InputObject::field);
    let in_update = InputObject::new(&far.nested.update)
        .description(format!("Nested writes to `{}` of an existing {}.", relation.field, entity.name));
    let in_update = verbs().map(|verb| far.field(verb, relation)).fold(in_update, InputObject::field);
    let mut types = far.types(model, owner, relation);
    types.extend(verbs().filter_map(|verb| far.object(verb, relation)).map(Type::from));
    types.extend([in_create.into(), in_update.into()]);
    types
}

/// Inputs of nested writes to the target of a relation.
struct TargetInputs {
    nested: names::NestedInputs,
    create: String,
    update: String,
    key: String,
    connect: String,
    many: bool,
    has_key: bool,
    is_insertable: bool,
    can_change: bool,
    /// True if the foreign key may be NULL.
    is_detachable: bool,
    junction: Option<(EntityId, Vec<ColumnId>)>,
}

impl TargetInputs {
    fn new(possible: &Possible, owner: EntityId, id: RelationId) -> Self {
        let model = possible.model;
        let entity = &model.entities[owner];
        let relation = &entity.relations[id];
        let target = &model.entities[relation.target];
        let forward = model.forward_side(owner, id);
        let columns = model.junction_columns(relation);
        let junction =
            relation.junction.as_ref().and_then(|junction| junction.entity).map(|id| (id, columns));
        let junction = junction.filter(|(_, columns)| !columns.is_empty());
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
            has_key: has_key(target),
            is_insertable: possible.creates(relation.target, forward),
            can_change: possible.updates(relation.target, forward),
            is_detachable: relation.to.iter().all(|id| target.columns[*id].nullable),
            junction,
        }
    }

    /// Returns true if the inputs of the relation have this verb.
    fn has(&self, verb: NestedVerb, relation: &Relation) -> bool {
        let is_met = |need: &NestedNeed| match need {
            NestedNeed::Key => self.has_key,
            NestedNeed::Creation => self.is_insertable,
            NestedNeed::Change => self.can_change,
            NestedNeed::Nullable => self.is_detachable,
        };
        verb.needs(relation.declaration).is_some_and(|needs| needs.iter().all(is_met))
    }

    /// Builds the field of a verb.
    fn field(&self, verb: NestedVerb, relation: &Relation) -> InputValue {
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
        InputValue::new(verb.name(), of).description(description)
    }

    /// Builds the input object of a verb that has one of its own.
    fn object(&self, verb: NestedVerb, relation: &Relation) -> Option<InputObject> {
        let object = match verb {
            NestedVerb::Upsert => InputObject::new(&self.nested.upsert)
                .description("Values to update the linked row with, or to create one from if none is linked.")
                .field(InputValue::new("create", TypeRef::named_nn(&self.create)))
                .field(InputValue::new("update", TypeRef::named_nn(&self.update))),
            NestedVerb::Update if self.many => InputObject::new(&self.nested.row)
                .description(format!("Update of one row in `{}`.", relation.field))
                .field(InputValue::new("where", TypeRef::named_nn(&self.key)))
                .field(InputValue::new("input", TypeRef::named_nn(&self.update))),
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
    fn types(&self, model: &Model, owner: EntityId, relation: &Relation) -> Vec<Type> {
        let Some((junction, columns)) = &self.junction else { return Vec::new() };
        let target = &model.entities[relation.target];
        let own = || {
            let columns = columns.iter().map(|id| &model.entities[*junction].columns[*id]);
            columns.filter(|column| !column.always_generated).map(|column| {
                let name = model.type_name(&column.column_type);
                let is_required = !column.nullable && !column.has_default;
                InputValue::new(
                    &column.field,
                    if is_required { TypeRef::named_nn(name) } else { TypeRef::named(name) },
                )
            })
        };
        let what = format!("from {} to {}", model.entities[owner].name, target.name);
        let connect = InputObject::new(&self.connect).description(format!(
            "Link {what}: exactly one unique key of an existing row, and the columns of the junction."
        ));
        let connect = key_fields(model, target).into_iter().chain(own()).fold(connect, InputObject::field);
        let create = InputObject::new(&self.create)
            .description(format!("Link {what}: the values of a new row, and the columns of the junction."))
            .field(InputValue::new(names::NODE, TypeRef::named_nn(&target.types.create)));
        let create = own().fold(create, InputObject::field);
        let connect = self.has_key.then(|| connect.into());
        connect.into_iter().chain(self.is_insertable.then(|| create.into())).collect()
    }
}
