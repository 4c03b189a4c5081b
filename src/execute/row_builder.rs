//! Rows in the making, cell by cell.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;
use sea_orm::{DbErr, QueryResult, TryGetable, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use super::answer;
use super::row::{RowSet, Stored};
use crate::model::{ColumnType, is_null};
use crate::plan::Query;

/// The room with which rows begin: a few of them, as most statements return.
const USUAL_CELLS: usize = 64;
const USUAL_TEXT: usize = 1 << 10;

/// The cells of rows that are still being read. Text is kept as bytes until it is complete: looked at all at once, it costs a
/// tenth of what each would by itself.
#[derive(Debug)]
pub(super) struct RowSetBuilder {
    columns: Arc<[ColumnType]>,
    cells: Vec<Stored>,
    text: Vec<u8>,
    others: Vec<Value>,
}

impl RowSetBuilder {
    /// No rows of these columns yet.
    pub(super) fn new(columns: Arc<[ColumnType]>) -> Self {
        let (cells, text) = (Vec::with_capacity(USUAL_CELLS), Vec::with_capacity(USUAL_TEXT));
        Self { columns, cells, text, others: Vec::new() }
    }

    /// No rows of a statement yet, with room for as many as it is known to bring.
    pub(super) fn of(query: &Query) -> Self {
        let cells = Vec::with_capacity(query.last_run.cells.or(USUAL_CELLS));
        let text = Vec::with_capacity(query.last_run.text.or(USUAL_TEXT));
        Self { columns: query.columns.clone(), cells, text, others: Vec::new() }
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn columns(&self) -> &Arc<[ColumnType]> {
        &self.columns
    }

    /// The rows, complete.
    ///
    /// # Errors
    /// When a text is not in UTF-8.
    pub(super) fn finish(self) -> Result<RowSet, DbErr> {
        let Self { columns, cells, text, others } = self;
        let text = String::from_utf8(text).map_err(|error| DbErr::Type(error.to_string()))?;
        // The end of one text and the beginning of the next may make a character of what is none in either.
        let is_whole = |cell: &Stored| match *cell {
            Stored::Text { start, end } => {
                text.is_char_boundary(start as usize) && text.is_char_boundary(end as usize)
            }
            _ => true,
        };
        if !text.is_ascii() && !cells.iter().all(is_whole) {
            return Err(DbErr::Type("a text that is cut within a character".to_owned()));
        }
        let is_plain = answer::is_all_plain(text.as_bytes());
        Ok(RowSet { columns, cells, text, is_plain, others })
    }

    /// Adds a cell that holds this value.
    ///
    /// # Errors
    /// Those of [`RowSetBuilder::push_text`].
    pub(super) fn push_value(&mut self, value: Value) -> Result<(), DbErr> {
        match value {
            value if is_null(&value) => self.push_null(),
            Value::Bool(Some(value)) => self.push_boolean(value),
            Value::SmallInt(Some(value)) => self.push_integer(value.into()),
            Value::Int(Some(value)) => self.push_integer(value.into()),
            Value::BigInt(Some(value)) => self.push_integer(value),
            Value::Float(Some(value)) => self.push_float(value),
            Value::Double(Some(value)) => self.push_double(value),
            Value::ChronoDate(Some(value)) => self.push_date(value),
            Value::String(Some(value)) => self.push_text(value.as_bytes())?,
            other => self.push_other(other),
        }
        Ok(())
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

    /// Adds bytes that are looked at in the end.
    ///
    /// # Errors
    /// When they are not UTF-8, and so many came before that they are looked at now.
    #[inline]
    pub(super) fn push_text(&mut self, text: &[u8]) -> Result<(), DbErr> {
        let start = self.text.len();
        match u32::try_from(start + text.len()) {
            Ok(end) => {
                self.text.extend_from_slice(text);
                self.cells.push(Stored::Text { start: start as u32, end });
            }
            // Beyond 4 GB of text each has a place of its own.
            Err(_) => {
                let text = std::str::from_utf8(text).map_err(|error| DbErr::Type(error.to_string()))?;
                self.push_other(text.into());
            }
        }
        Ok(())
    }

    pub(super) fn push_other(&mut self, value: Value) {
        // So many rows pass the ceiling long before.
        let index = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
        self.others.push(value);
        self.cells.push(Stored::Other(index));
    }

    /// Adds what a statement returned.
    pub(super) fn push_results(&mut self, results: &[QueryResult]) -> Result<(), DbErr> {
        self.cells.reserve(results.len() * self.columns.len());
        #[cfg(feature = "postgres")]
        if results.first().and_then(QueryResult::try_as_pg_row).is_some() {
            return super::postgres::decode(results, self);
        }
        let columns = self.columns.clone();
        #[cfg(feature = "sqlite")]
        if results.first().and_then(QueryResult::try_as_sqlite_row).is_some() {
            return super::sqlite::decode(results, self);
        }
        for result in results {
            for (index, column_type) in columns.iter().enumerate() {
                self.push_result(result, index, column_type)?;
            }
        }
        Ok(())
    }

    /// Adds a cell as SeaORM decodes it.
    fn push_result(
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
            ColumnType::Decimal => get::<Decimal>(result, index)?.map(Value::from),
            ColumnType::Uuid => get::<Uuid>(result, index)?.map(Value::from),
            ColumnType::Date => get::<NaiveDate>(result, index)?.map(Value::from),
            ColumnType::Time => get::<NaiveTime>(result, index)?.map(Value::from),
            ColumnType::DateTime => get::<NaiveDateTime>(result, index)?.map(Value::from),
            ColumnType::Timestamp => get::<DateTime<FixedOffset>>(result, index)?.map(Value::from),
            ColumnType::Json => get::<Json>(result, index)?.map(Value::from),
            ColumnType::Bytes => get::<Vec<u8>>(result, index)?.map(Value::from),
        };
        self.push_value(value.unwrap_or_else(|| column_type.null()))
    }
}

fn get<T: TryGetable>(result: &QueryResult, index: usize) -> Result<Option<T>, DbErr> {
    result.try_get_by_index(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::row::Cell;

    fn finished(texts: &[&[u8]]) -> Result<RowSet, DbErr> {
        let mut rows = RowSetBuilder::new([ColumnType::Text].into());
        texts.iter().try_for_each(|text| rows.push_text(text))?;
        rows.finish()
    }

    #[test]
    fn texts_are_told_apart() {
        let texts = ["", "a", "é", "", "日本", "z"];
        let rows = finished(&texts.map(str::as_bytes)).unwrap();
        for (index, text) in texts.into_iter().enumerate() {
            assert_eq!(rows.row(index).cell(0), Cell::Text(text.as_bytes()));
        }
    }

    #[test]
    fn a_character_is_not_put_together_from_two_texts() {
        assert!(finished(&["é".as_bytes(), b"a"]).is_ok());
        assert!(finished(&[b"\xc3", b"\xa9"]).is_err());
        assert!(finished(&[b"a\xc3", b"\xa9b"]).is_err());
        assert!(finished(&[b"\xc3"]).is_err());
        assert!(finished(&[b"\xff", b"a"]).is_err());
    }
}
