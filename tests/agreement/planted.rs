//! Planted faults: the laws of reading and writing fail if a rule is forgotten, or all rules at one place.

use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use crate::ask::{self, Service};
use crate::choices::{self, Choices};
use crate::naive::{self, RulePlace};
use crate::policies::{self, Extent, LISTS, Rules, TREES, random_rules, without_hidden};
use crate::world::World;
use crate::writing_law::{self, Grants, Tally};

/// Returns the rows that are seen, and in each table behind them the hidden ones.
fn with_hidden_last(world: &World, seen: &World) -> World {
    let mut all = seen.clone();
    for (rows, every) in all.tables.iter_mut().zip(&world.tables) {
        let hidden: Vec<_> = every.iter().filter(|row| !rows.contains(row)).cloned().collect();
        rows.extend(hidden);
    }
    all
}

/// Counts the queries of a law whose answers differ from those of an executor that forgets the rules at one place.
fn differences(extent: Extent, place: RulePlace) -> usize {
    let Extent { cases, queries, length, query } = extent;
    let mut runner = TestRunner::new(choices::config(cases));
    let strategy =
        (vec(choices::choices(length), 1..=queries), choices::choices(3_000), choices::choices(600));
    let mut found = 0;
    for _ in 0..cases {
        let (queries, numbers, ruled) = strategy.new_tree(&mut runner).unwrap().current();
        let world = World::full(&mut Choices::new(&numbers));
        let mut rules = random_rules(&world, &mut Choices::new(&ruled));
        // Cells are no part of this test, so that a row is found again by its cells.
        rules.iter_mut().for_each(|rules| rules.cells.clear());
        let seen = without_hidden(&world, &rules);
        let all = with_hidden_last(&world, &seen);
        for numbers in &queries {
            let fields = query(&seen, &mut Choices::new(numbers));
            let known = ask::made_up(&all, &fields);
            let (expected, _) = naive::answer(&seen, &known, &fields);
            let wrong = naive::answer_forgetting([&all, &seen], &known, &fields, place);
            found += usize::from(expected.difference(&wrong.to_json()).is_some());
        }
    }
    found
}

#[test]
fn the_law_of_reading_asks_at_each_place_for_what_a_rule_hides() {
    for place in RulePlace::ALL {
        let found = [TREES, LISTS].map(|extent| differences(extent, place));
        eprintln!("{place:?}: {found:?} answers differ");
        assert!(found.iter().sum::<usize>() >= 5, "{place:?}: {found:?}");
    }
}

type ForgetRules = fn(&mut [Rules]);
type ForgetGrants = fn(&mut [Rules], &mut [Grants]);

fn forget_rows(rules: &mut [Rules]) {
    if let Some(found) = rules.iter_mut().find(|rules| rules.rows.is_some()) {
        found.rows = None;
    }
}

#[test]
fn the_law_of_reading_fails_if_one_rule_is_forgotten() {
    let forget_cell = |rules: &mut [Rules]| {
        if let Some(found) = rules.iter_mut().find(|rules| !rules.cells.is_empty()) {
            found.cells.clear();
        }
    };
    let runtime = Runtime::new().unwrap();
    let mut services = runtime.block_on(Service::all());
    let forgetful: [(&str, ForgetRules); 2] = [("rows", forget_rows), ("cells", forget_cell)];
    for (kind, forget) in forgetful {
        let sqlite = &mut services[..1];
        let config = choices::failing(TREES.cases);
        let (compared, result) = policies::compare(&runtime, sqlite, config, TREES, forget);
        assert!(result.is_err(), "a forgotten rule of {kind} goes unnoticed");
        eprintln!("{kind}: noticed after {compared} queries");
    }
    runtime.block_on(Service::drop_all(services));
}

#[test]
fn the_law_of_writing_fails_if_rules_of_one_kind_are_forgotten() {
    let runtime = Runtime::new().unwrap();
    let services = runtime.block_on(Service::all());
    let forgetful: [(&str, ForgetGrants); 4] = [
        ("reading", |rules, _| rules.iter_mut().for_each(|rules| rules.rows = None)),
        ("update", |_, grants| grants.iter_mut().for_each(|grants| grants.update = None)),
        ("check", |_, grants| grants.iter_mut().for_each(|grants| grants.check = None)),
        ("delete", |_, grants| grants.iter_mut().for_each(|grants| grants.delete = None)),
    ];
    for (kind, forget) in forgetful {
        let (tally, config) = (Tally::default(), choices::failing(writing_law::CASES));
        let result = writing_law::compare(&runtime, &services[..1], config, &tally, forget);
        assert!(result.is_err(), "forgotten rules of {kind} go unnoticed: {tally:?}");
        eprintln!("{kind}: noticed after {tally:?}");
    }
    runtime.block_on(Service::drop_all(services));
}
