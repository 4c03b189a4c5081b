//! Builds rows, cell by cell.

use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::Value;
use serde::de::IgnoredAny;

use super::plain_text::is_all_plain;
use super::row::{RowSet, Stored, Unreadable};
use super::tracked_statement::TrackedStatement;
use crate::model::{ColumnType, is_null};

/// Initial capacity: a few rows, as most statements return.
const USUAL_CELLS: usize = 64;
const USUAL_TEXT: usize = 1 << 10;

/// Rows under construction. Text stays bytes until it is complete: one validation of all text costs a tenth
/// of separate ones.
#[derive(Debug)]
pub(crate) struct RowSetBuilder {
    columns: Arc<[ColumnType]>,
    cells: Vec<Stored>,
    text: Vec<u8>,
    others: Vec<Value>,
    has_unreadable: bool,
}

impl RowSet {
    /// Builds rows of exactly these columns from consecutive values.
    pub fn of_values(values: impl IntoIterator<Item = Value>, columns: Arc<[ColumnType]>) -> Self {
        let mut builder = RowSetBuilder::new(columns);
        values.into_iter().for_each(|value| builder.push_value(value));
        builder.finish()
    }
}

impl RowSetBuilder {
    /// Creates an empty builder with these columns.
    pub(crate) fn new(columns: Arc<[ColumnType]>) -> Self {
        let (cells, text) = (Vec::with_capacity(USUAL_CELLS), Vec::with_capacity(USUAL_TEXT));
        Self { columns, cells, text, others: Vec::new(), has_unreadable: false }
    }

    /// Creates an empty builder for a statement, with the capacity of its last results.
    pub(crate) fn of(query: &TrackedStatement) -> Self {
        let cells = Vec::with_capacity(query.last_run.cells.or(USUAL_CELLS));
        let text = Vec::with_capacity(query.last_run.text.or(USUAL_TEXT));
        Self {
            columns: query.statement.columns.clone(),
            cells,
            text,
            others: Vec::new(),
            has_unreadable: false,
        }
    }

    pub(super) fn columns(&self) -> &Arc<[ColumnType]> {
        &self.columns
    }

    /// Completes the rows. Text that is not UTF-8 becomes unreadable.
    pub(super) fn finish(mut self) -> RowSet {
        let text = match String::from_utf8(std::mem::take(&mut self.text)) {
            // The end of one text and the start of the next may form a character that neither contains.
            Ok(text) if text.is_ascii() || self.cells.iter().all(|cell| is_whole(cell, &text)) => text,
            Ok(text) => self.keep_readable(text.as_bytes()),
            Err(error) => self.keep_readable(error.as_bytes()),
        };
        let Self { columns, cells, others, has_unreadable, .. } = self;
        let is_plain = is_all_plain(text.as_bytes());
        RowSet { columns, cells, text, is_plain, others, has_unreadable }
    }

    /// Keeps the valid UTF-8 texts; cells of all other texts become unreadable.
    #[cold]
    fn keep_readable(&mut self, all: &[u8]) -> String {
        let mut kept = String::with_capacity(all.len());
        for cell in &mut self.cells {
            let Stored::Text { start, end } = *cell else { continue };
            *cell = match std::str::from_utf8(&all[start as usize..end as usize]) {
                Ok(text) => {
                    let start = kept.len() as u32;
                    kept.push_str(text);
                    Stored::Text { start, end: kept.len() as u32 }
                }
                Err(_) => {
                    self.has_unreadable = true;
                    Stored::Unreadable(Unreadable::Malformed)
                }
            };
        }
        kept
    }

    /// Adds a cell with this value.
    pub(super) fn push_value(&mut self, value: Value) {
        match value {
            value if is_null(&value) => self.push_null(),
            Value::Bool(Some(value)) => self.push_boolean(value),
            Value::SmallInt(Some(value)) => self.push_integer(value.into()),
            Value::Int(Some(value)) => self.push_integer(value.into()),
            Value::BigInt(Some(value)) => self.push_integer(value),
            Value::Float(Some(value)) => self.push_float(value),
            Value::Double(Some(value)) => self.push_double(value),
            Value::ChronoDate(Some(value)) => self.push_date(value),
            Value::String(Some(value)) => self.push_text(value.as_bytes()),
            other => self.push_other(other),
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
        match value.is_finite() {
            true => self.cells.push(Stored::Float(value)),
            false => self.push_unreadable(Unreadable::NotFinite),
        }
    }

    pub(super) fn push_double(&mut self, value: f64) {
        match value.is_finite() {
            true => self.cells.push(Stored::Double(value)),
            false => self.push_unreadable(Unreadable::NotFinite),
        }
    }

    pub(super) fn push_date(&mut self, value: NaiveDate) {
        self.cells.push(Stored::Date(value));
    }

    /// Adds a cell that is an error when selected, without affecting others.
    #[cold]
    pub(super) fn push_unreadable(&mut self, why: Unreadable) {
        self.has_unreadable = true;
        self.cells.push(Stored::Unreadable(why));
    }

    /// Adds bytes that are validated on completion.
    #[inline]
    pub(super) fn push_text(&mut self, text: &[u8]) {
        let start = self.text.len();
        match u32::try_from(start + text.len()) {
            Ok(end) => {
                self.text.extend_from_slice(text);
                self.cells.push(Stored::Text { start: start as u32, end });
            }
            // Beyond 4 GB each text is stored separately.
            Err(_) => match std::str::from_utf8(text) {
                Ok(text) => self.push_other(text.into()),
                Err(_) => self.push_unreadable(Unreadable::Malformed),
            },
        }
    }

    /// Reserves the cells of this many rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.cells.reserve(rows * self.columns.len());
    }

    /// Adds a JSON document as stored: a number may have more digits than a float.
    pub(super) fn push_json(&mut self, text: &[u8]) {
        match json_text(text) {
            Some(text) => self.push_other(text.into()),
            None => self.push_unreadable(Unreadable::Malformed),
        }
    }

    pub(super) fn push_other(&mut self, value: Value) {
        // This many rows exceed the row ceiling long before.
        let index = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
        self.others.push(value);
        self.cells.push(Stored::Other(index));
    }
}

/// Returns true if both ends of a text are character boundaries.
fn is_whole(cell: &Stored, text: &str) -> bool {
    match *cell {
        Stored::Text { start, end } => {
            text.is_char_boundary(start as usize) && text.is_char_boundary(end as usize)
        }
        _ => true,
    }
}

/// Returns the text of a JSON document that conforms to RFC 8259 and whose escapes form characters.
fn json_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    are_escapes_whole(text).then_some(text)
}

/// Returns true if each `\uXXXX` of a valid JSON text is a character, or half of a surrogate pair (RFC 8259,
/// section 7).
fn are_escapes_whole(text: &str) -> bool {
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        let escaped = &rest[place + 1..];
        let Some(unit) = code_unit(escaped) else {
            rest = escaped.get(1..).unwrap_or_default();
            continue;
        };
        rest = &escaped[5..];
        match unit {
            0xd800..=0xdbff => {
                let low = rest.strip_prefix('\\').and_then(code_unit);
                if !low.is_some_and(|low| (0xdc00..=0xdfff).contains(&low)) {
                    return false;
                }
                rest = &rest[6..];
            }
            0xdc00..=0xdfff => return false,
            _ => {}
        }
    }
    true
}

/// Returns the UTF-16 unit of an escape; `text` starts after the backslash.
fn code_unit(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix('u')?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::row::Cell;

    fn finished(texts: &[&[u8]]) -> RowSet {
        let mut rows = RowSetBuilder::new([ColumnType::Text].into());
        texts.iter().for_each(|text| rows.push_text(text));
        rows.finish()
    }

    fn is_readable(texts: &[&[u8]]) -> Vec<bool> {
        let rows = finished(texts);
        (0..texts.len()).map(|index| matches!(rows.row(index).cell(0), Cell::Text(_))).collect()
    }

    #[test]
    fn adjacent_texts_stay_separate() {
        let texts = ["", "a", "é", "", "日本", "z"];
        let rows = finished(&texts.map(str::as_bytes));
        for (index, text) in texts.into_iter().enumerate() {
            assert_eq!(rows.row(index).cell(0), Cell::Text(text.as_bytes()));
        }
    }

    #[test]
    fn a_character_is_not_put_together_from_two_texts() {
        assert_eq!(is_readable(&["é".as_bytes(), b"a"]), [true, true]);
        assert_eq!(is_readable(&[b"\xc3", b"\xa9"]), [false, false]);
        assert_eq!(is_readable(&[b"a\xc3", b"\xa9b"]), [false, false]);
        assert_eq!(is_readable(&[b"\xc3"]), [false]);
    }

    #[test]
    fn invalid_utf_8_affects_only_its_own_cell() {
        let rows = finished(&["日".as_bytes(), b"\xff", b"", b"a"]);
        assert_eq!(rows.row(0).cell(0), Cell::Text("日".as_bytes()));
        assert_eq!(rows.row(1).cell(0), Cell::Unreadable(Unreadable::Malformed));
        assert_eq!(rows.row(2).cell(0), Cell::Text(b""));
        assert_eq!(rows.row(3).cell(0), Cell::Text(b"a"));
    }

    #[test]
    fn json_is_kept_verbatim_and_validated() {
        for text in
            [r#"{"a": 1e400}"#, "12345678901234567890.12345678901234567890", r#""\ud83d\ude00 \\ud800""#]
        {
            assert_eq!(json_text(text.as_bytes()), Some(text));
        }
        for text in
            [r#""\ud83d""#, r#""\ud83d\u0020""#, r#""\ude00""#, r#""\ud83dx""#, "{", "NaN", "\"\u{1}\""]
        {
            assert_eq!(json_text(text.as_bytes()), None, "{text}");
        }
        assert_eq!(json_text(b"\"\xff\""), None);
    }
}
