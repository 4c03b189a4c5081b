//! A viewer gets what an administrator would get from a database without the hidden rows and cells.

use std::cell::{Cell as Counter, RefCell};

use crowsfoot::Schema;
use crowsfoot::policy::{Grant, Policies, Viewer};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Runtime;

use crate::agreement::agree;
use crate::ask::Service;
use crate::cell::Cell;
use crate::choices::{self, Choices};
use crate::domain;
use crate::naive;
use crate::query::{Field, Filter, Place};
use crate::random_query::{random_filter, random_lists, random_tree};
use crate::syntax;
use crate::tables::{TABLES, entities, of_entities};
use crate::world::World;
use crate::writing;

/// Name of the role.
pub const ROLE: &str = "reader";

/// Extent of a law: the number of sets of rows, the queries of each, and the choices of a query.
#[derive(Clone, Copy)]
pub struct Extent {
    pub cases: u32,
    pub queries: usize,
    pub length: usize,
    pub query: fn(&World, &mut Choices) -> Vec<Field>,
}

pub const TREES: Extent = Extent { cases: 30, queries: 20, length: 400, query: random_tree };
pub const LISTS: Extent = Extent { cases: 20, queries: 6, length: 1_500, query: random_lists };

#[test]
fn random_trees_of_a_role_answer_as_if_hidden_rows_were_absent() {
    check(TREES);
}

#[test]
fn random_lists_of_a_role_answer_as_if_hidden_rows_were_absent() {
    check(LISTS);
}

/// Rules of one table: of its rows, and of cells.
#[derive(Clone)]
pub struct Rules {
    pub rows: Option<Filter>,
    pub cells: Vec<(usize, Filter)>,
}

fn check(extent: Extent) {
    let runtime = Runtime::new().unwrap();
    let mut services = runtime.block_on(Service::all());
    let (compared, result) = compare(&runtime, &mut services, choices::config(extent.cases), extent, |_| {});
    eprintln!("{compared} queries compared");
    if let Err(fault) = result {
        panic!("{fault}");
    }
    runtime.block_on(Service::drop_all(services));
}

/// Compares answers under random rules with those without the hidden rows. `forget` changes the rules of the role alone.
/// Returns the number of compared queries, and the first difference.
pub fn compare(
    runtime: &Runtime,
    services: &mut [Service],
    config: Config,
    extent: Extent,
    forget: impl Fn(&mut [Rules]),
) -> (usize, Result<(), String>) {
    let Extent { queries, length, query, .. } = extent;
    let compared = Counter::new(0);
    let strategy =
        (vec(choices::choices(length), 1..=queries), choices::choices(3_000), choices::choices(600));
    // Each case runs alone on the databases.
    let services = RefCell::new(services);
    let result = TestRunner::new(config).run(&strategy, |(queries, numbers, ruled)| {
        let world = World::full(&mut Choices::new(&numbers));
        let mut rules = random_rules(&world, &mut Choices::new(&ruled));
        for table in unsatisfiable(policies(&rules)) {
            rules[table] = Rules { rows: None, cells: Vec::new() };
        }
        let seen = without_hidden(&world, &rules);
        let mut of_role = rules.clone();
        forget(&mut of_role);
        let schema =
            Schema::builder(domain::registry().model().unwrap()).policies(policies(&of_role)).finish();
        let schema = schema.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let viewer = Viewer::new(ROLE);
        let schema = schema.seen_by(&viewer).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for service in services.borrow_mut().iter_mut() {
            service.schema = schema.clone();
            let agrees = runtime.block_on(agree(service, [&world, &seen], &queries, query));
            let agrees = agrees.map_err(|fault| {
                let texts: Vec<String> =
                    rules.iter().enumerate().flat_map(|(table, rules)| written(table, rules)).collect();
                TestCaseError::fail(format!("{fault}\nrules:\n{}", texts.join("\n")))
            });
            compared.set(compared.get() + agrees?);
        }
        Ok(())
    });
    (compared.get(), choices::fault(result))
}

/// Returns the tables with a rule that holds for no row, whatever the data, which is a fault.
pub fn unsatisfiable(policies: Policies) -> Vec<usize> {
    let built = Schema::builder(domain::registry().model().unwrap()).policies(policies).finish();
    let faults = built.err().map(|fault| fault.to_string()).unwrap_or_default();
    let is_unsatisfiable =
        |table: &usize| faults.contains(&format!(", {}: a rule holds for no row", TABLES[*table].name));
    of_entities().filter(is_unsatisfiable).collect()
}

pub fn random_rules(world: &World, choices: &mut Choices) -> Vec<Rules> {
    of_entities()
        .map(|table| {
            if !entities().any(|entity| entity == table) {
                return Rules { rows: None, cells: Vec::new() };
            }
            let rows = (!choices.once_in(3)).then(|| random_filter(world, table, choices));
            let free = free_columns(table);
            let cells = match free.is_empty() || choices.once_in(2) {
                true => Vec::new(),
                false => vec![(*choices.pick(&free), random_filter(world, table, choices))],
            };
            Rules { rows, cells }
        })
        .collect()
}

/// Returns the columns of no key: relations follow keys whatever the viewer sees of them.
pub fn free_columns(id: usize) -> Vec<usize> {
    let ends = |table: usize| {
        TABLES[table].relations.iter().flat_map(move |relation| {
            let from = relation.from.iter().map(move |column| (table, *column));
            from.chain(relation.to.iter().map(move |column| (relation.target, *column)))
        })
    };
    let used: Vec<(usize, usize)> = of_entities().flat_map(ends).collect();
    let looked_up = |column: &usize| TABLES[id].lookups.iter().any(|lookup| lookup.key.contains(column));
    (0..TABLES[id].columns.len())
        .filter(|column| !TABLES[id].primary_key.contains(column))
        .filter(|column| !used.contains(&(id, *column)) && !looked_up(column))
        .collect()
}

pub fn without_hidden(world: &World, rules: &[Rules]) -> World {
    let mut seen = World { is_partial: true, ..World::empty() };
    for (table, rules) in rules.iter().enumerate() {
        for (row, cells) in world.tables[table].iter().enumerate() {
            let place = Place { table, row };
            if rules.rows.as_ref().is_some_and(|rule| !naive::holds(world, place, rule)) {
                continue;
            }
            let mut cells = cells.clone();
            for (column, rule) in &rules.cells {
                if !naive::holds(world, place, rule) {
                    cells[*column] = Cell::Null;
                }
            }
            seen.tables[table].push(cells);
        }
    }
    seen
}

fn policies(rules: &[Rules]) -> Policies {
    Policies::new().role(ROLE, |role| {
        entities().fold(role, |role, table| {
            let Rules { rows, cells } = &rules[table];
            role.grant(TABLES[table].name, |grant: Grant| {
                let grant = grant.read(rows.as_ref().map_or("true".to_owned(), |rule| text(table, rule)));
                cells.iter().fold(grant.columns(["*"]), |grant, (column, rule)| {
                    grant.column_if(&TABLES[table].columns[*column].field, text(table, rule))
                })
            })
        })
    })
}

pub fn text(table: usize, rule: &Filter) -> String {
    syntax::literal(&writing::filter(table, rule))
}

fn written(table: usize, rules: &Rules) -> Vec<String> {
    let name = TABLES[table].name;
    let rows = rules.rows.iter().map(|rule| format!("{name}: {}", text(table, rule)));
    let cells = rules.cells.iter().map(|(column, rule)| {
        format!("{name}.{}: {}", TABLES[table].columns[*column].field, text(table, rule))
    });
    rows.chain(cells).collect()
}
