//! Fail-over: the primary is killed under load, and its synchronous standby promoted. The service has both in its URL.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::cluster::Cluster;
use crate::process::{Folder, Service, until, within};
use crate::socket_client::Socket;

const WRITERS: usize = 8;
const READERS: usize = 4;

/// Maximum time from the promotion to the next write.
const SOON: Duration = Duration::from_secs(5);

/// Codes that a client meets during the fail-over, and may try again or look up.
const CODES: [&str; 2] = ["UNAVAILABLE", "TIMEOUT"];

/// Returns the codes of an answer's errors.
fn codes(answer: &Json) -> Vec<String> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["extensions"]["code"].as_str().unwrap_or("none").to_owned()).collect()
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_when_the_primary_is_killed_and_its_standby_promoted() {
    let Some(mut primary) = Cluster::start(&[]).await else { return };
    let standby = primary.standby(&[]).await;
    // Only now: a commit waits for the standby. The standby itself, once promoted, waits for none.
    primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    primary.run("SELECT pg_reload_conf()").await;
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port, standby.port);
    let url = |kind: &str| format!("postgres://postgres@{hosts}/postgres?target_session_attrs={kind}");
    let folder = Folder::new();
    let arguments = ["--database-url", &url("read-write"), "--replica-url", &url("standby")];
    let service = Service::start(&folder, &arguments).await;
    let mut live = Socket::begin(&service).await;
    live.subscribe("count", "subscription { usersAggregate { count } }").await;

    let done = AtomicBool::new(false);
    let reads = AtomicU64::new(0);
    // Names of the acknowledged writes, each with its time.
    let written = Mutex::new(Vec::new());
    let writing = async |writer: usize| {
        let mut number = 0;
        while !done.load(Ordering::Relaxed) {
            number += 1;
            let name = format!("user {writer}/{number}");
            let answer = service
                .ask(&format!("mutation {{ createUser(input: {{ username: \"{name}\" }}) {{ username }} }}"))
                .await;
            let codes = codes(&answer);
            match codes.is_empty() {
                true => {
                    assert_eq!(answer["data"]["createUser"]["username"], name.as_str(), "{answer}");
                    written.lock().unwrap().push((name, Instant::now()));
                }
                false => {
                    assert!(codes.iter().all(|code| CODES.contains(&code.as_str())), "{answer}");
                    assert!(
                        !answer.to_string().contains("read-only"),
                        "a read-only server was asked: {answer}"
                    );
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    };
    let reading = async || {
        while !done.load(Ordering::Relaxed) {
            let answer = service.ask("{ users(limit: 3) { username } }").await;
            assert_eq!(codes(&answer), Vec::<String>::new(), "{answer}");
            reads.fetch_add(1, Ordering::Relaxed);
        }
    };
    let acknowledged = || written.lock().unwrap().len();
    let failing_over = async {
        until(async || acknowledged() > 100).await;
        primary.kill().await;
        // The time that somebody takes to notice.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(standby.value("SELECT pg_promote()").await, "true");
        let promoted = Instant::now();
        let before = acknowledged();
        until(async || acknowledged() > before).await;
        let took = promoted.elapsed();
        assert!(took < SOON, "the next write came {took:?} after the promotion");
        let enough = before + 100;
        until(async || acknowledged() > enough).await;
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(
        failing_over,
        join_all((0..WRITERS).map(writing)),
        join_all((0..READERS).map(|_| reading()))
    );

    let written = written.into_inner().unwrap();
    let names: Vec<String> = written.iter().map(|(name, _)| format!("('{name}')")).collect();
    let lost = standby
        .value(&format!(
            "SELECT count(*) FROM (VALUES {}) AS written(name) WHERE name NOT IN (SELECT username FROM users)",
            names.join(", ")
        ))
        .await;
    assert_eq!(lost, "0", "acknowledged writes of {}", written.len());
    assert!(reads.load(Ordering::Relaxed) > 100, "hardly any query was sent");
    let log = standby.log();
    assert!(!log.contains("read-only transaction"), "a server in recovery was asked to write:\n{log}");

    // Live queries go on at the promoted server, and so does the service's readiness.
    let count: u64 = standby.value("SELECT count(*) FROM users").await.parse().unwrap();
    let expected = json!({ "data": { "usersAggregate": { "count": count } } });
    within(async { while live.next("count").await != expected {} }).await;
    assert_eq!(within(service.get("/readyz").send()).await.unwrap().status(), 200);
    assert_eq!(service.stop().await.code, Some(0));
}
