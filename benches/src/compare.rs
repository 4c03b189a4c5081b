//! Measures the floor and the service alternately, on each workload.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::database::Database;
use crate::floor::Driver;
use crate::load::{self, Request};
use crate::record::Record;
use crate::server::{Backends, Server, Service};
use crate::workload::{self, Question, Workload};
use crate::{Failure, check, dataset};

/// Both servers.
#[derive(Clone, Debug, Args)]
pub struct Setup {
    /// The service
    #[command(flatten)]
    pub service: Service,
    /// The floor's driver for PostgreSQL
    #[arg(long, value_enum, default_value_t = Driver::TokioPostgres)]
    pub driver: Driver,
}

/// Conditions of a measurement.
#[derive(Debug, Serialize)]
pub struct Conditions {
    workers: NonZeroUsize,
    driver: String,
    pace: Pace,
}

impl Conditions {
    /// Creates the conditions for a pace.
    pub fn new(setup: &Setup, pace: Pace) -> Self {
        Self { workers: setup.service.workers, driver: format!("{:?}", setup.driver), pace }
    }
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    pace: Pace,
    /// Workloads to measure [default: all]
    #[arg(long, value_delimiter = ',', value_parser = workload::NAMES)]
    workloads: Vec<String>,
    /// File for the figures, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Duration and load of a measurement.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Pace {
    /// Number of rounds; the median counts
    #[arg(long, default_value = "5")]
    pub rounds: NonZeroUsize,
    /// Seconds per round
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Connections, each with one request under way
    #[arg(long, default_value = "16")]
    pub clients: NonZeroUsize,
}

/// Cost of a workload on a server: medians of the rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    /// Responses per second.
    pub per_second: f64,
    /// Processor time of the server per response, in milliseconds.
    pub cpu_ms: f64,
    /// Processor time of the database per response, in milliseconds.
    pub database_cpu_ms: Option<f64>,
    /// Time below which 99 of 100 responses came, in milliseconds.
    pub p99_ms: f64,
}

/// Costs of a workload on both servers.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Name of the workload.
    pub workload: &'static str,
    /// Cost on the floor.
    pub floor: Cost,
    /// Cost on the service.
    pub service: Cost,
    /// Throughput of the service relative to the floor: the median of the rounds' ratios.
    pub ratio: f64,
}

/// Both servers, running and checked.
pub struct Bench {
    database: Database,
    floor: Server,
    service: Server,
    backends: Backends,
}

impl Bench {
    /// Creates a missing dataset, starts both servers and compares their responses.
    ///
    /// # Errors
    /// If a server does not start, or the responses differ.
    pub async fn start(setup: &Setup, workloads: &[Workload]) -> Result<Self, Failure> {
        let Service { database, workers, .. } = &setup.service;
        dataset::ensure(database).await?;
        let floor = Server::floor(database, setup.driver, *workers)?;
        let service = Server::service(&setup.service)?;
        check::run(&floor, &service, workloads).await?;
        let backends = Backends::new(database).await?;
        Ok(Self { database: database.clone(), floor, service, backends })
    }

    /// Returns the database's release, and the encryption of the servers' connections to it.
    ///
    /// # Errors
    /// If the database does not respond.
    pub async fn database(&self) -> Result<String, Failure> {
        let parts = [Some(self.database.release().await?), self.backends.encryption().await?];
        Ok(parts.into_iter().flatten().collect::<Vec<String>>().join(", "))
    }

    /// Measures workloads: all of them in each round, so that other load on the machine affects all alike.
    ///
    /// # Errors
    /// If a server fails.
    pub async fn compare(&self, workloads: &[Workload], pace: &Pace) -> Result<Vec<Comparison>, Failure> {
        let mut rounds = vec![Vec::new(); workloads.len()];
        // The first round fills caches and prepares statements: it does not count.
        for round in 0..=pace.rounds.get() {
            let seconds = if round == 0 { pace.seconds.min(0.5) } else { pace.seconds };
            for (workload, rounds) in workloads.iter().zip(&mut rounds) {
                eprint!("\rround {round} of {}: {:<8}", pace.rounds, workload.name);
                let (to_floor, to_service) = requests(workload);
                let floor = || self.cost(&self.floor, &to_floor, pace.clients.get(), seconds);
                let service = || self.cost(&self.service, &to_service, pace.clients.get(), seconds);
                let pair = if round % 2 == 0 {
                    (floor().await?, service().await?)
                } else {
                    let service = service().await?;
                    (floor().await?, service)
                };
                if round > 0 {
                    rounds.push(pair);
                }
            }
        }
        eprintln!();
        Ok(workloads.iter().zip(rounds).map(|(workload, rounds)| summary(workload, &rounds)).collect())
    }

    async fn cost(
        &self,
        server: &Server,
        requests: &[Request],
        clients: usize,
        seconds: f64,
    ) -> Result<Cost, Failure> {
        let before = (server.cpu()?, self.backends.cpu().await?);
        let load = load::run(server.address, requests, clients, Duration::from_secs_f64(seconds)).await?;
        let after = (server.cpu()?, self.backends.cpu().await?);
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 answers")]
        let answers = load.answers as f64;
        if load.answers == 0 {
            return Err("no answer came in time: measure for more seconds".into());
        }
        let each = |time: Duration| time.as_secs_f64() * 1_000.0 / answers;
        let database = after.1.zip(before.1).map(|(after, before)| each(after.saturating_sub(before)));
        Ok(Cost {
            per_second: answers / load.elapsed.as_secs_f64(),
            cpu_ms: each(after.0.saturating_sub(before.0)),
            database_cpu_ms: database,
            p99_ms: load.p99.as_secs_f64() * 1_000.0,
        })
    }
}

/// Returns the requests to the floor and to the service.
fn requests(workload: &Workload) -> (Vec<Request>, Vec<Request>) {
    let to_floor =
        |Question { path, query, variables, .. }: &Question| Request::to_path(path, query, variables);
    let to_service = |Question { query, variables, .. }: &Question| Request::post(query, variables);
    (workload.questions.iter().map(to_floor).collect(), workload.questions.iter().map(to_service).collect())
}

fn summary(workload: &Workload, rounds: &[(Cost, Cost)]) -> Comparison {
    let of = |side: fn(&(Cost, Cost)) -> &Cost| Cost {
        per_second: median(rounds.iter().map(|round| side(round).per_second)),
        cpu_ms: median(rounds.iter().map(|round| side(round).cpu_ms)),
        database_cpu_ms: side(&rounds[0])
            .database_cpu_ms
            .map(|_| median(rounds.iter().filter_map(|round| side(round).database_cpu_ms))),
        p99_ms: median(rounds.iter().map(|round| side(round).p99_ms)),
    };
    Comparison {
        workload: workload.name,
        floor: of(|round| &round.0),
        service: of(|round| &round.1),
        ratio: median(rounds.iter().map(|(floor, service)| service.per_second / floor.per_second)),
    }
}

/// Returns the median.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Compares both servers and prints the result.
///
/// # Errors
/// If a measurement fails.
pub async fn run(options: Options) -> Result<(), Failure> {
    let mut workloads = workload::all();
    if !options.workloads.is_empty() {
        workloads.retain(|workload| options.workloads.iter().any(|name| name == workload.name));
    }
    let bench = Bench::start(&options.setup, &workloads).await?;
    let comparisons = bench.compare(&workloads, &options.pace).await?;
    let conditions = Conditions::new(&options.setup, options.pace);
    let record = Record::new(bench.database().await?, conditions, comparisons);
    print!("{}", table(&record));
    if let Some(file) = options.json {
        record.write(&file)?;
    }
    Ok(())
}

/// Compares only the responses.
///
/// # Errors
/// If the responses differ.
pub async fn check_only(setup: &Setup) -> Result<(), Failure> {
    let mut workloads = workload::all();
    workloads.extend((1..=6).map(workload::chain));
    Bench::start(setup, &workloads).await?;
    println!("the floor and the service agree on {} workloads", workloads.len());
    Ok(())
}

/// Formats the processor times of the database for both servers.
pub fn of_both(floor: Option<f64>, service: Option<f64>) -> String {
    floor.zip(service).map(|(floor, service)| format!("{floor:.3} / {service:.3}")).unwrap_or_default()
}

fn table(record: &Record<Conditions, Vec<Comparison>>) -> String {
    let mut lines = vec![record.heading()];
    lines.push("| workload | floor req/s | service req/s | ratio | floor CPU ms | service CPU ms | database CPU ms | floor p99 ms | service p99 ms |".into());
    lines.push("|---|---:|---:|---:|---:|---:|---|---:|---:|".into());
    for Comparison { workload, floor, service, ratio } in &record.figures {
        let database = of_both(floor.database_cpu_ms, service.database_cpu_ms);
        lines.push(format!(
            "| {workload} | {:.0} | {:.0} | {ratio:.3} | {:.3} | {:.3} | {database} | {:.2} | {:.2} |",
            floor.per_second, service.per_second, floor.cpu_ms, service.cpu_ms, floor.p99_ms, service.p99_ms
        ));
    }
    lines.join("\n") + "\n"
}
