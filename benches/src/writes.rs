//! Measures writes: the floor and the service in turns, each commit for good.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::future::try_join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::compare::{Conditions, Pace, Setup, median};
use crate::floor::Driver;
use crate::load::{Connection, Request};
use crate::record::Record;
use crate::server::Server;
use crate::{Failure, dataset};

/// Options of `writes`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    pace: Pace,
    /// File for the figures, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Kind of write.
pub struct Write {
    /// Name in tables.
    pub name: &'static str,
    /// Path of the floor.
    path: &'static str,
    /// Mutation of the service.
    pub query: &'static str,
}

/// Name of the write that deletes rows.
pub const DELETE: &str = "delete";

/// Posts for each second of `delete`: more than either server deletes.
const POSTS_PER_SECOND: f64 = 40_000.0;

/// Number of users of one `bulk` mutation.
const BULK: u64 = 1_000;

/// Number of students, and of the courses that `connect` links with them.
const STUDENTS: u64 = 10_000;
const COURSES: u64 = 200;

/// Compared writes.
pub const WRITES: [Write; 7] = [
    Write {
        name: "create",
        path: "/create",
        query: "mutation ($name: String!) { createAuthor(input: { name: $name }) { id name } }",
    },
    Write {
        name: "update",
        path: "/update",
        query: "mutation ($id: Int!, $name: String!) { updateAuthor(id: $id, input: { name: $name }) { id name } }",
    },
    Write {
        name: "upsert",
        path: "/upsert",
        query: "mutation ($name: String!) {
            upsertUser(input: { username: $name }, onConflict: USERNAME) { id username }
        }",
    },
    Write { name: DELETE, path: "/delete", query: "mutation ($id: Int!) { deletePost(id: $id) { id } }" },
    Write {
        name: "connect",
        path: "/connect",
        query: "mutation ($id: Int!, $course: Int!) {
            updateStudent(id: $id, input: { courses: { connect: [{ id: $course }] } }) { id }
        }",
    },
    Write {
        name: "create_o2o",
        path: "/create_o2o",
        query: "mutation ($name: String!) {
            createUser(input: { username: $name, profile: { create: { bio: $name } } }) {
                id username profile { id bio }
            }
        }",
    },
    Write {
        name: "bulk",
        path: "/bulk",
        query: "mutation ($users: [UserCreate!]!) { createUsers(input: $users) { id } }",
    },
];

/// Writes of one row, alone or with its one-to-one row.
pub const SINGLE: [&str; 5] = ["create", "update", "upsert", DELETE, "create_o2o"];

/// Returns the query and the variables of a write of [`SINGLE`] in the dataset. `None` for another name.
pub fn single(name: &str, number: u64) -> Option<(&'static str, Json)> {
    let write = WRITES.iter().find(|write| write.name == name && SINGLE.contains(&name))?;
    Some((write.query, variables(name, "written ", number, 1)))
}

/// Mutations per second on both servers: medians of the rounds.
#[derive(Debug, Serialize)]
struct Figures {
    write: &'static str,
    floor: f64,
    service: f64,
    ratio: f64,
}

/// Measures, prints the result, and removes the written rows.
///
/// # Errors
/// If a server fails, or refuses a write.
pub async fn run(Options { mut setup, pace, json }: Options) -> Result<(), Failure> {
    // A pipelined connection would commit one row after another.
    setup.driver = Driver::Sqlx;
    let database = setup.service.database.clone();
    dataset::ensure(&database).await?;
    let connection = database.connect().await?;
    let first_course = add_courses(&connection).await?;
    let floor = Server::floor(&database, setup.driver, setup.service.workers)?;
    let service = Server::service(&setup.service)?;
    let prefix = format!("written {} ", std::process::id());
    let written = Cell::new(0_u64);
    let mut rounds = vec![Vec::new(); WRITES.len()];
    for round in 0..=pace.rounds.get() {
        for (write, rounds) in WRITES.iter().zip(&mut rounds) {
            eprint!("\rround {round} of {}: {:<10}", pace.rounds, write.name);
            let rate = async |server: SocketAddr, path: &'static str| {
                let first = match write.name {
                    DELETE => renew_posts(&connection, pace.seconds).await?,
                    _ => first_course,
                };
                let start = written.get();
                let next = || {
                    let number = written.replace(written.get() + 1);
                    let number = if write.name == DELETE { number - start } else { number };
                    Request::to_path(path, write.query, &variables(write.name, &prefix, number, first))
                };
                per_second(&[server], pace.clients.get(), Duration::from_secs_f64(pace.seconds), next).await
            };
            let pair = match round % 2 {
                0 => (rate(floor.address, write.path).await?, rate(service.address, "/graphql").await?),
                _ => {
                    let service = rate(service.address, "/graphql").await?;
                    (rate(floor.address, write.path).await?, service)
                }
            };
            // The first round fills caches.
            if round > 0 {
                rounds.push(pair);
            }
        }
    }
    eprintln!();
    drop((floor, service));
    remove_written(&connection).await?;
    let figures: Vec<Figures> =
        WRITES.iter().zip(rounds).map(|(write, rounds)| summary(write, &rounds)).collect();
    let record = Record::new(database.release().await?, Conditions::new(&setup, pace), figures);
    print!("{}", table(&record));
    if let Some(file) = json {
        record.write(&file)?;
    }
    Ok(())
}

/// Removes the rows that writes have added to the dataset, and their traces in files and statistics, which slow down reads.
///
/// # Errors
/// If the database refuses.
pub async fn remove_written(connection: &DatabaseConnection) -> Result<(), Failure> {
    for sql in [
        "DELETE FROM posts WHERE title = 'written'",
        "DELETE FROM courses WHERE title = 'written'",
        "DELETE FROM profiles WHERE bio LIKE 'written %'",
        "DELETE FROM users WHERE username LIKE 'written %'",
        "DELETE FROM authors WHERE id > 1000",
        "VACUUM",
        "ANALYZE",
    ] {
        connection.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Adds the courses of `connect`, and returns the id of the first.
async fn add_courses(connection: &DatabaseConnection) -> Result<u64, Failure> {
    let titles = vec!["('written')"; COURSES as usize].join(", ");
    let sql = format!("INSERT INTO courses (title) VALUES {titles} RETURNING id");
    let first =
        connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    let id: i32 = first.ok_or("no course was added")?.try_get_by_index(0)?;
    Ok(u64::try_from(id)?)
}

/// Replaces the posts of `delete` by as many as a measurement of these seconds needs, and returns the id of the first. Their ids ascend
/// without a gap.
///
/// # Errors
/// If the database refuses.
pub async fn renew_posts(connection: &DatabaseConnection, seconds: f64) -> Result<u64, Failure> {
    let count = (POSTS_PER_SECOND * seconds.max(1.0)).ceil();
    let sql = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
         INSERT INTO posts (author_id, title, content) SELECT 1, 'written', '' FROM numbers"
    );
    connection.execute_unprepared("DELETE FROM posts WHERE title = 'written'").await?;
    connection.execute_unprepared(&sql).await?;
    let first = "SELECT min(id) FROM posts WHERE title = 'written'";
    let first =
        connection.query_one_raw(Statement::from_string(connection.get_database_backend(), first)).await?;
    let id: i32 = first.ok_or("no post was added")?.try_get_by_index(0)?;
    Ok(u64::try_from(id)?)
}

/// Returns the variables of a write, others for each number. `first` is the id of the first course, or post.
pub fn variables(write: &str, prefix: &str, number: u64, first: u64) -> Json {
    let name = format!("{prefix}{number}");
    match write {
        DELETE => json!({ "id": first + number }),
        "update" => json!({ "id": 1 + number % 1_000, "name": name }),
        "connect" => {
            let course = first + number / STUDENTS % COURSES;
            json!({ "id": 1 + number % STUDENTS, "course": course })
        }
        "bulk" => {
            let user = |nth| {
                json!({
                    "username": format!("{name} {nth}"), "profile": { "create": { "bio": name } },
                })
            };
            json!({ "users": (0..BULK).map(user).collect::<Vec<Json>>() })
        }
        _ => json!({ "name": name }),
    }
}

/// Sends requests over several connections, each with one under way, and returns their number per second. The connections are spread
/// over the servers.
///
/// # Errors
/// If a server cannot be reached, or answers with an error.
pub async fn per_second(
    servers: &[SocketAddr],
    clients: usize,
    time: Duration,
    next: impl Fn() -> Request,
) -> Result<f64, Failure> {
    let mut connections = Vec::new();
    for server in servers.iter().cycle().take(clients) {
        connections.push(Connection::open(*server).await?);
    }
    let start = Instant::now();
    let next = &next;
    let counts = try_join_all(connections.into_iter().map(async |mut connection: Connection| {
        let mut answers = 0_u32;
        while start.elapsed() < time {
            let answer = connection.ask(&next()).await?;
            if !answer.starts_with(b"{\"data\":{\"") {
                return Err(Failure::from(String::from_utf8_lossy(answer)));
            }
            answers += 1;
        }
        Ok(answers)
    }))
    .await?;
    Ok(f64::from(counts.iter().sum::<u32>()) / start.elapsed().as_secs_f64())
}

fn summary(write: &Write, rounds: &[(f64, f64)]) -> Figures {
    Figures {
        write: write.name,
        floor: median(rounds.iter().map(|round| round.0)),
        service: median(rounds.iter().map(|round| round.1)),
        ratio: median(rounds.iter().map(|(floor, service)| service / floor)),
    }
}

fn table(record: &Record<Conditions, Vec<Figures>>) -> String {
    let mut lines = vec![record.heading()];
    lines.push("| write | floor per second | service per second | ratio |\n|---|---:|---:|---:|".into());
    for Figures { write, floor, service, ratio } in &record.figures {
        lines.push(format!("| {write} | {floor:.0} | {service:.0} | {ratio:.3} |"));
    }
    lines.join("\n") + "\n"
}
