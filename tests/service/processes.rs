//! Several processes that serve one PostgreSQL database: live queries of each follow the commits of all.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::{Value as Json, json};

use crate::cluster::Cluster;
use crate::pooler::Pooler;
use crate::process::{Folder, Service, run, until, within};
use crate::socket_client::Socket;
use crate::support;

/// Number of subscribers of each process, each with a socket of its own. Half of them have equal queries, the others differ.
const SUBSCRIBERS: usize = 100;

/// Number of commits of each writer in a round.
const COMMITS: usize = 250;

/// Number of users of the example's rows.
const SEEDED_USERS: usize = 8;

/// Subscriber of the number of users.
struct Subscriber {
    socket: Socket,
    last: Json,
}

impl Subscriber {
    async fn begin(service: &Service<'_>, number: usize) -> Self {
        let mut socket = Socket::begin(service).await;
        // Different aliases make different queries.
        let alias =
            if number.is_multiple_of(2) { "count".to_owned() } else { format!("count{number}: count") };
        socket.subscribe("users", &format!("subscription {{ usersAggregate {{ {alias} }} }}")).await;
        Self { socket, last: Json::Null }
    }

    async fn begin_all(service: &Service<'_>) -> Vec<Self> {
        join_all((0..SUBSCRIBERS).map(|number| Self::begin(service, number))).await
    }

    /// Reads results until one has this number of users.
    async fn reach(&mut self, users: usize) {
        within(async {
            let has_all = |last: &Json| {
                let fields = last["data"]["usersAggregate"].as_object();
                fields.is_some_and(|fields| fields.values().all(|found| *found == json!(users)))
            };
            while !has_all(&self.last) {
                self.last = self.socket.next("users").await;
            }
        })
        .await;
    }

    async fn reach_all(subscribers: impl IntoIterator<Item = &mut Self>, users: usize) {
        join_all(subscribers.into_iter().map(|subscriber| subscriber.reach(users))).await;
    }
}

async fn create_users(service: &Service<'_>, from: usize) {
    for number in from..from + COMMITS {
        let create = format!("mutation {{ createUser(input: {{ username: \"u{number}\" }}) {{ id }} }}");
        let answer = service.ask(&create).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
    }
}

#[tokio::test]
async fn live_queries_reach_the_last_state_when_other_processes_commit() {
    let Some(database) = support::postgres().await else { return };
    let folders = [Folder::new(), Folder::new(), Folder::new()];
    let arguments = ["--database-url", database.url.as_str()];
    let [one, other] =
        [Service::start(&folders[0], &arguments).await, Service::start(&folders[1], &arguments).await];
    let mut of_one = Subscriber::begin_all(&one).await;
    let mut of_other = Subscriber::begin_all(&other).await;

    tokio::join!(create_users(&one, 0), create_users(&other, COMMITS));
    let mut users = SEEDED_USERS + 2 * COMMITS;
    Subscriber::reach_all(of_one.iter_mut().chain(&mut of_other), users).await;

    // A process that is killed takes nothing along, and one that starts later is heard.
    other.signal("KILL").await;
    drop((of_other, other));
    let third = Service::start(&folders[2], &arguments).await;
    let mut of_third = Subscriber::begin_all(&third).await;
    tokio::join!(create_users(&one, 2 * COMMITS), create_users(&third, 3 * COMMITS));
    users += 2 * COMMITS;
    Subscriber::reach_all(of_one.iter_mut().chain(&mut of_third), users).await;

    // The connection of the relay is lost, and a commit falls into the gap.
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE query IN ('SELECT 1', 'LISTEN crowsfoot_changes', 'SELECT pg_notify(''crowsfoot_changes'', $1)')
            AND datname = current_database()";
    let ended = Statement::from_string(DbBackend::Postgres, ended);
    let row = database.connection.query_one_raw(ended).await.unwrap().unwrap();
    assert!(row.try_get_by_index::<i64>(0).unwrap() >= 2, "no relay was found");
    create_users(&third, 4 * COMMITS).await;
    users += COMMITS;
    Subscriber::reach_all(of_one.iter_mut().chain(&mut of_third), users).await;

    for service in [one, third] {
        assert_eq!(service.stop().await.code, Some(0));
    }
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
    let service = Service::start(&folder, &arguments).await;
    let mut listener = Socket::begin(&service).await;
    listener.subscribe("name", "subscription { user(id: 1) { username } }").await;
    listener.subscribe("courses", "subscription { coursesAggregate { count } }").await;
    let mut first = [listener.hear().await, listener.hear().await];
    first.sort_by_key(|message| message["id"].to_string());
    assert_eq!(first[1]["payload"], json!({ "data": { "user": { "username": "ada" } } }));
    for name in ["eve", "ivy"] {
        connection
            .execute_unprepared(&format!("UPDATE users SET username = '{name}' WHERE id = 1"))
            .await
            .unwrap();
        assert_eq!(listener.next("name").await, json!({ "data": { "user": { "username": name } } }));
    }
    connection.execute_unprepared("TRUNCATE courses CASCADE").await.unwrap();
    assert_eq!(listener.next("courses").await, json!({ "data": { "coursesAggregate": { "count": 0 } } }));

    // Two processes and a writer past both of them.
    let second_folder = Folder::new();
    let second = Service::start(&second_folder, &arguments).await;
    let mut of_first = Subscriber::begin_all(&service).await;
    let mut of_second = Subscriber::begin_all(&second).await;
    let past_both = async {
        for number in 2 * COMMITS..3 * COMMITS {
            let insert = format!("INSERT INTO users (username) VALUES ('u{number}')");
            connection.execute_unprepared(&insert).await.unwrap();
        }
    };
    tokio::join!(create_users(&service, 0), create_users(&second, COMMITS), past_both);
    Subscriber::reach_all(of_first.iter_mut().chain(&mut of_second), SEEDED_USERS + 3 * COMMITS).await;

    // A process that is killed leaves no slot behind, which would keep the server's log for ever.
    for process in [service, second] {
        process.signal("KILL").await;
    }
    until(async || {
        let slots = Statement::from_string(DbBackend::Postgres, "SELECT count(*) FROM pg_replication_slots");
        let row = connection.query_one_raw(slots).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() == 0
    })
    .await;
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
