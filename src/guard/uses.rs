//! Uses of variables in a document, and the size that the variables bring to it.

use std::collections::HashMap;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, Variables};

use super::document::Fragments;
use super::limits::{DocumentLimits, check_amount};
use super::values::ValueSize;
use crate::error::{Error, Result};

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

    /// Returns the number of selections and values that planning reads after fragment expansion, and the bytes of
    /// text among the values. A variable counts at each use, if it is `read`.
    pub fn weight(&self, variables: &Variables, read: impl Fn(&Name) -> bool) -> (u64, u64) {
        let mut size = self.literals;
        for (name, value) in variables.iter().filter(|(name, _)| read(name)) {
            let times = self.variables.get(name).map_or(0, |of_variable| of_variable.times);
            size.add_times(ValueSize::of_variable(value), times);
        }
        (self.selections.saturating_add(size.values), size.bytes)
    }

    /// Returns the number of selections and values in the document as written, without fragment expansion.
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
            check_amount(limits.list_items, longest, "listItems", subject)?;
            sum.add_times(size, times.max(1));
        }
        sum.check(limits)
    }
}
