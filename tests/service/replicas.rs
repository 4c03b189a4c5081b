//! A primary with standby servers: queries run on replicas, mutations on the primary, and no answer is older than promised.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::cluster::{Clock, Cluster};
use crate::impersonation::{SECRET, as_role, sent};
use crate::process::{Folder, Service, header, run, until, within};
use crate::socket_client::Socket;
use crate::support;

const TOKEN: &str = "crowsfoot-consistency";

/// Number of writes that are read back at once.
const ROUNDS: usize = 100;

/// Number of clients while a replica is killed.
const CLIENTS: usize = 8;

/// Returns the name of a user, which a mutation writes.
async fn name(service: &Service<'_>, token: Option<&str>) -> Json {
    let request = service.post("/graphql").json(&json!({ "query": "{ user(id: 1) { username } }" }));
    let request = token.into_iter().fold(request, |request, token| request.header(TOKEN, token));
    let answer: Json = within(request.send()).await.unwrap().json().await.unwrap();
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["user"]["username"].clone()
}

/// Writes the name of a user, and returns the token of the answer.
async fn rename(service: &Service<'_>, name: &str) -> String {
    let update = format!("mutation {{ updateUser(id: 1, input: {{ username: \"{name}\" }}) {{ id }} }}");
    let response = service.post("/graphql").json(&json!({ "query": update })).send().await.unwrap();
    let token = header(&response, TOKEN);
    let answer: Json = response.json().await.unwrap();
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(answer["extensions"]["consistency"], token.as_str());
    token
}

/// Waits until the first replica is reported so.
async fn until_replica(service: &Service<'_>, expected: &str) {
    until(async || ready(service).await.contains(expected)).await;
}

async fn ready(service: &Service<'_>) -> String {
    let response = within(service.get("/readyz").send()).await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// Returns the number of queries that a node has served.
async fn served(service: &Service<'_>, node: &str) -> u64 {
    let page = within(service.get("/metrics").send()).await.unwrap().text().await.unwrap();
    let series = format!("crowsfoot_node_queries_total{{node=\"{node}\"}} ");
    let value = page.lines().find_map(|line| line.strip_prefix(&series));
    value.unwrap_or_else(|| panic!("{series} is not in\n{page}")).parse().unwrap()
}

/// Returns the number of sessions of the service whose last statement is like this.
async fn sessions(server: &Cluster, statement: &str) -> String {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crowsfoot' AND query LIKE '{statement}'"
    );
    server.value(&sql).await
}

const SERVES: &str = "replica 1: 0 bytes";

#[tokio::test]
async fn queries_run_on_the_replica_and_read_what_their_client_wrote() {
    let Some(primary) = Cluster::start(&[]).await else { return };
    let standby = primary.standby(&[]).await;
    let folder = Folder::new();
    let arguments = ["--database-url", &primary.url, "--replica-url", &standby.url];
    let service = Service::start(&folder, &arguments).await;
    until_replica(&service, SERVES).await;
    let node = format!("127.0.0.1:{}", standby.port);

    assert_eq!(name(&service, None).await, "ada");
    let reads = "SELECT%FROM \"users\"%";
    assert_ne!(sessions(&standby, reads).await, "0");
    assert_eq!(sessions(&primary, reads).await, "0");
    for number in 0..ROUNDS {
        let written = format!("name {number}");
        let token = rename(&service, &written).await;
        assert_eq!(name(&service, Some(&token)).await, written);
    }
    // The same over a socket and in a stream of events, where an answer has no header.
    let mut socket = Socket::begin(&service).await;
    let update = "mutation { updateUser(id: 1, input: { username: \"eve\" }) { id } }";
    socket.subscribe("write", update).await;
    let token = socket.only("write").await["extensions"]["consistency"].clone();
    let query = "{ user(id: 1) { username } }";
    let asked = |token: &Json| json!({ "query": query, "extensions": { "consistency": token } });
    socket.say(json!({ "id": "read", "type": "subscribe", "payload": asked(&token) })).await;
    assert_eq!(socket.only("read").await, json!({ "data": { "user": { "username": "eve" } } }));
    let request = service.post("/graphql").header("accept", "text/event-stream").json(&asked(&token));
    let events = within(request.send()).await.unwrap().text().await.unwrap();
    assert!(events.contains("\"username\":\"eve\""), "{events}");

    let (on_replica, on_primary) = (served(&service, &node).await, served(&service, "primary").await);
    assert!(
        on_replica > ROUNDS as u64 * 9 / 10,
        "{on_replica} queries on the replica, {on_primary} on the primary"
    );
    let writes = sessions(&standby, "UPDATE%").await;
    assert_eq!(writes, "0", "the replica was asked to write");

    let token = token.as_str().unwrap();
    let (cluster, rest) = token.split_once('-').unwrap();
    let (timeline, position) = rest.split_once('-').unwrap();
    let far = u64::from_str_radix(position, 16).unwrap() + (1 << 30);
    let refused = [
        ("nonsense".to_owned(), "expected a consistency token"),
        (format!("{token} "), "username"),
        (format!("{cluster}0-{rest}"), "expected a consistency token"),
        (format!("1-{rest}"), "expected a token of this database"),
        (format!("{cluster}-{timeline}-{far:X}"), "this one may have been lost"),
        (format!("{cluster}-{timeline}0-{position}"), "this one may have been lost"),
    ];
    for (token, expected) in &refused {
        let request = service.post("/graphql").header(TOKEN, token).json(&json!({ "query": query }));
        let response = within(request.send()).await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(text.contains(expected), "{token}: {text}");
        if *expected != "username" {
            assert_eq!(status, 400, "{token}: {text}");
            assert!(text.contains("BAD_USER_INPUT"), "{token}: {text}");
        }
    }
    socket.say(json!({ "id": "far", "type": "subscribe", "payload": asked(&json!(refused[4].0)) })).await;
    let answer = socket.hear().await;
    assert_eq!(answer["type"], "error", "{answer}");
    assert_eq!(answer["payload"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_replica_that_stands_still_serves_no_token_and_after_its_lag_nothing() {
    let Some(primary) = Cluster::start(&[]).await else { return };
    let standby = primary.standby(&[]).await;
    let folder = Folder::new();
    let (max_lag, wait) = (3, 300);
    let service = Service::start(
        &folder,
        &[
            "--database-url",
            &primary.url,
            "--replica-url",
            &standby.url,
            "--replica-max-lag",
            &max_lag.to_string(),
            "--replica-wait-ms",
            &wait.to_string(),
            "--max-batch",
            "2",
        ],
    )
    .await;
    until_replica(&service, SERVES).await;
    assert_eq!(name(&service, None).await, "ada");

    standby.run("SELECT pg_wal_replay_pause()").await;
    let mut live = Socket::begin(&service).await;
    live.subscribe("name", "subscription { user(id: 1) { username } }").await;
    live.next("name").await;
    let paused = Instant::now();
    let token = rename(&service, "eve").await;
    let asked = Instant::now();
    assert_eq!(name(&service, Some(&token)).await, "eve");
    assert!(asked.elapsed() >= Duration::from_millis(wait), "the replica was not waited for");
    // Without the token the query reads what the replica has, while that is young enough.
    assert_eq!(name(&service, None).await, "ada");
    // A run of a live query sees the commit that caused it.
    assert_eq!(live.next("name").await, json!({ "data": { "user": { "username": "eve" } } }));

    // A request of a batch sees what the earlier ones wrote.
    let batch = [
        "mutation { updateUser(id: 2, input: { username: \"ivy\" }) { id } }",
        "{ user(id: 2) { username } }",
    ];
    let request = service.post("/graphql").json(&batch.map(|query| json!({ "query": query })));
    let answers: Json = within(request.send()).await.unwrap().json().await.unwrap();
    assert_eq!(answers[1], json!({ "data": { "user": { "username": "ivy" } } }));

    until(async || name(&service, None).await == "eve").await;
    let took = paused.elapsed();
    assert!(took <= Duration::from_secs(max_lag + 1), "an answer was {took:?} old");
    assert!(ready(&service).await.contains("replica 1: left out, it is too far behind"));
    standby.run("SELECT pg_wal_replay_resume()").await;
    until_replica(&service, SERVES).await;
    let before = served(&service, "primary").await;
    assert_eq!(name(&service, Some(&token)).await, "eve");
    assert_eq!(served(&service, "primary").await, before, "the replica is not used again");
    assert_eq!(service.stop().await.code, Some(0));
}

/// A primary whose clock is late, and replicas whose clocks are right and early: a lag measured by them would be hours.
#[tokio::test]
async fn skewed_clocks_of_servers_change_neither_lag_nor_tokens() {
    let (Some(late), Some(early)) = (Clock::skewed("-1d"), Clock::skewed("+2h")) else { return };
    let Some(primary) = Cluster::start_at(late).await else { return };
    let standbys = [primary.standby(&[]).await, primary.standby_at(early).await];
    let hours = |clock: String| clock.parse::<f64>().unwrap() / 3_600.0;
    let clock = "SELECT extract(epoch FROM clock_timestamp())";
    let clocks = [primary.value(clock).await, standbys[0].value(clock).await, standbys[1].value(clock).await];
    let [of_primary, right, of_early] = clocks.map(hours);
    assert!(
        (right - of_primary - 24.0).abs() < 0.1 && (of_early - right - 2.0).abs() < 0.1,
        "no clock is skewed"
    );

    let folder = Folder::new();
    let urls = format!("{} {}", standbys[0].url, standbys[1].url);
    let max_lag = 3;
    let lag = max_lag.to_string();
    let arguments = ["--database-url", primary.url.as_str(), "--replica-max-lag", &lag];
    let service = Service::start_in(&folder, &arguments, &[("CROWSFOOT_REPLICA_URL", &urls)]).await;
    let both = async || {
        until_replica(&service, "replica 1: 0 bytes").await;
        until_replica(&service, "replica 2: 0 bytes").await;
    };
    both().await;
    for number in 0..10 {
        let written = format!("name {number}");
        let token = rename(&service, &written).await;
        assert_eq!(name(&service, Some(&token)).await, written);
    }
    both().await;
    for standby in &standbys {
        assert_ne!(served(&service, &format!("127.0.0.1:{}", standby.port)).await, 0, "{urls}");
        standby.run("SELECT pg_wal_replay_pause()").await;
    }
    let paused = Instant::now();
    let token = rename(&service, "eve").await;
    assert_eq!(name(&service, Some(&token)).await, "eve");
    assert_eq!(name(&service, None).await, "name 9");
    until(async || name(&service, None).await == "eve").await;
    let took = paused.elapsed();
    assert!(took <= Duration::from_secs(max_lag + 1), "an answer was {took:?} old");
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_replica_that_is_killed_under_load_fails_no_request() {
    let Some(primary) = Cluster::start(&[]).await else { return };
    let mut standby = primary.standby(&[]).await;
    let folder = Folder::new();
    let arguments = ["--database-url", &primary.url, "--replica-url", &standby.url, "--replica-max-lag", "5"];
    let service = Service::start(&folder, &arguments).await;
    until_replica(&service, SERVES).await;
    let mut live = Socket::begin(&service).await;
    live.subscribe("count", "subscription { usersAggregate { count } }").await;

    let (done, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    let query = "{ users(limit: 20) { username profile { bio } userInfos { phoneNumber } } posts(limit: 5) { title } }";
    let reading = async || {
        while !done.load(Ordering::Relaxed) {
            let answer = service.ask(query).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    let writing = async {
        for number in 0..40 {
            if number == 10 {
                standby.kill().await;
            }
            if number == 20 {
                until_replica(&service, "replica 1: left out").await;
                standby.restart().await;
            }
            let create = format!("mutation {{ createUser(input: {{ username: \"u{number}\" }}) {{ id }} }}");
            let answer = service.ask(&create).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Queries go to the replica again.
        until(async || !ready(&service).await.contains("left out")).await;
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(writing, join_all((0..CLIENTS).map(|_| reading())));
    assert!(asked.load(Ordering::Relaxed) > 100, "hardly any query was sent");
    let expected = json!({ "data": { "usersAggregate": { "count": 48 } } });
    within(async { while live.next("count").await != expected {} }).await;
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn servers_that_are_no_replicas_of_the_database_are_refused_at_the_start() {
    let Some(primary) = Cluster::start(&[]).await else { return };
    let standby = primary.standby(&[]).await;
    let folder = Folder::new();
    let at = |database: &str, user: &str| format!("postgres://{user}@127.0.0.1:{}/{database}", standby.port);
    let mut wrong = vec![
        (primary.url.clone(), "is a primary, expected a standby server"),
        (at("template1", "postgres"), "has template1 of the cluster"),
        (at("postgres", "missing"), "role \"missing\" does not exist"),
        ("postgres://127.0.0.1:port/x".to_owned(), "replica cannot be used"),
    ];
    // A server of another cluster.
    let other = std::env::var(support::POSTGRES);
    wrong.extend(other.map(|url| (url, "expected postgres of the cluster")));
    for (url, expected) in &wrong {
        let ended = run(&folder, &["--database-url", &primary.url, "--replica-url", url]).await;
        assert_eq!(ended.code, Some(1), "{url}: {}", ended.log);
        assert!(ended.log.contains(expected), "{url}: {}", ended.log);
    }
    let ended =
        run(&folder, &["--database-url", &standby.url, "--no-migrate", "--replica-url", &standby.url]).await;
    assert!(ended.code == Some(1) && ended.log.contains("the server is a standby"), "{}", ended.log);
    let ended = run(&folder, &["--replica-url", &standby.url]).await;
    assert!(ended.code == Some(1) && ended.log.contains("only PostgreSQL has replicas"), "{}", ended.log);
    assert!(!folder.path().join("crowsfoot.db").exists(), "a refused start made a file");

    // A server that cannot be reached is used when it comes.
    let away = "postgres://postgres@127.0.0.1:1/postgres";
    let urls = format!("{away} {}", standby.url);
    let arguments = ["--database-url", primary.url.as_str()];
    let service = Service::start_in(&folder, &arguments, &[("CROWSFOOT_REPLICA_URL", &urls)]).await;
    until_replica(&service, "replica 1: left out, it cannot be reached\nreplica 2: 0 bytes").await;
    assert_eq!(name(&service, None).await, "ada");
    assert_eq!(served(&service, "primary").await, 0);
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn viewers_and_time_limits_hold_on_a_replica_as_on_the_primary() {
    let Some(primary) = Cluster::start(&[]).await else { return };
    primary
        .run(
            "CREATE TABLE documents (id int PRIMARY KEY, team int NOT NULL);
             INSERT INTO documents SELECT n, n % 4 FROM generate_series(1, 40) AS n;
             ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON documents
                 USING (team = (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'team')::int);
             CREATE ROLE member; GRANT SELECT ON documents TO member",
        )
        .await;
    let standby = primary.standby(&[]).await;
    let folder = Folder::new();
    let options = "[viewer]\nteam = \"Int\"\n[roles.member.Document]\nread = \"true\"\ncolumns = [\"*\"]\n\
        [database]\nclaims = \"request.jwt.claims\"\nimpersonate = { member = \"member\" }\n";
    let file = folder.path().join("options.toml");
    std::fs::write(&file, options).unwrap();
    let arguments = ["--from-database", "--options", file.to_str().unwrap(), "--timeout", "2"];
    let urls = ["--database-url", primary.url.as_str(), "--replica-url", &standby.url];
    let secret = [("CROWSFOOT_ADMIN_SECRET", SECRET)];
    let service = Service::start_in(&folder, &[&arguments[..], &urls].concat(), &secret).await;
    until_replica(&service, SERVES).await;

    let query = "{ documents { team } }";
    let asked = (0..40).map(async |number| {
        let answer = sent(as_role(&service, "member", number % 4, query)).await;
        assert_eq!(answer["data"]["documents"], json!(vec![json!({ "team": number % 4 }); 10]), "{answer}");
    });
    join_all(asked).await;
    let reads = "SELECT%FROM \"documents\"%";
    assert_ne!(sessions(&standby, reads).await, "0");
    assert_eq!(sessions(&primary, reads).await, "0");

    // A lock of the primary is replayed on the replica, with the next commit.
    let connection = Database::connect(&primary.url).await.unwrap();
    let lock = connection.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").await.unwrap();
    primary.run("CREATE TABLE committed (id int)").await;
    let locks = async |of: &str| {
        let sql = "SELECT count(*) FROM pg_locks WHERE relation = 'documents'::regclass AND ";
        standby.value(&format!("{sql}{of}")).await
    };
    until(async || locks("granted AND mode = 'AccessExclusiveLock'").await == "1").await;
    let answer = sent(as_role(&service, "member", 1, query)).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TIMEOUT", "{answer}");
    until(async || locks("NOT granted").await == "0").await;
    lock.rollback().await.unwrap();
    connection.close().await.unwrap();
    until(async || sent(as_role(&service, "member", 1, query)).await.get("errors").is_none()).await;
    assert_eq!(service.stop().await.code, Some(0));
}
