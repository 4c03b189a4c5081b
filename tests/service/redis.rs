//! Changes between processes over Redis, where no connection can listen to PostgreSQL.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crowsfoot::tables::Table;
use crowsfoot::{RedisCarrier, RelayError, connect};
use futures_util::FutureExt;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::pooler::Pooler;
use crate::process::{Folder, Service, find_program, run, until, within};
use crate::socket_client::Socket;
use crate::support;

/// If set, the tests fail without Redis; otherwise they are skipped.
const REQUIRED: &str = "CROWSFOOT_TEST_REDIS";

/// Password of the server, which no log may have.
const PASSWORD: &str = "not-for-the-log";

/// Redis server of a test's own.
struct Redis {
    url: String,
    program: PathBuf,
    port: u16,
    running: Child,
    folder: Folder,
}

impl Redis {
    /// Starts a server with a password; `None` if Redis is not installed.
    async fn start() -> Option<Self> {
        let Some(program) = find_program("redis-server", []) else {
            assert!(
                std::env::var_os(REQUIRED).is_none(),
                "redis-server is not installed, and {REQUIRED} is set"
            );
            eprintln!("Redis is left out: redis-server is not installed");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let folder = Folder::new();
        let running = run_server(&program, &folder, port).await;
        Some(Self { url: format!("redis://:{PASSWORD}@127.0.0.1:{port}"), program, port, running, folder })
    }

    async fn kill(&mut self) {
        within(self.running.kill()).await.unwrap();
    }

    async fn restart(&mut self) {
        self.running = run_server(&self.program, &self.folder, self.port).await;
    }
}

async fn run_server(program: &PathBuf, folder: &Folder, port: u16) -> Child {
    let running = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--requirepass", PASSWORD])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until(async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    running
}

#[tokio::test]
async fn behind_a_pooler_processes_hear_each_other_over_redis() {
    let Some(database) = support::postgres().await else { return };
    let Some(mut redis) = Redis::start().await else {
        database.drop().await;
        return;
    };
    let Some(pooler) = Pooler::start(&database, "").await else {
        database.drop().await;
        return;
    };
    let folders = [Folder::new(), Folder::new()];
    let arguments = ["--database-url", &pooler.url, "--redis-url", &redis.url];
    let one = Service::start(&folders[0], &arguments).await;
    let other = Service::start(&folders[1], &arguments).await;
    let mut listener = Socket::begin(&one).await;
    listener.subscribe("name", "subscription { user(id: 1) { username } }").await;
    listener.next("name").await;
    let rename = async |name: &str| {
        let update =
            format!("mutation {{ updateUser(id: 1, input: {{ username: \"{name}\" }}) {{ username }} }}");
        let answer = other.ask(&update).await;
        assert_eq!(answer["data"]["updateUser"]["username"], name, "{answer}");
    };
    let expected = |name: &str| json!({ "data": { "user": { "username": name } } });
    rename("eve").await;
    assert_eq!(listener.next("name").await, expected("eve"));

    // While Redis is away both serve, and a commit of this time is seen when Redis comes back.
    redis.kill().await;
    until(async || folders[0].log().contains("are not heard until")).await;
    rename("ivy").await;
    listener.is_silent().await;
    redis.restart().await;
    assert_eq!(listener.next("name").await, expected("ivy"));
    until(async || folders[1].log().contains("are heard again")).await;
    rename("zoe").await;
    assert_eq!(listener.next("name").await, expected("zoe"));
    for service in [one, other] {
        let ended = service.stop().await;
        assert_eq!(ended.code, Some(0));
        assert!(!ended.log.contains(PASSWORD), "{}", ended.log);
        assert!(!ended.log.contains("follow only the commits of this process"), "{}", ended.log);
    }
    drop(pooler);
    database.drop().await;
}

#[tokio::test]
async fn a_redis_that_cannot_be_used_is_refused_at_the_start() {
    let Some(database) = support::postgres().await else { return };
    let Some(redis) = Redis::start().await else {
        database.drop().await;
        return;
    };
    let folder = Folder::new();
    let with_password = |password: &str| redis.url.replace(PASSWORD, password);
    let wrong = [
        (format!("http://:{PASSWORD}@127.0.0.1"), "expected a form such as redis://"),
        (format!(":{PASSWORD}@127.0.0.1"), "expected a form such as redis://"),
        (format!("redis://:{PASSWORD}@127.0.0.1/shop"), "expected a form such as redis://"),
        (with_password("another-password"), "password"),
        (redis.url.replace(&format!(":{PASSWORD}@"), ""), "NOAUTH"),
        (format!("redis://:{PASSWORD}@127.0.0.1:1"), "refused"),
        // The server speaks no TLS.
        (redis.url.replace("redis:", "rediss:"), "cannot listen"),
    ];
    for (url, expected) in &wrong {
        let ended = run(&folder, &["--database-url", &database.url, "--redis-url", url]).await;
        assert_eq!(ended.code, Some(1), "{url}: {}", ended.log);
        assert!(ended.log.contains("crowsfoot: --redis-url: "), "{url}: {}", ended.log);
        assert!(ended.log.contains(expected), "{url}: {}", ended.log);
        assert!(!ended.log.contains(PASSWORD) && !ended.log.contains("another-password"), "{}", ended.log);
    }
    let contradiction =
        ["--redis-url", &redis.url, "--live-changes", "notify", "--database-url", &database.url];
    let ended = run(&folder, &contradiction).await;
    assert!(ended.code == Some(1) && ended.log.contains("contradicts --live-changes"), "{}", ended.log);
    let ended = run(&folder, &["--redis-url", &redis.url]).await;
    assert!(
        ended.code == Some(1) && ended.log.contains("only PostgreSQL is served by several"),
        "{}",
        ended.log
    );
    assert!(!folder.path().join("crowsfoot.db").exists(), "a refused start made a file");
    database.drop().await;
}

#[tokio::test]
async fn databases_and_schemas_do_not_hear_each_other() {
    let Some(database) = support::postgres().await else { return };
    let Some(second) = support::postgres().await else { return };
    let Some(redis) = Redis::start().await else {
        database.drop().await;
        second.drop().await;
        return;
    };
    let table =
        |schema: Option<&str>, name: &str| Table { schema: schema.map(Into::into), name: name.to_owned() };
    database.run("CREATE SCHEMA other").await;
    let open = async |url: &str, redis: &str| {
        let opened = connect(url, 1).await.unwrap();
        let relay = opened.relay_over(RedisCarrier::new(redis).unwrap()).await.unwrap();
        (opened, relay)
    };
    let numbered = format!("{}/1", redis.url);
    let in_schema = format!("{}?options=-csearch_path%3Dother", database.url);
    let (writer, _one) = open(&database.url, &redis.url).await;
    let (reader, _two) = open(&database.url, &redis.url).await;
    let (of_schema, _three) = open(&in_schema, &redis.url).await;
    let (of_database, _four) = open(&second.url, &redis.url).await;
    let (of_number, _five) = open(&database.url, &numbered).await;

    let posts = || BTreeSet::from([table(None, "posts")]);
    let mut heard = reader.changes().subscribe(posts());
    let mut qualified = of_schema.changes().subscribe([table(Some("public"), "posts")].into());
    let mut unheard = [
        of_schema.changes().subscribe(posts()),
        of_database.changes().subscribe_to_all(),
        of_number.changes().subscribe_to_all(),
    ];
    // The writer hears its own changes once.
    let mut own = writer.changes().subscribe_to_all();
    writer.changes().notify(posts());
    within(heard.changed()).await;
    within(qualified.changed()).await;
    within(own.changed()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    for listener in unheard.iter_mut().chain([&mut own]) {
        assert_eq!(listener.changed().now_or_never(), None);
    }
    // More tables than a notification of PostgreSQL takes.
    let many: BTreeSet<Table> = (0..1_000).map(|number| table(None, &format!("table_{number}"))).collect();
    let mut last = reader.changes().subscribe([table(None, "table_999")].into());
    writer.changes().notify(many);
    within(last.changed()).await;
    assert_eq!(heard.changed().now_or_never(), None);

    let sqlite = support::sqlite().await;
    let refused = sqlite.connection.relay_over(RedisCarrier::new(&redis.url).unwrap()).await;
    assert!(matches!(refused, Err(RelayError::NotSupported)), "{refused:?}");
    sqlite.drop().await;
    drop((writer, reader, of_schema, of_database, of_number));
    database.drop().await;
    second.drop().await;
}
