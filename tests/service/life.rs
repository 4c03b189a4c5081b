//! Life cycle from the first start to the end.

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;

use crate::process::{Folder, Service, run, until, within};
use crate::support::{self, TestDatabase};

#[tokio::test]
async fn creates_a_database_and_prints_its_address_without_arguments() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let address = service.address;
    assert_eq!(
        service.greeting,
        format!("GraphiQL is at http://{address}/ and GraphQL at http://{address}/graphql")
    );
    assert!(folder.path().join("crowsfoot.db").is_file());
    let page = service.get("/").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn the_first_start_migrates_and_seeds_and_the_second_keeps_what_is_there() {
    for database in support::databases().await {
        let folder = Folder::new();
        let arguments = ["--database-url", &database.url];
        let query = "{ users(limit: 1) { username } usersAggregate { count } }";

        let service = Service::start(&folder, &arguments).await;
        assert_eq!(
            service.ask(query).await,
            json!({ "data": { "users": [{ "username": "ada" }], "usersAggregate": { "count": 8 } } })
        );
        assert_eq!(service.stop().await.code, Some(0));

        database.run("UPDATE users SET username = 'renamed' WHERE id = 1").await;
        database.run("DELETE FROM users WHERE id = 8").await;
        let service = Service::start(&folder, &arguments).await;
        assert_eq!(
            service.ask(query).await,
            json!({ "data": { "users": [{ "username": "renamed" }], "usersAggregate": { "count": 7 } } })
        );
        assert_eq!(service.stop().await.code, Some(0));
        database.drop().await;
    }
}

#[tokio::test]
async fn shuts_down_cleanly_on_each_signal() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let mut service = Service::start(&folder, &[]).await;
        service.ask("{ users { id } }").await;
        service.signal(signal).await;
        let ended = service.end().await;
        assert_eq!(ended.code, Some(0), "{signal}: {}", ended.log);
        assert_eq!(ended.out, "", "{signal}");
        assert!(!ended.log.contains("ERROR") && !ended.log.contains("panicked"), "{signal}: {}", ended.log);
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    // SQLite's readers never wait: only PostgreSQL can hold a request.
    let Some(database) = support::postgres().await else { return };
    let folder = Folder::new();
    let mut service = Service::start(&folder, &["--database-url", &database.url]).await;
    let lock = database.connection.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();

    let request = service.post("/graphql").json(&json!({ "query": "{ users(limit: 1) { id } }" }));
    let answer = tokio::spawn(request.send());
    until(async || is_held(&database).await).await;
    service.signal("TERM").await;
    until(async || TcpStream::connect(service.address).await.is_err()).await;
    lock.commit().await.unwrap();

    let answer: Json = within(answer).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer, json!({ "data": { "users": [{ "id": 1 }] } }));
    assert_eq!(service.end().await.code, Some(0));
    database.drop().await;
}

/// Returns true if a session waits for a lock.
async fn is_held(database: &TestDatabase) -> bool {
    let sql = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    database.connection.query_one_raw(statement).await.unwrap().is_some()
}

#[tokio::test]
async fn health_asks_a_running_service() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let address = service.address.to_string();
    let other = Folder::new();
    for arguments in [&["health", "--listen", &address][..], &["health", "--ready", "--listen", &address]] {
        let ended = run(&other, arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.log);
    }
    service.stop().await;
    let ended = run(&other, &["health", "--listen", &address]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.starts_with(&format!("crowsfoot: {address}: ")), "{}", ended.log);
}
