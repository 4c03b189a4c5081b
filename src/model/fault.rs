//! Faults of a model, with their texts.

use std::fmt;

use super::{Declaration, OnDelete, Spelling, Table};

/// Similarity from which a known name is suggested for an unknown one.
const LEAST_SIMILARITY: f64 = 0.8;

/// Reason why the registered entities do not form a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFault {
    /// An entity was registered more than once.
    RegisteredTwice {
        /// Table name.
        table: String,
    },
    /// An entity without a primary key has no order and no identity.
    NoPrimaryKey {
        /// Type name.
        entity: String,
    },
    /// An option makes an entity writable that has no key.
    WritableWithoutKey {
        /// Type name.
        entity: String,
    },
    /// An option makes an entity writable that the database cannot write.
    NotWritable {
        /// Type name.
        entity: String,
        /// The table.
        table: Table,
    },
    /// All columns of an entity without a key are hidden: its type has no field.
    NoField {
        /// Type name.
        entity: String,
    },
    /// An option declares a key or a promise that cannot hold.
    DeclaredKey {
        /// Table with the option.
        table: String,
        /// The option's name.
        option: &'static str,
        /// Columns in the option.
        columns: Vec<String>,
        /// Reason why it cannot hold.
        problem: String,
    },
    /// An option gives a type to a column that has one, or gives an unknown type.
    DeclaredType {
        /// `table.column`.
        column: String,
        /// Type in the option.
        scalar: String,
        /// Reason why the column cannot have it.
        problem: String,
    },
    /// A relation leads to a table whose entity is not registered.
    NotRegistered {
        /// `Entity.relation`.
        relation: String,
        /// Table of the missing entity.
        table: String,
    },
    /// A relation names a column that its table does not have.
    NoSuchColumn {
        /// `Entity.relation`.
        relation: String,
        /// `table.column`.
        column: String,
    },
    /// A relation whose two sides have different numbers of columns, or none.
    ColumnCounts {
        /// `Entity.relation`.
        relation: String,
        /// The columns of each side, as `table (a, b)`.
        sides: [String; 2],
    },
    /// A relation that uses one column twice on one side.
    RepeatedColumn {
        /// `Entity.relation`.
        relation: String,
        /// `table.column`.
        column: String,
    },
    /// A relation between columns whose values no database compares.
    ColumnTypes {
        /// `Entity.relation`.
        relation: String,
        /// The columns, as `table.column (type)`.
        columns: [String; 2],
    },
    /// A tenant column by which rows cannot be joined.
    TenantColumn {
        /// The column, or `table.column`.
        column: String,
        /// Reason why it cannot be joined.
        problem: String,
    },
    /// A relation whose definition starts at the table of another entity.
    WrongStart {
        /// `Entity.relation`, or `table to table` of a many-to-many relation.
        relation: String,
        /// Table at which the definition starts.
        table: String,
        /// Table at which the definition should start.
        expected: String,
    },
    /// Two fields of an entity that name one column of the table.
    ColumnTwice {
        /// The entity.
        entity: String,
        /// `table.column`.
        column: String,
    },
    /// A `has_one` whose key columns may repeat, or an unenforced `belongs_to` to columns that may repeat.
    NotUnique {
        /// `Entity.relation`.
        relation: String,
        /// Declaration of the relation.
        declaration: Declaration,
        /// The columns, as `table (a, b)`.
        columns: String,
    },
    /// A `has_one` or `has_many` without a matching `belongs_to`.
    NoForwardSide {
        /// `Entity.relation`.
        relation: String,
        /// Declaration that the other entity lacks.
        expected: String,
    },
    /// A relation registered as many-to-many that goes through no junction.
    NotManyToMany {
        /// Table from which the relation starts.
        from: String,
        /// Table to which the relation leads.
        to: String,
    },
    /// A relation with a condition besides its columns.
    Conditional {
        /// `Entity.relation`.
        relation: String,
    },
    /// Two fields of one type with the same name.
    FieldClash {
        /// The type.
        entity: String,
        /// The name.
        field: String,
        /// Both users of the name.
        between: [String; 2],
        /// Options by which the users take other names.
        options: Vec<String>,
    },
    /// A default whose value does not fit the column.
    DefaultValue {
        /// `Entity.column`.
        column: String,
        /// The value, as JSON.
        value: String,
        /// Description of the expected value.
        expected: String,
    },
    /// A spelling of a column that is neither text nor of the spelling's type.
    Spelling {
        /// `Entity.column`.
        column: String,
        /// The spelling.
        spelling: Spelling,
        /// Type of the column.
        declared: String,
    },
    /// Choices of a column that holds neither text nor integers.
    ChoicesOfType {
        /// `Entity.column`.
        column: String,
        /// Scalar of the column.
        declared: String,
    },
    /// Two choices of a column with the same stored value.
    ChoiceTwice {
        /// `Entity.column`.
        column: String,
        /// The stored value.
        stored: String,
        /// Names of both.
        names: [String; 2],
    },
    /// A listed value that does not fit the column.
    ChoiceValue {
        /// `Entity.column`.
        column: String,
        /// The value, as JSON.
        value: String,
        /// Description of the expected value.
        expected: String,
    },
    /// Two types with the same name.
    TypeClash {
        /// The name.
        name: String,
        /// Both users of the name.
        between: [String; 2],
        /// Options by which the users take other names.
        options: Vec<String>,
    },
    /// Two values of a database enum with the same name.
    ValueClash {
        /// The enum's type.
        enumeration: String,
        /// The name.
        name: String,
        /// Stored text of each value.
        stored: [String; 2],
    },
    /// A type whose plural equals its singular: one row and the list would share a root field.
    NoPlural {
        /// The type.
        entity: String,
        /// The root field.
        field: String,
    },
    /// A column of a type that has no scalar.
    NoScalar {
        /// `Entity.column`.
        column: String,
        /// Column type in the database.
        database_type: String,
        /// True if the column is hidden and part of a key.
        is_key: bool,
    },
    /// A name that is not valid in GraphQL.
    InvalidName {
        /// The name.
        name: String,
        /// Thing that has the name.
        of: String,
    },
    /// A rule for deletions that the relation's key cannot follow.
    OnDelete {
        /// `Entity.relation`, of the side that holds the key.
        relation: String,
        /// The rule.
        rule: OnDelete,
        /// Reason why the key cannot follow it.
        problem: String,
    },
    /// An option `symmetrical` of an entity that is no junction of a table with itself.
    NotSymmetrical {
        /// The junction.
        entity: String,
        /// Field in the option.
        field: String,
    },
    /// An option that names something the entity does not have.
    UnknownOption {
        /// The entity.
        entity: String,
        /// Name in the option.
        name: String,
        /// Known name that resembles it.
        similar: Option<String>,
    },
}

impl ModelFault {
    /// Builds the fault of an option that names none of the `known` names.
    pub(super) fn unknown_option<'a>(
        entity: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        let others = known.into_iter().filter(|known| *known != name);
        let similar = others.map(|known| (strsim::jaro_winkler(name, known), known));
        let nearest = similar.max_by(|(one, _), (other, _)| one.total_cmp(other));
        let nearest = nearest.filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY);
        Self::UnknownOption {
            entity: entity.to_owned(),
            name: name.to_owned(),
            similar: nearest.map(|(_, known)| known.clone()),
        }
    }

    /// Writes a fault of one table, or of its options.
    fn fmt_of_table(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisteredTwice { table } => {
                write!(formatter, "the entity of table {table} is registered twice")
            }
            Self::NoPrimaryKey { entity } => write!(formatter, "{entity} has no primary key"),
            Self::WritableWithoutKey { entity } => {
                write!(
                    formatter,
                    "{entity} cannot be writable, because it has no key; name one with the option key"
                )
            }
            Self::NotWritable { entity, table } => {
                write!(
                    formatter,
                    "{entity} cannot be writable, because the database accepts no INSERT, UPDATE or DELETE of {table}; \
                     create INSTEAD OF triggers, or leave the option out"
                )
            }
            Self::NoField { entity } => {
                write!(
                    formatter,
                    "{entity} has no field: all its columns are hidden; show a column or exclude the table"
                )
            }
            Self::DeclaredKey { table, option, columns, problem } => {
                write!(
                    formatter,
                    "the option {option} ({}) of {table} does not fit: {problem}",
                    columns.join(", ")
                )
            }
            Self::DeclaredType { column, scalar, problem } => {
                write!(formatter, "the type {scalar} of {column} cannot be set: {problem}")
            }
            Self::TenantColumn { column, problem } => {
                write!(formatter, "the tenant column {column} {problem}")
            }
            _ => Ok(()),
        }
    }
}

impl ModelFault {
    /// Writes a fault of the values that an option states.
    fn write_fault_of_values(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultValue { column, value, expected } => {
                write!(formatter, "the default of {column} is {value}: {expected}")
            }
            Self::ChoicesOfType { column, declared } => {
                write!(
                    formatter,
                    "{column} cannot have choices: its type is {declared}; expected text or an integer"
                )
            }
            Self::ChoiceTwice { column, stored, names: [one, other] } => {
                write!(formatter, "the choices {one} and {other} of {column} have the same value {stored:?}")
            }
            Self::ChoiceValue { column, value, expected } => {
                write!(formatter, "a choice of {column} is {value}: {expected}")
            }
            Self::Spelling { column, spelling, declared } => {
                let kind = if spelling.is_uuid() { "UUIDs" } else { "booleans" };
                write!(
                    formatter,
                    "{column} cannot hold {kind} spelled {spelling}: its type is {declared}; expected text"
                )
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ModelFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisteredTwice { .. }
            | Self::NoPrimaryKey { .. }
            | Self::WritableWithoutKey { .. }
            | Self::NotWritable { .. }
            | Self::NoField { .. }
            | Self::DeclaredKey { .. }
            | Self::DeclaredType { .. }
            | Self::TenantColumn { .. } => self.fmt_of_table(formatter),
            Self::NotRegistered { relation, table } => write!(
                formatter,
                "{relation} references table {table}, whose entity is not registered; register it or hide the relation"
            ),
            Self::NoSuchColumn { relation, column } => {
                write!(formatter, "{relation} uses column {column}, which does not exist")
            }
            Self::ColumnCounts { relation, sides: [from, to] } => write!(
                formatter,
                "{relation} joins {from} with {to}; expected the same number of columns on both sides, at least one"
            ),
            Self::RepeatedColumn { relation, column } => {
                write!(formatter, "{relation} uses column {column} more than once")
            }
            Self::ColumnTypes { relation, columns: [from, to] } => {
                write!(formatter, "{relation} joins {from} with {to}; expected columns of the same type")
            }
            Self::WrongStart { relation, table, expected } => write!(
                formatter,
                "the definition of {relation} starts at table {table}; expected {expected}, see RelationDef::rev"
            ),
            Self::ColumnTwice { entity, column } => {
                write!(formatter, "{entity} has more than one field for column {column}; remove all but one")
            }
            Self::NotUnique { relation, declaration: Declaration::BelongsTo, columns } => write!(
                formatter,
                "{relation} is a belongs_to without a constraint, but {columns} is not unique; make it unique"
            ),
            Self::NotUnique { relation, columns, .. } => write!(
                formatter,
                "{relation} is a has_one, but {columns} is not unique; make it unique or declare a has_many"
            ),
            Self::NoForwardSide { relation, expected } => {
                write!(formatter, "{relation} has no inverse relation; expected {expected}")
            }
            Self::NotManyToMany { from, to } => write!(
                formatter,
                "{from} to {to} is registered as many-to-many, but has no junction; name it in Related::via"
            ),
            Self::Conditional { relation } => write!(
                formatter,
                "{relation} has an on_condition, which is not supported; hide the relation and filter instead"
            ),
            Self::FieldClash { entity, field, between: [one, other], options } => {
                write!(formatter, "{entity}.{field} would be both {one} and {other}")?;
                write_options(formatter, options)
            }
            Self::DefaultValue { .. }
            | Self::ChoicesOfType { .. }
            | Self::ChoiceTwice { .. }
            | Self::ChoiceValue { .. }
            | Self::Spelling { .. } => self.write_fault_of_values(formatter),
            Self::TypeClash { name, between: [one, other], options } => {
                write!(formatter, "type {name} would be both {one} and {other}")?;
                write_options(formatter, options)
            }
            Self::ValueClash { enumeration, name, stored: [one, other] } => write!(
                formatter,
                "{enumeration}.{name} would be both \"{one}\" and \"{other}\"; rename one of them with Registry::enum_value"
            ),
            Self::NoPlural { entity, field } => write!(
                formatter,
                "{entity} has no distinct plural: Query.{field} would be both one and many; \
                 set another plural, such as plural(\"all{entity}\")"
            ),
            Self::NoScalar { column, database_type, is_key: false } => {
                write!(formatter, "{column} is of type {database_type}, which has no scalar; hide the column")
            }
            Self::NoScalar { column, database_type, is_key: true } => write!(
                formatter,
                "{column} is of type {database_type}, which has no scalar; it cannot be hidden because it is part of a key"
            ),
            Self::InvalidName { name, of } => {
                write!(formatter, "\"{name}\" is not a valid GraphQL name for {of}; rename it")
            }
            Self::OnDelete { relation, rule, problem } => {
                write!(formatter, "{relation} has the deletion rule {rule}, but {problem}")
            }
            Self::NotSymmetrical { entity, field } => write!(
                formatter,
                "{entity} cannot have the symmetrical list \"{field}\": expected exactly two keys to the same columns of one \
                 table, or a many_to_many of this field"
            ),
            Self::UnknownOption { entity, name, similar } => {
                write!(formatter, "an option of {entity} names \"{name}\", which does not exist")?;
                match similar {
                    Some(similar) => write!(formatter, "; did you mean \"{similar}\"?"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Writes the options by which one of two users takes another name.
fn write_options(formatter: &mut fmt::Formatter<'_>, options: &[String]) -> fmt::Result {
    match options {
        [] => write!(formatter, "; rename one of them in the database"),
        options => write!(formatter, "; {}", options.join(", or ")),
    }
}

/// Error of a registry whose entities contradict themselves or each other.
///
/// [`Debug`](fmt::Debug) prints the same list as [`Display`](fmt::Display), because a `main` that returns the error prints the former.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelError {
    /// All faults found.
    pub faults: Vec<ModelFault>,
}

impl fmt::Display for ModelError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the entities are not a valid model ({} found):", self.faults.len())?;
        for fault in &self.faults {
            write!(formatter, "\n  - {fault}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ModelError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for ModelError {}
