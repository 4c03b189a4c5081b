//! Relations and their cardinality; the one file that reads `RelationDef`.

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

/// What happens to the rows that hold a key when the row it points at is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnDelete {
    /// They are deleted too.
    Cascade,
    /// Their key becomes NULL.
    SetNull,
    /// Their key becomes its default.
    SetDefault,
    /// The deletion is refused.
    Restrict,
    /// The deletion is refused, at the end of the statement.
    NoAction,
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
    /// What a deletion of the target does; of forward relations alone.
    pub on_delete: OnDelete,
    /// Whether the key gives way when what it points at changes (ON UPDATE CASCADE, SET NULL, SET DEFAULT); of forward
    /// relations alone.
    pub yields: bool,
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
    pub on_delete: OnDelete,
    /// Whether the key gives way when what it points at changes.
    pub yields: bool,
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
            on_delete: match definition.on_delete {
                Some(ForeignKeyAction::Cascade) => OnDelete::Cascade,
                Some(ForeignKeyAction::SetNull) => OnDelete::SetNull,
                Some(ForeignKeyAction::SetDefault) => OnDelete::SetDefault,
                Some(ForeignKeyAction::Restrict) => OnDelete::Restrict,
                _ => OnDelete::NoAction,
            },
            yields: matches!(
                definition.on_update,
                Some(ForeignKeyAction::Cascade | ForeignKeyAction::SetNull | ForeignKeyAction::SetDefault)
            ),
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
