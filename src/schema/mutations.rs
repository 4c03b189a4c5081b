//! Mutation root and its results. A role has the fields that its grants allow.

use std::collections::BTreeSet;

use async_graphql::dynamic::{Enum, EnumItem, Field, InputValue, Object, Type, TypeRef};

use super::field::{object_field, root_field, scalar_field};
use super::mutation_inputs;
use super::writable::Writable;
use crate::model::{ColumnId, Entity, EntityId, names};
use crate::policy::RowAction;

/// Name of the mutation root.
pub(super) const MUTATION: &str = "Mutation";

/// Builds the mutation root without fields.
pub(super) fn empty_root() -> Object {
    Object::new(MUTATION).description(
        "Write operations. Each operation is one transaction: its fields run in order, and an error rolls back all of them.",
    )
}

/// Builds the mutation root, and the types that it needs and no others: introspection would hide unused ones. `None` if
/// nothing can be written.
pub(super) fn root(writable: &Writable) -> Option<(Object, Vec<Type>)> {
    let mut mutation = empty_root();
    let mut is_empty = true;
    for (id, _) in writable.entities() {
        for field in root_fields(writable, id) {
            is_empty = false;
            mutation = mutation.field(field);
        }
    }
    (!is_empty).then(|| (mutation, types(writable)))
}

fn root_fields(writable: &Writable, id: EntityId) -> Vec<Field> {
    let model = writable.model;
    let entity = &model.entities[id];
    let Entity { name, roots, types, .. } = entity;
    // A written row that the role may not read is null.
    let one = |actions: &[RowAction]| match writable.leaves_sight(id, actions) {
        true => TypeRef::named(name),
        false => TypeRef::named_nn(name),
    };
    let many = |actions: &[RowAction]| match writable.leaves_sight(id, actions) {
        true => TypeRef::named_list_nn(name),
        false => TypeRef::named_nn_list_nn(name),
    };
    let created = || one(&[RowAction::Create]);
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
    if writable.creates_bare(id) {
        fields.push(
            root_field(&roots.create, created())
                .description(format!("Creates one {name} from default values.")),
        );
    }
    if writable.creates(id, None) {
        fields.push(
            root_field(&roots.create, created())
                .argument(create())
                .description(format!("Creates one {name}.")),
        );
        fields.push(
            root_field(&roots.create_many, many(&[RowAction::Create]))
                .argument(InputValue::new("input", TypeRef::named_nn_list_nn(&types.create)))
                .description(format!(
                    "Creates any number of {name} objects in a constant number of SQL statements."
                )),
        );
    }
    if !writable.upsert_keys(id).is_empty() {
        fields.push(
            root_field(&roots.upsert, one(&[RowAction::Create, RowAction::Update]))
                .argument(create().description("Values to insert, or to update an existing row with."))
                .argument(
                    InputValue::new("onConflict", TypeRef::named_nn(&types.unique_key))
                        .description("Unique key that identifies an existing row."),
                )
                .description(format!("Creates one {name}, or updates the existing one with the same key.")),
        );
    }
    let is_named = writable.has_primary_key(id);
    if is_named && writable.updates(id, None) {
        fields.push(
            by_key(root_field(&roots.update, one(&[RowAction::Update])))
                .argument(update())
                .description(format!("Updates one {name}.")),
        );
    }
    if is_named && writable.deletes(id) {
        fields.push(
            by_key(root_field(&roots.delete, one(&[])))
                .description(format!("Deletes one {name} and returns its last state.")),
        );
    }
    if writable.updates(id, None) {
        fields.push(
            by_filter(root_field(&roots.update_many, TypeRef::named_nn(&types.update_result)))
                .argument(update().description("Values to set on each row."))
                .description(format!(
                    "Updates all {name} objects that match the filter with the same values."
                )),
        );
    }
    if writable.deletes(id) {
        fields.push(
            by_filter(root_field(&roots.delete_many, TypeRef::named_nn("DeleteResult")))
                .description(format!("Deletes all {name} objects that match the filter.")),
        );
    }
    fields
}

/// Builds the results of the fields, and the inputs that the fields take.
fn types(writable: &Writable) -> Vec<Type> {
    let mut types: Vec<Type> = Vec::new();
    if writable.entities().any(|(id, _)| writable.deletes(id)) {
        types.extend([delete_result().into(), cascaded_count().into()]);
    }
    let mut used = BTreeSet::new();
    for (id, entity) in writable.entities() {
        let upsert_keys = writable.upsert_keys(id);
        if writable.updates(id, None) {
            types.push(update_result(entity).into());
            used.insert(entity.types.update.clone());
        }
        if !upsert_keys.is_empty() {
            types.push(unique_key(entity, &upsert_keys).into());
        }
        if writable.creates(id, None) {
            used.insert(entity.types.create.clone());
        }
    }
    types.extend(mutation_inputs::types(writable, used));
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

fn unique_key(entity: &Entity, keys: &[(String, &[ColumnId])]) -> Enum {
    let items = keys.iter().map(|(field, _)| EnumItem::new(names::enum_value(field)));
    Enum::new(&entity.types.unique_key).description(format!("Unique keys of {}.", entity.name)).items(items)
}
