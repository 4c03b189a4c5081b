//! Size of argument and variable values, measured without recursion: a client chooses how deep they nest.

use std::collections::HashMap;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, Variables};
use async_graphql_value::{ConstValue, Value};

use super::DocumentLimits;
use super::document::Fragments;
use crate::error::{Error, Result};

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
    fn add_times(&mut self, other: Self, times: u64) {
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

/// Variable uses of a document after fragment expansion, with count and depth of each, and the size of its
/// literals. A variable counts at each use, because each use reads it.
#[derive(Debug, Default)]
pub struct Uses {
    nodes: u64,
    selections: u64,
    literals: ValueSize,
    variables: HashMap<Name, Use>,
    most: u64,
    deepest: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    times: u64,
    /// Lists and objects around the variable.
    depth: u64,
}

impl Uses {
    /// Counts the uses in a document that has passed [`parse`](super::parse).
    pub fn of(document: &ExecutableDocument) -> Self {
        let mut uses = Self::default();
        Fragments::read(document).each_expanded(document, |part, times| {
            uses.nodes = uses.nodes.saturating_add(part.selections()).saturating_add(part.values().values);
            uses.selections = uses.selections.saturating_add(part.selections().saturating_mul(times));
            uses.literals.add_times(part.values(), times);
            for (name, depth) in &part.variables {
                let of_variable = uses.variables.entry((*name).clone()).or_default();
                of_variable.times = of_variable.times.saturating_add(times);
                of_variable.depth = of_variable.depth.max(*depth);
            }
        });
        uses.most = uses.variables.values().map(|of_variable| of_variable.times).max().unwrap_or_default();
        uses.deepest = uses.variables.values().map(|of_variable| of_variable.depth).max().unwrap_or_default();
        uses
    }

    /// The number of selections and values that planning reads, with fragments expanded and variables wherever they stand,
    /// and the bytes of texts among them. Of the variables only those that are `read`.
    pub fn weight(&self, variables: &Variables, read: impl Fn(&Name) -> bool) -> (u64, u64) {
        let mut size = self.literals;
        for (name, value) in variables.iter().filter(|(name, _)| read(name)) {
            let times = self.variables.get(name).map_or(0, |of_variable| of_variable.times);
            size.add_times(ValueSize::of_variable(value), times);
        }
        (self.selections.saturating_add(size.values), size.bytes)
    }

    /// The number of selections and values in the document as it is written, without expansion.
    pub fn nodes(&self) -> u64 {
        self.nodes
    }

    /// Checks the values of a request's variables.
    ///
    /// # Errors
    /// `TOO_COMPLEX` or `TOO_DEEP` with the limit, the limited quantity as `of`, and the amount as `asked`.
    pub fn check(&self, variables: &Variables, limits: &DocumentLimits) -> Result<()> {
        let mut all = ValueSize::default();
        for value in variables.values() {
            all.add(ValueSize::of_variable(value));
        }
        let depth = limits.depth.min(DocumentLimits::DEEPEST) as u64;
        // Few requests come near a limit: only those are checked variable by variable.
        let mut bound = self.literals;
        bound.add_times(all, self.most.max(1));
        if bound.values <= limits.values as u64
            && bound.bytes <= limits.value_bytes as u64
            && bound.longest_list <= limits.list_items as u64
            && all.depth.saturating_add(self.deepest) <= depth
        {
            return Ok(());
        }
        let mut sum = self.literals;
        for (name, value) in variables.iter() {
            let size = ValueSize::of_variable(value);
            let Use { times, depth: around } = self.variables.get(name).copied().unwrap_or_default();
            let asked = size.depth.saturating_add(around);
            if asked > depth {
                return Err(Error::too_deep(&format!("the value of ${name}"), depth, asked));
            }
            let longest = size.longest_list;
            let subject = || format!("the value of ${name} has a list of {longest} items");
            refuse_above(limits.list_items, longest, "listItems", subject)?;
            sum.add_times(size, times.max(1));
        }
        sum.check(limits)
    }
}

impl ValueSize {
    /// Checks the total size.
    ///
    /// # Errors
    /// `TOO_COMPLEX`.
    pub fn check(&self, limits: &DocumentLimits) -> Result<()> {
        let Self { values, bytes, longest_list, depth: _ } = *self;
        let subject = || format!("the document has a list of {longest_list} items");
        refuse_above(limits.list_items, longest_list, "listItems", subject)?;
        let subject = || format!("arguments and variables have {values} values, counted at each use");
        refuse_above(limits.values, values, "values", subject)?;
        let subject = || format!("arguments and variables have {bytes} bytes of text, counted at each use");
        refuse_above(limits.value_bytes, bytes, "valueBytes", subject)
    }
}

fn refuse_above(limit: usize, asked: u64, of: &str, subject: impl FnOnce() -> String) -> Result<()> {
    match asked <= limit as u64 {
        true => Ok(()),
        false => Err(Error::too_complex(of, &subject(), limit as u64, asked)),
    }
}
