//! Values of a request's variables (September 2025, section 6.1.2, CoerceVariableValues).

use std::collections::BTreeSet;

use async_graphql::parser::types::OperationDefinition;
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Value, Variables};
use indexmap::IndexMap;

use crate::error::{Error, Result};

/// Returns the request's variables with the operation's defaults. Leaves out variables that the operation
/// does not declare.
///
/// # Errors
/// `BAD_USER_INPUT` if a required value is missing.
pub(super) fn with_defaults(operation: &OperationDefinition, mut given: Variables) -> Result<Variables> {
    let mut variables = Variables::default();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let value = given.remove(name);
        let value = value.or_else(|| definition.default_value.as_ref().map(|value| value.node.clone()));
        match value {
            None if !definition.var_type.node.nullable => {
                return Err(Error::not_given(&format!("${name}"), &definition.var_type.node.to_string()));
            }
            Some(Value::Null) if !definition.var_type.node.nullable => {
                let expected = format!("expected a value of type {}", definition.var_type.node);
                return Err(Error::bad_input(&format!("${name}"), serde_json::Value::Null, expected));
            }
            Some(value) => {
                variables.insert(name.clone(), value);
            }
            None => {}
        }
    }
    Ok(variables)
}

/// Returns the request's variables with defaults, each coerced to its variable's type.
///
/// # Errors
/// `BAD_USER_INPUT` with the path of the first value that does not fit its type.
pub(super) fn read(
    registry: &Registry,
    operation: &OperationDefinition,
    given: Variables,
) -> Result<Variables> {
    let mut variables = with_defaults(operation, given)?;
    let mut coercion = Coercion { registry, found: Vec::new() };
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        if let Some(value) = variables.get_mut(&definition.name.node) {
            let of = definition.var_type.node.to_string();
            coercion.coerce(&of, value, &|| format!("${}", definition.name.node))?;
        }
    }
    Ok(variables)
}

/// Returns a cache key: presence and nullness of each variable, and the values of `values` as JSON text.
pub(super) fn key(operation: &OperationDefinition, variables: &Variables, values: &BTreeSet<Name>) -> String {
    // No JSON text begins with one of these marks.
    let (absent, null, given) = ('?', '!', '+');
    let mut key = String::new();
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        match variables.get(name) {
            None => key.push(absent),
            Some(Value::Null) => key.push(null),
            Some(value) if values.contains(name) => {
                key.push_str(&serde_json::to_string(value).unwrap_or_default());
                // JSON text contains no raw line feed, so it ends here.
                key.push('\n');
            }
            Some(_) => key.push(given),
        }
    }
    key
}

/// Coercion of values to their types (section 3).
struct Coercion<'r> {
    registry: &'r Registry,
    /// Named types of the values so far. The items of a long list have few, and a search of the whole registry would take longer
    /// than all else for an item.
    found: Vec<FoundType<'r>>,
}

/// Named type of a value.
struct FoundType<'r> {
    name: &'r str,
    definition: &'r MetaType,
    /// Fields that each object of the type must have, with their places in the type.
    required: Vec<(usize, &'r MetaInputValue)>,
    /// Fields of the objects so far: the next object of a list has the same ones.
    given: Vec<(usize, &'r MetaInputValue)>,
}

/// Number of a type's fields that are searched by one comparison after another.
const KNOWN_FIELDS: usize = 16;

impl<'r> Coercion<'r> {
    /// Coerces a value to the type `of`. `path` is only called for an error.
    fn coerce(&mut self, of: &str, value: &mut Value, path: &dyn Fn() -> String) -> Result<()> {
        match MetaTypeName::create(of) {
            MetaTypeName::NonNull(_) if matches!(value, Value::Null) => refuse(of, value, path),
            MetaTypeName::NonNull(of) => self.coerce(of, value, path),
            _ if matches!(value, Value::Null) => Ok(()),
            MetaTypeName::List(of) => match value {
                Value::List(items) => {
                    let mut items = items.iter_mut().enumerate();
                    items.try_for_each(|(place, item)| {
                        self.coerce(of, item, &|| format!("{}[{place}]", path()))
                    })
                }
                // A single value stands for a list of one item (section 3.11).
                value => self.coerce(of, value, path),
            },
            MetaTypeName::Named(of) => self.coerce_named(of, value, path),
        }
    }

    fn coerce_named(&mut self, of: &str, value: &mut Value, path: &dyn Fn() -> String) -> Result<()> {
        let Some(place) = self.find(of) else { return Ok(()) };
        match (self.found[place].definition, value) {
            (MetaType::Scalar { is_valid, .. }, value) => {
                coerce_number(of, value);
                match is_valid {
                    Some(is_valid) if !is_valid(value) => refuse(of, value, path),
                    _ => Ok(()),
                }
            }
            (MetaType::Enum { enum_values, .. }, value) => {
                let name = match value {
                    Value::Enum(name) => name.as_str(),
                    Value::String(name) => name,
                    _ => "",
                };
                if enum_values.contains_key(name) { Ok(()) } else { refuse(of, value, path) }
            }
            (MetaType::InputObject { oneof, .. }, Value::Object(given)) => {
                if *oneof && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                    let given = json(&Value::Object(given.clone()));
                    return Err(Error::bad_input(
                        &path(),
                        given,
                        "expected exactly one field, and a value for it",
                    ));
                }
                self.coerce_object(place, given, path)
            }
            (MetaType::InputObject { .. }, value) => refuse(of, value, path),
            _ => Ok(()),
        }
    }

    fn coerce_object(
        &mut self,
        of: usize,
        given: &mut IndexMap<Name, Value>,
        path: &dyn Fn() -> String,
    ) -> Result<()> {
        let mut required = 0;
        for name in given.keys() {
            let Some((place, _)) = self.found[of].field(name) else {
                let expected = format!("{} has no field \"{name}\"", self.found[of].name);
                return Err(Error::bad_input(&path(), json(&Value::Object(given.clone())), expected));
            };
            required += usize::from(self.found[of].required.iter().any(|(of, _)| *of == place));
        }
        // The error of the type's first faulty field, whatever the order of the given ones.
        let mut first: Option<(usize, Error)> = None;
        let mut keep_first = |place: usize, error: Error| match &first {
            Some((known, _)) if *known < place => {}
            _ => first = Some((place, error)),
        };
        for (name, value) in given.iter_mut() {
            let Some((place, field)) = self.found[of].field(name) else { continue };
            if let Err(error) = self.coerce(&field.ty, value, &|| format!("{}.{}", path(), field.name)) {
                keep_first(place, error);
            }
        }
        if required < self.found[of].required.len() {
            for (place, field) in &self.found[of].required {
                if !given.contains_key(field.name.as_str()) {
                    keep_first(*place, Error::not_given(&format!("{}.{}", path(), field.name), &field.ty));
                }
            }
        }
        first.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Returns the place of a named type among the found ones.
    fn find(&mut self, of: &str) -> Option<usize> {
        if let Some(place) = self.found.iter().position(|known| known.name == of) {
            return Some(place);
        }
        let (name, definition) = self.registry.types.get_key_value(of)?;
        let is_required = |field: &MetaInputValue| field.ty.ends_with('!') && field.default_value.is_none();
        let required = match definition {
            MetaType::InputObject { input_fields, .. } => {
                input_fields.values().enumerate().filter(|(_, field)| is_required(field)).collect()
            }
            _ => Vec::new(),
        };
        self.found.push(FoundType { name, definition, required, given: Vec::new() });
        Some(self.found.len() - 1)
    }
}

impl<'r> FoundType<'r> {
    /// Returns a field of an input object type, with its place.
    fn field(&mut self, name: &str) -> Option<(usize, &'r MetaInputValue)> {
        if let Some(known) = self.given.iter().find(|(_, field)| field.name == name) {
            return Some(*known);
        }
        let MetaType::InputObject { input_fields, .. } = self.definition else { return None };
        let (place, _, field) = input_fields.get_full(name)?;
        if self.given.len() < KNOWN_FIELDS {
            self.given.push((place, field));
        }
        Some((place, field))
    }
}

/// Converts a number without a fraction, such as `1.0`, to an integer (section 3.5.1), and an integer id to
/// text (section 3.5.5).
fn coerce_number(of: &str, value: &mut Value) {
    let Value::Number(number) = value else { return };
    match of {
        "Int" if number.is_f64() => {
            // Every integer below this bound is exactly representable as a float.
            const EXACT: f64 = (1_u64 << 53) as f64;
            let whole = number.as_f64().filter(|number| number.trunc() == *number && number.abs() < EXACT);
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        "ID" if !number.is_f64() => *value = Value::String(number.to_string()),
        _ => {}
    }
}

fn refuse(of: &str, value: &Value, path: &dyn Fn() -> String) -> Result<()> {
    Err(Error::bad_input(&path(), json(value), format!("expected a value of type {of}")))
}

fn json(value: &Value) -> serde_json::Value {
    value.clone().into_json().unwrap_or_default()
}
