//! Root fields that read: those of the query root, which the subscription root shares.

use async_graphql::dynamic::{InputValue, Object, Subscription, TypeRef};

use super::field::FieldDefinition;
use super::objects;
use super::possible::Possible;
use crate::model::names::{QUERY, SUBSCRIPTION};
use crate::model::{ColumnId, Entity, Model};

pub(super) fn query(possible: &Possible) -> Object {
    reading(possible)
        .into_iter()
        .map(FieldDefinition::into_root_field)
        .fold(Object::new(QUERY), Object::field)
}

pub(super) fn subscription(possible: &Possible) -> Subscription {
    let root = Subscription::new(SUBSCRIPTION).description(
        "Live versions of the Query fields. Sends a result at once, and a new result after each commit that changes it.",
    );
    reading(possible)
        .into_iter()
        .map(FieldDefinition::into_subscription_field)
        .fold(root, Subscription::field)
}

fn reading(possible: &Possible) -> Vec<FieldDefinition> {
    let model = possible.model;
    let mut fields = Vec::new();
    if model.has_nodes() {
        fields.extend(look_ups_of_nodes());
    }
    for (id, entity) in model.exposed() {
        fields.extend(entity.lookups().map(|(name, key)| lookup(model, entity, name, key)));
        fields.extend(objects::list_fields(possible, &entity.roots.list, id, None));
    }
    fields
}

fn look_ups_of_nodes() -> [FieldDefinition; 2] {
    [
        FieldDefinition::new("node", TypeRef::named("Node"))
            .argument(InputValue::new("nodeId", TypeRef::named_nn(TypeRef::ID)))
            .description("Object with this identifier; null if it does not exist."),
        FieldDefinition::new("nodes", TypeRef::named_list_nn("Node"))
            .argument(InputValue::new("nodeIds", TypeRef::named_nn_list_nn(TypeRef::ID)))
            .description("Objects with these identifiers in the given order; null for each that does not exist. Runs one SQL statement per type."),
    ]
}

fn lookup(model: &Model, entity: &Entity, name: String, key: &[ColumnId]) -> FieldDefinition {
    let columns: Vec<&str> = key.iter().map(|id| entity.columns[*id].field.as_str()).collect();
    let description =
        format!("{} with this {}; null if it does not exist.", entity.name, columns.join(" and "));
    let field = FieldDefinition::new(name, TypeRef::named(&entity.name)).description(description);
    key.iter().fold(field, |field, id| {
        let column = &entity.columns[*id];
        let argument = TypeRef::named_nn(model.type_name(&column.column_type));
        field.argument(InputValue::new(&column.field, argument))
    })
}
