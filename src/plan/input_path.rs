//! Path of an input value.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use async_graphql::Name;

/// Path of an input value: `where.name.eq`, `orderBy[0]`. Only an error needs the text, so each path is a part beside the path of
/// its container.
#[derive(Clone, Debug, PartialEq)]
pub struct InputPath(Arc<Part>);

#[derive(Debug, PartialEq)]
enum Part {
    Root(String),
    Field(InputPath, Name),
    Item(InputPath, usize),
}

impl InputPath {
    /// Creates the path of an argument.
    pub fn root(name: &str) -> Self {
        Self(Arc::new(Part::Root(name.to_owned())))
    }

    /// Returns the path of a field of an object.
    pub fn field(&self, name: &Name) -> Self {
        Self(Arc::new(Part::Field(self.clone(), name.clone())))
    }

    /// Returns the path of an item of a list.
    pub fn item(&self, index: usize) -> Self {
        Self(Arc::new(Part::Item(self.clone(), index)))
    }
}

impl Default for InputPath {
    fn default() -> Self {
        Self::root("input")
    }
}

impl Display for InputPath {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Part::Root(name) => formatter.write_str(name),
            Part::Field(path, name) => write!(formatter, "{path}.{name}"),
            Part::Item(path, index) => write!(formatter, "{path}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_fields_and_items() {
        let path = InputPath::root("input").item(3).field(&Name::new("profile")).field(&Name::new("bio"));
        assert_eq!(path.to_string(), "input[3].profile.bio");
    }
}
