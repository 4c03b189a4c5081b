//! Rows as the database gave them, decoded by the types of their columns.

use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::{QueryResult, Value};

use super::row_builder::RowSetBuilder;
use crate::model::ColumnType;

/// The rows of one statement: all cells in one list, row after row, all text in one piece. No row and no text has an
/// allocation of its own.
#[derive(Clone, Debug, Default)]
pub struct RowSet {
    pub(super) columns: Arc<[ColumnType]>,
    pub(super) cells: Vec<Stored>,
    pub(super) text: String,
    /// Whether nothing in it is to be escaped in JSON.
    pub(super) is_plain: bool,
    pub(super) others: Vec<Value>,
    /// Whether one of its cells is [`Stored::Unreadable`].
    pub(super) has_unreadable: bool,
}

/// Reason for which a stored value has no form in the API. Holds no part of the value: it is written to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Infinity, or no number at all.
    NotFinite,
    /// Beyond what the column's type, or the calendar here, can hold.
    OutOfRange,
    /// Text that is not UTF-8, or a JSON document that breaks the grammar of RFC 8259.
    Malformed,
    /// The value is of a type other than the entity's.
    WrongType,
}

impl Unreadable {
    /// Phrase for the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFinite => "infinite or not a number",
            Self::OutOfRange => "out of range",
            Self::Malformed => "malformed",
            Self::WrongType => "of the wrong type",
        }
    }
}

/// A cell as it is kept: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Date(NaiveDate),
    /// A part of [`RowSet::text`].
    Text {
        start: u32,
        end: u32,
    },
    /// An index into [`RowSet::others`].
    Other(u32),
    Unreadable(Unreadable),
}

/// What one cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// An integer of any width.
    Integer(i64),
    /// A float of 32 bits.
    Float(f32),
    /// A float of 64 bits.
    Double(f64),
    /// A day.
    Date(NaiveDate),
    /// Text in UTF-8, or what an enum stores. Looked at when it was read, and not again.
    Text(&'a [u8]),
    /// A value of another type; never NULL.
    Other(&'a Value),
    /// A value that its column's type does not have: an error where it is selected.
    Unreadable(Unreadable),
}

/// One row, or the part of it that begins at a column.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    rows: &'a RowSet,
    start: usize,
}

impl<'a> Row<'a> {
    /// The cell at `slot`.
    #[inline]
    pub fn cell(self, slot: usize) -> Cell<'a> {
        self.rows.cell_at(self.start + slot)
    }

    /// Whether nothing in its texts is to be escaped in JSON.
    #[inline]
    pub(super) fn is_plain(self) -> bool {
        self.rows.is_plain
    }

    /// The same as a value of its column's type; NULL where it is unreadable.
    pub fn value(self, slot: usize) -> Value {
        self.rows.value_at(self.start + slot)
    }
}

impl RowSet {
    /// No rows of these columns.
    pub fn new(columns: Arc<[ColumnType]>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Rows of exactly these columns, value after value.
    pub fn of_values(values: impl IntoIterator<Item = Value>, columns: Arc<[ColumnType]>) -> Self {
        let mut builder = RowSetBuilder::new(columns);
        values.into_iter().for_each(|value| builder.push_value(value));
        builder.finish()
    }

    /// Decodes what a statement returned.
    pub fn read(results: &[QueryResult], columns: Arc<[ColumnType]>) -> Self {
        let mut rows = RowSetBuilder::new(columns);
        rows.push_results(results);
        rows.finish()
    }

    /// Whether a cell is unreadable.
    pub fn has_unreadable(&self) -> bool {
        self.has_unreadable
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.columns.len()).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Row `index`.
    pub fn row(&self, index: usize) -> Row<'_> {
        self.row_from(index, 0)
    }

    /// Row `index` from its column `first` on.
    pub fn row_from(&self, index: usize, first: usize) -> Row<'_> {
        Row { rows: self, start: index * self.columns.len() + first }
    }

    /// The values of row `index`.
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
