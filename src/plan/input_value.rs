//! Value of the input, read alike from a literal of the document and from a variable.

use async_graphql::Name;
use async_graphql::indexmap::map::Slice;
use async_graphql_value::{ConstValue as Constant, Value as Written};
use serde_json::{Number, Value as Json};

use super::variables::{Given, Variables};

/// Value of the input. Parts of a literal may be variables.
#[derive(Clone, Copy, Debug)]
pub(super) enum InputValue<'a> {
    Null,
    Boolean(bool),
    Number(&'a Number),
    /// Text, or the name of an enum value.
    Text(&'a str),
    Bytes(&'a [u8]),
    List(InputList<'a>),
    Object(InputObject<'a>),
}

/// Items of a list: of a literal or of a variable, and the other list is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct InputList<'a> {
    literal: &'a [Written],
    constant: &'a [Constant],
}

/// Fields of an object: of a literal or of a variable, and the other list is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct InputObject<'a> {
    literal: &'a Slice<Name, Written>,
    constant: &'a Slice<Name, Constant>,
}

impl<'a> InputValue<'a> {
    /// Returns the value. The plan depends on the value of a variable from then on.
    pub fn of(given: Given<'a>) -> Self {
        match given {
            Given::Literal(written) => Self::of_literal(written),
            Given::Constant(constant) => Self::of_constant(constant),
            Given::Unread(unread) => Self::of_constant(unread.resolve()),
        }
    }

    fn of_literal(written: &'a Written) -> Self {
        match written {
            // The callers have replaced variables by their values.
            Written::Null | Written::Variable(_) => Self::Null,
            Written::Boolean(value) => Self::Boolean(*value),
            Written::Number(number) => Self::Number(number),
            Written::String(text) => Self::Text(text),
            Written::Enum(name) => Self::Text(name),
            Written::Binary(bytes) => Self::Bytes(bytes),
            Written::List(items) => Self::List(InputList { literal: items, constant: &[] }),
            Written::Object(fields) => {
                Self::Object(InputObject { literal: fields.as_slice(), constant: Slice::new() })
            }
        }
    }

    fn of_constant(constant: &'a Constant) -> Self {
        match constant {
            Constant::Null => Self::Null,
            Constant::Boolean(value) => Self::Boolean(*value),
            Constant::Number(number) => Self::Number(number),
            Constant::String(text) => Self::Text(text),
            Constant::Enum(name) => Self::Text(name),
            Constant::Binary(bytes) => Self::Bytes(bytes),
            Constant::List(items) => Self::List(InputList { literal: &[], constant: items }),
            Constant::Object(fields) => {
                Self::Object(InputObject { literal: Slice::new(), constant: fields.as_slice() })
            }
        }
    }

    /// Returns the value as JSON, with enum values as strings.
    pub fn json(self, variables: &'a Variables) -> Json {
        let json = |given| Self::of(given).json(variables);
        match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => Json::Bool(value),
            Self::Number(number) => Json::Number(number.clone()),
            Self::Text(text) => Json::String(text.to_owned()),
            Self::Bytes(bytes) => bytes.into(),
            Self::List(items) => items.iter(variables).map(json).collect(),
            Self::Object(fields) => {
                let fields = fields.iter(variables);
                Json::Object(fields.map(|(name, given)| (name.to_string(), json(given))).collect())
            }
        }
    }
}

impl<'a> InputList<'a> {
    /// Returns the items. A variable that was not provided is null (September 2025, section 3.11).
    pub fn iter(self, variables: &'a Variables) -> impl Iterator<Item = Given<'a>> {
        let found = |item| variables.find(item).unwrap_or(Given::Constant(&Constant::Null));
        self.literal.iter().map(found).chain(self.constant.iter().map(Given::Constant))
    }
}

impl<'a> InputObject<'a> {
    /// Returns the fields. A variable that was not provided leaves its field out (section 3.10).
    pub fn iter(self, variables: &'a Variables) -> impl Iterator<Item = (&'a Name, Given<'a>)> {
        let found = |(name, field)| Some((name, variables.find(field)?));
        let constant = self.constant.iter().map(|(name, field)| (name, Given::Constant(field)));
        self.literal.iter().filter_map(found).chain(constant)
    }
}
