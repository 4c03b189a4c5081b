//! Built statements.

use std::ops::Range;
use std::sync::Arc;

use sea_orm::Value;

use super::binds::Bind;
use crate::model::ColumnType;

/// Values of a relation's columns in one row, normalized so that both sides compare equal.
pub type RelationKey = Vec<Value>;

/// Statement with its binds and the slots of its columns.
#[derive(Clone, Debug)]
pub struct SqlStatement {
    /// SQL text.
    pub sql: Arc<str>,
    /// Binds, in the order of their placeholders.
    pub binds: Arc<[Bind]>,
    /// Column types.
    pub columns: Arc<[ColumnType]>,
    /// Slots of the columns.
    pub slots: OutputSlots,
    /// Types of the parents' keys.
    pub(super) key_types: Vec<ColumnType>,
}

/// Slots of a statement's columns, by their meaning. The load's own columns, or its aggregates, come first.
#[derive(Clone, Debug, Default)]
pub struct OutputSlots {
    /// Columns of the junction: [`Rows::junction_columns`](crate::plan::Rows::junction_columns).
    pub junction: Range<usize>,
    /// Key of the parent.
    pub key: Vec<usize>,
    /// Integer columns by which each parent's rows must be sorted in ascending order, if the statement does
    /// not sort.
    pub sort: Vec<usize>,
    /// Values of the cursor, if each row comes with its cursor.
    pub cursor: Range<usize>,
    /// [`PageSide`] of the row, if rows outside the page are selected.
    pub page_side: Option<usize>,
    /// Joined relations, for each of the load's children.
    pub joins: Vec<Option<Join>>,
}

/// Side of a page on which a row lies, as its code in the statement's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSide {
    /// On the page.
    Inside = 0,
    /// Before the page's cursor.
    Before = 1,
    /// After the page's cursor.
    After = 2,
}

impl PageSide {
    /// Returns the side with this code.
    pub fn of_code(code: i64) -> Option<Self> {
        [Self::Inside, Self::Before, Self::After].into_iter().find(|side| *side as i64 == code)
    }
}

/// Slots of a joined relation's columns.
#[derive(Clone, Debug)]
pub struct Join {
    /// First column of the relation.
    pub first: usize,
    /// Join columns of the relation: all NULL without a partner.
    pub key: Vec<usize>,
    /// Joined relations of each nested load.
    pub below: Vec<Option<Join>>,
}
