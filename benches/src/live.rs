//! Measures the fan-out of commits to subscribers of one live query: the floor and the service in turns.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::compare::{median, of_both};
use crate::floor::Driver;
use crate::record::{Record, milliseconds};
use crate::server::{Backends, Server, Service};
use crate::subscribers::{Received, Variety, Writer, while_subscribed};
use crate::{Failure, dataset};

/// Pause between commits. A live query of the service runs at most every 20 ms.
const PAUSE: Duration = Duration::from_millis(60);

/// Options of `live`.
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

/// Sizes of the measurement.
#[derive(Clone, Debug, Args, Serialize)]
struct Conditions {
    /// Number of rounds; the median counts
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    /// Numbers of subscribers
    #[arg(long, value_delimiter = ',', default_values = ["100", "1000"])]
    subscribers: Vec<NonZeroUsize>,
    /// Commits of a round
    #[arg(long, default_value = "100")]
    commits: NonZeroUsize,
}

/// Cost of a commit on a server, with all its results.
#[derive(Clone, Copy, Debug, Serialize)]
struct Cost {
    /// Time from the mutation until all subscribers have its result, in milliseconds: the median of the commits.
    until_all_ms: f64,
    /// Processor time of the server, in milliseconds.
    cpu_ms: f64,
    /// Processor time of the database, in milliseconds.
    database_cpu_ms: Option<f64>,
}

/// Costs on both servers: medians of the rounds.
#[derive(Debug, Serialize)]
struct Figures {
    subscribers: usize,
    floor: Cost,
    service: Cost,
    /// Processor time of the floor and its database per that of the service: the median of the rounds' ratios.
    ratio: f64,
}

/// One of both servers.
struct Side {
    server: Server,
    variety: Variety,
    writer: Writer,
}

impl Side {
    /// Commits in turn, each after all subscribers have the result before it.
    async fn cost(
        &mut self,
        backends: &Backends,
        (commits, subscribers): (usize, usize),
    ) -> Result<Cost, Failure> {
        let Self { server, variety, writer } = self;
        let work = async |received: &Received| {
            let before = (server.cpu()?, backends.cpu().await?);
            let mut times = Vec::new();
            for _ in 0..commits {
                times.push(milliseconds(received.commit(writer, subscribers).await?));
                tokio::time::sleep(PAUSE).await;
            }
            let (cpu, database) = (server.cpu()?, backends.cpu().await?);
            let each = |time: Duration| milliseconds(time) / f64::from(u32::try_from(commits).unwrap_or(1));
            Ok(Cost {
                until_all_ms: median(times.into_iter()),
                cpu_ms: each(cpu.saturating_sub(before.0)),
                database_cpu_ms: database
                    .zip(before.1)
                    .map(|(after, before)| each(after.saturating_sub(before))),
            })
        };
        while_subscribed(&[server.address], (subscribers, *variety), work).await
    }
}

/// Measures and prints the result.
///
/// # Errors
/// If a server fails.
pub async fn run(Options { service, conditions, json }: Options) -> Result<(), Failure> {
    let database = &service.database;
    dataset::ensure(database).await?;
    let floor = Server::floor(database, Driver::Sqlx, service.workers)?;
    let server = Server::service(&service)?;
    let backends = Backends::new(database).await?;
    let writer = Writer::new(server.address).await?;
    let of_floor = writer.to_floor(floor.address).await?;
    let mut floor = Side { server: floor, variety: Variety::OfFloor, writer: of_floor };
    let mut service = Side { server, variety: Variety::Equal, writer };
    let mut figures = Vec::new();
    for subscribers in conditions.subscribers.iter().map(|count| count.get()) {
        let sizes = (conditions.commits.get(), subscribers);
        let mut rounds = Vec::new();
        // The first round fills caches.
        for round in 0..=conditions.rounds.get() {
            eprint!("\rround {round} of {}: {subscribers:<6}", conditions.rounds);
            let pair = (floor.cost(&backends, sizes).await?, service.cost(&backends, sizes).await?);
            if round > 0 {
                rounds.push(pair);
            }
        }
        figures.push(summary(subscribers, &rounds));
    }
    eprintln!();
    service.writer.restore().await?;
    let record = Record::new(database.release().await?, conditions, figures);
    print!("{}", table(&record));
    json.map_or(Ok(()), |file| record.write(&file))
}

fn summary(subscribers: usize, rounds: &[(Cost, Cost)]) -> Figures {
    let of = |side: fn(&(Cost, Cost)) -> &Cost| Cost {
        until_all_ms: median(rounds.iter().map(|round| side(round).until_all_ms)),
        cpu_ms: median(rounds.iter().map(|round| side(round).cpu_ms)),
        database_cpu_ms: side(&rounds[0])
            .database_cpu_ms
            .map(|_| median(rounds.iter().filter_map(|round| side(round).database_cpu_ms))),
    };
    let whole = |cost: &Cost| cost.cpu_ms + cost.database_cpu_ms.unwrap_or_default();
    Figures {
        subscribers,
        floor: of(|round| &round.0),
        service: of(|round| &round.1),
        ratio: median(rounds.iter().map(|(floor, service)| whole(floor) / whole(service))),
    }
}

fn table(record: &Record<Conditions, Vec<Figures>>) -> String {
    let mut lines = vec![record.heading()];
    lines.push("| subscribers | floor CPU ms | service CPU ms | database CPU ms | ratio | floor until all ms | service until all ms |".into());
    lines.push("|---:|---:|---:|---|---:|---:|---:|".into());
    for Figures { subscribers, floor, service, ratio } in &record.figures {
        let database = of_both(floor.database_cpu_ms, service.database_cpu_ms);
        lines.push(format!(
            "| {subscribers} | {:.3} | {:.3} | {database} | {ratio:.3} | {:.2} | {:.2} |",
            floor.cpu_ms, service.cpu_ms, floor.until_all_ms, service.until_all_ms
        ));
    }
    lines.join("\n") + "\n"
}
