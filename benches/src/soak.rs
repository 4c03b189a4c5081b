//! Checks that the service's memory does not grow under a long load of everything that clients do, at a
//! bounded rate.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures_util::future::{try_join_all, try_join3};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::compare::median;
use crate::load::{Connection, Request};
use crate::record::{Record, mebibytes};
use crate::server::{Server, Service};
use crate::{Failure, dataset, workload};

/// Options of `soak`.
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

/// Duration and load.
#[derive(Debug, Args, Serialize)]
struct Conditions {
    /// Minutes of load
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Requests per second
    #[arg(long, default_value_t = 200.0)]
    per_second: f64,
    /// Connections, each with at most one request under way
    #[arg(long, default_value = "8")]
    clients: NonZeroUsize,
    /// Maximum growth per request in bytes, by the slope after the first fifth of the time
    #[arg(long, default_value_t = 16.0, value_name = "BYTES")]
    most_growth: f64,
}

/// Measured figures. Memory is in bytes, of the process alone, without mapped pages of SQLite's file.
#[derive(Debug, Serialize)]
struct Figures {
    requests: u64,
    /// Parts of the event streams.
    events: u64,
    first: f64,
    median: f64,
    last: f64,
    peak: f64,
    /// Peak including file mappings.
    resident_peak: u64,
    /// Growth in ten minutes, in bytes, after the first fifth of the time.
    growth_in_ten_minutes: f64,
    /// Growth per request, in bytes.
    growth_each: f64,
    /// Medians of up to sixty equal parts of the time.
    course: Vec<f64>,
}

/// Number of texts sent as a warm-up: until the service's caches are full, its memory is expected to grow.
const TEXTS: usize = 1_200;

/// Duration of an event stream before it is replaced.
const STREAM: Duration = Duration::from_secs(10);

/// Runs the load and prints the result.
///
/// # Errors
/// If a response is wrong, or memory grows.
pub async fn run(options: Options) -> Result<(), Failure> {
    let Options { service, conditions, json } = options;
    dataset::ensure(&service.database).await?;
    let server = Server::service(&service)?;
    let mut connection = Connection::open(server.address).await?;
    for nth in 0..TEXTS {
        answered(connection.ask(&unheard(nth)).await?)?;
    }
    let load = Load::new(&server, &conditions);
    let ((), (), samples) = try_join3(load.send(), load.listen(), load.sample()).await?;
    let figures = load.figures(&samples)?;
    let growth = figures.growth_each;
    let record = Record::new(service.database.release().await?, &conditions, figures);
    print!("{}", table(&record));
    if let Some(file) = json {
        record.write(&file)?;
    }
    if growth > conditions.most_growth {
        return Err(format!("memory grows by {growth:.1} bytes for each request").into());
    }
    Ok(())
}

struct Load<'a> {
    server: &'a Server,
    conditions: &'a Conditions,
    /// All questions by workload.
    questions: Vec<Vec<Request>>,
    begin: Instant,
    end: Instant,
    sent: Cell<u32>,
    events: Cell<u64>,
}

impl<'a> Load<'a> {
    fn new(server: &'a Server, conditions: &'a Conditions) -> Self {
        let post = |question: &workload::Question| Request::post(&question.query, &question.variables);
        let questions =
            workload::all().iter().map(|workload| workload.questions.iter().map(post).collect()).collect();
        let begin = Instant::now();
        let end = begin + Duration::from_secs_f64(conditions.minutes * 60.0);
        let (sent, events) = (Cell::new(0), Cell::new(0));
        Self { server, conditions, questions, begin, end, sent, events }
    }

    /// Sends each request when it is due, or as soon as a connection is free.
    async fn send(&self) -> Result<(), Failure> {
        let each = Duration::from_secs_f64(1.0 / self.conditions.per_second);
        let clients = (0..self.conditions.clients.get()).map(async |_| {
            let mut connection = Connection::open(self.server.address).await?;
            loop {
                let nth = self.sent.get();
                let due = self.begin + each * nth;
                if due >= self.end || Instant::now() >= self.end {
                    return Ok(());
                }
                self.sent.set(nth + 1);
                sleep_until(due).await;
                self.turn(&mut connection, nth as usize).await?;
            }
        });
        try_join_all(clients).await.map(|_: Vec<()>| ())
    }

    /// Sends the nth request: in turn each workload, writes, refused requests, and a text that was never sent
    /// before.
    async fn turn(&self, connection: &mut Connection, nth: usize) -> Result<(), Failure> {
        let (round, turn) = (nth / (self.questions.len() + 5), nth % (self.questions.len() + 5));
        if let Some(questions) = self.questions.get(turn) {
            return answered(connection.ask(&questions[round % questions.len()]).await?);
        }
        let post = |query: &str| Request::post(query, &Json::Null);
        match turn - self.questions.len() {
            0 => write(connection, nth).await,
            1 => refused(connection.ask(&post("{ users { nothing } }")).await?, "GRAPHQL_VALIDATION_FAILED"),
            2 => {
                let missing =
                    "mutation { updateUser(id: 100000000, input: { username: \"nobody\" }) { id } }";
                refused(connection.ask(&post(missing)).await?, "NOT_FOUND")
            }
            3 => {
                // Name of the first user.
                let taken = "mutation { createUser(input: { username: \"bela.1\" }) { id } }";
                refused(connection.ask(&post(taken)).await?, "UNIQUE_VIOLATION")
            }
            _ => answered(connection.ask(&unheard(TEXTS + round)).await?),
        }
    }

    /// Listens to a live query for a while, and then to another.
    async fn listen(&self) -> Result<(), Failure> {
        let request =
            Request::events("subscription { users(limit: 2, orderBy: { id: DESC }) { id username } }");
        while Instant::now() < self.end {
            let mut connection = Connection::open(self.server.address).await?;
            let heard = |_: &[u8]| self.events.set(self.events.get() + 1);
            let until = self.end.min(Instant::now() + STREAM);
            if let Ok(ended) = timeout_at(until, connection.listen(&request, heard)).await {
                return ended;
            }
        }
        if self.events.get() == 0 {
            return Err("no live query sent a result".into());
        }
        Ok(())
    }

    /// Samples the memory every second.
    async fn sample(&self) -> Result<Vec<f64>, Failure> {
        let mut samples = Vec::new();
        let mut at = self.begin;
        while at < self.end {
            sleep_until(at).await;
            samples.push(bytes(self.server.memory()?.own));
            at += Duration::from_secs(1);
        }
        Ok(samples)
    }

    fn figures(&self, samples: &[f64]) -> Result<Figures, Failure> {
        let [first, .., last] = samples else { return Err("the time is too short".into()) };
        let growth = slope(&samples[samples.len() / 5..]);
        let part = samples.len().div_ceil(60);
        Ok(Figures {
            requests: self.sent.get().into(),
            events: self.events.get(),
            first: *first,
            median: median(samples.iter().copied()),
            last: *last,
            peak: samples.iter().copied().fold(0.0, f64::max),
            resident_peak: self.server.memory()?.peak,
            growth_in_ten_minutes: growth * 600.0,
            growth_each: growth / (f64::from(self.sent.get()) / (self.conditions.minutes * 60.0)),
            course: samples.chunks(part).map(|part| median(part.iter().copied())).collect(),
        })
    }
}

/// Returns a query whose text is unique to its number.
fn unheard(number: usize) -> Request {
    let query = format!("{{ users(limit: 3, where: {{ id: {{ gt: {number} }} }}) {{ id }} }}");
    Request::post(&query, &Json::Null)
}

/// Creates, renames and deletes a user: the rows are unchanged in the end.
async fn write(connection: &mut Connection, nth: usize) -> Result<(), Failure> {
    let create = "mutation ($name: String!) { createUser(input: { username: $name, \
                  profile: { create: { bio: \"Passes by.\" } } }) { id profile { id } } }";
    let made = connection.ask(&Request::post(create, &json!({ "name": format!("soak {nth}") }))).await?;
    answered(made)?;
    let made: Json = serde_json::from_slice(made)?;
    let id = &made["data"]["createUser"]["id"];
    let update = "mutation ($id: Int!, $name: String!) { updateUser(id: $id, input: { username: $name }) { username } }";
    let name = format!("soaked {nth}");
    answered(connection.ask(&Request::post(update, &json!({ "id": id, "name": name }))).await?)?;
    let delete = "mutation ($id: Int!) { deleteUser(id: $id) { id } }";
    answered(connection.ask(&Request::post(delete, &json!({ "id": id }))).await?)
}

fn answered(body: &[u8]) -> Result<(), Failure> {
    let text = std::str::from_utf8(body)?;
    if text.starts_with("{\"data\":{") && !text.contains("\"errors\":[") {
        return Ok(());
    }
    Err(format!("the service answers {text}").into())
}

fn refused(body: &[u8], code: &str) -> Result<(), Failure> {
    let text = std::str::from_utf8(body)?;
    if text.contains(code) {
        Ok(())
    } else {
        Err(format!("{code} expected, the service answers {text}").into())
    }
}

#[expect(clippy::cast_precision_loss, reason = "no process has 2^53 bytes")]
fn bytes(count: u64) -> f64 {
    count as f64
}

/// Returns the least-squares slope of values a second apart.
fn slope(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let second = |nth: usize| nth as f64;
    let count = second(values.len());
    let (middle, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let sum = |of: fn(f64, f64) -> f64| {
        let terms = values.iter().enumerate().map(|(nth, value)| of(second(nth) - middle, value - mean));
        terms.sum::<f64>()
    };
    let spread = sum(|time, _| time * time);
    if spread == 0.0 { 0.0 } else { sum(|time, value| time * value) / spread }
}

fn table(record: &Record<&Conditions, Figures>) -> String {
    let figures = &record.figures;
    let mib = mebibytes;
    format!(
        "{}\n{} requests, {} events; with what is mapped from files at most {:.1} MiB\n\n\
         | first MiB | median MiB | last MiB | peak MiB | growth in 10 minutes, MiB | growth for each request, bytes |\n\
         |---:|---:|---:|---:|---:|---:|\n\
         | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.1} |\n",
        record.heading(),
        figures.requests,
        figures.events,
        mib(bytes(figures.resident_peak)),
        mib(figures.first),
        mib(figures.median),
        mib(figures.last),
        mib(figures.peak),
        mib(figures.growth_in_ten_minutes),
        figures.growth_each,
    )
}
