//! Interruptions: of a request, of a client, of the program. Unfinished work leaves nothing behind.

use std::collections::BTreeSet;
use std::pin::pin;
use std::task::Poll;

use crowsfoot::tables::Table;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::process::{Folder, Service, until, within};
use crate::support::{self, TestDatabase};

/// Creates users, each with a profile and an info: three levels of tables.
const CREATE: &str = "mutation($input: [UserCreate!]!) { createUsers(input: $input) { id profile { id } } }";

/// Number of users that the large request creates.
const MANY: usize = 4_000;

fn users(tag: &str, count: usize) -> Json {
    let user = |number: usize| {
        json!({
            "username": format!("{tag} {number}"),
            "profile": { "create": { "bio": "b" } },
            "userInfos": { "create": [{ "phoneNumber": "1" }] },
        })
    };
    json!({ "input": (0..count).map(user).collect::<Vec<_>>() })
}

/// Returns the number of users; checks that each has a profile and an info, or none has.
async fn whole_users(client: &Client) -> i64 {
    let users = client.number("SELECT count(*) FROM users WHERE username LIKE 'made %'").await;
    for table in ["profiles", "user_infos"] {
        let sql = format!(
            "SELECT count(*) FROM {table} JOIN users ON users.id = {table}.user_id WHERE username LIKE 'made %'"
        );
        assert_eq!(client.number(&sql).await, users, "{table}");
    }
    users
}

/// Polls a future up to `most` times; returns `None` and drops the future if it is not ready by then.
async fn polled<T>(future: impl Future<Output = T>, most: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == most {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

async fn delete_users(client: &Client) {
    client.data("mutation { deleteUsers(where: {}, all: true) { affected } }").await;
}

#[tokio::test]
async fn a_request_that_is_given_up_at_any_point_leaves_all_or_nothing() {
    for database in support::databases().await {
        // Single connection, so that the next request meets the state that the dropped one left on it.
        let client = Client::new(&database, 1).await;
        let mut nothing = 0;
        // The number of polls of a request varies: an answer that is there already needs none.
        for _ in 0..20 {
            let mut given_up = 0;
            let answer = loop {
                match polled(client.ask(CREATE, users("made", 400)), given_up).await {
                    Some((answer, _)) => break answer,
                    None => match within(whole_users(&client)).await {
                        0 => nothing += 1,
                        // Dropped during the commit.
                        400 => delete_users(&client).await,
                        made => panic!("{made} users are there after {given_up} polls"),
                    },
                }
                given_up += 1;
            };
            assert_eq!(answer.get("errors"), None, "{answer:#}");
            if nothing > 2 {
                break;
            }
            delete_users(&client).await;
        }
        assert!(nothing > 2, "it was never given up in the middle");
        assert_eq!(whole_users(&client).await, 400);
        client.close().await;
        database.drop().await;
    }
}

/// A commit and its notification belong together: a live query that misses one stays unchanged until the next
/// commit.
#[tokio::test]
async fn notifies_of_a_commit_when_the_request_was_dropped_at_any_point() {
    for database in support::databases().await {
        let client = Client::new(&database, 1).await;
        let users: BTreeSet<Table> = [Table { schema: None, name: "users".to_owned() }].into();
        let (mut given_up, mut committed) = (0, 0);
        // The number of polls of a request varies.
        for round in 0..40 {
            for polls in 0.. {
                let mut listener = client.changes().subscribe(users.clone());
                let name = format!("u{round}-{polls}");
                let create = format!("mutation {{ createUser(input: {{ username: \"{name}\" }}) {{ id }} }}");
                let answer = polled(client.ask(&create, Json::Null), polls).await;
                // Single connection: this query waits until the dropped request has released it.
                let there = format!("SELECT count(*) FROM users WHERE username = '{name}'");
                if within(client.number(&there)).await == 1 {
                    committed += 1;
                    within(listener.changed()).await;
                }
                if answer.is_some() {
                    break;
                }
                given_up += 1;
            }
        }
        assert!(given_up > 40 && committed >= 40, "{given_up}, {committed}");
        client.close().await;
        database.drop().await;
    }
}

/// Sends the large request over HTTP.
fn ask_for_many(service: &Service<'_>) -> tokio::task::JoinHandle<reqwest::Result<reqwest::Response>> {
    let request =
        service.post("/graphql").json(&json!({ "query": CREATE, "variables": users("made", MANY) }));
    tokio::spawn(request.send())
}

/// Checks that the service works.
async fn assert_works(service: &Service<'_>, name: &str) {
    let create = format!(
        "mutation {{ createUser(input: {{ username: \"{name}\", profile: {{ create: {{}} }} }}) {{ profile {{ bio }} }} }}"
    );
    let answer = within(service.ask(&create)).await;
    assert_eq!(answer, json!({ "data": { "createUser": { "profile": { "bio": "" } } } }));
}

/// Counts other transactions that have written users and are not finished.
const WRITING: &str = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'RowExclusiveLock'
    AND relation = 'users'::regclass AND pid <> pg_backend_pid()";

/// Counts transactions that wait for the last table.
const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'user_infos'::regclass";

#[tokio::test]
async fn a_kill_in_the_middle_leaves_nothing_on_postgresql() {
    let Some(database) = support::postgres().await else { return };
    let client = Client::new(&database, 1).await;
    let folder = Folder::new();
    let arguments = ["--database-url", &database.url];
    let mut service = Service::start(&folder, &arguments).await;
    // Users and profiles can be written, infos cannot.
    let lock = database.connection.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE user_infos IN SHARE MODE").await.unwrap();
    let asked = ask_for_many(&service);
    until(async || client.number(WAITING).await > 0).await;
    assert!(client.number(WRITING).await > 0);
    service.signal("KILL").await;
    assert_eq!(service.end().await.code, None);
    assert!(within(asked).await.unwrap().is_err());
    lock.rollback().await.unwrap();

    until(async || client.number(WRITING).await == 0).await;
    assert_eq!(whole_users(&client).await, 0);
    let service = Service::start(&folder, &arguments).await;
    assert_works(&service, "after").await;
    assert_eq!(service.stop().await.code, Some(0));
    client.close().await;
    database.drop().await;
}

/// Makes every statement that inserts an info run for ever.
const ENDLESS: &str = "
    CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT 1 - i FROM n) SELECT i FROM n;
    CREATE TRIGGER hold BEFORE INSERT ON user_infos BEGIN SELECT count(*) FROM endless; END;";

/// Returns true if another connection is writing.
async fn is_locked(database: &TestDatabase) -> bool {
    match database.connection.execute_unprepared("BEGIN IMMEDIATE").await {
        Ok(_) => {
            database.connection.execute_unprepared("ROLLBACK").await.unwrap();
            false
        }
        Err(error) => {
            assert!(error.to_string().contains("locked"), "{error}");
            true
        }
    }
}

#[tokio::test]
async fn a_kill_in_the_middle_leaves_nothing_on_sqlite() {
    let mut database = support::sqlite().await;
    let client = Client::new(&database, 1).await;
    alone(&mut database).await;
    let folder = Folder::new();
    let arguments = ["--database-url", &database.url];
    let mut service = Service::start(&folder, &arguments).await;
    database.run(ENDLESS).await;
    let asked = ask_for_many(&service);
    until(async || is_locked(&database).await).await;
    service.signal("KILL").await;
    assert_eq!(service.end().await.code, None);
    assert!(within(asked).await.unwrap().is_err());

    assert_eq!(whole_users(&client).await, 0);
    assert!(!is_locked(&database).await);
    database.run("DROP TRIGGER hold; DROP VIEW endless;").await;
    let service = Service::start(&folder, &arguments).await;
    assert_works(&service, "after").await;
    assert_eq!(service.stop().await.code, Some(0));
    client.close().await;
    database.drop().await;
}

/// Reopens the database with a single connection that does not wait for a lock.
async fn alone(database: &mut TestDatabase) {
    let connection = crowsfoot::connect(&database.url, 1).await.unwrap();
    connection.execute_unprepared("PRAGMA busy_timeout = 0").await.unwrap();
    std::mem::replace(&mut database.connection, connection).close().await.unwrap();
}

#[tokio::test]
async fn leaves_all_or_nothing_when_a_client_disconnects_on_postgresql() {
    let Some(database) = support::postgres().await else { return };
    let client = Client::new(&database, 1).await;
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url, "--pool-size", "1"]).await;
    let lock = database.connection.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE user_infos IN SHARE MODE").await.unwrap();
    let asked = ask_for_many(&service);
    until(async || client.number(WAITING).await > 0).await;
    asked.abort();
    assert!(within(asked).await.unwrap_err().is_cancelled());
    lock.rollback().await.unwrap();

    // The service has a single connection: the next request meets the state that was left on it.
    assert_works(&service, "after").await;
    until(async || client.number(WRITING).await == 0).await;
    let made = whole_users(&client).await;
    assert!(made == 0 || made == MANY as i64, "{made}");
    assert_works(&service, "after that").await;
    assert_eq!(service.stop().await.code, Some(0));
    client.close().await;
    database.drop().await;
}

#[tokio::test]
async fn leaves_all_or_nothing_when_a_client_disconnects_on_sqlite() {
    let mut database = support::sqlite().await;
    let client = Client::new(&database, 1).await;
    alone(&mut database).await;
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url, "--pool-size", "1"]).await;
    let asked = ask_for_many(&service);
    until(async || is_locked(&database).await || asked.is_finished()).await;
    asked.abort();

    assert_works(&service, "after").await;
    until(async || !is_locked(&database).await).await;
    let made = whole_users(&client).await;
    assert!(made == 0 || made == MANY as i64, "{made}");
    assert_eq!(service.stop().await.code, Some(0));
    client.close().await;
    database.drop().await;
}
