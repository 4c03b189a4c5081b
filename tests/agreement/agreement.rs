//! Compares Crowsfoot with the naive executor: the same responses to random queries over random rows, with as
//! many statements as requested levels.

use std::cell::Cell;
use std::fmt::Write as _;
use std::time::Instant;

use proptest::collection::vec;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use crate::ask::{Asked, Service};
use crate::choices::{self, Choices};
use crate::known::Known;
use crate::naive;
use crate::query::Field;
use crate::random_query::{random_comparisons, random_lists, random_texts, random_tree};
use crate::syntax::{self, Document};
use crate::tables::TABLES;
use crate::world::World;
use crate::writing;

/// Nested relations: few roots, four levels.
#[test]
fn random_trees_answer_as_the_naive_executor_does() {
    check(Service::all(), [40, 40, 400], World::random, random_tree);
}

/// Conditions, orders, pages and aggregates: many roots without nested fields.
#[test]
fn random_lists_answer_as_the_naive_executor_does() {
    check(Service::all(), [25, 12, 1_500], World::full, random_lists);
}

/// Conditions on texts that almost match.
#[test]
fn random_patterns_match_as_the_naive_executor_does() {
    check(Service::all(), [15, 10, 1_000], World::full, random_texts);
}

/// Comparisons with any value that a column can hold.
#[test]
fn random_values_compare_as_the_naive_executor_does() {
    check(Service::all(), [10, 10, 1_000], World::wild, random_comparisons);
}

/// Rows without a key, of which some are there twice, and views with and without a declared key.
#[test]
fn random_trees_of_a_live_database_answer_as_the_naive_executor_does() {
    check(Service::live(), [25, 40, 400], World::live, random_tree);
}

#[test]
fn random_lists_of_a_live_database_answer_as_the_naive_executor_does() {
    check(Service::live(), [15, 12, 1_500], World::live, random_lists);
}

/// Compares `queries` queries, each made of `length` choices, over each of `cases` sets of rows.
fn check(
    services: impl Future<Output = Vec<Service>>,
    [cases, queries, length]: [usize; 3],
    rows: fn(&mut Choices) -> World,
    query: fn(&World, &mut Choices) -> Vec<Field>,
) {
    let runtime = Runtime::new().unwrap();
    let services = runtime.block_on(services);
    let started = Instant::now();
    let compared = Cell::new(0);
    let strategy = (vec(choices::choices(length), 1..=queries), choices::choices(3_000));
    let result =
        TestRunner::new(choices::config(cases.try_into().unwrap())).run(&strategy, |(queries, numbers)| {
            let world = rows(&mut Choices::new(&numbers));
            for service in &services {
                let agrees = runtime.block_on(agree(service, [&world, &world], &queries, query));
                compared.set(compared.get() + agrees.map_err(TestCaseError::fail)?);
            }
            Ok(())
        });
    eprintln!("{} queries compared in {:?}", compared.get(), started.elapsed());
    choices::expect(result);
    runtime.block_on(Service::drop_all(services));
}

/// Stores rows, and compares queries with those over the rows that the service's schema shows. Returns the number of
/// compared queries, or the first difference.
pub async fn agree(
    service: &Service,
    [stored, world]: [&World; 2],
    queries: &[Vec<u16>],
    query: fn(&World, &mut Choices) -> Vec<Field>,
) -> Result<usize, String> {
    stored.store(&service.database.connection).await;
    let mut known = service.known(world).await?;
    for numbers in queries {
        let mut choices = Choices::new(numbers);
        let fields = query(world, &mut choices);
        service.learn_cursors(world, &fields, &mut known).await?;
        compare(service, world, &known, &fields, &mut choices).await?;
    }
    Ok(queries.len())
}

/// Sends a query to both executors; returns the difference with its context.
pub async fn compare(
    service: &Service,
    world: &World,
    known: &Known,
    fields: &[Field],
    choices: &mut Choices<'_>,
) -> Result<(), String> {
    let document = syntax::write(&writing::fields(fields, None, known), choices);
    let (expected, statements) = naive::answer(world, known, fields);
    let asked = service.ask(&document).await;
    let planned = service.planned(&document);
    let sent = asked.statements.len();
    let fault = match (&asked.errors, &planned) {
        (Some(errors), _) => Some(format!("errors: {errors:#}")),
        (None, Err(error)) => Some(format!("no plan: {error}")),
        (None, Ok(planned)) if sent > *planned => Some(format!("{sent} statements sent, {planned} planned")),
        (None, Ok(_)) => expected.difference(&asked.data).or_else(|| {
            (sent != statements).then(|| format!("{sent} statements sent, {statements} expected"))
        }),
    };
    match fault {
        None => Ok(()),
        Some(fault) => Err(report(service, world, &document, &asked, &expected.to_json(), &fault)),
    }
}

fn report(
    service: &Service,
    world: &World,
    document: &Document,
    asked: &Asked,
    expected: &Json,
    fault: &str,
) -> String {
    let mut text = format!("{fault}\n\non {:?}:\n{}\n", service.database.dialect, document.text);
    if document.variables.as_object().is_some_and(|variables| !variables.is_empty()) {
        writeln!(text, "variables: {}", document.variables).unwrap();
    }
    writeln!(text, "\nexpected: {expected}\n\nanswered: {}\n\nstatements:", asked.data).unwrap();
    for statement in &asked.statements {
        writeln!(text, "  {} rows: {}", statement.rows, statement.sql).unwrap();
    }
    text.push_str("\nrows:\n");
    for (table, rows) in TABLES.iter().zip(&world.tables) {
        for row in rows {
            let cells = row.iter().zip(&table.columns);
            let cells: Vec<String> =
                cells.map(|(cell, column)| format!("{} {}", column.name, cell.json(column.kind))).collect();
            writeln!(text, "  {}: {}", table.stored, cells.join(", ")).unwrap();
        }
    }
    text
}
