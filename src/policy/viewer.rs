//! Viewer: who asks, by a role and values for the variables of rules.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// Viewer of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewer {
    /// Role.
    pub role: String,
    /// Values of the viewer's variables.
    pub values: Map<String, Json>,
}

impl Viewer {
    /// Role of callers without credentials. Such a viewer has no values, whatever variables are declared.
    pub const ANONYMOUS: &str = "anonymous";

    /// Creates a viewer without values.
    pub fn new(role: impl Into<String>) -> Self {
        Self { role: role.into(), values: Map::new() }
    }

    /// Sets the value of a variable.
    pub fn with(mut self, variable: impl Into<String>, value: impl Into<Json>) -> Self {
        self.values.insert(variable.into(), value.into());
        self
    }
}

/// Type of a viewer's variable: a scalar, or a list of scalars.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ViewerType {
    /// Name of the scalar or enum.
    pub scalar: String,
    /// True for a list.
    pub is_list: bool,
    /// True if a viewer may lack the variable.
    pub nullable: bool,
}

impl FromStr for ViewerType {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let (inner, nullable) = match written.strip_suffix('!') {
            Some(inner) => (inner, false),
            None => (written, true),
        };
        let (scalar, is_list) = match inner.strip_prefix('[').and_then(|item| item.strip_suffix(']')) {
            // Items are never null: a null among them would match no row.
            Some(item) => (item.strip_suffix('!').unwrap_or(item), true),
            None => (inner, false),
        };
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        };
        if !is_name(scalar) {
            return Err(format!(
                "expected a type such as Int!, String or [Int!]!, but \"{written}\" was given"
            ));
        }
        Ok(Self { scalar: scalar.to_owned(), is_list, nullable })
    }
}

impl TryFrom<String> for ViewerType {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        written.parse()
    }
}

impl std::fmt::Display for ViewerType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scalar, is_list, nullable } = self;
        let end = if *nullable { "" } else { "!" };
        match is_list {
            true => write!(formatter, "[{scalar}!]{end}"),
            false => write!(formatter, "{scalar}{end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_printed_as_it_was_read() {
        for written in ["Int!", "String", "[Int!]!", "[UUID!]"] {
            assert_eq!(written.parse::<ViewerType>().map(|of| of.to_string()), Ok(written.to_owned()));
        }
        assert!("[[Int]]".parse::<ViewerType>().is_err());
        assert!("".parse::<ViewerType>().is_err());
    }
}
