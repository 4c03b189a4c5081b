//! Memory use of one large response.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value as Json;

use crate::compare::median;
use crate::load::{Connection, Request};
use crate::record::{Record, mebibytes};
use crate::server::{Server, Service};
use crate::{Failure, dataset};

/// Options of `memory`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    conditions: Conditions,
    /// File for the figures, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Conditions of the measurement.
#[derive(Debug, Args, Serialize)]
struct Conditions {
    /// Number of times that the service is started anew; the median counts
    #[arg(long, default_value = "3")]
    runs: NonZeroUsize,
}

/// Measured figures. Memory is in bytes.
#[derive(Debug, Serialize)]
struct Figures {
    rows: usize,
    answer: usize,
    /// Before the request.
    before: f64,
    /// Peak during the request.
    peak: f64,
    /// After the response.
    after: f64,
    /// Maximum growth per row.
    growth_each: f64,
}

/// All posts with their authors.
const LARGE: &str = "{ posts { id title author { id name } } }";

/// Warm-up queries with small responses. They read the pages of SQLite's file, which would otherwise count as
/// growth.
const BEFORE: [&str; 3] = [
    "{ posts(limit: 20) { id title author { id name } } }",
    "{ posts(where: { title: { contains: \"nowhere\" } }) { id } }",
    "{ authors(where: { name: { contains: \"nowhere\" } }) { id } }",
];

/// Measures and prints.
///
/// # Errors
/// If a measurement fails.
pub async fn run(options: Options) -> Result<(), Failure> {
    let Options { service, conditions, json } = options;
    dataset::ensure(&service.database).await?;
    let program = service.program()?;
    let mut runs = Vec::new();
    for _ in 0..conditions.runs.get() {
        runs.push(measure(&Server::program(&program, &service)?).await?);
    }
    let middle = |of: fn(&Figures) -> f64| median(runs.iter().map(of));
    let figures = Figures {
        rows: runs[0].rows,
        answer: runs[0].answer,
        before: middle(|run| run.before),
        peak: middle(|run| run.peak),
        after: middle(|run| run.after),
        growth_each: middle(|run| run.growth_each),
    };
    let record = Record::new(service.database.release().await?, conditions, figures);
    print!("{}", table(&record));
    if let Some(file) = json {
        record.write(&file)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "no process has 2^53 bytes")]
async fn measure(server: &Server) -> Result<Figures, Failure> {
    let mut connection = Connection::open(server.address).await?;
    for query in BEFORE {
        connection.ask(&Request::post(query, &Json::Null)).await?;
    }
    server.forget_peak()?;
    let before = server.memory()?.resident;
    let answer = connection.ask(&Request::post(LARGE, &Json::Null)).await?.to_vec();
    let memory = server.memory()?;
    let json: Json = serde_json::from_slice(&answer)?;
    let rows = json["data"]["posts"].as_array().map_or(0, Vec::len);
    if rows != dataset::POSTS {
        return Err(format!("{rows} posts came, expected {}", dataset::POSTS).into());
    }
    Ok(Figures {
        rows,
        answer: answer.len(),
        before: before as f64,
        peak: memory.peak as f64,
        after: memory.resident as f64,
        growth_each: memory.peak.saturating_sub(before) as f64 / rows as f64,
    })
}

fn table(record: &Record<Conditions, Figures>) -> String {
    let Figures { rows, answer, before, peak, after, growth_each } = &record.figures;
    format!(
        "{}\n{rows} rows, each joined with another: an answer of {answer} bytes\n\n\
         | before MiB | peak MiB | after MiB | bytes per row | bytes per byte of the answer |\n\
         |---:|---:|---:|---:|---:|\n\
         | {:.1} | {:.1} | {:.1} | {growth_each:.0} | {:.1} |\n",
        record.heading(),
        mebibytes(*before),
        mebibytes(*peak),
        mebibytes(*after),
        growth_each * ratio(*rows, *answer),
    )
}

#[expect(clippy::cast_precision_loss, reason = "neither is that many")]
fn ratio(rows: usize, bytes: usize) -> f64 {
    rows as f64 / bytes as f64
}
