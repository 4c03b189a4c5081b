//! Names of tables, and indexes of the parts of a model.

use std::fmt;

/// Index of an [`Entity`](super::Entity) in [`Model::entities`](super::Model::entities).
pub type EntityId = usize;

/// Index of a [`Column`](super::Column) in [`Entity::columns`](super::Entity::columns).
pub type ColumnId = usize;

/// Index of a [`Relation`](super::Relation) in [`Entity::relations`](super::Entity::relations).
pub type RelationId = usize;

/// Name of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// Database schema, if it is not the connection's own.
    pub schema: Option<String>,
    /// Table name.
    pub name: String,
}

impl Table {
    /// Returns true if the database's name of a table, which may have the connection's own schema, names this table.
    pub(crate) fn is_named(&self, named: &Self) -> bool {
        let is_schema = self.schema.is_none() || named.schema.is_none() || self.schema == named.schema;
        self.name == named.name && is_schema
    }

    /// Returns the table's name in SQL, with its schema if it has one.
    pub(crate) fn quoted(&self) -> String {
        let parts: Vec<String> =
            self.schema.iter().chain([&self.name]).map(|name| quoted_name(name)).collect();
        parts.join(".")
    }
}

/// Quotes the name of a table, a column or a type for SQL.
pub(crate) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl fmt::Display for Table {
    /// Writes the table with its schema, if it has one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(formatter, "{schema}.{}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}
