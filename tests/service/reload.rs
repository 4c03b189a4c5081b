//! The options file and the tables change while the service runs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crowsfoot::internals::dialect::Dialect;
use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::events::Events;
use crate::process::{Folder, Service, until, within};
use crate::socket_client::Socket;
use crate::support::{self, TestDatabase};

const TABLES: &str = "
    CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE player (id INTEGER PRIMARY KEY, team_id INTEGER NOT NULL REFERENCES team (id));
    INSERT INTO team (id, name) VALUES (1, 'Reds'), (2, 'Blues');
    INSERT INTO player (id, team_id) VALUES (1, 1), (2, 1), (3, 2);";

/// Options file of the service, in its folder.
const FILE: &str = "options.toml";

async fn databases() -> Vec<TestDatabase> {
    let databases = support::databases().await;
    for database in &databases {
        database.run(TABLES).await;
    }
    databases
}

/// Begins a transaction that lets no other one write teams.
async fn lock(database: &TestDatabase) -> DatabaseTransaction {
    let lock = database.connection.begin().await.unwrap();
    let sql = match database.dialect {
        Dialect::Sqlite => "UPDATE team SET id = id",
        Dialect::Postgres => "LOCK TABLE team IN SHARE ROW EXCLUSIVE MODE",
    };
    lock.execute_unprepared(sql).await.unwrap();
    lock
}

async fn start<'a>(folder: &'a Folder, database: &TestDatabase, arguments: &[&str]) -> Service<'a> {
    let own = ["--from-database", "--database-url", &database.url, "--options", FILE];
    let arguments: Vec<&str> = own.iter().chain(arguments).copied().collect();
    Service::start(folder, &arguments).await
}

fn write(folder: &Folder, options: &str) {
    std::fs::write(folder.path().join(FILE), options).unwrap();
}

/// Options in which the teams' type has this name; their root field stays the same.
fn named(name: &str) -> String {
    format!("[entities.team]\nname = \"{name}\"\nplural = \"teams\"\n")
}

/// Takes up options in which the teams' type has this name.
async fn rename(folder: &Folder, service: &Service<'_>, name: &str) {
    write(folder, &named(name));
    service.signal("HUP").await;
    until(async || service.ask("{ teams { __typename } }").await["data"]["teams"][0]["__typename"] == name)
        .await;
}

/// Returns the only name of the teams' type in a response, which says it in two places.
fn the_name(answer: &Json) -> String {
    assert_eq!(answer.get("errors"), None, "{answer}");
    let data = &answer["data"];
    let name = data["teams"][0]["__typename"].as_str().unwrap();
    for team in data["teams"].as_array().unwrap() {
        assert_eq!(team["__typename"], name, "{answer}");
        for player in team["players"].as_array().unwrap() {
            assert_eq!(player["team"]["__typename"], name, "{answer}");
        }
    }
    assert_eq!(data["__type"].is_null(), name != "Club", "{answer}");
    name.to_owned()
}

#[tokio::test]
async fn under_load_a_changed_file_is_taken_up_without_a_lost_request_or_a_mixed_response() {
    const QUERY: &str =
        r#"{ __type(name: "Club") { name } teams { __typename players { team { __typename } } } }"#;
    for database in databases().await {
        let folder = Folder::new();
        write(&folder, &named("Squad"));
        let service = start(&folder, &database, &["--max-batch", "5"]).await;
        let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
        let load = async || {
            let mut names = std::collections::BTreeSet::new();
            let batch = vec![json!({ "query": QUERY }); 5];
            while !is_over.load(Ordering::Relaxed) {
                let sent = service.post("/graphql").json(&batch).send();
                let response = within(sent).await.unwrap();
                assert_eq!(response.status(), 200);
                let answers: Vec<Json> = response.json().await.unwrap();
                let name = the_name(&answers[0]);
                assert!(answers.iter().all(|answer| the_name(answer) == name), "{answers:?}");
                names.insert(name);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            names
        };
        let change = async {
            for round in 0..10 {
                let before = answered.load(Ordering::Relaxed);
                rename(&folder, &service, if round % 2 == 0 { "Club" } else { "Squad" }).await;
                until(async || answered.load(Ordering::Relaxed) > before + 8).await;
            }
            is_over.store(true, Ordering::Relaxed);
        };
        let loads = futures_util::future::join_all((0..6).map(|_| load()));
        let (names, ()) = futures_util::future::join(loads, change).await;
        assert!(names.iter().all(|names| names.len() == 2), "{names:?}");
        let ended = service.stop().await;
        assert_eq!(ended.log.matches("served from now on").count(), 10, "{}", ended.log);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_fault_is_logged_and_the_previous_schema_is_served_on() {
    for database in databases().await {
        let folder = Folder::new();
        write(&folder, &named("Squad"));
        let service = start(&folder, &database, &[]).await;
        for (faulty, expected) in [
            (
                "[entities.team]\nnmae = \"Club\"\n",
                &["options.toml: line 2, column 1: unknown field `nmae`"][..],
            ),
            ("[entities.tema]\nname = \"Club\"\n[entities.playre]\nname = \"P\"\n", &["tema", "playre"]),
            (
                "[sign_in]\nalgorithms = [\"HS256\"]\nsecret = \"0123456789abcdef0123456789abcdef\"\n",
                &["[sign_in] has no effect"],
            ),
        ] {
            let faults = || folder.log().matches("the previous schema is served on").count();
            let before = faults();
            write(&folder, faulty);
            service.signal("HUP").await;
            until(async || faults() > before).await;
            let log = folder.log();
            let last = log.rsplit("the previous schema is served on").next().unwrap();
            assert!(expected.iter().all(|fault| last.contains(fault)), "{last}");
            assert_eq!(
                service.ask("{ teams { __typename } }").await["data"]["teams"][0]["__typename"],
                "Squad"
            );
        }
        rename(&folder, &service, "Club").await;
        service.stop().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn with_watch_a_changed_table_or_file_is_taken_up_by_itself() {
    for database in databases().await {
        let folder = Folder::new();
        write(&folder, "");
        let service = start(&folder, &database, &["--watch"]).await;
        database.run("ALTER TABLE team ADD COLUMN city TEXT").await;
        until(async || service.ask("{ teams { city } }").await.get("errors").is_none()).await;
        write(&folder, &named("Club"));
        let is_club = async || {
            service.ask("{ teams { __typename } }").await["data"]["teams"][0]["__typename"] == "Club"
        };
        until(is_club).await;
        // Said once, not at every look.
        write(&folder, "faulty");
        until(async || folder.log().contains("the previous schema is served on")).await;
        database.run("ALTER TABLE team ADD COLUMN coach TEXT").await;
        let ended = service.stop().await;
        assert!(ended.log.matches("the previous schema is served on").count() <= 2, "{}", ended.log);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_socket_ends_its_mutation_and_is_closed_for_a_new_connection_and_an_event_stream_ends_incomplete() {
    for database in databases().await {
        let folder = Folder::new();
        write(&folder, &named("Squad"));
        let service = start(&folder, &database, &[]).await;
        let live = "subscription { teams(limit: 1) { __typename } }";
        let mut idle = Socket::begin(&service).await;
        let mut socket = Socket::begin(&service).await;
        socket.subscribe("live", live).await;
        assert_eq!(socket.next("live").await["data"]["teams"][0]["__typename"], "Squad");
        let mut events = Events::subscribe(&service, live).await;
        assert_eq!(events.event().await.unwrap().0, "next");
        let lock = lock(&database).await;
        socket
            .subscribe(
                "write",
                r#"mutation { updateSquad(id: 1, input: { name: "Greens" }) { __typename name } }"#,
            )
            .await;
        socket.is_silent().await;
        rename(&folder, &service, "Club").await;
        assert_eq!(events.event().await, None);
        assert_eq!(idle.closed().await, (1012, "Schema has changed".to_owned()));
        // Not answered: the client sends it again over its next socket.
        socket.subscribe("late", "{ teams { id } }").await;
        socket.is_silent().await;
        lock.rollback().await.unwrap();
        let written = json!({ "data": { "updateSquad": { "__typename": "Squad", "name": "Greens" } } });
        assert_eq!(socket.only("write").await, written);
        assert_eq!(socket.closed().await, (1012, "Schema has changed".to_owned()));
        let mut socket = Socket::begin(&service).await;
        socket.subscribe("live", live).await;
        assert_eq!(socket.next("live").await["data"]["teams"][0]["__typename"], "Club");
        service.stop().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn live_queries_of_the_new_schema_see_commits_of_requests_that_began_before() {
    for database in databases().await {
        let folder = Folder::new();
        write(&folder, &named("Squad"));
        let service = start(&folder, &database, &[]).await;
        let mut old = Socket::begin(&service).await;
        let lock = lock(&database).await;
        old.subscribe("write", r#"mutation { updateSquad(id: 1, input: { name: "Greens" }) { name } }"#)
            .await;
        old.is_silent().await;
        rename(&folder, &service, "Club").await;
        let mut new = Socket::begin(&service).await;
        new.subscribe("live", "subscription { teams(limit: 1) { name } }").await;
        assert_eq!(new.next("live").await["data"]["teams"][0]["name"], "Reds");
        lock.rollback().await.unwrap();
        assert_eq!(old.only("write").await["data"]["updateSquad"]["name"], "Greens");
        assert_eq!(new.next("live").await["data"]["teams"][0]["name"], "Greens");
        service.stop().await;
        database.drop().await;
    }
}
