//! Rows as the database gave them, decoded by the types of their columns.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;
use sea_orm::{DbErr, QueryResult, TryGetable, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::model::{ColumnType, is_null};

/// The rows of one statement: all cells in one list, row after row, all text in one piece. No row and no text has an
/// allocation of its own.
#[derive(Clone, Debug, Default)]
pub struct RowSet {
    columns: Arc<[ColumnType]>,
    cells: Vec<Stored>,
    text: String,
    others: Vec<Value>,
}

/// A cell as it is kept: 16 bytes.
#[derive(Clone, Copy, Debug)]
enum Stored {
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
    /// Text, or what an enum stores.
    Text(&'a str),
    /// A value of another type; never NULL.
    Other(&'a Value),
}

/// One row, or the part of it that begins at a column.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    rows: &'a RowSet,
    start: usize,
}

impl<'a> Row<'a> {
    /// The cell at `slot`.
    pub fn cell(self, slot: usize) -> Cell<'a> {
        self.rows.cell_at(self.start + slot)
    }

    /// The same as a value of its column's type.
    pub fn value(self, slot: usize) -> Value {
        self.rows.value_at(self.start + slot)
    }
}

impl RowSet {
    pub(super) fn columns(&self) -> &Arc<[ColumnType]> {
        &self.columns
    }

    /// No rows of these columns.
    pub fn new(columns: Arc<[ColumnType]>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Decodes what a statement returned.
    pub fn read(results: &[QueryResult], columns: Arc<[ColumnType]>) -> Result<Self, DbErr> {
        let mut rows = Self::new(columns.clone());
        rows.cells.reserve(results.len() * columns.len());
        #[cfg(feature = "postgres")]
        if results.first().and_then(QueryResult::try_as_pg_row).is_some() {
            super::postgres::decode(results, &mut rows)?;
            return Ok(rows);
        }
        for result in results {
            for (index, column_type) in columns.iter().enumerate() {
                rows.push_result(result, index, column_type)?;
            }
        }
        Ok(rows)
    }

    /// Adds a row of exactly the set's columns.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        row.into_iter().for_each(|value| self.push_value(value));
    }

    fn push_value(&mut self, value: Value) {
        match value {
            value if is_null(&value) => self.push_null(),
            Value::Bool(Some(value)) => self.push_boolean(value),
            Value::SmallInt(Some(value)) => self.push_integer(value.into()),
            Value::Int(Some(value)) => self.push_integer(value.into()),
            Value::BigInt(Some(value)) => self.push_integer(value),
            Value::Float(Some(value)) => self.push_float(value),
            Value::Double(Some(value)) => self.push_double(value),
            Value::ChronoDate(Some(value)) => self.push_date(value),
            Value::String(Some(value)) => self.push_text(&value),
            other => self.push_other(other),
        }
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

    fn cell_at(&self, place: usize) -> Cell<'_> {
        match self.cells[place] {
            Stored::Null => Cell::Null,
            Stored::Boolean(value) => Cell::Boolean(value),
            Stored::Integer(value) => Cell::Integer(value),
            Stored::Float(value) => Cell::Float(value),
            Stored::Double(value) => Cell::Double(value),
            Stored::Date(value) => Cell::Date(value),
            Stored::Text { start, end } => Cell::Text(&self.text[start as usize..end as usize]),
            Stored::Other(index) => Cell::Other(&self.others[index as usize]),
        }
    }

    fn value_at(&self, place: usize) -> Value {
        let column_type = &self.columns[place % self.columns.len()];
        match self.cell_at(place) {
            Cell::Null => column_type.null(),
            Cell::Boolean(value) => Value::Bool(Some(value)),
            Cell::Integer(value) => column_type.integer(value),
            Cell::Float(value) => Value::Float(Some(value)),
            Cell::Double(value) => Value::Double(Some(value)),
            Cell::Date(value) => Value::ChronoDate(Some(value)),
            Cell::Text(text) => Value::String(Some(text.to_owned())),
            Cell::Other(value) => value.clone(),
        }
    }

    pub(super) fn push_null(&mut self) {
        self.cells.push(Stored::Null);
    }

    pub(super) fn push_boolean(&mut self, value: bool) {
        self.cells.push(Stored::Boolean(value));
    }

    pub(super) fn push_integer(&mut self, value: i64) {
        self.cells.push(Stored::Integer(value));
    }

    pub(super) fn push_float(&mut self, value: f32) {
        self.cells.push(Stored::Float(value));
    }

    pub(super) fn push_double(&mut self, value: f64) {
        self.cells.push(Stored::Double(value));
    }

    pub(super) fn push_date(&mut self, value: NaiveDate) {
        self.cells.push(Stored::Date(value));
    }

    pub(super) fn push_text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        match (u32::try_from(start), u32::try_from(self.text.len())) {
            (Ok(start), Ok(end)) => self.cells.push(Stored::Text { start, end }),
            // Beyond 4 GB of text each has a place of its own.
            _ => {
                self.text.truncate(start);
                self.push_other(Value::String(Some(text.to_owned())));
            }
        }
    }

    pub(super) fn push_other(&mut self, value: Value) {
        // So many rows pass the ceiling long before.
        let index = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
        self.others.push(value);
        self.cells.push(Stored::Other(index));
    }

    /// Adds a cell as SeaORM decodes it.
    pub(super) fn push_result(
        &mut self,
        result: &QueryResult,
        index: usize,
        column_type: &ColumnType,
    ) -> Result<(), DbErr> {
        let value = match column_type {
            ColumnType::Boolean => get::<bool>(result, index)?.map(Value::from),
            ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::TinyUnsigned => {
                get::<i16>(result, index)?.map(Value::from)
            }
            ColumnType::Int | ColumnType::SmallUnsigned => get::<i32>(result, index)?.map(Value::from),
            ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned => {
                get::<i64>(result, index)?.map(Value::from)
            }
            ColumnType::Float => get::<f32>(result, index)?.map(Value::from),
            ColumnType::Double => get::<f64>(result, index)?.map(Value::from),
            ColumnType::Text | ColumnType::Enumeration(_) => get::<String>(result, index)?.map(Value::from),
            ColumnType::Decimal => read_decimal(result, index)?.map(Value::from),
            ColumnType::Uuid => get::<Uuid>(result, index)?.map(Value::from),
            ColumnType::Date => get::<NaiveDate>(result, index)?.map(Value::from),
            ColumnType::Time => get::<NaiveTime>(result, index)?.map(Value::from),
            ColumnType::DateTime => get::<NaiveDateTime>(result, index)?.map(Value::from),
            ColumnType::Timestamp => get::<DateTime<FixedOffset>>(result, index)?.map(Value::from),
            ColumnType::Json => get::<Json>(result, index)?.map(Value::from),
            ColumnType::Bytes => get::<Vec<u8>>(result, index)?.map(Value::from),
        };
        self.push_value(value.unwrap_or_else(|| column_type.null()));
        Ok(())
    }
}

fn get<T: TryGetable>(result: &QueryResult, index: usize) -> Result<Option<T>, DbErr> {
    result.try_get_by_index(index)
}

/// SQLite's come as text, others as what they are.
fn read_decimal(result: &QueryResult, index: usize) -> Result<Option<Decimal>, DbErr> {
    #[cfg(feature = "sqlite")]
    if result.try_as_sqlite_row().is_some() {
        let text: Option<String> = get(result, index)?;
        return text.map(|text| super::sqlite::decimal(&text)).transpose();
    }
    get(result, index)
}
