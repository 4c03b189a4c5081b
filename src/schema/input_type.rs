//! Input objects that know which types their fields use.

use std::collections::{BTreeSet, HashMap};

use async_graphql::dynamic::{InputObject, InputValue, Type, TypeRef};

/// Input object under construction.
pub(super) struct InputType {
    name: String,
    object: InputObject,
    /// Names of the types of its fields.
    uses: BTreeSet<String>,
}

impl InputType {
    /// Creates an input without fields.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        let name = name.into();
        let object = InputObject::new(&name).description(description);
        Self { name, object, uses: BTreeSet::new() }
    }

    /// Requires exactly one field.
    pub fn one_of(self) -> Self {
        Self { object: self.object.oneof(), ..self }
    }

    /// Adds a field.
    pub fn field(self, name: impl Into<String>, of: TypeRef) -> Self {
        self.described(name, of, None)
    }

    /// Adds a field with a description.
    pub fn described(mut self, name: impl Into<String>, of: TypeRef, text: Option<&str>) -> Self {
        self.uses.insert(of.type_name().to_owned());
        let value = InputValue::new(name, of);
        let value = match text {
            Some(text) => value.description(text),
            None => value,
        };
        Self { object: self.object.field(value), ..self }
    }
}

/// Returns those inputs, in order, that `used` names or that another returned input uses.
pub(super) fn used(inputs: Vec<InputType>, used: BTreeSet<String>) -> Vec<Type> {
    let by_name: HashMap<&str, &InputType> =
        inputs.iter().map(|input| (input.name.as_str(), input)).collect();
    let mut waiting: Vec<&str> = used.iter().map(String::as_str).collect();
    let mut found: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if let Some(input) = by_name.get(name)
            && found.insert(name.to_owned())
        {
            waiting.extend(input.uses.iter().map(String::as_str));
        }
    }
    let kept = inputs.into_iter().filter(|input| found.contains(&input.name));
    kept.map(|input| input.object.into()).collect()
}
