//! Rules: filters with variables of the viewer, as written.

use std::collections::BTreeSet;

use async_graphql_value::{Name, Value as Written};

use crate::guard;

/// Operators of filters that take filters.
pub(super) const AND: &str = "and";
pub(super) const OR: &str = "or";

/// Extent of a grant: everything, or what a rule holds for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Granted {
    /// Every row.
    All,
    /// Rows for which the filter holds. `seen` is replaced by the rule that it stands for.
    If(Written),
}

impl Granted {
    /// Returns the filter; `None` for every row.
    pub fn filter(self) -> Option<Written> {
        match self {
            Self::All => None,
            Self::If(rule) => Some(rule),
        }
    }
}

/// Returns true if `rule` has `field: target` as a condition that always holds.
pub(super) fn implies(rule: &Written, field: &str, target: &Written) -> bool {
    let Written::Object(fields) = rule else { return false };
    fields.iter().any(|(name, value)| match (name.as_str(), value) {
        (name, value) if name == field && value == target => true,
        (AND, Written::List(all)) => all.iter().any(|rule| implies(rule, field, target)),
        (AND, rule) => implies(rule, field, target),
        (OR, Written::List(any)) => !any.is_empty() && any.iter().all(|rule| implies(rule, field, target)),
        (OR, rule) => implies(rule, field, target),
        _ => false,
    })
}

/// Returns true if every row for which `check` holds is one for which `rule` holds: each condition of the rule is one of the
/// check.
pub(super) fn entails(check: &Written, rule: &Written) -> bool {
    let Written::Object(conditions) = rule else { return false };
    conditions.iter().all(|(name, value)| implies(check, name, value))
}

pub(super) fn both(left: Granted, right: Granted) -> Granted {
    match (left, right) {
        (Granted::All, other) | (other, Granted::All) => other,
        (Granted::If(left), Granted::If(right)) => Granted::If(object(AND, Written::List(vec![left, right]))),
    }
}

/// Unites alternatives; `None` without any.
pub(super) fn any(alternatives: Vec<Granted>) -> Option<Granted> {
    let mut rules = Vec::new();
    for alternative in alternatives {
        match alternative {
            Granted::All => return Some(Granted::All),
            Granted::If(rule) if !rules.contains(&rule) => rules.push(rule),
            Granted::If(_) => {}
        }
    }
    match rules.len() {
        0 => None,
        1 => rules.pop().map(Granted::If),
        _ => Some(Granted::If(object(OR, Written::List(rules)))),
    }
}

/// Returns the filter that holds for no row: one of no alternatives.
pub(super) fn nothing() -> Written {
    object(OR, Written::List(Vec::new()))
}

pub(super) fn object(name: &str, value: Written) -> Written {
    Written::Object([(Name::new(name), value)].into_iter().collect())
}

pub(super) fn variables_of(written: &Written, found: &mut BTreeSet<String>) {
    match written {
        Written::Variable(name) => drop(found.insert(name.to_string())),
        Written::List(items) => items.iter().for_each(|item| variables_of(item, found)),
        Written::Object(fields) => fields.values().for_each(|value| variables_of(value, found)),
        _ => {}
    }
}

/// Parses a filter as the value of an argument.
pub(super) fn parse(rule: &str) -> Result<Written, String> {
    let written = guard::literal(rule).map_err(|message| format!("the rule cannot be read: {message}"))?;
    let filter = written.filter(|written| matches!(written, Written::Object(_)));
    filter.ok_or_else(|| format!("the rule is no filter: {rule}"))
}
