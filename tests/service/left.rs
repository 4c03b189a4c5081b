//! Requests that are abandoned while they wait at the database: their work at the database ends too.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use serde_json::json;
use tokio::task::JoinSet;

use crate::process::{Folder, Service, until, within};
use crate::support;

/// More clients than the service has write connections.
const CLIENTS: usize = 12;

const UPDATE: &str = "mutation { updateUser(id: 1, input: { username: \"late\" }) { username } }";

/// Counts backends of the service that work, wait, or hold a transaction.
const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'crowsfoot' AND state <> 'idle'";

/// Counts backends of the service that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'crowsfoot' AND wait_event_type = 'Lock'";

async fn number(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Checks that no work of the requests remains, at the database or in the service, while the row is still
/// locked.
async fn assert_nothing_left(service: &Service<'_>, observer: &DatabaseConnection) {
    until(async || number(observer, AT_WORK).await == 0).await;
    until(async || {
        let metrics = service.get("/metrics").send().await.unwrap().text().await.unwrap();
        metrics.lines().any(|line| line == "crowsfoot_pool_connections{state=\"busy\"} 0")
    })
    .await;
    for number in 0..CLIENTS {
        let write = format!(
            "mutation {{ createPlace(input: {{ name: \"p{number}\", address: \"a\" }}) {{ name }} }}"
        );
        let answer = within(service.ask(&write)).await;
        assert_eq!(answer, json!({ "data": { "createPlace": { "name": format!("p{number}") } } }));
    }
}

/// Runs a service whose requests wait for a locked row and end as `give_up` defines; checks that none
/// remains. PostgreSQL itself would wait for ever.
async fn given_up(timeout: &str, give_up: impl AsyncFn(&Service<'_>, &DatabaseConnection)) {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let folder = Folder::new();
    let arguments = ["--database-url", &database.url, "--statement-timeout", "0", "--timeout", timeout];
    let service = Service::start(&folder, &arguments).await;
    // Not the test database's own connection, which has the service's application name.
    let observer = sea_orm::Database::connect(&database.url).await.unwrap();
    let lock = observer.begin().await.unwrap();
    lock.execute_unprepared("SELECT 1 FROM users WHERE id = 1 FOR UPDATE").await.unwrap();

    give_up(&service, &observer).await;
    assert_nothing_left(&service, &observer).await;

    lock.rollback().await.unwrap();
    assert_eq!(service.ask(UPDATE).await, json!({ "data": { "updateUser": { "username": "late" } } }));
    assert_eq!(service.stop().await.code, Some(0));
    observer.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn writes_of_clients_that_leave_end_at_the_server() {
    given_up("60", async |service, observer| {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(service.post("/graphql").json(&json!({ "query": UPDATE })).send());
        }
        until(async || number(observer, WAITING).await > 1).await;
        // Closes their sockets.
        clients.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn writes_that_take_too_long_end_at_the_server() {
    given_up("2", async |service, observer| {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(service.post("/graphql").json(&json!({ "query": UPDATE })).send());
        }
        until(async || number(observer, WAITING).await > 1).await;
        while let Some(answer) = within(clients.join_next()).await {
            assert!(matches!(answer.unwrap().unwrap().status().as_u16(), 503 | 504));
        }
    })
    .await;
}

#[tokio::test]
async fn reads_of_clients_that_leave_end_at_the_server() {
    given_up("60", async |service, observer| {
        let lock = observer.begin().await.unwrap();
        lock.execute_unprepared("LOCK TABLE courses IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(service.post("/graphql").json(&json!({ "query": "{ courses { id } }" })).send());
        }
        until(async || number(observer, WAITING).await > 0).await;
        clients.shutdown().await;
        until(async || number(observer, WAITING).await == 0).await;
        lock.rollback().await.unwrap();
    })
    .await;
}
