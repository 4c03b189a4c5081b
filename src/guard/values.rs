//! Size of argument and variable values, measured without recursion: a client chooses how deep they nest.

use async_graphql::{Name, Variables};
use async_graphql_value::{ConstValue, Value};

use super::limits::{DocumentLimits, check_amount};
use crate::error::Result;

/// Size of a value including its contents. Sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ValueSize {
    /// Number of scalars, lists and objects.
    pub values: u64,
    /// Size of all text, in bytes.
    pub bytes: u64,
    /// Length of the longest list.
    pub longest_list: u64,
    /// Nesting of lists and objects.
    pub depth: u64,
}

impl ValueSize {
    /// Adds the size of a sibling value.
    pub fn add(&mut self, other: Self) {
        self.add_times(other, 1);
    }

    /// Adds the size of a value that occurs several times.
    pub fn add_times(&mut self, other: Self, times: u64) {
        self.values = self.values.saturating_add(other.values.saturating_mul(times));
        self.bytes = self.bytes.saturating_add(other.bytes.saturating_mul(times));
        self.longest_list = self.longest_list.max(other.longest_list);
        self.depth = self.depth.max(other.depth);
    }

    /// Returns the size of a constant value.
    pub fn of_variable(value: &ConstValue) -> Self {
        let mut size = Self::default();
        // Nearly every variable is a scalar, which needs no work list.
        let mut waiting = match value {
            ConstValue::List(_) | ConstValue::Object(_) => vec![(value, 1)],
            scalar => {
                size.add_scalar(text(scalar));
                Vec::new()
            }
        };
        while let Some((value, depth)) = waiting.pop() {
            match value {
                ConstValue::List(items) => {
                    size.add_nested(depth);
                    size.longest_list = size.longest_list.max(items.len() as u64);
                    waiting.extend(items.iter().map(|item| (item, depth + 1)));
                }
                ConstValue::Object(fields) => {
                    size.add_nested(depth);
                    waiting.extend(fields.values().map(|field| (field, depth + 1)));
                }
                scalar => size.add_scalar(text(scalar)),
            }
        }
        size
    }

    /// Returns the size of a value in a document. Calls `variable` for every variable in it, with the number
    /// of lists and objects around the variable.
    pub fn of_literal<'a>(value: &'a Value, mut variable: impl FnMut(&'a Name, u64)) -> Self {
        let mut size = Self::default();
        let mut waiting = vec![(value, 1)];
        while let Some((value, depth)) = waiting.pop() {
            match value {
                Value::Variable(name) => {
                    size.values += 1;
                    variable(name, depth - 1);
                }
                Value::List(items) => {
                    size.add_nested(depth);
                    size.longest_list = size.longest_list.max(items.len() as u64);
                    waiting.extend(items.iter().map(|item| (item, depth + 1)));
                }
                Value::Object(fields) => {
                    size.add_nested(depth);
                    waiting.extend(fields.values().map(|field| (field, depth + 1)));
                }
                Value::String(text) => size.add_scalar(text.len()),
                Value::Binary(bytes) => size.add_scalar(bytes.len()),
                _ => size.add_scalar(0),
            }
        }
        size
    }

    /// Checks the total size.
    ///
    /// # Errors
    /// `TOO_COMPLEX`.
    pub fn check(&self, limits: &DocumentLimits) -> Result<()> {
        let Self { values, bytes, longest_list, depth: _ } = *self;
        let subject = || format!("the document has a list of {longest_list} items");
        check_amount(limits.list_items, longest_list, "listItems", subject)?;
        let subject = || format!("arguments and variables have {values} values, counted at each use");
        check_amount(limits.values, values, "values", subject)?;
        let subject = || format!("arguments and variables have {bytes} bytes of text, counted at each use");
        check_amount(limits.value_bytes, bytes, "valueBytes", subject)
    }

    fn add_nested(&mut self, depth: u64) {
        self.values += 1;
        self.depth = self.depth.max(depth);
    }

    fn add_scalar(&mut self, bytes: usize) {
        self.values += 1;
        self.bytes += bytes as u64;
    }
}

/// Returns the length of a scalar's text, in bytes.
fn text(scalar: &ConstValue) -> usize {
    match scalar {
        ConstValue::String(text) => text.len(),
        ConstValue::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}

/// Drops the values of variables without recursion: the nested values of a refused request may be deeper than the
/// stack.
pub fn drop_values(variables: Variables) {
    let mut waiting = vec![variables.into_value()];
    while let Some(value) = waiting.pop() {
        match value {
            ConstValue::List(items) => waiting.extend(items),
            ConstValue::Object(fields) => waiting.extend(fields.into_values()),
            _ => {}
        }
    }
}
