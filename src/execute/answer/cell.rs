//! Writes cells as JSON, in the form of their scalars.

use sea_orm::Value;
use serde::Serialize;

use super::json::Json;
use super::text;
use crate::database::Cell;
use crate::model::{ColumnType, Model};

/// Writes a cell, or returns false without output if the cell does not fit its type. `is_plain` means that
/// the text needs no escapes.
#[inline(always)]
pub(super) fn write_cell(
    json: &mut Json,
    model: &Model,
    column_type: &ColumnType,
    cell: Cell,
    is_plain: bool,
) -> bool {
    match cell {
        Cell::Integer(value) if !column_type.is_text_in_json() => write_scalar(json, &value),
        Cell::Text(text) if is_plain && !is_translated(column_type) => {
            text::write_plain(json, text);
        }
        Cell::Text(text) if !is_translated(column_type) => text::write(json, text),
        cell => return write_rarer_cell(json, model, column_type, cell),
    }
    true
}

/// Returns true if clients read another text than the stored one.
#[inline(always)]
fn is_translated(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Enumeration(_) | ColumnType::Choice(_) | ColumnType::Spelled(_))
}

/// Writes rare kinds of cells. A separate function, so that the inlined common path stays small.
#[inline(never)]
fn write_rarer_cell(json: &mut Json, model: &Model, column_type: &ColumnType, cell: Cell) -> bool {
    match cell {
        Cell::Null | Cell::Unreadable(_) => return false,
        Cell::Boolean(value) => write_scalar(json, &value),
        Cell::Integer(value) if column_type.enumeration().is_some() => {
            return write_value(json, model, column_type, &column_type.integer(value));
        }
        Cell::Integer(value) => {
            json.push(b'"');
            write_scalar(json, &value);
            json.push(b'"');
        }
        Cell::Double(value) => write_scalar(json, &value),
        Cell::Date(value) => text::write_date(json, value),
        Cell::Text(text) if matches!(column_type, ColumnType::Spelled(_)) => {
            let Ok(text) = std::str::from_utf8(text) else { return false };
            return write_value(json, model, column_type, &text.into());
        }
        Cell::Text(text) => {
            let mut variants = model.variants(column_type).iter();
            match variants.find(|(_, stored)| stored.as_bytes() == text) {
                Some((name, _)) => write_scalar(json, name),
                None => return false,
            }
        }
        Cell::Float(value) => return write_value(json, model, column_type, &Value::Float(Some(value))),
        // A JSON document is written as stored.
        Cell::Other(Value::String(Some(text))) if column_type.is_json() => {
            json.extend_from_slice(text.as_bytes());
        }
        Cell::Other(value) => return write_value(json, model, column_type, value),
    }
    true
}

fn write_value(json: &mut Json, model: &Model, column_type: &ColumnType, value: &Value) -> bool {
    let written = column_type.write(value, model.variants(column_type));
    written.inspect(|value| write_scalar(json, value)).is_some()
}

/// Writes a number, a text or `null`.
pub(super) fn write_scalar(json: &mut Json, value: &(impl Serialize + ?Sized)) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(json, value);
}
