//! Client input, with its path for error messages.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt::Write as _;

use async_graphql::{Name, Positioned};
use async_graphql_value::Value as Written;
use sea_orm::Value;
use serde_json::Value as Json;

use super::input_path::InputPath;
use super::input_value::InputValue;
use super::operand::Operand;
use super::variables::{Given, Variables, count_fields};
use crate::error::{Error, Result};
use crate::model::{ColumnType, Model};

/// Input value and its path: `where.name.eq`, `orderBy[0]`.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// Path, once it is needed. Most values neither contain others nor are refused.
    path: OnceCell<InputPath>,
    place: InputPlace<'a>,
    given: Given<'a>,
    variables: &'a Variables,
}

/// Place of an input value: an argument, or a part of the value at a path.
#[derive(Clone, Debug)]
enum InputPlace<'a> {
    Root(&'a str),
    Field(InputPath, &'a Name),
    Item(InputPath, usize),
}

impl<'a> Input<'a> {
    fn new(place: InputPlace<'a>, given: Given<'a>, variables: &'a Variables) -> Self {
        Self { path: OnceCell::new(), place, given, variables }
    }

    /// Returns the filter of a rule. `rule` contains no variable without a value.
    pub(super) fn rule(rule: &'a Written, variables: &'a Variables) -> Self {
        Self::option("rule", rule, variables)
    }

    /// Returns the value of an entity's option. `value` contains no variable.
    pub(super) fn option(name: &'a str, value: &'a Written, variables: &'a Variables) -> Self {
        Self::new(InputPlace::Root(name), Given::Literal(value), variables)
    }

    /// Returns the path.
    pub fn path(&self) -> &InputPath {
        self.path.get_or_init(|| match &self.place {
            InputPlace::Root(name) => InputPath::root(name),
            InputPlace::Field(path, name) => path.field(name),
            InputPlace::Item(path, index) => path.item(*index),
        })
    }

    /// Returns the value, on which the plan depends from then on.
    fn value(&self) -> InputValue<'a> {
        InputValue::of(self.given)
    }

    /// Returns the value as JSON, with enum values as strings.
    pub fn json(&self) -> Json {
        self.value().json(self.variables)
    }

    /// Returns true for an explicit `null`.
    pub fn is_null(&self) -> bool {
        self.given.is_null()
    }

    /// Returns an error that names the path.
    pub fn refuse(&self, expected: impl std::fmt::Display) -> Error {
        Error::bad_input(&self.path().to_string(), self.json(), expected)
    }

    /// Refuses a value that contains a variable without a value.
    pub fn require_values(&self) -> Result<()> {
        match self.given {
            // Values of variables contain no variables.
            Given::Constant(_) | Given::Unread(_) => Ok(()),
            Given::Literal(written) => require_values(&mut self.path().to_string(), written, self.variables),
        }
    }

    /// Returns the number of fields in its objects, at any depth; an object without fields counts as one.
    pub fn count_fields(&self) -> u64 {
        let mut count = 0;
        let mut waiting = vec![self.given];
        while let Some(given) = waiting.pop() {
            match given {
                Given::Unread(unread) => count += unread.count_fields(),
                Given::Constant(value) => count += count_fields(value),
                Given::Literal(Written::List(items)) => {
                    waiting.extend(items.iter().filter_map(|item| self.variables.find(item)));
                }
                Given::Literal(Written::Object(fields)) => {
                    count += fields.len().max(1) as u64;
                    waiting.extend(fields.values().filter_map(|field| self.variables.find(field)));
                }
                Given::Literal(_) => {}
            }
        }
        count
    }

    /// Returns the fields of an input object.
    pub fn object(&self) -> Result<impl Iterator<Item = (&'a Name, Input<'a>)>> {
        let (path, variables) = (self.path().clone(), self.variables);
        match self.value() {
            InputValue::Object(fields) => Ok(fields.iter(variables).map(move |(name, given)| {
                (name, Input::new(InputPlace::Field(path.clone(), name), given, variables))
            })),
            InputValue::Null => Err(self.refuse("expected an object (use isNull to test for null)")),
            _ => Err(self.refuse("expected an object")),
        }
    }

    /// Returns the only field of a `@oneOf` input object.
    pub fn one_of(&self) -> Result<(&'a Name, Input<'a>)> {
        let mut fields = self.object()?;
        match (fields.next(), fields.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(self.refuse("expected exactly one field")),
        }
    }

    /// Returns the items of a list; a single value is a list of one item (September 2025, section 3.11).
    pub fn list(&self) -> Vec<Input<'a>> {
        let (path, variables) = (self.path().clone(), self.variables);
        let item = |(index, given)| Input::new(InputPlace::Item(path.clone(), index), given, variables);
        match self.value() {
            InputValue::List(items) => items.iter(variables).enumerate().map(item).collect(),
            _ => vec![self.clone()],
        }
    }

    /// Returns a Boolean.
    pub fn boolean(&self) -> Result<bool> {
        match self.value() {
            InputValue::Boolean(value) => Ok(value),
            _ => Err(self.refuse("expected true or false")),
        }
    }

    /// Returns a number of rows.
    pub fn count(&self) -> Result<u64> {
        match self.value() {
            InputValue::Number(number) => number
                .as_u64()
                .filter(|count| *count <= i32::MAX as u64)
                .ok_or_else(|| self.refuse("expected a number of rows from 0 to 2147483647")),
            _ => Err(self.refuse("expected a number of rows from 0 to 2147483647")),
        }
    }

    /// Returns an ID: text or an integer (September 2025, section 3.5.5).
    pub fn id(&self) -> Result<Cow<'a, str>> {
        match self.value() {
            InputValue::Number(number) if !number.is_f64() => Ok(number.to_string().into()),
            _ => self.text().map(Cow::Borrowed),
        }
    }

    /// Returns text, or the name of an enum value.
    pub fn text(&self) -> Result<&'a str> {
        match self.value() {
            InputValue::Text(text) => Ok(text),
            _ => Err(self.refuse("expected text")),
        }
    }

    /// Returns a value of a column.
    pub fn column_value(&self, model: &Model, column_type: &ColumnType) -> Result<Value> {
        let read = match (column_type, self.value()) {
            (ColumnType::Text, InputValue::Text(text)) => ColumnType::read_text(text),
            _ => column_type.read(&self.json(), model.variants(column_type)),
        };
        read.map_err(|expected| self.refuse(expected.0))
    }

    /// Returns the operand for a column.
    pub fn operand(&self, model: &Model, column_type: &ColumnType) -> Result<Operand<Value>> {
        match self.bind(column_type, false) {
            Some(parameter) => Ok(Operand::Parameter(parameter)),
            None => Ok(Operand::Value(self.column_value(model, column_type)?)),
        }
    }

    /// Returns a list operand for a column.
    pub fn operands(&self, model: &Model, column_type: &ColumnType) -> Result<Operand<Vec<Value>>> {
        if let Some(parameter) = self.bind(column_type, true) {
            return Ok(Operand::Parameter(parameter));
        }
        let values =
            self.list().iter().map(|item| item.column_value(model, column_type)).collect::<Result<_>>();
        Ok(Operand::Value(values?))
    }

    fn bind(&self, column_type: &ColumnType, is_list: bool) -> Option<usize> {
        match self.given {
            Given::Unread(unread) => unread.bind(column_type, is_list),
            Given::Literal(_) | Given::Constant(_) => None,
        }
    }
}

fn require_values(path: &mut String, written: &Written, variables: &Variables) -> Result<()> {
    let end = path.len();
    match written {
        Written::Variable(name) if variables.find(written).is_none() => {
            return Err(Error::missing_variable(path, name));
        }
        Written::List(items) => {
            for (index, item) in items.iter().enumerate() {
                // Writing to a string cannot fail.
                let _ = write!(path, "[{index}]");
                require_values(path, item, variables)?;
                path.truncate(end);
            }
        }
        Written::Object(fields) => {
            for (name, value) in fields {
                let _ = write!(path, ".{name}");
                require_values(path, value, variables)?;
                path.truncate(end);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Arguments of one field. An argument whose variable was not provided is absent.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    written: &'a [(Positioned<Name>, Positioned<Written>)],
    variables: &'a Variables,
}

impl<'a> Arguments<'a> {
    /// Wraps the arguments of the document.
    pub fn new(written: &'a [(Positioned<Name>, Positioned<Written>)], variables: &'a Variables) -> Self {
        Self { written, variables }
    }

    /// Returns the argument `name`. An explicit `null` counts as absent, because clients send it for an unset
    /// variable.
    pub fn get(&self, name: &'a str) -> Option<Input<'a>> {
        let (_, written) = self.written.iter().find(|(known, _)| known.node == name)?;
        let given = self.variables.find(&written.node)?;
        Some(Input::new(InputPlace::Root(name), given, self.variables)).filter(|input| !input.is_null())
    }

    /// Returns the argument `name`, which the schema requires.
    pub fn require(&self, name: &'a str) -> Result<Input<'a>> {
        self.get(name).ok_or_else(|| Error::bad_input(name, Json::Null, "expected a value"))
    }
}
