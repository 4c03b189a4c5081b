//! Attempted write of a statement: the errors of its refusal are described from it.

use sea_orm::Value;

use super::row::RowInput;
use crate::model::{ColumnId, EntityId, Relation, Table};
use crate::plan::InputPath;

/// Attempted write of a statement.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// Entity of the written table.
    pub entity: EntityId,
    /// Written values that may have been refused.
    pub rows: &'a [RowInput],
    /// Changed rows of an update: columns, and their previous values.
    pub at: Option<(&'a [ColumnId], &'a [Vec<Value>])>,
    /// Links of written junction rows.
    pub link: Option<&'a Linked>,
    /// Input path of each row; empty for rows from elsewhere.
    pub paths: &'a [InputPath],
}

/// Links of a many-to-many relation.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    /// Entity that has the relation.
    pub owner: EntityId,
    /// The relation.
    pub relation: Relation,
    /// Keys of the rows at the far end.
    pub targets: Vec<Vec<Value>>,
}

impl Linked {
    /// Returns true if the links are rows of this table.
    pub fn is_over(&self, table: &Table) -> bool {
        self.relation.junction.as_ref().is_some_and(|junction| junction.table.is_named(table))
    }
}

impl<'a> Attempt<'a> {
    /// Creates an attempt that changes no referenced key.
    pub fn of(entity: EntityId, rows: &'a [RowInput]) -> Self {
        Self { entity, rows, at: None, link: None, paths: &[] }
    }

    /// Returns the path of a row in the input.
    pub fn path(&self, row: usize) -> String {
        self.paths.get(row).cloned().unwrap_or_default().to_string()
    }
}
