//! Two services behind one PgBouncer in transaction mode, with two connections. Prepared statements and
//! settings of a client are visible to others, and may be missing for itself.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::{Value as Json, json};
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::process::{Folder, Service, find_program, is_root, run, until, within};
use crate::socket_client::Socket;
use crate::support::{self, TestDatabase, example};

/// If set, the tests fail without PgBouncer; otherwise they are skipped.
const REQUIRED: &str = "CROWSFOOT_TEST_PGBOUNCER";

/// Number of concurrent clients, half of them on each service.
const CLIENTS: usize = 16;

/// Number of times that each client sends every query.
const ROUNDS: usize = 12;

/// Startup parameters of the service that such a pooler refuses unless configured to ignore them.
const IGNORED: &str = "ignore_startup_parameters = extra_float_digits,options,statement_timeout,\
    idle_in_transaction_session_timeout,search_path";

/// PgBouncer in front of a database.
pub struct Pooler {
    pub url: String,
    _running: Child,
    _folder: Folder,
}

/// Folders where Debian installs the program: only root's PATH has them.
const FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

impl Pooler {
    /// Starts a pooler in transaction mode with further settings; `None` if it is not installed.
    pub async fn start(database: &TestDatabase, settings: &str) -> Option<Self> {
        Self::start_in(database, "transaction", settings).await
    }

    /// Starts a pooler in this mode (`pool_mode`).
    async fn start_in(database: &TestDatabase, mode: &str, settings: &str) -> Option<Self> {
        let Some(program) = find_program("pgbouncer", FOLDERS.map(PathBuf::from)) else {
            assert!(
                std::env::var_os(REQUIRED).is_none(),
                "pgbouncer is not installed, and {REQUIRED} is set"
            );
            eprintln!("pgbouncer is left out: it is not installed");
            return None;
        };
        let folder = Folder::new();
        let options: PgConnectOptions = database.url.parse().unwrap();
        let (before, after) = database.url.split_once("//").unwrap();
        let (place, name) = after.split_once('/').unwrap();
        let user = options.get_username();
        let password = place.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        let password = password.map(|(_, password)| password).unwrap_or_default();
        // The system assigns a free port; PgBouncer needs a number.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let (users, config) = (folder.path().join("users.txt"), folder.path().join("pgbouncer.ini"));
        fs::write(&users, format!("\"{user}\" \"{password}\"\n")).unwrap();
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\n\
             default_pool_size = 2\nmax_client_conn = 400\nlog_connections = 0\nlog_disconnections = 0\n{settings}\n",
            options.get_host(),
            options.get_port(),
            users.display(),
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        // PgBouncer refuses to run as root.
        if is_root() {
            command.args(["-u", "nobody"]);
        }
        let log = fs::File::create(folder.path().join("pgbouncer.log")).unwrap();
        let running = command
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        until(async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
        let url = format!("{before}//{user}@127.0.0.1:{port}/{name}");
        Some(Self { url, _running: running, _folder: folder })
    }
}

/// Returns queries of six kinds, by different keys and types, with each of their values.
fn questions() -> Vec<String> {
    let by_number = |ids: std::ops::RangeInclusive<usize>, write: fn(usize) -> String| ids.map(write);
    by_number(1..=8, |id| format!("{{ user(id: {id}) {{ username profile {{ bio }} }} }}"))
        .chain(by_number(1..=9, |id| format!("{{ post(id: {id}) {{ title }} }}")))
        .chain(by_number(1..=6, |id| format!("{{ author(id: {id}) {{ name posts {{ title }} }} }}")))
        .chain(by_number(1..=6, |id| format!("{{ course(id: {id}) {{ studentsAggregate {{ count }} }} }}")))
        .chain(["ada", "björn", "o'brien", "nobody"].map(|name| {
            format!("{{ users(where: {{ username: {{ eq: \"{name}\" }} }}) {{ id userInfos {{ phoneNumber }} }} }}")
        }))
        .chain(["1980-01-01", "1986-01-01", "1989-01-01"].map(|day| {
            format!("{{ profiles(where: {{ birthdate: {{ lt: \"{day}\" }} }}) {{ bio birthdate }} }}")
        }))
        .collect()
}

/// Sends all queries in the client's own order, with writes in between.
async fn work(service: &Service<'_>, client: usize, rounds: usize, questions: &[(String, Json)]) {
    for round in 0..rounds {
        for index in 0..questions.len() / 3 {
            let (question, expected) = &questions[(index * 7 + client * 5 + round * 11) % questions.len()];
            assert_eq!(service.ask(question).await, *expected, "{question}");
        }
        write(service, &format!("client {client} round {round}")).await;
    }
}

/// Creates nested rows, updates, reads and deletes them.
async fn write(service: &Service<'_>, name: &str) {
    let create = format!(
        "mutation {{ createUser(input: {{ username: \"{name}\", profile: {{ create: {{ bio: \"b\", birthdate: \"2001-02-03\" }} }},
            userInfos: {{ create: [{{ phoneNumber: \"1\" }}] }} }}) {{ id username profile {{ bio birthdate }} userInfos {{ phoneNumber }} }} }}"
    );
    let mut answer = service.ask(&create).await;
    let id = answer["data"]["createUser"]["id"].take();
    assert_eq!(
        answer,
        json!({ "data": { "createUser": {
            "id": null,
            "username": name,
            "profile": { "bio": "b", "birthdate": "2001-02-03" },
            "userInfos": [{ "phoneNumber": "1" }],
        } } })
    );
    let update = format!(
        "mutation {{ updateUser(id: {id}, input: {{ username: \"{name}!\", profile: {{ update: {{ bio: \"c\" }} }} }}) {{
            username profile {{ bio }} }} }}"
    );
    assert_eq!(
        service.ask(&update).await,
        json!({ "data": { "updateUser": { "username": format!("{name}!"), "profile": { "bio": "c" } } } })
    );
    let read = format!("{{ userByUsername(username: \"{name}!\") {{ id profile {{ bio }} }} }}");
    assert_eq!(
        service.ask(&read).await,
        json!({ "data": { "userByUsername": { "id": id, "profile": { "bio": "c" } } } })
    );
    let delete = format!(
        "mutation {{ deleteUsers(where: {{ username: {{ eq: \"{name}!\" }} }}) {{ affected cascaded {{ entity count }} }} }}"
    );
    let deleted = service.ask(&delete).await;
    assert_eq!(deleted["data"]["deleteUsers"]["affected"], 1, "{deleted}");
}

/// Starts both services on an empty database, through the pooler; then all clients send queries.
async fn two_services_on_one_pooler(settings: &str) {
    let Some(database) = support::postgres().await else { return };
    let Some(pooler) = Pooler::start(&database, settings).await else {
        database.drop().await;
        return;
    };
    two_services_through(&pooler.url, &database, &[], ROUNDS).await;
    drop(pooler);
    database.drop().await;
}

/// Sends a query and a mutation of locked courses, which run out of time, and waits until neither waits at the server.
pub async fn give_up_at_a_lock(service: &Service<'_>, database: &TestDatabase) {
    let enrol = "mutation { createCourse(input: { title: \"late\" }) { id } }";
    for answer in within(join_all([service.ask("{ courses { id } }"), service.ask(enrol)])).await {
        assert_eq!(answer["errors"][0]["extensions"]["code"], "TIMEOUT", "{answer}");
    }
    until(async || {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'courses'::regclass";
        let waiting = Statement::from_string(DbBackend::Postgres, waiting);
        let row = database.connection.query_one_raw(waiting).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() == 0
    })
    .await;
}

/// Starts both services at the URL of a pooler; then all clients send queries.
pub async fn two_services_through(url: &str, database: &TestDatabase, arguments: &[&str], rounds: usize) {
    let folders = [Folder::new(), Folder::new()];
    let arguments = [&["--database-url", url], arguments].concat();
    let services = join_all(folders.iter().map(|folder| Service::start(folder, &arguments))).await;

    // Expected responses, from the database without a pooler.
    let schema = crowsfoot::Schema::new(example::registry().model().unwrap()).unwrap();
    let mut known = Vec::new();
    for question in questions() {
        let expected = support::ask(&schema, database, &question, Json::Null).await.0;
        assert_eq!(expected.get("errors"), None, "{expected}");
        known.push((question, expected));
    }
    let clients = (0..CLIENTS).map(|client| work(&services[client % services.len()], client, rounds, &known));
    within(join_all(clients)).await;

    let left = support::data(&schema, database, "{ usersAggregate { count } }").await;
    assert_eq!(left, json!({ "usersAggregate": { "count": 8 } }));
    for service in services {
        let ended = service.stop().await;
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        assert!(!ended.log.contains("ERROR"), "{}", ended.log);
    }
}

#[tokio::test]
async fn behind_a_pooler_that_ignores_settings_every_answer_is_right() {
    two_services_on_one_pooler(IGNORED).await;
}

#[tokio::test]
async fn behind_a_pooler_that_refuses_settings_every_answer_is_right() {
    two_services_on_one_pooler("").await;
}

#[tokio::test]
async fn behind_a_pooler_live_queries_follow_and_what_is_given_up_ends_at_the_server() {
    let Some(database) = support::postgres().await else { return };
    let Some(pooler) = Pooler::start(&database, "").await else {
        database.drop().await;
        return;
    };
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &pooler.url, "--timeout", "2"]).await;

    let mut listener = Socket::begin(&service).await;
    listener.subscribe("live", "subscription { user(id: 1) { username } }").await;
    assert_eq!(listener.next("live").await, json!({ "data": { "user": { "username": "ada" } } }));
    for name in ["eve", "ivy"] {
        let update =
            format!("mutation {{ updateUser(id: 1, input: {{ username: \"{name}\" }}) {{ username }} }}");
        assert_eq!(service.ask(&update).await, json!({ "data": { "updateUser": { "username": name } } }));
        assert_eq!(listener.next("live").await, json!({ "data": { "user": { "username": name } } }));
    }

    // A reader and a writer occupy both of the pooler's connections, and wait there while the lock is held.
    let lock = database.connection.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE courses IN ACCESS EXCLUSIVE MODE").await.unwrap();
    give_up_at_a_lock(&service, &database).await;
    // Both of the pooler's connections are free again, with the lock still held.
    for number in 0..4 {
        within(write(&service, &format!("after {number}"))).await;
    }
    lock.rollback().await.unwrap();
    let courses = service.ask("{ coursesAggregate { count } }").await;
    assert_eq!(courses, json!({ "data": { "coursesAggregate": { "count": 6 } } }));
    assert_eq!(service.stop().await.code, Some(0));
    drop(pooler);
    database.drop().await;
}

/// Each command goes through the pooler while others do, so that what one prepares or sets meets another.
#[tokio::test]
async fn behind_a_pooler_migrate_seed_and_check_do_as_without_one() {
    for settings in [IGNORED, ""] {
        let Some(database) = support::postgres().await else { return };
        let Some(pooler) = Pooler::start(&database, settings).await else {
            database.drop().await;
            return;
        };
        let command = async |arguments: &[&str]| {
            let folder = Folder::new();
            let ended = run(&folder, &[arguments, &["--database-url", &pooler.url]].concat()).await;
            assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
            ended.out
        };
        let applied = join_all((0..3).map(|_| command(&["migrate", "up"]))).await;
        assert!(applied.iter().all(|out| out.contains("Applied") && !out.contains("Pending")), "{applied:?}");
        assert!(command(&["seed", "--scale", "3"]).await.contains("rows"));
        let checked = join_all((0..6).map(|_| command(&["check"]))).await;
        assert!(checked.iter().all(|out| out.contains("match each other")), "{checked:?}");
        assert_eq!(command(&["migrate", "status"]).await, applied[0]);
        let down = command(&["migrate", "down"]).await;
        assert!(down.contains("Pending") && !down.contains("Applied"), "{down}");
        drop(pooler);
        database.drop().await;
    }
}

/// Such a pooler refuses transactions: what needs none is served, everything else is refused by name.
#[tokio::test]
async fn behind_a_pooler_in_statement_mode_queries_are_answered_and_transactions_refused() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    for settings in [IGNORED, ""] {
        let Some(pooler) = Pooler::start_in(&database, "statement", settings).await else { break };
        let folder = Folder::new();
        let url = ["--database-url", pooler.url.as_str()];
        let refused = run(&folder, &url).await;
        assert_eq!(refused.code, Some(1));
        assert!(refused.log.contains("a pooler in statement mode"), "{}", refused.log);
        assert!(refused.log.contains("transaction blocks not allowed"), "{}", refused.log);

        for reading in ["statement", "snapshot"] {
            let arguments = [&url[..], &["--no-migrate", "--read-consistency", reading]].concat();
            let service = Service::start(&folder, &arguments).await;
            let one = service.ask("{ user(id: 1) { username } }").await;
            assert_eq!(one, json!({ "data": { "user": { "username": "ada" } } }));
            let several = service.ask("{ users(limit: 1) { username userInfos { id } } }").await;
            let refuses = |answer: &Json| {
                let error = &answer["errors"][0];
                let is_named =
                    error["message"].as_str().is_some_and(|message| message.contains("needs a transaction"));
                is_named && error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
            };
            match reading {
                "statement" => assert_eq!(several.get("errors"), None, "{several}"),
                _ => assert!(refuses(&several), "{several}"),
            }
            let several = "mutation { deleteUsers(where: { username: { eq: \"ada\" } }) { affected } }";
            for _ in 0..3 {
                let answer = service.ask(several).await;
                assert!(refuses(&answer), "{answer}");
            }
            let users = service.ask("{ usersAggregate { count } }").await;
            assert_eq!(users, json!({ "data": { "usersAggregate": { "count": 8 } } }));
            let ended = service.stop().await;
            assert_eq!(ended.code, Some(0));
            assert!(ended.log.contains("a pooler in statement mode"), "{}", ended.log);
        }
    }
    database.drop().await;
}
