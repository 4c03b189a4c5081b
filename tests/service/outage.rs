//! Database outages, and slow databases.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::{Value as Json, json};
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::process::{Folder, Service, until, within};
use crate::support::{self, TestDatabase};

/// Shorter than the wait for a connection of a busy pool.
const SOON: Duration = Duration::from_secs(4);

const WRITE: &str = "mutation { createUser(input: { username: \"late\" }) { username } }";

/// Proxy between the service and PostgreSQL that can be stopped.
struct Proxy {
    address: SocketAddr,
    behind: String,
    running: Option<JoinHandle<()>>,
}

impl Proxy {
    async fn start(database: &TestDatabase) -> Self {
        let options: PgConnectOptions = database.url.parse().unwrap();
        let behind = format!("{}:{}", options.get_host(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut proxy = Self { address: listener.local_addr().unwrap(), behind, running: None };
        proxy.run(listener);
        proxy
    }

    fn run(&mut self, listener: TcpListener) {
        let behind = self.behind.clone();
        self.running = Some(tokio::spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let behind = behind.clone();
                pipes.spawn(async move {
                    let mut far = TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        }));
    }

    /// Breaks every connection and refuses new ones.
    async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.abort();
        let _ = running.await;
    }

    async fn again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.run(listener);
    }

    /// Returns the database's URL through the proxy.
    fn url(&self, database: &TestDatabase) -> String {
        url_at(database, &self.address.to_string())
    }
}

/// Returns the database's URL at other hosts.
fn url_at(database: &TestDatabase, hosts: &str) -> String {
    let (before, after) = database.url.split_once("//").unwrap();
    let (place, path) = after.split_once('/').unwrap();
    let user = place.rsplit_once('@').map(|(user, _)| format!("{user}@")).unwrap_or_default();
    format!("{before}//{user}{hosts}/{path}")
}

fn assert_unavailable(answer: &Json) {
    assert_eq!(answer["data"], Json::Null, "{answer}");
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "UNAVAILABLE", "retryAfter": 1 }),
        "{answer}"
    );
}

/// Opens the maximum number of pool connections.
async fn fill_pool(service: &Service<'_>) {
    let many = (0..32).map(|_| service.ask("{ users { userInfos { id } profile { id } } places { id } }"));
    for answer in futures_util::future::join_all(many).await {
        assert_eq!(answer.get("errors"), None, "{answer}");
    }
}

#[tokio::test]
async fn a_service_of_several_hosts_goes_on_at_the_one_that_answers() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let (mut first, mut second) = (Proxy::start(&database).await, Proxy::start(&database).await);
    let hosts = format!("{},{}", first.address, second.address);
    let url = format!("{}?target_session_attrs=read-write", url_at(&database, &hosts));
    first.stop().await;
    let folder = Folder::new();
    let service = Service::start(&folder, &["--no-migrate", "--database-url", &url]).await;
    let written =
        async || service.ask("mutation { updateUser(id: 1, input: { username: \"ada\" }) { id } }").await;
    let expected = json!({ "data": { "updateUser": { "id": 1 } } });
    for _ in 0..2 {
        assert_eq!(written().await, expected);
        assert_eq!(within(service.get("/readyz").send()).await.unwrap().status(), 200);
        second.stop().await;
        first.again().await;
        // A statement under way may fail with its connection.
        until(async || written().await == expected).await;
        std::mem::swap(&mut first, &mut second);
    }
    service.stop().await;
    database.drop().await;
}

#[tokio::test]
async fn reports_an_outage_soon_and_recovers_afterwards() {
    let Some(database) = support::postgres().await else { return };
    let mut proxy = Proxy::start(&database).await;
    let folder = Folder::new();
    let url = proxy.url(&database);
    let service = Service::start(&folder, &["--database-url", &url, "--pool-size", "4"]).await;
    let readiness = async || service.get("/readyz").send().await.unwrap().status();
    fill_pool(&service).await;
    assert_eq!(readiness().await, 200);

    for _ in 0..2 {
        proxy.stop().await;
        let started = Instant::now();
        assert_eq!(readiness().await, 503);
        assert!(started.elapsed() < SOON);
        for query in ["{ users { id } }", WRITE, "{ users { profile { id } } places { id } }"] {
            for _ in 0..3 {
                let started = Instant::now();
                assert_unavailable(&service.ask(query).await);
                assert!(started.elapsed() < SOON, "{query}");
            }
        }
        let many = (0..32).map(|_| service.ask("{ users { id } }"));
        let started = Instant::now();
        futures_util::future::join_all(many).await.iter().for_each(assert_unavailable);
        assert!(started.elapsed() < SOON);

        proxy.again().await;
        assert_eq!(readiness().await, 200);
        fill_pool(&service).await;
    }
    assert_eq!(service.ask(WRITE).await, json!({ "data": { "createUser": { "username": "late" } } }));
    assert_eq!(service.stop().await.code, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn connections_that_broke_while_nobody_asked_fail_no_request() {
    let Some(database) = support::postgres().await else { return };
    let mut proxy = Proxy::start(&database).await;
    let folder = Folder::new();
    let url = proxy.url(&database);
    let service = Service::start(&folder, &["--database-url", &url]).await;
    for query in ["{ users { username profile { id } } }", WRITE] {
        fill_pool(&service).await;
        proxy.stop().await;
        proxy.again().await;
        let answer = service.ask(query).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
    }

    // Termination by the server.
    fill_pool(&service).await;
    database
        .run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    fill_pool(&service).await;
    assert_eq!(service.stop().await.code, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn is_not_ready_without_hanging_when_the_database_never_responds() {
    let Some(database) = support::postgres().await else { return };
    let mut proxy = Proxy::start(&database).await;
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &proxy.url(&database)]).await;
    proxy.stop().await;
    // Listener that accepts connections and never responds.
    let silent = TcpListener::bind(proxy.address).await.unwrap();
    let started = Instant::now();
    assert_eq!(service.get("/readyz").send().await.unwrap().status(), 503);
    assert_unavailable(&service.ask("{ users { id } }").await);
    assert!(started.elapsed() < SOON);
    drop(silent);
    proxy.again().await;
    assert_eq!(service.get("/readyz").send().await.unwrap().status(), 200);
    assert_eq!(
        service.ask("{ users(limit: 1) { id } }").await,
        json!({ "data": { "users": [{ "id": 1 }] } })
    );
    service.stop().await;
    database.drop().await;
}

#[tokio::test]
async fn a_file_that_has_gone_makes_the_service_unready_until_it_is_back() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let readiness = async || service.get("/readyz").send().await.unwrap().status();
    let (here, away) = (folder.path().join("crowsfoot.db"), folder.path().join("away.db"));
    assert_eq!(readiness().await, 200);
    std::fs::rename(&here, &away).unwrap();
    assert_eq!(readiness().await, 503);
    assert!(!here.exists(), "an empty database was made");
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(readiness().await, 200);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended_by_the_database() {
    let Some(database) = support::postgres().await else { return };
    let folder = Folder::new();
    let arguments = ["--database-url", &database.url, "--statement-timeout", "1"];
    let service = Service::start(&folder, &arguments).await;
    let lock = database.connection.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    for query in ["{ users { id } }", WRITE] {
        let answer = within(service.ask(query)).await;
        let expected = json!({ "code": "TIMEOUT", "retryAfter": 1 });
        assert_eq!(answer["errors"][0]["extensions"], expected, "{answer}");
    }
    // No session waits there any more.
    let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass";
    let ours = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'crowsfoot' \
                AND pid <> pg_backend_pid()";
    for (sql, expected) in [(waiting, false), (ours, true)] {
        let found = lock.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
        assert_eq!(found.is_some(), expected, "{sql}");
    }
    lock.commit().await.unwrap();
    assert_eq!(
        service.ask("{ users(limit: 1) { id } }").await,
        json!({ "data": { "users": [{ "id": 1 }] } })
    );
    service.stop().await;
    database.drop().await;
}
