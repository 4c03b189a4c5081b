//! Relations and their cardinality; the only file that reads `RelationDef`.

use std::collections::BTreeSet;
use std::fmt;

use sea_orm::sea_query::{ForeignKeyAction, TableRef};
use sea_orm::{Identity, RelationDef, RelationType, Value};
use serde::Deserialize;

use super::table::{ColumnId, EntityId, Table};

/// Number of rows at the other end of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// Exactly one row: the foreign key is NOT NULL and enforced.
    One,
    /// At most one row.
    OptionalOne,
    /// Any number of rows.
    Many,
}

impl Cardinality {
    /// Returns the GraphQL type of a field with this cardinality that leads to `target`.
    pub fn type_of(self, target: &str) -> String {
        match self {
            Self::One => format!("{target}!"),
            Self::OptionalOne => target.to_owned(),
            Self::Many => format!("[{target}!]!"),
        }
    }
}

/// Declaration of a relation in the entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Declaration {
    /// This entity holds the key.
    BelongsTo,
    /// The other entity holds the key, at most once.
    HasOne,
    /// The other entity holds the key.
    HasMany,
    /// A junction holds the keys to both entities.
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
    /// The statement is refused at its end, or the transaction at its end if the key is deferred.
    NoAction,
}

impl KeyAction {
    /// Returns true if the statement is refused while rows reference the key.
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

/// Rule that the service itself applies to referencing rows when the referenced row is deleted, whatever the
/// database's own action is. Names and meanings are those of Django's `on_delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The referencing rows are deleted too, and counted.
    Cascade,
    /// The deletion is refused, even where the same deletion takes the referencing rows over another relation.
    Protect,
    /// The deletion is refused, unless the same deletion takes the referencing rows over another relation.
    Restrict,
    /// The referencing key becomes NULL.
    SetNull,
    /// The referencing key becomes the default that its entity declares, or NULL without a default.
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

/// Relation from the rows of one entity to the rows of another.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Field name in the schema.
    pub field: String,
    /// Description of the field in the schema, instead of the usual one.
    pub description: Option<String>,
    /// Target entity.
    pub target: EntityId,
    /// Number of rows at the other end.
    pub cardinality: Cardinality,
    /// Declaration in the entity.
    pub declaration: Declaration,
    /// True if the database enforces the key; entities may opt out (`skip_fk`).
    pub enforced: bool,
    /// ON DELETE as the entity declares it; only for forward relations.
    pub on_delete: KeyAction,
    /// ON UPDATE as the entity declares it; only for forward relations.
    pub on_update: KeyAction,
    /// Deletion rule of the application; only for forward relations.
    pub rule: Option<OnDelete>,
    /// Value that [`OnDelete::SetDefault`] writes instead of the column's default.
    pub set_value: Option<Value>,
    /// True if the deletion of a row deletes the referenced row too; only for forward relations.
    pub deletes_target: bool,
    /// Columns of the key in this entity.
    pub from: Vec<ColumnId>,
    /// Columns of the key in the target; behind the junction, if any.
    pub to: Vec<ColumnId>,
    /// Junction of a many-to-many relation.
    pub junction: Option<Junction>,
    /// Columns by which statements that read join the rows.
    pub join: JoinColumns,
}

/// Columns by which statements join the rows of a relation: those of the key, then the tenant column of both sides. Writes
/// use the key alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinColumns {
    /// Columns of this entity.
    pub from: Vec<ColumnId>,
    /// Columns of the target.
    pub to: Vec<ColumnId>,
    /// Columns of the junction that meet `from`.
    pub near: Vec<String>,
    /// Columns of the junction that meet `to`.
    pub far: Vec<String>,
}

impl JoinColumns {
    /// Returns the columns of a key.
    pub(super) fn of_key(from: &[ColumnId], to: &[ColumnId], junction: Option<&Junction>) -> Self {
        let (near, far) =
            junction.map_or_else(Default::default, |junction| (junction.from.clone(), junction.to.clone()));
        Self { from: from.to_vec(), to: to.to_vec(), near, far }
    }
}

/// Table between the two ends of a many-to-many relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Junction {
    /// Junction table.
    pub table: Table,
    /// Entity of the junction, if registered.
    pub entity: Option<EntityId>,
    /// Columns that reference the owner of the relation.
    pub from: Vec<String>,
    /// Columns that reference the target.
    pub to: Vec<String>,
    /// True if a link is two rows, one for each direction: the list and its other side are one.
    pub is_symmetrical: bool,
}

impl Relation {
    /// Returns true if the relation leads to a list.
    pub fn is_many(&self) -> bool {
        self.cardinality == Cardinality::Many
    }
}

/// Relation as an entity's `Relation` enum declares it, with names instead of types.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Declared {
    /// Name of the variant; for a key of a table the key as `books (author_id)`.
    pub variant: String,
    /// Fields in order of preference, of which the first without a clash is taken. Empty if the variant names the
    /// field.
    pub fields: Vec<String>,
    /// Fields, as above, of a list that follows this key through a junction. Empty if the key's own field names
    /// the list.
    pub fields_through: Vec<String>,
    pub declaration: Declaration,
    pub from_table: Table,
    pub from: Vec<String>,
    pub to_table: Table,
    pub to: Vec<String>,
    /// True if the database enforces the key.
    pub enforced: bool,
    pub on_delete: KeyAction,
    pub on_update: KeyAction,
    /// True if a key declares the relation, and no variant of an entity.
    pub is_of_key: bool,
    /// True if an option chose the field.
    pub is_chosen: bool,
    /// True if the relation has a further condition, a closure that cannot be read.
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
    /// The documentation of `is_owner` says the opposite (`true` for the side that holds the key). The table
    /// follows the code, and a test guards it.
    pub fn read(variant: String, definition: RelationDef) -> Self {
        let declaration = match (definition.is_owner, definition.rel_type) {
            (false, _) => Declaration::BelongsTo,
            (true, RelationType::HasOne) => Declaration::HasOne,
            (true, RelationType::HasMany) => Declaration::HasMany,
        };
        Self {
            variant,
            fields: Vec::new(),
            fields_through: Vec::new(),
            declaration,
            from_table: table_of(&definition.from_tbl),
            from: columns_of(&definition.from_col),
            to_table: table_of(&definition.to_tbl),
            to: columns_of(&definition.to_col),
            enforced: !definition.skip_fk,
            on_delete: KeyAction::read(definition.on_delete),
            on_update: KeyAction::read(definition.on_update),
            is_of_key: false,
            is_chosen: false,
            conditional: definition.on_condition.is_some(),
        }
    }

    /// Returns the other side of a forward relation.
    pub fn reverse(&self, is_list: bool, fields: Vec<String>, is_chosen: bool) -> Self {
        Self {
            fields,
            fields_through: Vec::new(),
            declaration: if is_list { Declaration::HasMany } else { Declaration::HasOne },
            from_table: self.to_table.clone(),
            from: self.to.clone(),
            to_table: self.from_table.clone(),
            to: self.from.clone(),
            is_chosen,
            ..self.clone()
        }
    }

    /// Returns true if the relation leads to a list.
    pub fn is_list(&self) -> bool {
        self.declaration == Declaration::HasMany
    }
}

/// Pairs the columns of both sides, regardless of order.
pub(super) fn pairs<'a>(from: &'a [String], to: &'a [String]) -> BTreeSet<(&'a String, &'a String)> {
    from.iter().zip(to).collect()
}

fn table_of(table: &TableRef) -> Table {
    match table {
        TableRef::Table(name, _) => {
            Table { schema: name.0.as_ref().map(|schema| schema.1.to_string()), name: name.1.to_string() }
        }
        // SeaORM relates tables only; an entity over a sub-select has no relations.
        _ => Table { schema: None, name: String::new() },
    }
}

fn columns_of(identity: &Identity) -> Vec<String> {
    identity.iter().map(ToString::to_string).collect()
}
