//! Description of a database, with everything that it leaves out.

use std::fmt;

use crate::model::{Table, TableDescription};

/// Tables of a database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseDescription {
    /// Tables and views by schema and name; the connection's own schema comes first.
    pub tables: Vec<TableDescription>,
    /// Parts of the database that the tables do not include.
    pub left_out: Vec<LeftOut>,
}

/// Part of a database that its description leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// No schema was named, and the connection has none of its own.
    NoOwnSchema,
    /// The schema does not exist.
    NoSchema {
        /// The schema.
        schema: String,
    },
    /// The connection's user has no right to the schema.
    SchemaWithoutRight {
        /// The schema.
        schema: String,
    },
    /// The connection's user may read no column of the table.
    TableWithoutRight {
        /// The table.
        table: Table,
    },
    /// The connection's user may not read the column.
    ColumnWithoutRight {
        /// Table of the column.
        table: Table,
        /// The column.
        column: String,
    },
    /// The view cannot be read, because a table or column that it selects is missing.
    BrokenView {
        /// The view.
        view: Table,
    },
    /// A virtual table of SQLite, whose module computes the rows.
    VirtualTable {
        /// The table.
        table: Table,
    },
    /// A foreign key whose periods lie within periods of the target: it is no equality of columns.
    PeriodKey {
        /// Table that holds the key.
        table: Table,
        /// Name of the key.
        key: String,
    },
    /// A foreign key of SQLite to a column whose collation equates different texts.
    CollatedKey {
        /// Table that holds the key.
        table: Table,
        /// Columns of the key.
        columns: Vec<String>,
        /// Referenced table.
        target: Table,
    },
}

impl LeftOut {
    /// Returns true for a schema that cannot be described: nothing of what was asked for is there.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::NoOwnSchema | Self::NoSchema { .. } | Self::SchemaWithoutRight { .. })
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOwnSchema => {
                write!(formatter, "no schema of the search path exists; name a schema or set search_path")
            }
            Self::NoSchema { schema } => write!(formatter, "schema {schema} does not exist"),
            Self::SchemaWithoutRight { schema } => {
                write!(formatter, "schema {schema} cannot be used; GRANT USAGE ON SCHEMA {schema}")
            }
            Self::TableWithoutRight { table } => {
                write!(formatter, "{table} cannot be read; GRANT SELECT ON {table}")
            }
            Self::ColumnWithoutRight { table, column } => {
                write!(formatter, "{table}.{column} cannot be read; GRANT SELECT ({column}) ON {table}")
            }
            Self::BrokenView { view } => {
                write!(
                    formatter,
                    "view {view} selects a table or column that does not exist; drop or mend the view"
                )
            }
            Self::VirtualTable { table } => {
                write!(formatter, "{table} is a virtual table; only tables and views are read")
            }
            Self::PeriodKey { table, key } => {
                write!(formatter, "foreign key {key} of {table} compares periods; it is no relation")
            }
            Self::CollatedKey { table, columns, target } => {
                write!(
                    formatter,
                    "the foreign key of {table} over {} is no relation: the collation of {target} equates different texts",
                    columns.join(", ")
                )
            }
        }
    }
}
