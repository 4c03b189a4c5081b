//! Interrupted and concurrent starts: tables and example data exist once and completely.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use migration::seed::TABLES;
use sea_orm::{ConnectionTrait, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait};

use crate::process::{Folder, Service, spawn, within};
use crate::support;

/// Number of interrupted starts on a database, each a little later.
const CUTS: u32 = 24;

/// Returns the URL of an SQLite database that does not exist.
fn missing_file(folder: &Folder) -> String {
    format!("sqlite://{}/fresh.db?mode=rwc", folder.path().display())
}

/// Checks that every migration is recorded once, and every table has the rows of a single seed.
async fn assert_whole(url: &str, context: &str) {
    let database = crowsfoot::connect(url, 1).await.unwrap();
    let count = async |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let statement = Statement::from_string(database.get_database_backend(), sql);
        database.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    };
    assert_eq!(count("seaql_migrations").await, 6, "{context}");
    let expected = [8, 5, 4, 6, 9, 8, 7, 6, 12, 8, 7, 5, 4, 6, 4, 6];
    for (table, rows) in TABLES.into_iter().zip(expected) {
        assert_eq!(count(table).await, rows, "{table}: {context}");
    }
    database.close().await.unwrap();
}

/// Starts the service, stops it regularly, and checks the database. Returns the duration of the start.
async fn start_whole(url: &str, context: &str) -> Duration {
    let folder = Folder::new();
    let started = Instant::now();
    let service = Service::start(&folder, &["--database-url", url]).await;
    let took = started.elapsed();
    let ended = service.stop().await;
    assert_eq!(ended.code, Some(0), "{context}: {}", ended.log);
    assert_whole(url, context).await;
    took
}

/// Returns the options of a transaction that takes the lock for writes at once.
fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

async fn cut_off(url: &str, after: Duration) {
    let folder = Folder::new();
    let mut starting = spawn(&folder, &["--listen", "127.0.0.1:0", "--database-url", url], &[]);
    tokio::time::sleep(after).await;
    starting.kill().await.unwrap();
}

#[tokio::test]
async fn next_start_completes_a_killed_start_on_sqlite() {
    let folder = Folder::new();
    let time = start_whole(&missing_file(&folder), "the first").await;
    for cut in 1..=CUTS {
        let folder = Folder::new();
        let url = missing_file(&folder);
        cut_off(&url, time * cut / CUTS).await;
        start_whole(&url, &format!("after a cut at {cut}/{CUTS} of {time:?}")).await;
    }
}

#[tokio::test]
async fn next_start_completes_a_killed_start_on_postgresql() {
    let Some(database) = support::postgres().await else { return };
    let time = start_whole(&database.url, "the first").await;
    database.drop().await;
    // A database takes long to create.
    const CUTS: u32 = 6;
    for cut in 1..=CUTS {
        let Some(database) = support::postgres().await else { return };
        cut_off(&database.url, time * cut / CUTS).await;
        start_whole(&database.url, &format!("after a cut at {cut}/{CUTS} of {time:?}")).await;
        database.drop().await;
    }
}

async fn start_many(url: &str, count: usize) {
    let folders: Vec<Folder> = (0..count).map(|_| Folder::new()).collect();
    let arguments = ["--database-url", url];
    let starts = folders.iter().map(|folder| Service::start(folder, &arguments));
    for service in within(join_all(starts)).await {
        assert_eq!(service.get("/readyz").send().await.unwrap().status(), 200);
        let ended = service.stop().await;
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        assert!(!ended.log.contains("ERROR"), "{}", ended.log);
    }
    assert_whole(url, "concurrent starts").await;
}

#[tokio::test]
async fn all_concurrent_starts_on_a_missing_file_become_ready() {
    for _ in 0..4 {
        let folder = Folder::new();
        start_many(&missing_file(&folder), 6).await;
    }
}

#[tokio::test]
async fn a_file_without_write_ahead_log_opens_once_another_write_ends() {
    let folder = Folder::new();
    let url = missing_file(&folder);
    let other = sea_orm::Database::connect(&url).await.unwrap();
    other.execute_unprepared("CREATE TABLE book (id INTEGER)").await.unwrap();
    let write = other.begin_with_options(immediate()).await.unwrap();
    let opening = tokio::spawn(async move { crowsfoot::connect(&url, 1).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!opening.is_finished(), "the file opened during another write");
    write.commit().await.unwrap();
    opening.await.unwrap().unwrap();
}

#[tokio::test]
async fn all_concurrent_starts_on_an_empty_database_become_ready() {
    let Some(database) = support::postgres().await else { return };
    start_many(&database.url, 12).await;
    database.drop().await;
}

#[tokio::test]
async fn a_start_on_tables_that_are_up_to_date_waits_for_no_writer() {
    // PostgreSQL's writers do not block readers of other rows.
    let database = support::sqlite().await;
    database.seed(1).await;
    let writer = database.connection.begin_with_options(immediate()).await.unwrap();
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url]).await;
    assert_eq!(service.get("/readyz").send().await.unwrap().status(), 200);
    service.stop().await;
    writer.rollback().await.unwrap();
    database.drop().await;
}
