//! The values of a request's variables (October 2021, section 6.1.2, CoerceVariableValues).

use std::collections::BTreeSet;

use async_graphql::parser::types::OperationDefinition;
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Value, Variables};
use indexmap::IndexMap;

use crate::error::{Error, Result};

/// The request's variables with the operation's defaults. Variables that the operation does not declare are left out.
///
/// # Errors
/// `BAD_USER_INPUT` when a value that is needed is missing.
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

/// The same, each value of its variable's type.
///
/// # Errors
/// `BAD_USER_INPUT` that names the first value that is not, by its path.
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

/// Which variables of an operation have a value, and the values of some: those of `values` as JSON text.
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
                // And none has this: it ends here.
                key.push('\n');
            }
            Some(_) => key.push(given),
        }
    }
    key
}

/// Makes a value one of its type (section 3). `path` is only written where there is something to refuse.
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
            // A single value stands for a list of one (section 3.12).
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

/// Makes an integer of a number without a fraction, such as `1.0` (section 3.5.1), and text of an id that is an integer
/// (section 3.5.5).
fn coerce_number(of: &str, value: &mut Value) {
    let Value::Number(number) = value else { return };
    match of {
        "Int" if number.is_f64() => {
            // Every integer below this is a float of its own.
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
