//! Differences between the model and the database, with instructions to resolve them.

use std::fmt;

use crate::database::introspect::describe::LeftOut;
use crate::model::{KeyAction, OnDelete};

/// Difference of the database from the model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The entity's table is missing.
    NoTable {
        /// The entity.
        entity: String,
        /// Table of the entity.
        table: String,
    },
    /// A table or column is there, and cannot be read.
    LeftOut {
        /// The entity.
        entity: String,
        /// Reason, with its remedy.
        reason: LeftOut,
    },
    /// A column is missing.
    NoColumn {
        /// `table.column`.
        column: String,
    },
    /// Model and database disagree on NULL in a column.
    Nullable {
        /// `table.column`.
        column: String,
        /// True if the database accepts NULL; the entity says the opposite.
        in_database: bool,
    },
    /// A column's database type cannot be read as the entity's type.
    Type {
        /// `table.column`.
        column: String,
        /// Type in the entity.
        in_entity: String,
        /// Type in the database.
        in_database: String,
    },
    /// The database always generates a column's value, but inputs include the column.
    AlwaysGenerated {
        /// `table.column`.
        column: String,
    },
    /// Model and database disagree on a default.
    Default {
        /// `table.column`.
        column: String,
        /// True if the database has the default; the entity says the opposite.
        in_database: bool,
    },
    /// A key of the entity is not unique in the database.
    NoUniqueKey {
        /// `table (a, b)`.
        columns: String,
    },
    /// A key of the entity is unique among the rows of its table alone, not with those of inheriting tables.
    InheritedKey {
        /// `table (a, b)`.
        columns: String,
        /// Tables that inherit from the table.
        by: Vec<String>,
    },
    /// Rows repeat a unique key that an option promises.
    RepeatedKey {
        /// `table (a, b)`.
        columns: String,
    },
    /// Rows have NULL in a column of which an option promises that it is never NULL.
    NullAgainstPromise {
        /// `table (a)`.
        columns: String,
    },
    /// Rows of different tenants reference each other, although the option `tenant_column` declares that none do.
    OtherTenant {
        /// `Entity.relation`.
        relation: String,
        /// `table (tenant)` of both sides.
        columns: [String; 2],
    },
    /// The database has a unique key that the entity does not declare.
    UndeclaredUniqueKey {
        /// `table (a, b)`.
        columns: String,
    },
    /// A relation's key has no constraint.
    NoForeignKey {
        /// `Entity.relation`.
        relation: String,
        /// `table (a, b)`.
        from: String,
        /// `table (a, b)`.
        to: String,
    },
    /// The database has a foreign key that no relation declares, or that a relation declares as unenforced.
    UndeclaredForeignKey {
        /// `Entity.relation`, if a relation exists.
        relation: Option<String>,
        /// `table (a, b)`.
        from: String,
        /// `table (a, b)`.
        to: String,
    },
    /// The database equates different texts of a relation's key.
    EquatedKey {
        /// `Entity.relation`.
        relation: String,
        /// `table (a, b)`.
        from: String,
        /// `table (a, b)`.
        to: String,
    },
    /// The action of a foreign key differs from the declared one.
    Action {
        /// `Entity.relation`.
        relation: String,
        /// True for ON UPDATE, false for ON DELETE.
        on_update: bool,
        /// Action in the entity.
        declared: KeyAction,
        /// Action in the database.
        in_database: KeyAction,
    },
    /// A foreign key is checked at the end of the transaction.
    Deferred {
        /// `Entity.relation`.
        relation: String,
    },
    /// The database deletes or changes rows before a deletion rule of the application can keep or count them.
    OverruledRule {
        /// `Entity.relation`.
        relation: String,
        /// The rule.
        rule: OnDelete,
        /// Action in the database.
        in_database: KeyAction,
    },
}

impl Difference {
    /// Returns true if answers would be wrong, or would fail: the schema reads a table or column that is not there, or
    /// promises one row, or a value, where the database promises none. Each such difference is a fault.
    pub fn misleads(&self) -> bool {
        match self {
            Self::NoTable { .. }
            | Self::LeftOut { .. }
            | Self::NoColumn { .. }
            | Self::Nullable { in_database: true, .. }
            | Self::Type { .. }
            | Self::NoUniqueKey { .. }
            | Self::InheritedKey { .. }
            | Self::RepeatedKey { .. }
            | Self::NullAgainstPromise { .. }
            | Self::OtherTenant { .. }
            | Self::NoForeignKey { .. }
            | Self::EquatedKey { .. } => true,
            Self::Nullable { in_database: false, .. }
            | Self::AlwaysGenerated { .. }
            | Self::Default { .. }
            | Self::UndeclaredUniqueKey { .. }
            | Self::UndeclaredForeignKey { .. }
            | Self::Action { .. }
            | Self::Deferred { .. }
            | Self::OverruledRule { .. } => false,
        }
    }

    /// Returns true if the schema promises something that the database does not guarantee. Other differences
    /// are informative: the service follows the database.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::NoTable { .. }
            | Self::LeftOut { .. }
            | Self::NoColumn { .. }
            | Self::Nullable { .. }
            | Self::Type { .. }
            | Self::AlwaysGenerated { .. }
            | Self::NoUniqueKey { .. }
            | Self::InheritedKey { .. }
            | Self::RepeatedKey { .. }
            | Self::NullAgainstPromise { .. }
            | Self::OtherTenant { .. }
            | Self::NoForeignKey { .. }
            | Self::EquatedKey { .. }
            | Self::Action { .. } => true,
            Self::Default { in_database, .. } => !in_database,
            Self::UndeclaredUniqueKey { .. }
            | Self::UndeclaredForeignKey { .. }
            | Self::Deferred { .. }
            | Self::OverruledRule { .. } => false,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable { entity, table } => write!(formatter, "{entity}: table {table} does not exist"),
            Self::LeftOut { entity, reason } => write!(formatter, "{entity}: {reason}"),
            Self::NoColumn { column } => write!(formatter, "column {column} does not exist"),
            Self::Nullable { column, in_database: true } => write!(
                formatter,
                "{column} may be NULL in the database, but not in its entity; \
                 make the field an Option or the column NOT NULL"
            ),
            Self::Nullable { column, in_database: false } => write!(
                formatter,
                "{column} may be NULL in its entity, but not in the database; \
                 remove Option from the field or NOT NULL from the column"
            ),
            Self::Type { column, in_entity, in_database } => write!(
                formatter,
                "{column} is of type {in_database} in the database, which cannot be read as the entity's {in_entity}; \
                 change one of them or hide the column"
            ),
            Self::AlwaysGenerated { column } => write!(
                formatter,
                "{column} is GENERATED ALWAYS in the database; declare EntityOptions::generated, which removes it from inputs"
            ),
            Self::Default { column, in_database: true } => write!(
                formatter,
                "{column} has a default in the database, but not in its entity; \
                 declare default_value or default_expr to make it optional in inputs"
            ),
            Self::Default { column, in_database: false } => write!(
                formatter,
                "{column} has a default in its entity, but not in the database; \
                 add DEFAULT in the database or remove the default from the entity"
            ),
            Self::NoUniqueKey { columns } => {
                write!(
                    formatter,
                    "{columns} has no unique key; add UNIQUE in the database or remove it from the entity"
                )
            }
            Self::InheritedKey { columns, by } => write!(
                formatter,
                "{columns} is unique among its own rows, but not with those of {} by inheritance; \
                 read a view of ONLY the table, or start with --check warn if no row repeats the key",
                by.join(" and ")
            ),
            Self::RepeatedKey { columns } => write!(
                formatter,
                "rows repeat {columns}, which an option declares to be unique; remove the option or choose other columns"
            ),
            Self::NullAgainstPromise { columns } => write!(
                formatter,
                "rows have NULL in {columns}, which a key or an option needs to be never NULL; change the rows, or remove the option"
            ),
            Self::OtherTenant { relation, columns: [from, to] } => write!(
                formatter,
                "{relation}: rows have another value in {from} than the rows that they reference have in {to}; mend the rows, or \
                 remove tenant_column"
            ),
            Self::UndeclaredUniqueKey { columns } => write!(
                formatter,
                "{columns} is unique in the database, but not in its entity; \
                 declare unique or unique_key to make it usable as a key"
            ),
            Self::NoForeignKey { relation, from, to } => write!(
                formatter,
                "{relation}: {from} has no foreign key to {to}; add FOREIGN KEY in the database or declare skip_fk"
            ),
            Self::UndeclaredForeignKey { relation: Some(relation), from, to } => write!(
                formatter,
                "{relation}: {from} has a foreign key to {to}, but declares skip_fk; remove skip_fk"
            ),
            Self::UndeclaredForeignKey { relation: None, from, to } => write!(
                formatter,
                "{from} has a foreign key to {to} in the database, but no relation; declare a belongs_to"
            ),
            Self::EquatedKey { relation, from, to } => write!(
                formatter,
                "{relation}: {to} equates different texts, so rows of {from} would be missing from lists; \
                 give the columns another collation, merge the description of a citext column, or remove the relation"
            ),
            Self::Action { relation, on_update, declared, in_database } => {
                write_action(formatter, (relation, *on_update), *declared, *in_database)
            }
            Self::Deferred { relation } => write!(
                formatter,
                "{relation}: the foreign key is checked at the end of the transaction (INITIALLY DEFERRED)"
            ),
            Self::OverruledRule { relation, rule, in_database } => write!(
                formatter,
                "{relation}: ON DELETE is {in_database} in the database, but the application's rule is {rule}; \
                 deletions by other programs follow the database; set ON DELETE NO ACTION there"
            ),
        }
    }
}

/// Writes the difference of an action.
fn write_action(
    formatter: &mut fmt::Formatter<'_>,
    (relation, on_update): (&str, bool),
    declared: KeyAction,
    in_database: KeyAction,
) -> fmt::Result {
    let (sql, attribute) = if on_update { ("ON UPDATE", "on_update") } else { ("ON DELETE", "on_delete") };
    let value = match in_database {
        KeyAction::Cascade => "Cascade",
        KeyAction::SetNull => "SetNull",
        KeyAction::SetDefault => "SetDefault",
        KeyAction::Restrict => "Restrict",
        KeyAction::NoAction => "NoAction",
    };
    write!(
        formatter,
        "{relation}: {sql} is {in_database} in the database, but {declared} in the entity; \
         declare {attribute} = \"{value}\" or set {sql} {declared} in the database"
    )?;
    match on_update {
        true => Ok(()),
        false => write!(formatter, " or register the rule with on_delete"),
    }
}
