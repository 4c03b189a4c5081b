//! Root fields that read: those of the query root, which the subscription root shares.

use async_graphql::dynamic::{
    Field, FieldFuture, InputValue, Object, Subscription, SubscriptionField, SubscriptionFieldFuture, TypeRef,
};

use super::possible::Possible;
use super::{QUERY, SUBSCRIPTION, objects};
use crate::model::{ColumnId, Entity, Model};

/// Definition of an output field, before its root or object is known.
pub(super) struct FieldDefinition {
    name: String,
    of: TypeRef,
    description: String,
    arguments: Vec<InputValue>,
}

impl FieldDefinition {
    pub fn new(name: impl Into<String>, of: TypeRef) -> Self {
        Self { name: name.into(), of, description: String::new(), arguments: Vec::new() }
    }

    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    pub fn argument(mut self, argument: InputValue) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Converts the definition to a field of an object whose data was loaded before.
    pub fn into_object_field(self) -> Field {
        let field = objects::object_field(self.name, self.of).description(self.description);
        self.arguments.into_iter().fold(field, Field::argument)
    }

    fn into_root_field(self) -> Field {
        let field = root_field(self.name, self.of).description(self.description);
        self.arguments.into_iter().fold(field, Field::argument)
    }

    /// Converts the definition to a subscription field. [`Schema::subscribe`](super::Schema::subscribe) makes
    /// its stream: async-graphql only validates it.
    fn into_subscription_field(self) -> SubscriptionField {
        let field = SubscriptionField::new(self.name, self.of, |_| {
            SubscriptionFieldFuture::new(async {
                Ok(futures_util::stream::empty::<async_graphql::Result<async_graphql::Value>>())
            })
        })
        .description(self.description);
        self.arguments.into_iter().fold(field, SubscriptionField::argument)
    }
}

/// Builds a root field of the model: the plan answers it before async-graphql would resolve it.
pub(super) fn root_field(name: impl Into<String>, of: TypeRef) -> Field {
    Field::new(name, of, |_| FieldFuture::Value(None))
}

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
    let mut fields = vec![
        FieldDefinition::new("node", TypeRef::named("Node"))
            .argument(InputValue::new("nodeId", TypeRef::named_nn(TypeRef::ID)))
            .description("Object with this identifier; null if it does not exist."),
        FieldDefinition::new("nodes", TypeRef::named_list_nn("Node"))
            .argument(InputValue::new("nodeIds", TypeRef::named_nn_list_nn(TypeRef::ID)))
            .description("Objects with these identifiers in the given order; null for each that does not exist. Runs one SQL statement per type."),
    ];
    for (id, entity) in model.exposed() {
        fields.extend(entity.lookups().map(|(name, key)| lookup(model, entity, name, key)));
        let pages = model.connection_types(id, None);
        fields.extend(objects::list_fields(possible, &entity.roots.list, id, &pages, None));
    }
    fields
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
