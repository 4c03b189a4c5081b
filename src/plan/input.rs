//! Reading what a client gave, with the path to it for the error that names it.

use std::collections::HashMap;

use async_graphql::{Name, Value as ConstValue, Variables};
use async_graphql_value::Value as VariableValue;
use serde_json::Value as Json;

use crate::error::{Error, Result};

/// One given value and the path to it: `where.name.eq`, `orderBy[0]`.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    path: String,
    value: &'a ConstValue,
}

impl<'a> Input<'a> {
    /// The value of the argument `name`.
    pub fn new(name: &str, value: &'a ConstValue) -> Self {
        Self { path: name.to_owned(), value }
    }

    /// The path to it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value as JSON, enum values as strings.
    pub fn json(&self) -> Json {
        self.value.clone().into_json().unwrap_or_default()
    }

    /// Whether it is an explicit `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.value, ConstValue::Null)
    }

    /// The error that names it.
    pub fn refuse(&self, expected: impl std::fmt::Display) -> Error {
        Error::bad_input(&self.path, self.json(), expected)
    }

    /// The fields of an input object.
    pub fn object(&self) -> Result<impl Iterator<Item = (&'a Name, Input<'a>)>> {
        match self.value {
            ConstValue::Object(fields) => {
                let path = self.path.clone();
                Ok(fields
                    .iter()
                    .map(move |(name, value)| (name, Input { path: format!("{path}.{name}"), value })))
            }
            ConstValue::Null => Err(self.refuse("expected an object (isNull asks for missing values)")),
            _ => Err(self.refuse("expected an object")),
        }
    }

    /// The only field of a `@oneOf` input object.
    pub fn one_of(&self) -> Result<(&'a Name, Input<'a>)> {
        let mut fields = self.object()?;
        match (fields.next(), fields.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(self.refuse("expected exactly one field")),
        }
    }

    /// The items of a list; a single value stands for a list of one (October 2021, section 3.11).
    pub fn list(&self) -> Vec<Input<'a>> {
        match self.value {
            ConstValue::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, value)| Input { path: format!("{}[{index}]", self.path), value })
                .collect(),
            _ => vec![self.clone()],
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Result<bool> {
        match self.value {
            ConstValue::Boolean(value) => Ok(*value),
            _ => Err(self.refuse("expected true or false")),
        }
    }

    /// A number of rows.
    pub fn count(&self) -> Result<u64> {
        match self.value {
            ConstValue::Number(number) => number
                .as_u64()
                .filter(|count| *count <= i32::MAX as u64)
                .ok_or_else(|| self.refuse("expected a number of rows, zero or more")),
            _ => Err(self.refuse("expected a number of rows, zero or more")),
        }
    }

    /// Text, or the name of an enum value.
    pub fn text(&self) -> Result<&'a str> {
        match self.value {
            ConstValue::String(text) => Ok(text),
            ConstValue::Enum(name) => Ok(name),
            _ => Err(self.refuse("expected text")),
        }
    }
}

/// The arguments of one field, their variables replaced. An argument whose variable is not given is absent.
#[derive(Debug, Default)]
pub struct Arguments(HashMap<Name, ConstValue>);

impl Arguments {
    /// From the arguments as the document has them.
    pub fn new(arguments: impl Iterator<Item = (Name, VariableValue)>, variables: &Variables) -> Self {
        Self(arguments.filter_map(|(name, value)| Some((name, resolve(value, variables)?))).collect())
    }

    /// The argument `name`; an explicit `null` counts as absent, as clients send it for an unset variable.
    pub fn get<'a>(&'a self, name: &str) -> Option<Input<'a>> {
        let value = self.0.get(name).filter(|value| !matches!(value, ConstValue::Null))?;
        Some(Input::new(name, value))
    }

    /// The argument `name`, which the schema demands.
    pub fn require<'a>(&'a self, name: &str) -> Result<Input<'a>> {
        self.get(name).ok_or_else(|| Error::bad_input(name, Json::Null, "expected a value"))
    }
}

/// Replaces variables; `None` where the value is a variable that was not given.
pub fn resolve(value: VariableValue, variables: &Variables) -> Option<ConstValue> {
    Some(match value {
        VariableValue::Variable(name) => variables.get(&name)?.clone(),
        VariableValue::List(items) => ConstValue::List(
            items.into_iter().map(|item| resolve(item, variables).unwrap_or_default()).collect(),
        ),
        VariableValue::Object(fields) => ConstValue::Object(
            fields.into_iter().filter_map(|(name, value)| Some((name, resolve(value, variables)?))).collect(),
        ),
        VariableValue::Null => ConstValue::Null,
        VariableValue::Number(number) => ConstValue::Number(number),
        VariableValue::String(text) => ConstValue::String(text),
        VariableValue::Boolean(value) => ConstValue::Boolean(value),
        VariableValue::Binary(bytes) => ConstValue::Binary(bytes),
        VariableValue::Enum(name) => ConstValue::Enum(name),
    })
}
