//! Checks that the work of a request grows with its client's data by n log n at most. No bound of its own: counts at
//! two sizes are compared with each other.

use std::hint::black_box;

use async_graphql::{Request, Variables};
use clap::{Args, ValueEnum};
use crowsfoot::internals::plan::write_node_id;
use crowsfoot::{Model, Schema, connect};
use migration::Migrator;
use sea_orm::Value;
use sea_orm_migration::MigratorTrait;
use serde_json::{Value as Json, json};

use crate::instructions::{concurrently, total};
use crate::{Failure, example};

/// Number of items, and its factor for the second count.
const ITEMS: u64 = 500;
const FACTOR: u64 = 4;

/// Bound of the second count over the first one. Linear work gives 4, and n log n 4.9; quadratic work gives 16.
const MOST: f64 = 5.0;

/// Repetitions in both runs: their difference is without the start, the rows, and preparation.
const RUNS: [u64; 2] = [1, 3];

/// Options of `grow`.
#[derive(Debug, Args)]
pub struct Grow {
    request: Growing,
    items: u64,
    times: u64,
}

/// Request with a list of the client.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Growing {
    /// Rows by their node ids
    Nodes,
    /// Filter by a list of keys
    In,
    /// Filter of alternatives
    Alternatives,
    /// Creation of rows
    Create,
}

impl Growing {
    /// Returns the document, and its variable for this number of items.
    fn request(self, model: &Model, items: u64) -> Result<(&'static str, Json), Failure> {
        let keys = 1..=items;
        Ok(match self {
            Self::Nodes => {
                let author = model.entity_named("Author").ok_or("the example has no authors")?;
                let id = |key: u64| write_node_id(model, author, [&Value::from(key as i32)].into_iter());
                ("query ($list: [ID!]!) { nodes(nodeIds: $list) { nodeId } }", keys.map(id).collect())
            }
            Self::In => {
                ("query ($list: [Int!]) { authors(where: { id: { in: $list } }) { name } }", keys.collect())
            }
            Self::Alternatives => (
                "query ($list: [AuthorFilter!]) { authors(where: { or: $list }, limit: 1) { name } }",
                keys.map(|id| json!({ "id": { "eq": id } })).collect(),
            ),
            Self::Create => (
                "mutation ($list: [AuthorCreate!]!) { createAuthors(input: $list) { id } }",
                keys.map(new_author).collect(),
            ),
        })
    }
}

fn new_author(number: u64) -> Json {
    json!({ "name": format!("author {number}") })
}

/// Returns the data of a response without errors.
async fn answer(
    schema: &Schema,
    database: &crowsfoot::Database,
    text: &str,
    list: Json,
) -> Result<Json, Failure> {
    let variables = Variables::from_json(json!({ "list": list }));
    let executed = schema.execute(black_box(Request::new(text).variables(variables)), database).await;
    match executed.errors.first() {
        Some(error) => Err(error.error.to_string().into()),
        None => Ok(executed.data()),
    }
}

/// Repeats a request with a list of this many items, over as many rows.
///
/// # Errors
/// If the request fails.
pub async fn grow(Grow { request, items, times }: Grow) -> Result<(), Failure> {
    let file = std::env::temp_dir().join(format!("crowsfoot-growth-{}.db", std::process::id()));
    let database = connect(&format!("sqlite://{}?mode=rwc", file.display()), 1).await?;
    Migrator::up(&*database, None).await?;
    let schema = Schema::new(example::registry().model()?)?;
    let (create, _) = Growing::Create.request(schema.model(), 0)?;
    answer(&schema, &database, create, (1..=items).map(new_author).collect()).await?;
    let (text, list) = request.request(schema.model(), items)?;
    let mut list: Vec<Json> = list.as_array().cloned().unwrap_or_default();
    for _ in 0..times {
        // Another order each time: a plan of the same values would be taken from the cache if it is small enough.
        list.rotate_left(1);
        black_box(answer(&schema, &database, text, list.clone().into()).await?);
    }
    database.close().await?;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    Ok(())
}

/// Counts every request at both sizes and returns those that grow faster than n log n.
///
/// # Errors
/// If a request fails.
pub fn check() -> Result<Vec<String>, Failure> {
    let mut passed = Vec::new();
    println!(
        "\n| request | items | instructions | items | instructions | ratio |\n|---|---:|---:|---:|---:|---:|"
    );
    let requests = Growing::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let sizes: Vec<(String, u64)> = requests
        .flat_map(|request| [ITEMS, FACTOR * ITEMS].map(|items| (request.get_name().to_owned(), items)))
        .collect();
    let counts = concurrently(&sizes, |(request, items)| {
        let total = |times: u64| total(&["grow", request, &items.to_string(), &times.to_string()]);
        Ok(total(RUNS[1])?.saturating_sub(total(RUNS[0])?) / (RUNS[1] - RUNS[0]))
    })?;
    for (sizes, counts) in sizes.chunks(2).zip(counts.chunks(2)) {
        let ([(request, _), _], [few, many]) = (sizes, counts) else { continue };
        let (few, many) = (*few, *many);
        let ratio = many as f64 / few as f64;
        println!("| {request} | {ITEMS} | {few} | {} | {many} | {ratio:.2} |", FACTOR * ITEMS);
        if ratio >= MOST {
            passed.push(format!("growth of {request}"));
        }
    }
    Ok(passed)
}
