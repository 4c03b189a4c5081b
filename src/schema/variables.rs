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
pub(super) fn with_defaults(operation: &OperationDefinition, given: &Variables) -> Result<Variables> {
    let mut variables = Variables::default();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let value = given.get(name).cloned();
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
    given: &Variables,
) -> Result<Variables> {
    let mut variables = with_defaults(operation, given)?;
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        if let Some(value) = variables.get_mut(&definition.name.node) {
            let of = definition.var_type.node.to_string();
            coerce(registry, &of, value, &|| format!("${}", definition.name.node))?;
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

/// Coerces a value to its type (section 3). `path` is only called for an error.
fn coerce(registry: &Registry, of: &str, value: &mut Value, path: &dyn Fn() -> String) -> Result<()> {
    match MetaTypeName::create(of) {
        MetaTypeName::NonNull(_) if *value == Value::Null => refuse(of, value, path),
        MetaTypeName::NonNull(of) => coerce(registry, of, value, path),
        _ if *value == Value::Null => Ok(()),
        MetaTypeName::List(of) => match value {
            Value::List(items) => {
                let mut items = items.iter_mut().enumerate();
                items.try_for_each(|(place, item)| {
                    coerce(registry, of, item, &|| format!("{}[{place}]", path()))
                })
            }
            // A single value stands for a list of one item (section 3.11).
            value => coerce(registry, of, value, path),
        },
        MetaTypeName::Named(of) => match (registry.types.get(of), value) {
            (Some(MetaType::Scalar { is_valid, .. }), value) => {
                coerce_number(of, value);
                match is_valid {
                    Some(is_valid) if !is_valid(value) => refuse(of, value, path),
                    _ => Ok(()),
                }
            }
            (Some(MetaType::Enum { enum_values, .. }), value) => {
                let name = match value {
                    Value::Enum(name) => name.as_str(),
                    Value::String(name) => name,
                    _ => "",
                };
                if enum_values.contains_key(name) { Ok(()) } else { refuse(of, value, path) }
            }
            (Some(MetaType::InputObject { input_fields, oneof, .. }), Value::Object(given)) => {
                if *oneof && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                    let given = json(&Value::Object(given.clone()));
                    return Err(Error::bad_input(
                        &path(),
                        given,
                        "expected exactly one field, and a value for it",
                    ));
                }
                coerce_object(registry, (of, input_fields), given, path)
            }
            (Some(MetaType::InputObject { .. }), value) => refuse(of, value, path),
            _ => Ok(()),
        },
    }
}

fn coerce_object(
    registry: &Registry,
    (of, input_fields): (&str, &IndexMap<String, MetaInputValue>),
    given: &mut IndexMap<Name, Value>,
    path: &dyn Fn() -> String,
) -> Result<()> {
    if let Some(name) = given.keys().find(|name| !input_fields.contains_key(name.as_str())) {
        let expected = format!("{of} has no field \"{name}\"");
        return Err(Error::bad_input(&path(), json(&Value::Object(given.clone())), expected));
    }
    for field in input_fields.values() {
        let path = || format!("{}.{}", path(), field.name);
        match given.get_mut(field.name.as_str()) {
            Some(value) => coerce(registry, &field.ty, value, &path)?,
            None if field.default_value.is_some() => {}
            None if field.ty.ends_with('!') => return Err(Error::not_given(&path(), &field.ty)),
            None => {}
        }
    }
    Ok(())
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
