//! Notes of a model that a database fills: parts that are left out, and names that gave way.

use std::fmt;

/// End of a note about a column that clients cannot fill.
const REQUIRED: &str = "; it requires a value, so clients cannot create rows (if a trigger sets the value, name the column in the \
                        option `generated`)";

/// Decision about a part of the database that differs from the plain rule. No note is a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A table or view that is not an entity.
    TableLeftOut {
        /// Table.
        table: String,
        /// Reason.
        reason: String,
    },
    /// A table or view without a key, which is a list alone.
    NoKey {
        /// Table.
        table: String,
        /// Reason.
        reason: String,
    },
    /// A table from which other tables inherit.
    Inherited {
        /// Table.
        table: String,
        /// Tables that inherit from it.
        by: Vec<String>,
    },
    /// Statements that the database does not accept for a writable view.
    WritesLeftOut {
        /// The view.
        table: String,
        /// The statements.
        missing: Vec<&'static str>,
    },
    /// A unique key that takes the place of a missing primary key.
    KeyTaken {
        /// Table.
        table: String,
        /// The key's columns.
        columns: Vec<String>,
    },
    /// A column that is not a field.
    ColumnLeftOut {
        /// `table.column`.
        column: String,
        /// Type as the database prints it.
        declared_type: String,
        /// True if the column requires a value, so that clients cannot create rows.
        is_required: bool,
    },
    /// A column that clients read and never write.
    ColumnReadOnly {
        /// `table.column`.
        column: String,
        /// Type as the database prints it.
        declared_type: String,
        /// True if the column requires a value, so that clients cannot create rows.
        is_required: bool,
    },
    /// A unique key that is not a look-up.
    UniqueKeyLeftOut {
        /// `table (columns)`.
        key: String,
        /// Reason.
        reason: String,
    },
    /// A foreign key that is not a relation.
    RelationLeftOut {
        /// `table (columns)`.
        key: String,
        /// Reason.
        reason: String,
    },
    /// A part of the model whose name was taken.
    Renamed {
        /// The part.
        of: String,
        /// Name in the schema.
        name: String,
        /// Name that was taken or is not valid.
        lost: String,
        /// Owner of that name.
        to: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableLeftOut { table, reason } => write!(formatter, "table {table} is left out: {reason}"),
            Self::NoKey { table, reason } => write!(
                formatter,
                "{table} is a read-only list without nodes and connections: {reason}; the option key names one"
            ),
            Self::Inherited { table, by } => write!(
                formatter,
                "{table} has the rows of {} too, by inheritance: its unique and foreign keys hold for its own rows alone",
                by.join(" and ")
            ),
            Self::WritesLeftOut { table, missing } => write!(
                formatter,
                "{table} has no mutations for {}: the database does not accept them",
                missing.join(" and ")
            ),
            Self::KeyTaken { table, columns } => write!(
                formatter,
                "table {table} has no primary key; its unique key ({}) identifies the rows",
                columns.join(", ")
            ),
            Self::ColumnLeftOut { column, declared_type, is_required } => {
                write!(formatter, "column {column} is left out: ")?;
                match declared_type.is_empty() {
                    true => {
                        formatter.write_str("it has no declared type; the option types names its scalar")?
                    }
                    false => write!(formatter, "there is no scalar for {declared_type}")?,
                }
                if *is_required {
                    formatter.write_str(REQUIRED)?;
                }
                Ok(())
            }
            Self::ColumnReadOnly { column, declared_type, is_required } => {
                write!(
                    formatter,
                    "column {column} is read-only: {declared_type} is served as its text form"
                )?;
                if *is_required {
                    formatter.write_str(REQUIRED)?;
                }
                Ok(())
            }
            Self::UniqueKeyLeftOut { key, reason } => {
                write!(formatter, "unique key {key} is left out: {reason}")
            }
            Self::RelationLeftOut { key, reason } => {
                write!(formatter, "foreign key {key} is left out: {reason}")
            }
            Self::Renamed { of, name, lost, to } => {
                let lost = if lost.is_empty() { "\"\"" } else { lost };
                write!(formatter, "{of} is named {name}, because {lost} is {to}")
            }
        }
    }
}
