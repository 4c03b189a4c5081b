//! Failures at the start and later, and the readers of their messages.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use futures_util::future::join;
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::process::{Ended, Folder, Service, run, until, within};
use crate::support;

/// Checks that a failed start prints its reason in one line, on standard error only.
fn assert_failed(ended: &Ended, expected: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.out, "", "{ended:?}");
    let told: Vec<&str> = ended.log.lines().filter(|line| line.starts_with("crowsfoot: ")).collect();
    assert!(matches!(told.as_slice(), [line] if line.contains(expected)), "{ended:?}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(&folder, &["--listen", &address]).await;
    assert_failed(&ended, &format!("cannot listen on {address}: "));
}

#[tokio::test]
async fn names_an_invalid_listen_address() {
    let folder = Folder::new();
    let ended = run(&folder, &["--listen", "127.0.0.1:port"]).await;
    assert_failed(&ended, "cannot listen on 127.0.0.1:port: ");
}

#[tokio::test]
async fn names_supported_databases_when_the_url_has_another_scheme() {
    let folder = Folder::new();
    for (url, scheme) in
        [("mysql://root:secret@127.0.0.1/shop", "mysql"), ("host=127.0.0.1 password=secret", "")]
    {
        for command in [&[][..], &["migrate", "up"], &["seed"], &["check"]] {
            let ended = run(&folder, &[command, &["--database-url", url]].concat()).await;
            let refused = format!(
                "\"{scheme}\" is not a database that this build supports; expected one of sqlite, postgres"
            );
            assert_failed(&ended, &refused);
            assert!(!ended.log.contains("secret"), "{ended:?}");
        }
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_said_to_be_so_without_its_password() {
    // A port that was free a moment ago has no listener.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [
        "sqlite://missing.db".to_owned(),
        "sqlite://no/such/folder/crowsfoot.db?mode=rwc".to_owned(),
        format!("postgres://root:secret@127.0.0.1:{port}/shop"),
    ] {
        let folder = Folder::new();
        let started = Instant::now();
        let ended = run(&folder, &["--listen", "127.0.0.1:0", "--database-url", &url]).await;
        assert_failed(&ended, "the database cannot be opened: ");
        assert!(!ended.log.contains("secret"), "{ended:?}");
        if url.starts_with("postgres") {
            let place = format!("PostgreSQL's shop at 127.0.0.1:{port}: ");
            assert!(ended.log.contains(&place) && ended.log.contains("refused"), "{ended:?}");
            // Repeated attempts would take five seconds.
            assert!(started.elapsed() < Duration::from_secs(4), "{ended:?}");
        }
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_before_anything_is_touched() {
    for arguments in [
        ["--pool-size", "0"],
        ["--workers", "0"],
        ["--max-rows", "0"],
        ["--max-rows", "18446744073709551615"],
        ["--timeout", "0"],
        ["--max-concurrent", "0"],
        ["--max-body", "0"],
        ["--max-batch", "-1"],
        ["--statement-timeout", "-1"],
        ["--statement-timeout", "86401"],
        ["--slow-query-ms", "soon"],
        ["--max-cost", "0"],
        ["--max-tokens", "0"],
        ["--max-depth", "0"],
        ["--max-depth", "65"],
        ["--mode", "test"],
        ["--log-format", "xml"],
    ] {
        let folder = Folder::new();
        let ended = run(&folder, &arguments).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.log.contains(&format!("'{}'", arguments[1])), "{ended:?}");
        assert!(!folder.path().join("crowsfoot.db").exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn logs_database_errors_under_the_request_id_and_sends_none() {
    for database in support::databases().await {
        let folder = Folder::new();
        let service =
            Service::start(&folder, &["--no-migrate", "--check", "off", "--database-url", &database.url])
                .await;
        assert_eq!(service.get("/healthz").send().await.unwrap().status(), 200);
        assert_eq!(service.get("/readyz").send().await.unwrap().status(), 200);

        let query = json!({ "query": "{ user(id: 1) { username profile { bio } } }" });
        let response = service.post("/graphql").json(&query).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let answer: Json = response.json().await.unwrap();
        assert_eq!(
            answer,
            json!({
                "data": { "user": null },
                "errors": [{
                    "message": "internal server error",
                    "locations": [{ "line": 1, "column": 3 }],
                    "path": ["user"],
                    "extensions": { "code": "INTERNAL_SERVER_ERROR", "requestId": id },
                }],
            })
        );

        let log = service.stop().await.log;
        let causes: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
        assert!(matches!(causes[..], [cause] if cause.contains(&id) && cause.contains("users")), "{log}");
        database.drop().await;
    }
}

#[tokio::test]
async fn is_alive_and_not_ready_when_the_database_is_unavailable() {
    let Some(database) = support::postgres().await else { return };
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url]).await;
    assert_eq!(service.get("/readyz").send().await.unwrap().status(), 200);
    let shown = database.url.clone();
    database.drop().await;

    // First on open connections, then without any.
    for _ in 0..10 {
        let answer = service.ask("{ users { id } }").await;
        assert_eq!(
            answer,
            json!({
                "data": null,
                "errors": [{
                    "message": "the database cannot be reached at the moment",
                    "locations": [{ "line": 1, "column": 3 }],
                    "path": ["users"],
                    "extensions": { "code": "UNAVAILABLE", "retryAfter": 1 },
                }],
            })
        );
    }
    let ready = service.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let name = shown.rsplit('/').next().unwrap();
    assert!(!ready.text().await.unwrap().contains(name));
    assert_eq!(service.get("/healthz").send().await.unwrap().status(), 200);
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn more_rows_than_the_ceiling_are_refused_and_never_cut() {
    for database in support::databases().await {
        let folder = Folder::new();
        let arguments = ["--max-rows", "10", "--database-url", &database.url];
        let service = Service::start(&folder, &arguments).await;
        let rows = |answer: &Json, field: &str| answer["data"][field].as_array().map(Vec::len);

        assert_eq!(rows(&service.ask("{ posts { id } }").await, "posts"), Some(9));
        let ten = service.ask("{ students(limit: 6) { name } restaurants { placeId } }").await;
        assert_eq!((rows(&ten, "students"), rows(&ten, "restaurants")), (Some(6), Some(4)), "{ten}");

        for (query, path, asked) in [
            ("{ authors { id posts { id } } }", json!(["authors", 0, "posts"]), 15),
            // No student takes one of the six courses.
            ("{ courses { studentsAggregate { count } } }", json!(["courses", 0, "studentsAggregate"]), 11),
            (
                "{ postsConnection(first: 9) { nodes { author { id } } } }",
                json!(["postsConnection", "nodes", 0, "author"]),
                13,
            ),
        ] {
            let answer = service.ask(query).await;
            assert_eq!(answer["data"], Json::Null, "{answer}");
            assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
            let error = &answer["errors"][0];
            assert_eq!(error["path"], path);
            assert_eq!(error["extensions"], json!({ "code": "TOO_MANY_ROWS", "limit": 10, "asked": asked }));
        }
        let fewer = service.ask("{ authors(limit: 3) { posts(limit: 2) { id } } }").await;
        assert_eq!(rows(&fewer, "authors"), Some(3), "{fewer}");
        service.stop().await;
        database.drop().await;
    }
}

/// A failure that a retry resolves is not an error for operators.
#[tokio::test]
async fn logs_no_error_when_a_retry_resolves_a_deadlock() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url]).await;
    let other = database.connection.begin().await.unwrap();
    // PostgreSQL cancels the first session that detects the deadlock, so this session must not detect it.
    other.execute_unprepared("SET LOCAL deadlock_timeout = '1h'").await.unwrap();
    other.execute_unprepared("UPDATE users SET username = 'other 2' WHERE id = 2").await.unwrap();
    let rename = "mutation {
        one: updateUser(id: 1, input: { username: \"mine 1\" }) { id }
        two: updateUser(id: 2, input: { username: \"mine 2\" }) { username }
    }";
    let meet = async {
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = Statement::from_string(database.connection.get_database_backend(), waiting);
        until(async || {
            let row = database.connection.query_one_raw(waiting.clone()).await.unwrap().unwrap();
            row.try_get_by::<i64, _>("n").unwrap() > 0
        })
        .await;
        other.execute_unprepared("UPDATE users SET username = 'other 1' WHERE id = 1").await.unwrap();
        other.commit().await.unwrap();
    };
    let (answer, ()) = within(join(service.ask(rename), meet)).await;
    assert_eq!(answer, json!({ "data": { "one": { "id": 1 }, "two": { "username": "mine 2" } } }));
    let log = service.stop().await.log;
    assert!(!log.contains("ERROR"), "{log}");
    database.drop().await;
}

/// PostgreSQL's dates exceed chrono's range.
#[tokio::test]
async fn reports_an_error_when_a_date_exceeds_chronos_range() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url]).await;
    for date in ["infinity", "-infinity", "5874897-12-31"] {
        database.run(&format!("UPDATE profiles SET birthdate = '{date}' WHERE user_id = 1")).await;
        let answer = service.ask("{ user(id: 1) { profile { birthdate } } }").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{answer}");
    }
    let answer = service.ask("{ user(id: 1) { username } }").await;
    assert_eq!(answer["data"]["user"]["username"], "ada", "{answer}");
    let log = service.stop().await.log;
    assert!(!log.contains("panicked"), "{log}");
    database.drop().await;
}
