//! Row estimates of loads, known before execution.

use super::filter::{Filter, Test};
use super::operand::Operand;
use super::{Load, LoadKind, Page, Rows};

/// Assumed rows of a root list without a limit.
const ROOT_LIST: u64 = 100;

/// Assumed rows of a nested list without a limit.
const LIST: u64 = 10;

/// Returns the maximum number of rows that `loads` request for `parents` parent rows. An aggregate or a
/// to-one relation counts one row per parent, a list its limit. A limit above `ceiling`, the maximum number
/// of rows of a response, counts as no limit: clients use the largest number for "all".
pub fn rows_asked(loads: &[Load], parents: u64, ceiling: u64) -> u64 {
    loads.iter().fold(0, |sum, load| {
        let LoadKind::Rows(rows) = &load.what else { return sum.saturating_add(parents) };
        let own = parents.saturating_mul(most_rows(load, rows, ceiling));
        sum.saturating_add(own).saturating_add(rows_asked(&rows.children, own, ceiling))
    })
}

/// Returns the maximum number of rows of a load per parent row.
fn most_rows(load: &Load, rows: &Rows, ceiling: u64) -> u64 {
    match &rows.page {
        Page::Slice { limit: Some(limit), .. } | Page::Keyset { limit: Some(limit), .. }
            if *limit <= ceiling =>
        {
            *limit
        }
        // Only lists have an order; a to-one relation or a look-up by keys has none.
        _ if rows.order.is_empty() => keys(load.source.filter()),
        _ if load.relation.is_none() => ROOT_LIST,
        _ => LIST,
    }
}

fn keys(filter: &Filter) -> u64 {
    match filter {
        Filter::Column { test: Test::OneOf { values: Operand::Value(values), negated: false }, .. } => {
            values.len() as u64
        }
        Filter::Keys { keys, .. } => keys.len() as u64,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Value;

    use super::*;
    use crate::plan::{Aggregate, Direction, OrderBy, OrderTerm, Source};

    const CEILING: u64 = 1_000;

    fn list(page: Page, children: Vec<Load>) -> Load {
        let direction = Direction { descending: false, nulls_first: false };
        let order = vec![OrderTerm { path: Vec::new(), by: OrderBy::Column(0), direction }];
        let rows = Rows { order, page, children, ..Rows::unordered() };
        Load::new(Source::of(0), LoadKind::Rows(rows))
    }

    fn one(filter: Filter, children: Vec<Load>) -> Load {
        Load::new(Source::of(0).narrow(filter), LoadKind::Rows(Rows { children, ..Rows::unordered() }))
    }

    fn below(load: Load) -> Load {
        Load { relation: Some((0, 0)), ..load }
    }

    fn slice(limit: u64) -> Page {
        Page::Slice { limit: Some(limit), offset: 0 }
    }

    fn keyset(limit: Option<u64>) -> Page {
        Page::Keyset { limit, backward: false, after: None, before: None, looks_outside: false }
    }

    fn asked(loads: &[Load]) -> u64 {
        rows_asked(loads, 1, CEILING)
    }

    #[test]
    fn limits_are_multiplied_along_the_levels() {
        let inner = below(list(keyset(Some(5)), vec![]));
        let middle =
            below(list(slice(4), vec![inner.clone(), below(one(Filter::everything(), vec![inner]))]));
        // Three rows, four for each, five for each of those, one and then five again.
        assert_eq!(asked(&[list(slice(3), vec![middle.clone()])]), 3 + 12 + 60 + 12 + 60);
        assert_eq!(asked(&[list(slice(0), vec![middle])]), 0);
    }

    #[test]
    fn lists_without_limits_count_with_assumed_rows() {
        for page in [Page::All, Page::Slice { limit: None, offset: 7 }, keyset(None)] {
            let inner = below(list(page.clone(), vec![]));
            assert_eq!(asked(&[list(page, vec![inner])]), ROOT_LIST + ROOT_LIST * LIST);
        }
    }

    #[test]
    fn a_row_for_each_key_and_each_aggregate() {
        let keys = vec![vec![Value::Int(Some(1))]; 3];
        let pairs = vec![vec![Value::Int(Some(1)); 2]; 3];
        for filter in [Filter::one_of(&[0], keys), Filter::one_of(&[0, 1], pairs)] {
            let count = below(Load::new(Source::of(0), LoadKind::Aggregates(vec![Aggregate::Count])));
            assert_eq!(asked(&[one(filter, vec![count])]), 3 + 3);
        }
        assert_eq!(asked(&[one(Filter::equals(&[0], [Operand::Parameter(0)]), vec![])]), 1);
    }

    #[test]
    fn a_limit_above_the_row_ceiling_counts_as_no_limit() {
        assert_eq!(asked(&[list(slice(CEILING), vec![])]), CEILING);
        assert_eq!(asked(&[list(slice(CEILING + 1), vec![])]), ROOT_LIST);
        assert_eq!(asked(&[list(keyset(Some(u64::MAX)), vec![])]), ROOT_LIST);
    }

    #[test]
    fn cost_saturates_instead_of_overflowing() {
        let deep = (0..40).fold(list(slice(CEILING), vec![]), |load, _| list(slice(CEILING), vec![load]));
        assert_eq!(asked(&[deep.clone(), deep]), u64::MAX);
    }
}
