//! Measures the service's size, start time and schema build time.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use crowsfoot::{Registry, Schema};
use serde::Serialize;
use serde_json::Value as Json;

use crate::compare::median;
use crate::load::{Connection, Request};
use crate::record::{Record, mebibytes};
use crate::server::{Server, Service};
use crate::{Failure, dataset, example, many};

/// Options of `start`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    service: Service,
    /// Number of runs; the median counts
    #[arg(long, default_value = "10")]
    runs: NonZeroUsize,
    /// File for the figures, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Conditions of the measurement.
#[derive(Debug, Serialize)]
struct Conditions {
    workers: NonZeroUsize,
    runs: NonZeroUsize,
}

/// Measured figures.
#[derive(Debug, Serialize)]
struct Figures {
    program_bytes: u64,
    /// Size without debug information and symbols; `None` without the program `strip`.
    stripped_bytes: Option<u64>,
    cold: Cold,
    models: Vec<Making>,
}

/// Milliseconds since the program was started.
#[derive(Debug, Serialize)]
struct Cold {
    /// Until the address was printed.
    address_ms: f64,
    /// Until the first response.
    answer_ms: f64,
}

/// Milliseconds of the steps from entities to a schema, in this process.
#[derive(Debug, Serialize)]
struct Making {
    entities: usize,
    types: usize,
    /// Reflection of entities.
    registry_ms: f64,
    /// Building and checking the model.
    model_ms: f64,
    /// Building the schema.
    schema_ms: f64,
    /// Printing the SDL, which no start needs.
    sdl_ms: f64,
    /// From entities to a schema.
    all_ms: f64,
    /// From entities to a schema, the first time in this process.
    first_ms: f64,
}

/// Measures and prints.
///
/// # Errors
/// If a measurement fails.
pub async fn run(options: Options) -> Result<(), Failure> {
    let Options { service, runs, json } = options;
    // Before any other model is built in this process.
    let models = vec![making(example::registry, runs)?, making(many::registry, runs)?];
    dataset::ensure(&service.database).await?;
    let program = service.program()?;
    let mut starts = Vec::new();
    for _ in 0..runs.get() {
        starts.push(cold(&program, &service).await?);
    }
    let milliseconds =
        |side: fn(&(Duration, Duration)) -> Duration| median(starts.iter().map(|start| in_ms(side(start))));
    let figures = Figures {
        program_bytes: std::fs::metadata(&program)?.len(),
        stripped_bytes: stripped(&program),
        cold: Cold { address_ms: milliseconds(|start| start.0), answer_ms: milliseconds(|start| start.1) },
        models,
    };
    let conditions = Conditions { workers: service.workers, runs };
    let record = Record::new(service.database.release().await?, conditions, figures);
    print!("{}", table(&record));
    if let Some(file) = json {
        record.write(&file)?;
    }
    Ok(())
}

/// Returns the time until the address was printed, and until the first response.
async fn cold(program: &Path, service: &Service) -> Result<(Duration, Duration), Failure> {
    let begin = Instant::now();
    let server = Server::program(program, service)?;
    let address = begin.elapsed();
    let request = Request::post("{ users(limit: 1) { id } }", &Json::Null);
    let body = Connection::open(server.address).await?.ask(&request).await?.to_vec();
    let answer = begin.elapsed();
    let expected = br#"{"data":{"users":[{"id":1}]}}"#;
    if body != expected {
        return Err(format!("the service answers {}", String::from_utf8_lossy(&body)).into());
    }
    Ok((address, answer))
}

fn making(registry: fn() -> Registry, runs: NonZeroUsize) -> Result<Making, Failure> {
    let (mut rounds, mut entities, mut types) = (Vec::new(), 0, 0);
    for _ in 0..runs.get() {
        let begin = Instant::now();
        let registry = registry();
        let registered = begin.elapsed();
        let model = registry.model()?;
        let modelled = begin.elapsed();
        entities = model.entities.len();
        let schema = Schema::new(model)?;
        let built = begin.elapsed();
        let text = schema.sdl();
        let written = begin.elapsed();
        types = text.lines().filter(|line| line.ends_with('{') && !line.starts_with(' ')).count();
        rounds.push([registered, modelled - registered, built - modelled, written - built, built].map(in_ms));
    }
    let middle = |step: usize| median(rounds.iter().map(|round| round[step]));
    Ok(Making {
        entities,
        types,
        registry_ms: middle(0),
        model_ms: middle(1),
        schema_ms: middle(2),
        sdl_ms: middle(3),
        all_ms: middle(4),
        first_ms: rounds[0][4],
    })
}

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn stripped(program: &Path) -> Option<u64> {
    let file = std::env::temp_dir().join(format!("crowsfoot-stripped-{}", std::process::id()));
    let done = Command::new("strip").arg("-o").arg(&file).arg(program).status().ok()?;
    let bytes = std::fs::metadata(&file).ok().filter(|_| done.success()).map(|metadata| metadata.len());
    // The file may not have been written.
    let _ = std::fs::remove_file(&file);
    bytes
}

fn table(record: &Record<Conditions, Figures>) -> String {
    let Figures { program_bytes, stripped_bytes, cold, models } = &record.figures;
    #[expect(clippy::cast_precision_loss, reason = "no program has 2^53 bytes")]
    let mebibytes = |bytes: u64| mebibytes(bytes as f64);
    let mut lines = vec![record.heading(), format!("program: {:.1} MiB", mebibytes(*program_bytes))];
    lines.extend(stripped_bytes.map(|bytes| format!("program, stripped: {:.1} MiB", mebibytes(bytes))));
    lines.push(format!("from start to address: {:.1} ms", cold.address_ms));
    lines.push(format!("from start to first answer: {:.1} ms\n", cold.answer_ms));
    lines.push("| entities | types | registry ms | model ms | schema ms | SDL ms | all but SDL ms | the first time |".into());
    lines.push("|---:|---:|---:|---:|---:|---:|---:|---:|".into());
    for making in models {
        let Making { entities, types, registry_ms, model_ms, schema_ms, sdl_ms, all_ms, first_ms } = making;
        lines.push(format!(
            "| {entities} | {types} | {registry_ms:.1} | {model_ms:.1} | {schema_ms:.1} | {sdl_ms:.1} | {all_ms:.1} | \
             {first_ms:.1} |"
        ));
    }
    lines.join("\n") + "\n"
}
