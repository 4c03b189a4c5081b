//! A table that becomes an entity.

use std::borrow::Cow;

use crate::model::registry::EntityOptions;
use crate::model::{ColumnDescription, ColumnType, DeclaredType, TableDescription, TableKind};

/// Table that becomes an entity.
pub(super) struct Served<'a> {
    /// Description, with the keys that options declare.
    pub description: Cow<'a, TableDescription>,
    /// Key that identifies the rows: the primary key, or a unique key that takes its place. Empty if there is none.
    pub key: Vec<String>,
    /// Unique keys that options declare, and the database does not keep.
    pub promised_keys: Vec<Vec<String>>,
    /// Columns of which options promise that they are never NULL.
    pub promised_not_null: Vec<String>,
    /// Number of foreign keys that options declare: the last ones of the description.
    pub declared_foreign_keys: usize,
    pub options: EntityOptions,
}

impl<'a> Served<'a> {
    pub fn new(description: &'a TableDescription, options: EntityOptions) -> Self {
        Self {
            description: Cow::Borrowed(description),
            key: Vec::new(),
            promised_keys: Vec::new(),
            promised_not_null: Vec::new(),
            declared_foreign_keys: 0,
            options,
        }
    }

    /// Returns true if clients may write the rows, unless an option decides: the database keeps the key.
    pub fn is_writable(&self) -> bool {
        self.description.kind == TableKind::Table
            && !self.key.is_empty()
            && !self.promised_keys.contains(&self.key)
    }

    pub fn column(&self, name: &str) -> Option<&ColumnDescription> {
        self.description.column(name)
    }

    /// Returns the type of a column whose values have a scalar.
    pub fn column_type(&self, name: &str) -> Option<&DeclaredType> {
        let declared = self.column(name)?.database_type.as_ref()?;
        is_readable(declared).then_some(declared)
    }

    /// Returns true if values of all columns identify rows, as those of a key do.
    pub fn are_compared(&self, columns: &[String]) -> bool {
        let column_type = |name| ColumnType::of(self.column_type(name)?, |_, _| 0);
        columns.iter().all(|name| column_type(name).is_some_and(|of| of.is_key()))
    }

    /// Returns the key, and all further unique keys that the database keeps for all rows.
    pub fn unique_keys(&self) -> impl Iterator<Item = &Vec<String>> {
        let unique = self.description.unique_keys.iter().filter(|key| key.is_whole);
        let primary = std::iter::once(&self.key).filter(|key| !key.is_empty());
        primary.chain(unique.map(|key| &key.columns))
    }

    /// Returns true if these columns contain a unique key.
    pub fn is_unique(&self, columns: &[String]) -> bool {
        self.unique_keys().any(|key| !key.is_empty() && key.iter().all(|name| columns.contains(name)))
    }
}

fn is_readable(declared: &DeclaredType) -> bool {
    ColumnType::of(declared, |_, _| 0).is_some()
}

/// Returns the key that identifies the rows, or the reason why a table has none.
pub(super) fn key(table: &Served) -> Result<Vec<String>, &'static str> {
    let description = &table.description;
    if !table.key.is_empty() {
        return Ok(table.key.clone());
    }
    if !description.primary_key.is_empty() {
        return match table.are_compared(&description.primary_key) {
            true => Ok(description.primary_key.clone()),
            false => Err("a value of its primary key has several forms, or no scalar"),
        };
    }
    let identifies = |key: &&Vec<String>| {
        !key.is_empty()
            && table.are_compared(key)
            && key.iter().all(|name| table.column(name).is_some_and(|column| !column.nullable))
    };
    let is_whole = description.unique_keys.iter().filter(|key| key.is_whole && !key.deferrable);
    let found = is_whole.map(|key| &key.columns).find(identifies);
    found.cloned().ok_or(match description.kind {
        TableKind::Table if !description.inherited_by.is_empty() => "no key holds for inherited rows",
        TableKind::Table => "it has no primary key",
        TableKind::View | TableKind::MaterializedView => "it is a view",
        TableKind::ForeignTable => "it is a foreign table",
    })
}

/// Returns the columns in an order of their own, to compare sets of columns.
pub(super) fn sorted(columns: &[String]) -> Vec<String> {
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns
}
