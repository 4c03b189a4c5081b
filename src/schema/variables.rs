//! The values of a request's variables (October 2021, section 6.1.2, CoerceVariableValues).

use std::collections::BTreeSet;

use async_graphql::parser::types::OperationDefinition;
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Value, Variables};

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
    let variables = with_defaults(operation, given)?;
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        if let Some(value) = variables.get(&definition.name.node) {
            let of = definition.var_type.node.to_string();
            check_value(registry, &of, value, &|| format!("${}", definition.name.node))?;
        }
    }
    Ok(variables)
}

/// Which variables of an operation have a value. Where each is of its type, it depends on nothing else whether a document
/// is valid: the values would be so as well in every place where the variables may stand.
pub(super) fn given(operation: &OperationDefinition, variables: &Variables) -> String {
    key(operation, variables, &BTreeSet::new())
}

/// The same with the values of some: those of `values` as JSON text.
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

/// `path` is only written where there is something to refuse.
fn check_value(registry: &Registry, of: &str, value: &Value, path: &dyn Fn() -> String) -> Result<()> {
    let refuse = |expected: String| {
        Err(Error::bad_input(&path(), value.clone().into_json().unwrap_or_default(), expected))
    };
    match (MetaTypeName::create(of), value) {
        (MetaTypeName::NonNull(_), Value::Null) => refuse(format!("expected a value of type {of}")),
        (MetaTypeName::NonNull(of), value) => check_value(registry, of, value, path),
        (_, Value::Null) => Ok(()),
        (MetaTypeName::List(of), Value::List(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(place, item)| {
                check_value(registry, of, item, &|| format!("{}[{place}]", path()))
            })
        }
        // A single value stands for a list of one (section 3.11).
        (MetaTypeName::List(of), value) => check_value(registry, of, value, path),
        (MetaTypeName::Named(of), value) => match (registry.types.get(of), value) {
            (Some(MetaType::Scalar { is_valid: Some(is_valid), .. }), value) if !is_valid(value) => {
                refuse(format!("expected a value of type {of}"))
            }
            (Some(MetaType::Enum { enum_values, .. }), value) => {
                let name = match value {
                    Value::Enum(name) => name.as_str(),
                    Value::String(name) => name,
                    _ => "",
                };
                match enum_values.contains_key(name) {
                    true => Ok(()),
                    false => refuse(format!("expected a value of type {of}")),
                }
            }
            (Some(MetaType::InputObject { input_fields, oneof, .. }), Value::Object(given)) => {
                if *oneof && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                    return refuse("expected exactly one field, and a value for it".to_owned());
                }
                if let Some(name) = given.keys().find(|name| !input_fields.contains_key(name.as_str())) {
                    return refuse(format!("{of} has no field \"{name}\""));
                }
                for field in input_fields.values() {
                    let path = || format!("{}.{}", path(), field.name);
                    match given.get(field.name.as_str()) {
                        Some(value) => check_value(registry, &field.ty, value, &path)?,
                        None if field.default_value.is_some() => {}
                        None if field.ty.ends_with('!') => {
                            return Err(Error::not_given(&path(), &field.ty));
                        }
                        None => {}
                    }
                }
                Ok(())
            }
            (Some(MetaType::InputObject { .. }), _) => refuse(format!("expected a value of type {of}")),
            _ => Ok(()),
        },
    }
}
