//! Result rows of the database, decoded by column type.

use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::Value;

use super::tracked_statement::ExecutionStats;
use crate::model::ColumnType;

/// Rows of one statement: all cells in one list, row after row, and all text in one buffer. No row and no
/// text has its own allocation.
#[derive(Clone, Debug, Default)]
pub struct RowSet {
    pub(super) columns: Arc<[ColumnType]>,
    pub(super) cells: Vec<Stored>,
    pub(super) text: String,
    /// True if no text needs escapes in JSON.
    pub(super) is_plain: bool,
    pub(super) others: Vec<Value>,
    /// True if a cell is [`Stored::Unreadable`].
    pub(super) has_unreadable: bool,
}

/// Reason why a stored value has no form in the API. Contains no part of the value, because it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Infinity, or not a number.
    NotFinite,
    /// Outside the range of the column's type, or of the calendar here.
    OutOfRange,
    /// Text that is not UTF-8, or a JSON document that violates RFC 8259.
    Malformed,
    /// Value of a type other than the entity's.
    WrongType,
    /// Array of several dimensions.
    NotAList,
}

impl Unreadable {
    /// Phrase for the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFinite => "infinite or not a number",
            Self::OutOfRange => "out of range",
            Self::Malformed => "malformed",
            Self::WrongType => "of the wrong type",
            Self::NotAList => "an array of several dimensions",
        }
    }
}

/// Stored cell: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Date(NaiveDate),
    /// Range of [`RowSet::text`].
    Text {
        start: u32,
        end: u32,
    },
    /// Index into [`RowSet::others`].
    Other(u32),
    Unreadable(Unreadable),
}

/// Value of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// Integer of any width.
    Integer(i64),
    /// 32-bit float.
    Float(f32),
    /// 64-bit float.
    Double(f64),
    /// Date.
    Date(NaiveDate),
    /// UTF-8 text, or the stored text of an enum. Validated when read.
    Text(&'a [u8]),
    /// Value of another type; never NULL.
    Other(&'a Value),
    /// Value outside its column's type: an error when selected.
    Unreadable(Unreadable),
}

/// Row, or its part that begins at a column.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    rows: &'a RowSet,
    start: usize,
}

impl<'a> Row<'a> {
    /// Returns the cell at `slot`.
    #[inline]
    pub fn cell(self, slot: usize) -> Cell<'a> {
        self.rows.cell_at(self.start + slot)
    }

    /// Returns true if no text of the rows needs escapes in JSON.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        self.rows.is_plain
    }

    /// Returns the type of the column at `slot`.
    pub fn column_type(self, slot: usize) -> &'a ColumnType {
        &self.rows.columns[(self.start + slot) % self.rows.columns.len()]
    }

    /// Returns the cell as a value of its column's type; NULL if unreadable.
    pub fn value(self, slot: usize) -> Value {
        self.rows.value_at(self.start + slot)
    }
}

impl RowSet {
    /// Returns an empty set with these columns.
    pub fn new(columns: Arc<[ColumnType]>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Records the size of the rows for the next execution of their statement.
    pub(crate) fn note_size(&self, last_run: &ExecutionStats) {
        last_run.note_size(self.cells.len(), self.text.len());
    }

    /// Returns true if a cell is unreadable.
    pub fn has_unreadable(&self) -> bool {
        self.has_unreadable
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.columns.len()).unwrap_or(0)
    }

    /// Returns true without rows.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Returns row `index`.
    pub fn row(&self, index: usize) -> Row<'_> {
        self.row_from(index, 0)
    }

    /// Returns row `index` from its column `first` on.
    pub fn row_from(&self, index: usize, first: usize) -> Row<'_> {
        Row { rows: self, start: index * self.columns.len() + first }
    }

    /// Returns the values of row `index`.
    pub fn values(&self, index: usize) -> impl Iterator<Item = Value> + '_ {
        let start = index * self.columns.len();
        (start..start + self.columns.len()).map(|place| self.value_at(place))
    }

    #[inline]
    fn cell_at(&self, place: usize) -> Cell<'_> {
        match self.cells[place] {
            Stored::Null => Cell::Null,
            Stored::Boolean(value) => Cell::Boolean(value),
            Stored::Integer(value) => Cell::Integer(value),
            Stored::Float(value) => Cell::Float(value),
            Stored::Double(value) => Cell::Double(value),
            Stored::Date(value) => Cell::Date(value),
            Stored::Text { start, end } => Cell::Text(&self.text.as_bytes()[start as usize..end as usize]),
            Stored::Other(index) => Cell::Other(&self.others[index as usize]),
            Stored::Unreadable(why) => Cell::Unreadable(why),
        }
    }

    fn value_at(&self, place: usize) -> Value {
        let column_type = &self.columns[place % self.columns.len()];
        match self.cells[place] {
            Stored::Null | Stored::Unreadable(_) => column_type.null(),
            Stored::Boolean(value) => Value::Bool(Some(value)),
            Stored::Integer(value) => column_type.integer(value),
            Stored::Float(value) => Value::Float(Some(value)),
            Stored::Double(value) => Value::Double(Some(value)),
            Stored::Date(value) => Value::ChronoDate(Some(value)),
            Stored::Text { start, end } => {
                Value::String(Some(self.text[start as usize..end as usize].to_owned()))
            }
            Stored::Other(index) => self.others[index as usize].clone(),
        }
    }
}
