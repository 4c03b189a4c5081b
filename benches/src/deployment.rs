//! Model of a deployment, from what one process needs, against what several processes need.

use std::cell::Cell;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures_util::future::{try_join, try_join_all};
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use crate::compare::median;
use crate::database::Kind;
use crate::load::{Connection, Request};
use crate::record::{Record, mebibytes, milliseconds};
use crate::server::{Backends, Server, Service};
use crate::subscribers::{Variety, Writer, while_subscribed};
use crate::{Failure, dataset, workload};

/// Connections of the load.
const CLIENTS: usize = 16;

/// Lone commits, each of which all subscribers of all processes wait for.
const LONE_COMMITS: usize = 50;

/// Time between two of them.
const QUIET: Duration = Duration::from_millis(100);

/// Options of `deployment`.
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

/// Load of a deployment, which its processes share.
#[derive(Clone, Debug, Args, Serialize)]
struct Conditions {
    /// Numbers of processes
    #[arg(long, value_delimiter = ',', default_values = ["1", "2", "4"])]
    processes: Vec<NonZeroUsize>,
    /// Queries a second
    #[arg(long, default_value_t = 1_000.0)]
    queries: f64,
    /// Commits a second
    #[arg(long, default_value_t = 5.0)]
    commits: f64,
    /// Subscribers to equal live queries, and as many to different ones
    #[arg(long, default_value = "200")]
    subscribers: NonZeroUsize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// Processor time in milliseconds: of the service, and of the database.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Cost {
    service: f64,
    database: f64,
}

impl Cost {
    fn minus(self, other: Self) -> Self {
        Self { service: self.service - other.service, database: self.database - other.database }
    }

    fn times(self, factor: f64) -> Self {
        Self { service: self.service * factor, database: self.database * factor }
    }
}

/// Costs of one process, and the processor time in cores that follows for several.
#[derive(Debug, Serialize)]
struct Model {
    /// A second of an idle process.
    idle: Cost,
    query: Cost,
    commit: Cost,
    /// A run of a live query.
    run: Cost,
    /// A result that is sent to a subscriber.
    result: Cost,
}

impl Model {
    /// Returns the milliseconds of processor time in a second.
    fn predict(&self, processes: f64, conditions: &Conditions) -> Cost {
        let each = conditions.subscribers.get() as f64;
        // Equal live queries run once in each process.
        let runs = conditions.commits * (processes + each);
        let parts = [
            self.idle.times(processes),
            self.query.times(conditions.queries),
            self.commit.times(conditions.commits),
            self.run.times(runs),
            self.result.times(2.0 * each * conditions.commits),
        ];
        parts.iter().fold(Cost::default(), |sum, part| Cost {
            service: sum.service + part.service,
            database: sum.database + part.database,
        })
    }
}

/// Measured figures.
#[derive(Debug, Serialize)]
struct Figures {
    model: Model,
    deployments: Vec<Deployment>,
}

/// Processor time of a deployment in cores, as predicted and as measured.
#[derive(Debug, Serialize)]
struct Deployment {
    processes: usize,
    predicted: Cost,
    measured: Cost,
    queries: u64,
    results: u64,
    connections: i64,
    memory_of_a_process: u64,
    /// Milliseconds from a lone mutation until the last subscriber to different live queries, over all processes, has its state.
    median_ms: f64,
    worst_ms: f64,
}

/// Measures one process, and compares the model with deployments.
///
/// # Errors
/// If the service fails, or the database is not PostgreSQL.
pub async fn run(options: Options) -> Result<(), Failure> {
    let Options { mut service, conditions, json } = options;
    service.database.kind = Kind::Postgres;
    dataset::ensure(&service.database).await?;
    let program = service.program()?;
    let backends = Backends::new(&service.database).await?;
    let start = |count: usize| -> Result<Processes, Failure> {
        let servers: Result<Vec<Server>, Failure> =
            (0..count).map(|_| Server::program(&program, &service)).collect();
        Ok(Processes { servers: servers?, backends: &backends, conditions: &conditions })
    };
    let model = start(1)?.measure_model().await?;
    let mut deployments = Vec::new();
    for count in &conditions.processes {
        eprintln!("{count} processes");
        deployments.push(start(count.get())?.measure_deployment(&model).await?);
    }
    let figures = Figures { model, deployments };
    let record = Record::new(service.database.release().await?, &conditions, figures);
    print!("{}", table(&record));
    json.map_or(Ok(()), |file| record.write(&file))
}

/// Processes on one database.
struct Processes<'a> {
    servers: Vec<Server>,
    backends: &'a Backends,
    conditions: &'a Conditions,
}

/// Load of a measurement.
#[derive(Clone, Copy, Default)]
struct Load {
    queries: f64,
    commits: f64,
    equal: usize,
    different: usize,
}

/// Processor time of a load in a second, with the answers and results that came of the load.
struct Taken {
    cost: Cost,
    queries: u64,
    results: u64,
}

impl Processes<'_> {
    fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }

    async fn measure_model(&self) -> Result<Model, Failure> {
        let Conditions { queries, commits, subscribers, .. } = *self.conditions;
        let cost = async |load: Load| Ok::<Cost, Failure>(self.take(load).await?.cost);
        eprintln!("one process: idle, queries, commits, equal and different subscribers");
        let idle = cost(Load::default()).await?;
        let query = cost(Load { queries, ..Load::default() }).await?.minus(idle).times(1.0 / queries);
        let alone = Load { commits, ..Load::default() };
        let committing = cost(alone).await?;
        let commit = committing.minus(idle).times(1.0 / commits);
        let equal = cost(Load { equal: subscribers.get(), ..alone }).await?;
        let different = cost(Load { different: subscribers.get(), ..alone }).await?;
        let count = subscribers.get() as f64;
        // Of a commit: `equal` is a run and all results, `different` as many runs as results.
        let equal = equal.minus(committing).times(1.0 / commits);
        let both = different.minus(committing).times(1.0 / (commits * count));
        let result = equal.minus(both).times(1.0 / (count - 1.0));
        Ok(Model { idle, query, commit, run: both.minus(result), result })
    }

    async fn measure_deployment(&self, model: &Model) -> Result<Deployment, Failure> {
        let Conditions { queries, commits, subscribers, .. } = *self.conditions;
        let load = Load { queries, commits, equal: subscribers.get(), different: subscribers.get() };
        let taken = self.take(load).await?;
        let times = self.wait_for_commits().await?;
        let cores = |cost: Cost| cost.times(1.0 / 1_000.0);
        Ok(Deployment {
            processes: self.servers.len(),
            predicted: cores(model.predict(self.servers.len() as f64, self.conditions)),
            measured: cores(taken.cost),
            queries: taken.queries,
            results: taken.results,
            connections: self.backends.count().await?,
            memory_of_a_process: self.servers[0].memory()?.own,
            median_ms: median(times.iter().copied()),
            worst_ms: times.iter().copied().fold(0.0, f64::max),
        })
    }

    /// Returns the milliseconds until the last subscriber has each lone commit.
    async fn wait_for_commits(&self) -> Result<Vec<f64>, Failure> {
        let addresses = self.addresses();
        let mut writer = Writer::new(addresses[0]).await?;
        let count = self.conditions.subscribers.get();
        let times = while_subscribed(&addresses, (count, Variety::Different), async |received| {
            let mut times = Vec::new();
            for _ in 0..LONE_COMMITS {
                sleep(QUIET).await;
                times.push(milliseconds(received.commit(&mut writer, count).await?));
            }
            Ok(times)
        })
        .await?;
        writer.restore().await?;
        Ok(times)
    }

    /// Returns the milliseconds of processor time that all processes and the database take in a second of a load.
    async fn take(&self, load: Load) -> Result<Taken, Failure> {
        let addresses = self.addresses();
        let mut writer = Writer::new(addresses[0]).await?;
        let taken = while_subscribed(&addresses, (load.equal, Variety::Equal), async |equal| {
            while_subscribed(&addresses, (load.different, Variety::Different), async |different| {
                let before = self.cpu().await?;
                let heard = equal.events() + different.events();
                let begin = Instant::now();
                let end = begin + Duration::from_secs_f64(self.conditions.seconds);
                let (queries, ()) =
                    try_join(self.query(load.queries, end), commit(&mut writer, load.commits, end)).await?;
                sleep_until(end).await;
                let cost = self.cpu().await?.minus(before).times(1.0 / begin.elapsed().as_secs_f64());
                Ok(Taken { cost, queries, results: equal.events() + different.events() - heard })
            })
            .await
        })
        .await?;
        writer.restore().await?;
        Ok(taken)
    }

    /// Sends each query when it is due, to the processes in turn, and returns the number of answers.
    async fn query(&self, per_second: f64, end: Instant) -> Result<u64, Failure> {
        if per_second <= 0.0 {
            return Ok(0);
        }
        let question = &workload::point().questions[0];
        let request = Request::post(&question.query, &question.variables);
        let (begin, sent) = (Instant::now(), Cell::new(0_u32));
        let addresses = self.addresses();
        let clients = (0..CLIENTS).map(async |client| {
            let mut connection = Connection::open(addresses[client % addresses.len()]).await?;
            loop {
                let due = begin + Duration::from_secs_f64(f64::from(sent.get()) / per_second);
                if due >= end || Instant::now() >= end {
                    return Ok::<(), Failure>(());
                }
                sent.set(sent.get() + 1);
                sleep_until(due).await;
                connection.ask(&request).await?;
            }
        });
        try_join_all(clients).await?;
        Ok(sent.get().into())
    }

    async fn cpu(&self) -> Result<Cost, Failure> {
        let mut service = 0.0;
        for server in &self.servers {
            service += milliseconds(server.cpu()?);
        }
        let database = self.backends.cpu().await?.ok_or("the database does not run on this machine")?;
        Ok(Cost { service, database: milliseconds(database) })
    }
}

/// Commits at this rate.
async fn commit(writer: &mut Writer, per_second: f64, end: Instant) -> Result<(), Failure> {
    if per_second <= 0.0 {
        return Ok(());
    }
    let mut due = Instant::now();
    while due < end {
        sleep_until(due).await;
        writer.write().await?;
        due += Duration::from_secs_f64(1.0 / per_second);
    }
    Ok(())
}

fn table(record: &Record<&Conditions, Figures>) -> String {
    let Figures { model, deployments } = &record.figures;
    let mut lines =
        vec![record.heading(), "| cost of one process | service ms | database ms |\n|---|---:|---:|".into()];
    for (name, cost) in [
        ("a second, idle", model.idle),
        ("query", model.query),
        ("commit", model.commit),
        ("run of a live query", model.run),
        ("result to a subscriber", model.result),
    ] {
        lines.push(format!("| {name} | {:.3} | {:.3} |", cost.service, cost.database));
    }
    lines.push(
        "\n| processes | queries | results | service: predicted cores | measured | database: predicted | measured | connections | \
         MiB of a process | until the last has a commit, median ms | worst ms |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
            .into(),
    );
    for of in deployments {
        let Deployment {
            processes,
            predicted,
            measured,
            queries,
            results,
            connections,
            median_ms,
            worst_ms,
            ..
        } = of;
        lines.push(format!(
            "| {processes} | {queries} | {results} | {:.3} | {:.3} | {:.3} | {:.3} | {connections} | {:.1} | {median_ms:.1} | \
             {worst_ms:.1} |",
            predicted.service,
            measured.service,
            predicted.database,
            measured.database,
            mebibytes(of.memory_of_a_process as f64)
        ));
    }
    lines.join("\n") + "\n"
}
