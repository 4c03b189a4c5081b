//! Several processes that serve one PostgreSQL database: live queries of each follow the commits of all.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::pooler::Pooler;
use crate::process::{Folder, Service, run, until, within};
use crate::socket_client::Socket;
use crate::support;

/// Number of sockets of each process.
const SOCKETS: usize = 20;

/// Number of subscriptions of each socket; half of them are equal, the others differ from each other.
const SUBSCRIPTIONS: usize = 5;

/// Number of commits of a writer in a round.
const COMMITS: usize = 200;

/// Users of the example data.
const SEEDED: usize = 8;

/// Maximum time until all subscribers have a lone commit: far longer than needed, because other tests run meanwhile.
const LIMIT: Duration = Duration::from_secs(5);

/// Subscriber with the last result of each subscription. A task reads all the time: the service closes a socket whose client
/// answers no ping.
struct Subscriber {
    last: watch::Receiver<Vec<Json>>,
    _reading: JoinSet<()>,
}

impl Subscriber {
    async fn begin(service: &Service<'_>, socket: usize) -> Self {
        let subscriber = socket * SUBSCRIPTIONS;
        let mut socket = Socket::begin(service).await;
        for number in 0..SUBSCRIPTIONS {
            // Different aliases make different queries.
            let alias = match subscriber + number {
                equal if equal % 2 == 0 => "count".to_owned(),
                different => format!("count{different}: count"),
            };
            socket
                .subscribe(&number.to_string(), &format!("subscription {{ usersAggregate {{ {alias} }} }}"))
                .await;
        }
        let (sender, last) = watch::channel(vec![Json::Null; SUBSCRIPTIONS]);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            loop {
                let mut message = socket.hear().await;
                let number: usize = message["id"].as_str().unwrap().parse().unwrap();
                assert_eq!(message["type"], "next", "{message}");
                sender.send_modify(|last| last[number] = message["payload"].take());
            }
        });
        Self { last, _reading: reading }
    }

    async fn all(service: &Service<'_>) -> Vec<Self> {
        join_all((0..SOCKETS).map(|socket| Self::begin(service, socket))).await
    }

    /// Waits until every subscription has this count.
    async fn reach(&mut self, count: usize) {
        let has = |last: &Json| {
            let fields = last["data"]["usersAggregate"].as_object();
            fields.is_some_and(|fields| fields.values().all(|found| *found == json!(count)))
        };
        within(self.last.wait_for(|last| last.iter().all(has))).await.expect("a socket was closed");
    }
}

async fn reach(subscribers: [&mut Vec<Subscriber>; 2], count: usize) {
    join_all(subscribers.into_iter().flatten().map(|subscriber| subscriber.reach(count))).await;
}

/// Writer of users.
enum Writer<'a> {
    Process(&'a Service<'a>),
    /// Connection outside of the service, as psql has.
    Plain(&'a DatabaseConnection),
}

impl<'a> Writer<'a> {
    /// Returns the plain connection if its commits are heard, and otherwise the process.
    fn plain_or(plain: Option<&'a DatabaseConnection>, process: &'a Service<'a>) -> Self {
        plain.map_or(Self::Process(process), Self::Plain)
    }

    async fn create(&self, name: &str) {
        match self {
            Self::Process(service) => {
                let create = format!("mutation {{ createUser(input: {{ username: \"{name}\" }}) {{ id }} }}");
                let answer = service.ask(&create).await;
                assert_eq!(answer.get("errors"), None, "{answer}");
            }
            Self::Plain(connection) => {
                let insert = format!("INSERT INTO users (username) VALUES ('{name}')");
                connection.execute_unprepared(&insert).await.unwrap();
            }
        }
    }

    async fn create_many(&self, round: &str, count: usize) {
        for number in 0..count {
            self.create(&format!("{round} {number}")).await;
        }
    }
}

/// Two processes with 100 subscribers each, and 1,000 commits by both, and by a plain connection if its commits are heard.
/// One process is killed and replaced, and `lose` interrupts the way of the changes. After each round no subscriber is
/// without the last state.
pub async fn reach_the_last_state(
    arguments: &[&str],
    plain: Option<&DatabaseConnection>,
    lose: impl AsyncFn(),
) {
    let folders = [Folder::new(), Folder::new(), Folder::new()];
    let one = Service::start(&folders[0], arguments).await;
    let other = Service::start(&folders[1], arguments).await;
    let (mut of_one, mut of_other) = join(Subscriber::all(&one), Subscriber::all(&other)).await;
    let plain_or_other = Writer::plain_or(plain, &other);
    let writers =
        [("one", Writer::Process(&one)), ("other", Writer::Process(&other)), ("third", plain_or_other)];
    let mut count = SEEDED + 3 * COMMITS;
    let commits = join_all(writers.iter().map(|(name, writer)| writer.create_many(name, COMMITS)));
    commits.await;
    reach([&mut of_one, &mut of_other], count).await;

    // A process that is killed takes nothing along, and one that starts later is heard.
    drop(of_other);
    let writer = Writer::Process(&one);
    let kill = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.signal("KILL").await;
    };
    count += COMMITS;
    join(writer.create_many("at the kill", COMMITS), kill).await;
    drop(other);
    let other = Service::start(&folders[2], arguments).await;
    let mut of_other = Subscriber::all(&other).await;
    reach([&mut of_one, &mut of_other], count).await;

    // Commits fall into the gap.
    let writers =
        [("gap of one", Writer::Process(&one)), ("gap of another", Writer::plain_or(plain, &other))];
    count += COMMITS;
    let commits = join_all(writers.iter().map(|(name, writer)| writer.create_many(name, COMMITS / 2)));
    join(commits, lose()).await;
    reach([&mut of_one, &mut of_other], count).await;

    // A lone commit of each writer.
    for (name, writer) in [("one", Writer::Process(&one)), ("another", Writer::plain_or(plain, &other))] {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begin = Instant::now();
        writer.create(&format!("alone, {name}")).await;
        count += 1;
        reach([&mut of_one, &mut of_other], count).await;
        let took = begin.elapsed();
        println!("{} subscribers had a lone commit after {took:?}", 2 * SOCKETS * SUBSCRIPTIONS);
        assert!(took < LIMIT, "{took:?}");
    }
    for service in [one, other] {
        assert_eq!(service.stop().await.code, Some(0));
    }
}

#[tokio::test]
async fn live_queries_reach_the_last_state_when_other_processes_commit() {
    let Some(database) = support::postgres().await else { return };
    // The connections of the relays are lost.
    let lose = async || {
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE query IN ('SELECT 1', 'LISTEN crowsfoot_changes', 'SELECT pg_notify(''crowsfoot_changes'', $1)')
                AND datname = current_database()";
        let ended = Statement::from_string(DbBackend::Postgres, ended);
        let row = database.connection.query_one_raw(ended).await.unwrap().unwrap();
        assert!(row.try_get_by_index::<i64>(0).unwrap() >= 2, "no relay was found");
    };
    reach_the_last_state(&["--database-url", &database.url], None, lose).await;
    database.drop().await;
}

#[tokio::test]
async fn live_queries_follow_every_writer_by_logical_replication() {
    let Some(cluster) = Cluster::start(&["wal_level=logical"]).await else { return };
    let folder = Folder::new();
    let arguments = ["--database-url", cluster.url.as_str(), "--live-changes", "replication"];
    let refused = run(&folder, &arguments).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.log.contains("CREATE PUBLICATION \"crowsfoot\" FOR ALL TABLES"), "{}", refused.log);

    let connection = Database::connect(&cluster.url).await.unwrap();
    connection.execute_unprepared("CREATE PUBLICATION crowsfoot FOR ALL TABLES").await.unwrap();
    let lose = async || {
        let ended = "SELECT count(pg_terminate_backend(active_pid)) FROM pg_replication_slots WHERE active_pid IS NOT NULL";
        assert_eq!(cluster.value(ended).await, "2");
    };
    reach_the_last_state(&arguments, Some(&connection), lose).await;

    let service = Service::start(&folder, &arguments).await;
    let mut listener = Socket::begin(&service).await;
    listener.subscribe("courses", "subscription { coursesAggregate { count } }").await;
    listener.next("courses").await;
    connection.execute_unprepared("TRUNCATE courses CASCADE").await.unwrap();
    assert_eq!(listener.next("courses").await, json!({ "data": { "coursesAggregate": { "count": 0 } } }));

    // A process that is killed leaves no slot behind, which would keep the server's log for ever.
    service.signal("KILL").await;
    drop(service);
    until(async || cluster.value("SELECT count(*) FROM pg_replication_slots").await == "0").await;
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_server_without_logical_log_and_a_user_without_the_right_are_refused_at_the_start() {
    let folder = Folder::new();
    let tables = "CREATE TABLE notes (id int PRIMARY KEY); CREATE PUBLICATION crowsfoot FOR ALL TABLES; \
        CREATE ROLE plain LOGIN; GRANT SELECT ON notes TO plain";
    let cases = [
        (&[][..], "postgres", "logical decoding requires"),
        (&["wal_level=logical"][..], "plain", "replication"),
    ];
    for (settings, user, expected) in cases {
        let Some(cluster) = Cluster::start(settings).await else { return };
        cluster.run(tables).await;
        let url = cluster.url.replace("//postgres@", &format!("//{user}@"));
        let arguments = ["--database-url", url.as_str(), "--from-database"];
        let replicating = [&arguments[..], &["--live-changes", "replication"]].concat();
        let refused = run(&folder, &replicating).await;
        assert_eq!(refused.code, Some(1), "{}", refused.log);
        assert!(refused.log.contains("cannot listen to changes by other processes"), "{}", refused.log);
        assert!(refused.log.contains(expected), "{}", refused.log);
        assert_eq!(cluster.value("SELECT count(*) FROM pg_replication_slots").await, "0");
        // NOTIFY needs neither.
        let service = Service::start(&folder, &arguments).await;
        assert_eq!(service.ask("{ notes { id } }").await["data"]["notes"], json!([]));
        assert_eq!(service.stop().await.code, Some(0));
    }
}

#[tokio::test]
async fn behind_a_pooler_live_queries_need_the_url_of_the_server() {
    let Some(database) = support::postgres().await else { return };
    let Some(pooler) = Pooler::start(&database, "").await else {
        database.drop().await;
        return;
    };
    let folders = [Folder::new(), Folder::new()];
    let pooled = ["--database-url", pooler.url.as_str()];
    let refused = run(&folders[0], &[&pooled[..], &["--live-changes", "notify"]].concat()).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.log.contains("behind a pooler in transaction mode"), "{}", refused.log);

    let direct = [&pooled[..], &["--direct-url", database.url.as_str()]].concat();
    let one = Service::start(&folders[0], &direct).await;
    let mut listener = Socket::begin(&one).await;
    listener.subscribe("name", "subscription { user(id: 1) { username } }").await;
    listener.next("name").await;
    let other = Service::start(&folders[1], &direct).await;
    let update = "mutation { updateUser(id: 1, input: { username: \"eve\" }) { username } }";
    assert_eq!(other.ask(update).await["data"]["updateUser"]["username"], "eve");
    assert_eq!(listener.next("name").await, json!({ "data": { "user": { "username": "eve" } } }));
    for service in [one, other] {
        assert_eq!(service.stop().await.code, Some(0));
    }

    // Without the URL the service says so, and serves.
    let alone = Service::start(&folders[0], &pooled).await;
    let ended = alone.stop().await;
    assert!(ended.log.contains("live queries follow only the commits of this process"), "{}", ended.log);
    drop(pooler);
    database.drop().await;
}

#[tokio::test]
async fn the_url_for_changes_must_name_the_same_database() {
    let Some(database) = support::postgres().await else { return };
    let Some(other) = support::postgres().await else { return };
    let folder = Folder::new();
    let arguments = ["--database-url", database.url.as_str(), "--direct-url", other.url.as_str()];
    let refused = run(&folder, &arguments).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.log.contains("the URL for changes names"), "{}", refused.log);
    database.drop().await;
    other.drop().await;
}
