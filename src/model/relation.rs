//! Relations and their cardinality; the one file that reads `RelationDef`.

use std::fmt;

use sea_orm::sea_query::{ForeignKeyAction, TableRef};
use sea_orm::{Identity, RelationDef, RelationType};

use super::{ColumnId, EntityId, Table};

/// How many rows are at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// Exactly one: a foreign key that is NOT NULL and enforced.
    One,
    /// One or none.
    OptionalOne,
    /// Any number.
    Many,
}

/// How the entity declares the relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Declaration {
    /// This entity holds the key.
    BelongsTo,
    /// The other entity holds the key, at most once.
    HasOne,
    /// The other entity holds the key.
    HasMany,
    /// A junction holds the keys of both.
    ManyToMany,
}

/// Action of a foreign key in the database, when the row that it references is deleted or its key changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAction {
    /// The referencing rows are deleted, or follow the key.
    Cascade,
    /// The referencing key becomes NULL.
    SetNull,
    /// The referencing key becomes its default.
    SetDefault,
    /// The statement is refused.
    Restrict,
    /// The statement is refused at its end, or the transaction at its end where the key is deferred.
    NoAction,
}

impl KeyAction {
    /// Returns whether the statement is refused while rows reference the key.
    pub fn restricts(self) -> bool {
        matches!(self, Self::Restrict | Self::NoAction)
    }

    fn read(action: Option<ForeignKeyAction>) -> Self {
        match action {
            Some(ForeignKeyAction::Cascade) => Self::Cascade,
            Some(ForeignKeyAction::SetNull) => Self::SetNull,
            Some(ForeignKeyAction::SetDefault) => Self::SetDefault,
            Some(ForeignKeyAction::Restrict) => Self::Restrict,
            _ => Self::NoAction,
        }
    }
}

impl fmt::Display for KeyAction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
            Self::Restrict => "RESTRICT",
            Self::NoAction => "NO ACTION",
        })
    }
}

/// Rule that the service itself applies to referencing rows when the row that they reference is deleted, whatever the
/// database's own action is. The names and meanings are those of Django's `on_delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnDelete {
    /// The referencing rows are deleted too, and counted.
    Cascade,
    /// The deletion is refused, even where the same deletion takes the referencing rows over another relation.
    Protect,
    /// The deletion is refused, unless the same deletion takes the referencing rows over another relation.
    Restrict,
    /// The referencing key becomes NULL.
    SetNull,
    /// The referencing key becomes the default that its entity declares, or NULL where it declares none.
    SetDefault,
    /// The database's foreign key decides.
    DoNothing,
}

impl fmt::Display for OnDelete {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cascade => "CASCADE",
            Self::Protect => "PROTECT",
            Self::Restrict => "RESTRICT",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
            Self::DoNothing => "DO NOTHING",
        })
    }
}

/// The way from the rows of one entity to those of another.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its field in the schema.
    pub field: String,
    /// The entity it leads to.
    pub target: EntityId,
    /// How many are there.
    pub cardinality: Cardinality,
    /// How it was declared.
    pub declaration: Declaration,
    /// Whether the database enforces the key; entities may say that it does not (`skip_fk`).
    pub enforced: bool,
    /// ON DELETE as the entity declares it; of forward relations alone.
    pub on_delete: KeyAction,
    /// ON UPDATE as the entity declares it; of forward relations alone.
    pub on_update: KeyAction,
    /// Rule of the application for deletions of the target; of forward relations alone.
    pub rule: Option<OnDelete>,
    /// The columns of this entity that take part.
    pub from: Vec<ColumnId>,
    /// The columns of the target that they meet; behind the junction where there is one.
    pub to: Vec<ColumnId>,
    /// The table between, for many-to-many.
    pub junction: Option<Junction>,
}

/// The table between the two ends of a many-to-many relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Junction {
    /// Where its rows are.
    pub table: Table,
    /// Its entity, where that is registered.
    pub entity: Option<EntityId>,
    /// Its columns that point at this entity.
    pub from: Vec<String>,
    /// Its columns that point at the target.
    pub to: Vec<String>,
}

impl Relation {
    /// Whether it leads to a list.
    pub fn is_many(&self) -> bool {
        self.cardinality == Cardinality::Many
    }
}

/// A relation as an entity's `Relation` enum declares it, with names instead of types.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// The variant's name.
    pub variant: String,
    pub declaration: Declaration,
    pub from_table: Table,
    pub from: Vec<String>,
    pub to_table: Table,
    pub to: Vec<String>,
    /// Whether the database enforces the key.
    pub enforced: bool,
    pub on_delete: KeyAction,
    pub on_update: KeyAction,
    /// Whether it has a condition beside its columns, as a closure that cannot be read.
    pub conditional: bool,
}

impl Declared {
    /// Reads SeaORM's definition.
    ///
    /// | declared | `is_owner` | `rel_type` |
    /// | --- | --- | --- |
    /// | `belongs_to` | `false` | `HasOne` |
    /// | `has_one` | `true` | `HasOne` |
    /// | `has_many` | `true` | `HasMany` |
    ///
    /// The documentation of `is_owner` says the opposite (`true` for the side that holds the key); the table
    /// is what its code does, and a test keeps watch.
    pub fn read(variant: String, definition: RelationDef) -> Self {
        let declaration = match (definition.is_owner, definition.rel_type) {
            (false, _) => Declaration::BelongsTo,
            (true, RelationType::HasOne) => Declaration::HasOne,
            (true, RelationType::HasMany) => Declaration::HasMany,
        };
        Self {
            variant,
            declaration,
            from_table: table_of(&definition.from_tbl),
            from: columns_of(&definition.from_col),
            to_table: table_of(&definition.to_tbl),
            to: columns_of(&definition.to_col),
            enforced: !definition.skip_fk,
            on_delete: KeyAction::read(definition.on_delete),
            on_update: KeyAction::read(definition.on_update),
            conditional: definition.on_condition.is_some(),
        }
    }

    /// Whether it leads to a list.
    pub fn is_list(&self) -> bool {
        self.declaration == Declaration::HasMany
    }
}

fn table_of(table: &TableRef) -> Table {
    match table {
        TableRef::Table(name, _) => {
            Table { schema: name.0.as_ref().map(|schema| schema.1.to_string()), name: name.1.to_string() }
        }
        // SeaORM makes relations between tables only; an entity over a sub-select has no relations.
        _ => Table { schema: None, name: String::new() },
    }
}

fn columns_of(identity: &Identity) -> Vec<String> {
    identity.iter().map(ToString::to_string).collect()
}
