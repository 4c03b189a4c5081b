//! Rows as the database gave them, decoded by the types of their columns.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;
use sea_orm::{DbErr, QueryResult, TryGetable, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::model::ColumnType;

/// The rows of one statement: all cells in one list, row after row.
#[derive(Clone, Debug, Default)]
pub struct RowSet {
    width: usize,
    cells: Vec<Value>,
}

impl RowSet {
    /// No rows of `width` cells.
    pub fn new(width: usize) -> Self {
        Self { width, cells: Vec::new() }
    }

    /// Adds a row of exactly the set's width.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        self.cells.extend(row);
    }

    /// Decodes what a statement returned.
    pub fn read(results: &[QueryResult], columns: &[ColumnType]) -> Result<Self, DbErr> {
        let mut cells = Vec::with_capacity(results.len() * columns.len());
        for result in results {
            for (index, column_type) in columns.iter().enumerate() {
                cells.push(read_cell(result, index, column_type)?);
            }
        }
        Ok(Self { width: columns.len(), cells })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells of row `index`.
    pub fn row(&self, index: usize) -> &[Value] {
        &self.cells[index * self.width..(index + 1) * self.width]
    }
}

fn read_cell(result: &QueryResult, index: usize, column_type: &ColumnType) -> Result<Value, DbErr> {
    Ok(match column_type {
        ColumnType::Boolean => Value::Bool(get(result, index)?),
        // PostgreSQL stores 8 bits in 16, and 16, 32 and 64 unsigned ones in the next wider signed type.
        ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::TinyUnsigned => {
            Value::SmallInt(get(result, index)?)
        }
        ColumnType::Int | ColumnType::SmallUnsigned => Value::Int(get(result, index)?),
        ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned => {
            Value::BigInt(get(result, index)?)
        }
        ColumnType::Float => Value::Float(get(result, index)?),
        ColumnType::Double => Value::Double(get(result, index)?),
        ColumnType::Decimal => Value::Decimal(read_decimal(result, index)?),
        ColumnType::Text | ColumnType::Enumeration(_) => Value::String(get(result, index)?),
        ColumnType::Uuid => Value::Uuid(get::<Uuid>(result, index)?),
        ColumnType::Date => Value::ChronoDate(get::<NaiveDate>(result, index)?),
        ColumnType::Time => Value::ChronoTime(get::<NaiveTime>(result, index)?),
        ColumnType::DateTime => Value::ChronoDateTime(get::<NaiveDateTime>(result, index)?),
        ColumnType::Timestamp => {
            Value::ChronoDateTimeWithTimeZone(get::<DateTime<FixedOffset>>(result, index)?)
        }
        ColumnType::Json => Value::Json(get::<Json>(result, index)?.map(Box::new)),
        ColumnType::Bytes => Value::Bytes(get(result, index)?),
    })
}

fn get<T: TryGetable>(result: &QueryResult, index: usize) -> Result<Option<T>, DbErr> {
    result.try_get_by_index(index)
}

/// SQLite's come as text (see `Dialect::selected`, and `Dialect::sum` for sums of integers), others as what they are.
fn read_decimal(result: &QueryResult, index: usize) -> Result<Option<Decimal>, DbErr> {
    #[cfg(feature = "sqlite")]
    if result.try_as_sqlite_row().is_some() {
        let text: Option<String> = get(result, index)?;
        let read = |text: &str| text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text));
        let parse = |text: String| {
            let value = match text.split_once(':') {
                None => read(&text),
                Some((upper, lower)) => {
                    read(upper).and_then(|upper| Ok(upper * Decimal::from(1_u64 << 32) + read(lower)?))
                }
            };
            value.map_err(|error| DbErr::Type(format!("\"{text}\" is not a decimal: {error}")))
        };
        return text.map(parse).transpose();
    }
    get(result, index)
}
