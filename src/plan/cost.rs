//! The rows that loads ask for, as far as they can be told before anything is sent.

use super::filter::{Filter, Test};
use super::{Load, Page, Rows, What};

/// A list at the root that says no limit is taken for one of so many rows.
const ROOT_LIST: u64 = 100;

/// A list below a row that says no limit is taken for one of so many.
const LIST: u64 = 10;

/// The most rows that `loads` ask for, when each is carried out for `parents` rows above it: one for each of them to an
/// aggregate or the row at the other end of a to-one relation, as many as its limit says to a list. A limit above
/// `ceiling`, the most rows that an answer may have, stands for that: clients say the greatest number for "all".
pub fn rows_asked(loads: &[Load], parents: u64, ceiling: u64) -> u64 {
    loads.iter().fold(0, |sum, load| {
        let What::Rows(rows) = &load.what else { return sum.saturating_add(parents) };
        let own = parents.saturating_mul(most_rows(load, rows).min(ceiling));
        sum.saturating_add(own).saturating_add(rows_asked(&rows.children, own, ceiling))
    })
}

/// The most rows of a load for one row above.
fn most_rows(load: &Load, rows: &Rows) -> u64 {
    match &rows.page {
        Page::Slice { limit: Some(limit), .. } | Page::Keyset { limit: Some(limit), .. } => *limit,
        // Only a list has an order: the row of a to-one relation, or those with certain keys.
        _ if rows.order.is_empty() => keys(&load.filter),
        _ if load.relation.is_none() => ROOT_LIST,
        _ => LIST,
    }
}

fn keys(filter: &Filter) -> u64 {
    match filter {
        Filter::Column { test: Test::OneOf { values, negated: false }, .. } => values.len() as u64,
        Filter::Any(keys) => keys.len() as u64,
        _ => 1,
    }
}
