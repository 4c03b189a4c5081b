//! Definitions of output fields for the roots and for objects.

use async_graphql::Value;
use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, ResolverContext, SubscriptionField, SubscriptionFieldFuture,
    TypeRef,
};

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
        let field = object_field(self.name, self.of).description(self.description);
        self.arguments.into_iter().fold(field, Field::argument)
    }

    pub fn into_root_field(self) -> Field {
        let field = root_field(self.name, self.of).description(self.description);
        self.arguments.into_iter().fold(field, Field::argument)
    }

    /// Converts the definition to a subscription field. [`Schema::subscribe`](super::definition::Schema::subscribe) makes
    /// its stream: async-graphql only validates it.
    pub fn into_subscription_field(self) -> SubscriptionField {
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

/// Builds a field of an object type, or a list of objects.
pub(super) fn object_field(name: impl Into<String>, of: TypeRef) -> Field {
    Field::new(name, of, |context| FieldFuture::Value(answered(&context).map(field_value)))
}

/// Builds a field of a scalar or enum type.
pub(super) fn scalar_field(name: impl Into<String>, of: TypeRef) -> Field {
    Field::new(name, of, |context| FieldFuture::Value(answered(&context).cloned().map(FieldValue::value)))
}

/// Returns the value of this field in the parent's loaded data.
fn answered<'a>(context: &ResolverContext<'a>) -> Option<&'a Value> {
    let Value::Object(object) = context.parent_value.downcast_ref::<Value>()? else { return None };
    object.get(&context.ctx.item.node.response_key().node).filter(|value| **value != Value::Null)
}

/// Wraps a loaded object, or a list of objects, for async-graphql to read field by field.
fn field_value(value: &Value) -> FieldValue<'_> {
    match value {
        Value::Null => FieldValue::NULL,
        Value::List(items) => FieldValue::list(items.iter().map(field_value)),
        object => FieldValue::borrowed_any(object),
    }
}
