//! Measures processes of PostGraphile 5 and the service in turns, on PostgreSQL.
//!
//! `npm install --prefix DIR postgraphile@5` installs PostGraphile, which needs Node.js 22.

use std::cell::Cell;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value as Json;

use crate::compare::median;
use crate::database::{Database, Kind};
use crate::load::{Connection, Request};
use crate::record::Record;
use crate::server::{Server, Service};
use crate::writes::{self, DELETE, WRITES, per_second, renew_posts};
use crate::{Failure, dataset, workload};

/// Options of `postgraphile`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    conditions: Conditions,
    /// Folder with the installed `node_modules`
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Program of Node.js 22
    #[arg(long, value_name = "FILE", default_value = "node")]
    node: PathBuf,
    /// File for the figures, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Sizes of the measurement.
#[derive(Clone, Debug, Args, Serialize)]
struct Conditions {
    /// Number of rounds; the median counts
    #[arg(long, default_value = "3")]
    rounds: NonZeroUsize,
    /// Seconds per round
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Numbers of connections, each with one request under way
    #[arg(long, value_delimiter = ',', default_values = ["16", "64"])]
    clients: Vec<NonZeroUsize>,
    /// Number of processes of PostGraphile, between which the connections are divided
    #[arg(long, default_value = "2")]
    processes: NonZeroUsize,
}

/// Queries of PostGraphile for workloads of the service. It has no filter by a related row without a plugin.
const QUERIES: [(&str, &str); 8] = [
    ("flat", "{ allUsers(first: 100) { nodes { rowId username } } }"),
    ("o2o", "{ allUsers(first: 100) { nodes { rowId username profileByUserId { rowId bio birthdate } } } }"),
    ("fk", "{ allAuthors(first: 50) { nodes { rowId name postsByAuthorId { nodes { rowId title } } } } }"),
    ("fk_fwd", "{ allPosts(first: 200) { nodes { rowId title authorByAuthorId { rowId name } } } }"),
    (
        "m2m",
        "{ allStudents(first: 100) { nodes { rowId name
            courseStudentsByStudentId { nodes { courseByCourseId { rowId title } } } } } }",
    ),
    (
        "deep",
        "{ allPlaces(first: 50) { nodes { rowId name address
            restaurantByPlaceId { servesHotDogs servesPizza waitersByRestaurantId { nodes { rowId name } } } } } }",
    ),
    ("point", "{ userByRowId(rowId: 5001) { rowId username profileByUserId { rowId bio birthdate } } }"),
    (
        "by_id",
        "query ($id: Int!) { userByRowId(rowId: $id) { rowId username profileByUserId { rowId bio birthdate } } }",
    ),
];

/// Mutations of PostGraphile for writes of the service. It has no upserts, nested writes or lists of rows without plugins.
const MUTATIONS: [(&str, &str); 3] = [
    (
        "create",
        "mutation ($name: String!) { createAuthor(input: { author: { name: $name } }) { author { rowId name } } }",
    ),
    (
        "update",
        "mutation ($id: Int!, $name: String!) {
            updateAuthorByRowId(input: { rowId: $id, authorPatch: { name: $name } }) { author { rowId name } }
        }",
    ),
    (DELETE, "mutation ($id: Int!) { deletePostByRowId(input: { rowId: $id }) { post { rowId } } }"),
];

/// Query or mutation of both servers.
struct Task {
    name: &'static str,
    of_service: String,
    of_other: &'static str,
    /// Variables, sent in turn; those of a write are made for each request.
    variables: Vec<Json>,
}

impl Task {
    /// Returns true if the task changes rows.
    fn is_write(&self) -> bool {
        self.variables.is_empty()
    }

    /// Returns the request with a number. `first` is the id of the first post to be deleted.
    fn request(&self, query: &str, number: u64, first: u64) -> Request {
        match usize::try_from(number).unwrap_or(0).checked_rem(self.variables.len()) {
            Some(nth) => Request::post(query, &self.variables[nth]),
            None => {
                let prefix = format!("written {} ", std::process::id());
                Request::post(query, &writes::variables(self.name, &prefix, number, first))
            }
        }
    }
}

/// Responses per second of both servers: medians of the rounds.
#[derive(Debug, Serialize)]
struct Figures {
    task: &'static str,
    clients: usize,
    postgraphile: f64,
    service: f64,
    /// Responses of the service per response of PostGraphile: the median of the rounds' ratios.
    ratio: f64,
}

/// Measures, prints the result, and removes the written rows.
///
/// # Errors
/// If the database is not PostgreSQL, a server fails, or the answers differ.
pub async fn run(options: Options) -> Result<(), Failure> {
    let Options { mut service, conditions, folder, node, json } = options;
    service.database.kind = Kind::Postgres;
    let database = service.database.clone();
    dataset::ensure(&database).await?;
    let connection = database.connect().await?;
    let processes = (0..conditions.processes.get())
        .map(|_| start(&node, &folder, &database))
        .collect::<Result<Vec<Server>, Failure>>()?;
    let others: Vec<SocketAddr> = processes.iter().map(|process| process.address).collect();
    let server = Server::service(&service)?;
    let tasks = tasks()?;
    for task in tasks.iter().filter(|task| !task.is_write()) {
        check(task, others[0], server.address).await?;
    }
    let time = Duration::from_secs_f64(conditions.seconds);
    let written = Cell::new(0);
    let mut figures = Vec::new();
    // Reads come first: writes slow them down.
    for task in &tasks {
        for clients in conditions.clients.iter().map(|clients| clients.get()) {
            let rate = async |servers: &[SocketAddr], query: &str| {
                let first =
                    if task.name == DELETE { renew_posts(&connection, conditions.seconds).await? } else { 0 };
                let start = written.get();
                let next = || {
                    let number = written.replace(written.get() + 1);
                    task.request(query, if task.name == DELETE { number - start } else { number }, first)
                };
                per_second(servers, clients, time, next).await
            };
            let mut rounds = Vec::new();
            // The first round fills caches.
            for round in 0..=conditions.rounds.get() {
                eprint!(
                    "\r{:<6} with {clients} clients, round {round} of {}  ",
                    task.name, conditions.rounds
                );
                let other = rate(&others, task.of_other).await?;
                let pair = (other, rate(&[server.address], &task.of_service).await?);
                if round > 0 {
                    rounds.push(pair);
                }
            }
            figures.push(Figures {
                task: task.name,
                clients,
                postgraphile: median(rounds.iter().map(|round| round.0)),
                service: median(rounds.iter().map(|round| round.1)),
                ratio: median(rounds.iter().map(|(other, service)| service / other)),
            });
        }
    }
    eprintln!();
    drop((processes, server));
    writes::remove_written(&connection).await?;
    let record = Record::new(database.release().await?, conditions, figures);
    print!("{}", table(&record));
    json.map_or(Ok(()), |file| record.write(&file))
}

/// Starts a process of PostGraphile with the preset of its documentation, as for production.
fn start(node: &Path, folder: &Path, database: &Database) -> Result<Server, Failure> {
    let mut command = Command::new(node);
    command
        .arg(folder.join("node_modules/postgraphile/dist/cli-run.js"))
        .args(["--preset", "postgraphile/presets/amber", "--connection", &database.url()])
        .args(["--schema", "public", "--host", "127.0.0.1", "--port", "0"])
        .current_dir(folder)
        .envs([("NODE_ENV", "production"), ("GRAPHILE_ENV", "production")])
        .stderr(Stdio::null());
    Server::start(&mut command)
}

/// Returns what both servers can do.
fn tasks() -> Result<Vec<Task>, Failure> {
    let workloads = workload::all();
    let mut tasks = Vec::new();
    for (name, of_other) in QUERIES {
        let workload = workloads.iter().find(|workload| workload.name == name).ok_or("unknown workload")?;
        let variables = workload.questions.iter().map(|question| question.variables.clone()).collect();
        tasks.push(Task { name, of_service: workload.questions[0].query.clone(), of_other, variables });
    }
    for (name, of_other) in MUTATIONS {
        let write = WRITES.iter().find(|write| write.name == name).ok_or("unknown write")?;
        tasks.push(Task { name, of_service: write.query.into(), of_other, variables: Vec::new() });
    }
    Ok(tasks)
}

/// Checks that both servers answer the first request with the same values.
async fn check(task: &Task, other: SocketAddr, service: SocketAddr) -> Result<(), Failure> {
    let mut found = Vec::new();
    for (server, query) in [(other, task.of_other), (service, &*task.of_service)] {
        let mut connection = Connection::open(server).await?;
        let answer: Json = serde_json::from_slice(connection.ask(&task.request(query, 0, 0)).await?)?;
        let mut values = Vec::new();
        add_values(&answer["data"], &mut values);
        values.sort_unstable();
        found.push(values);
    }
    if found[0] != found[1] || found[0].is_empty() {
        return Err(format!(
            "{}: PostGraphile answers\n{:?}\nand the service\n{:?}",
            task.name, found[0], found[1]
        )
        .into());
    }
    Ok(())
}

fn add_values(json: &Json, values: &mut Vec<String>) {
    match json {
        Json::Object(fields) => fields.values().for_each(|value| add_values(value, values)),
        Json::Array(items) => items.iter().for_each(|item| add_values(item, values)),
        value => values.push(value.to_string()),
    }
}

fn table(record: &Record<Conditions, Vec<Figures>>) -> String {
    let mut lines = vec![record.heading()];
    lines.push("| request | clients | PostGraphile per second | service per second | ratio |\n|---|---:|---:|---:|---:|".into());
    for Figures { task, clients, postgraphile, service, ratio } in &record.figures {
        lines.push(format!("| {task} | {clients} | {postgraphile:.0} | {service:.0} | {ratio:.1} |"));
    }
    lines.join("\n") + "\n"
}
