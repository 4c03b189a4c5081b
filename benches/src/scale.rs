//! Growth of one process with its connections and subscribers, and the fan-out of a commit.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value as Json;

use crate::compare::median;
use crate::load::{self, Connection, Request};
use crate::record::{Record, mebibytes, milliseconds};
use crate::server::{Backends, Server, Service};
use crate::subscribers::{Received, Variety, Writer, while_subscribed};
use crate::{Failure, dataset, workload};

/// Options of `scale`.
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
    /// Numbers of workers
    #[arg(long, value_delimiter = ',', default_values = ["1", "2"])]
    of_workers: Vec<NonZeroUsize>,
    /// Numbers of connections and subscribers
    #[arg(long, value_delimiter = ',', default_values = ["1", "10", "100", "1000"])]
    counts: Vec<NonZeroUsize>,
    /// Seconds for each load
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Results that each measurement of a fan-out waits for, at least
    #[arg(long, default_value = "10000")]
    results: NonZeroUsize,
}

/// Measured figures.
#[derive(Debug, Serialize)]
struct Figures {
    answers: Vec<Answers>,
    fan_out: Vec<FanOut>,
    memory: Vec<Held>,
}

/// Answers over a number of connections.
#[derive(Debug, Serialize)]
struct Answers {
    workers: usize,
    workload: &'static str,
    connections: usize,
    /// Idle subscribers beside the load.
    subscribers: usize,
    per_second: f64,
    cpu_ms: f64,
    database_cpu_ms: Option<f64>,
}

/// Fan-out of a commit. Times are in milliseconds. Processor times are in microseconds: of a commit without subscribers, else
/// for each subscriber what a commit takes more.
#[derive(Debug, Serialize)]
struct FanOut {
    workers: usize,
    variety: Option<Variety>,
    subscribers: usize,
    commits: usize,
    median_ms: f64,
    worst_ms: f64,
    cpu_us: f64,
    database_cpu_us: Option<f64>,
}

/// Memory of the process alone, in bytes, before, with, and after subscribers or connections.
#[derive(Debug, Serialize)]
struct Held {
    workers: usize,
    what: &'static str,
    count: usize,
    before: u64,
    with: u64,
    after: u64,
}

/// Measures, prints and records the growth of one process.
///
/// # Errors
/// If the service fails.
pub async fn run(options: Options) -> Result<(), Failure> {
    let Options { mut service, conditions, json } = options;
    dataset::ensure(&service.database).await?;
    let program = service.program()?;
    let mut figures = Figures { answers: Vec::new(), fan_out: Vec::new(), memory: Vec::new() };
    for workers in &conditions.of_workers {
        service.workers = *workers;
        let server = Server::program(&program, &service)?;
        let backends = Backends::new(&service.database).await?;
        let process = Process { server, backends, workers: workers.get(), conditions: &conditions };
        process.measure_answers(&mut figures.answers).await?;
        process.measure_memory(&mut figures.memory).await?;
        process.measure_fan_out(&mut figures.fan_out).await?;
    }
    let record = Record::new(service.database.release().await?, &conditions, figures);
    print!("{}", table(&record));
    json.map_or(Ok(()), |file| record.write(&file))
}

/// Measured process.
struct Process<'a> {
    server: Server,
    backends: Backends,
    workers: usize,
    conditions: &'a Conditions,
}

impl Process<'_> {
    /// Runs `work`, and returns the processor time of the process and of the database meanwhile.
    async fn timed<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(T, Duration, Option<Duration>), Failure> {
        let before = (self.server.cpu()?, self.backends.cpu().await?);
        let done = work.await?;
        let database =
            self.backends.cpu().await?.zip(before.1).map(|(after, before)| after.saturating_sub(before));
        Ok((done, self.server.cpu()?.saturating_sub(before.0), database))
    }

    async fn measure_answers(&self, answers: &mut Vec<Answers>) -> Result<(), Failure> {
        let counts = self.conditions.counts.iter().map(|count| (count.get(), 0));
        let most = self.conditions.counts.iter().map(|count| count.get()).max().unwrap_or(1);
        for workload in [workload::point(), workload::fk(50)] {
            let question = &workload.questions[0];
            let requests = [Request::post(&question.query, &question.variables)];
            for (connections, subscribers) in counts.clone().chain([(16, 0), (16, most)]) {
                eprintln!("{} workers, {}, {connections} connections", self.workers, workload.name);
                let time = Duration::from_secs_f64(self.conditions.seconds);
                let load = || self.timed(load::run(self.server.address, &requests, connections, time));
                let subscribed = (subscribers, Variety::Different);
                let (load, cpu, database) =
                    while_subscribed(&[self.server.address], subscribed, async |_| load().await).await?;
                let each = |time: Duration| milliseconds(time) / number(load.answers);
                answers.push(Answers {
                    workers: self.workers,
                    workload: workload.name,
                    connections,
                    subscribers,
                    per_second: number(load.answers) / load.elapsed.as_secs_f64(),
                    cpu_ms: each(cpu),
                    database_cpu_ms: database.map(each),
                });
            }
        }
        Ok(())
    }

    async fn measure_memory(&self, held: &mut Vec<Held>) -> Result<(), Failure> {
        let most = self.conditions.counts.iter().map(|count| count.get()).max().unwrap_or(1);
        let memory = || Ok::<u64, Failure>(self.server.memory()?.own);
        let settle = || tokio::time::sleep(Duration::from_millis(500));
        let before = memory()?;
        let mut idle = Vec::new();
        for _ in 0..most {
            let mut connection = Connection::open(self.server.address).await?;
            connection.ask(&Request::post("{ user(id: 1) { id } }", &Json::Null)).await?;
            idle.push(connection);
        }
        let with = memory()?;
        drop(idle);
        settle().await;
        let workers = self.workers;
        held.push(Held { workers, what: "idle connections", count: most, before, with, after: memory()? });
        for (what, variety) in
            [("equal subscribers", Variety::Equal), ("different subscribers", Variety::Different)]
        {
            let before = memory()?;
            let with = while_subscribed(&[self.server.address], (most, variety), async |_| memory()).await?;
            settle().await;
            held.push(Held { workers, what, count: most, before, with, after: memory()? });
        }
        Ok(())
    }

    async fn measure_fan_out(&self, fan_out: &mut Vec<FanOut>) -> Result<(), Failure> {
        let mut writer = Writer::new(self.server.address).await?;
        let alone = self.fan_out(&mut writer, (0, Variety::Equal)).await?;
        let before = (alone.cpu_us, alone.database_cpu_us);
        fan_out.push(FanOut { variety: None, ..alone });
        for variety in [Variety::Equal, Variety::Different, Variety::Unaffected] {
            for count in &self.conditions.counts {
                let found = self.fan_out(&mut writer, (count.get(), variety)).await?;
                let subscribers = f64::from(u32::try_from(count.get())?);
                let database = found.database_cpu_us.zip(before.1);
                fan_out.push(FanOut {
                    cpu_us: (found.cpu_us - before.0) / subscribers,
                    database_cpu_us: database.map(|(found, before)| (found - before) / subscribers),
                    ..found
                });
            }
        }
        writer.restore().await
    }

    /// Measures commits, with the processor time of each.
    async fn fan_out(
        &self,
        writer: &mut Writer,
        (subscribers, variety): (usize, Variety),
    ) -> Result<FanOut, Failure> {
        eprintln!("{} workers, {subscribers} subscribers, {variety:?}", self.workers);
        let commits = (self.conditions.results.get() / subscribers.max(1)).clamp(20, 200);
        let wanted = if variety == Variety::Unaffected { 0 } else { subscribers };
        let work = async |received: &Received| {
            let rounds = async {
                let mut times = Vec::new();
                for _ in 0..commits {
                    times.push(milliseconds(received.commit(writer, wanted).await?));
                    // The pause of a live query after each run, and the runs that send nothing.
                    tokio::time::sleep(Duration::from_millis(60)).await;
                }
                Ok(times)
            };
            self.timed(rounds).await
        };
        let (times, cpu, database) =
            while_subscribed(&[self.server.address], (subscribers, variety), work).await?;
        let each = |time: Duration| 1_000.0 * milliseconds(time) / number(times.len() as u64);
        Ok(FanOut {
            workers: self.workers,
            variety: Some(variety),
            subscribers,
            commits,
            median_ms: median(times.iter().copied()),
            worst_ms: times.iter().copied().fold(0.0, f64::max),
            cpu_us: each(cpu),
            database_cpu_us: database.map(each),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "no load has 2^53 answers")]
fn number(count: u64) -> f64 {
    count as f64
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn table(record: &Record<&Conditions, Figures>) -> String {
    let mut lines = vec![record.heading()];
    lines.push(
        "| workers | workload | connections | idle subscribers | answers/s | CPU ms | database's CPU ms |\n\
         |---:|---|---:|---:|---:|---:|---:|"
            .into(),
    );
    for of in &record.figures.answers {
        let Answers { workers, workload, connections, subscribers, per_second, cpu_ms, .. } = of;
        let database = optional(of.database_cpu_ms, 3);
        lines.push(format!(
            "| {workers} | {workload} | {connections} | {subscribers} | {per_second:.0} | {cpu_ms:.3} | {database} |"
        ));
    }
    lines.push(
        "\n| workers | live queries | subscribers | commits | until the last has it, median ms | worst ms | CPU µs each | \
         database's CPU µs each |\n|---:|---|---:|---:|---:|---:|---:|---:|"
            .into(),
    );
    for of in &record.figures.fan_out {
        let FanOut { workers, variety, subscribers, commits, median_ms, worst_ms, cpu_us, .. } = of;
        let database = optional(of.database_cpu_us, 1);
        let variety = variety.map_or_else(|| "none".to_owned(), |variety| format!("{variety:?}"));
        lines.push(format!(
            "| {workers} | {variety} | {subscribers} | {commits} | {median_ms:.1} | {worst_ms:.1} | {cpu_us:.1} | {database} |"
        ));
    }
    lines.push("\n| workers | held | number | before MiB | with MiB | after MiB | KiB each |\n|---:|---|---:|---:|---:|---:|---:|".into());
    for Held { workers, what, count, before, with, after } in &record.figures.memory {
        let mib = |bytes: u64| mebibytes(number(bytes));
        let each =
            (mib(*with) - mib(*before)) * 1024.0 / f64::from(u32::try_from(*count).unwrap_or(u32::MAX));
        lines.push(format!(
            "| {workers} | {what} | {count} | {:.1} | {:.1} | {:.1} | {each:.1} |",
            mib(*before),
            mib(*with),
            mib(*after)
        ));
    }
    lines.join("\n") + "\n"
}
