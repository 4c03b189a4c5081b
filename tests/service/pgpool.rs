//! Services behind pgpool-II as Debian configures it, in front of the primary.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::pooler::{give_up_at_a_lock, two_services_through};
use crate::process::{Folder, Service, find_program, is_root, until};
use crate::socket_client::Socket;
use crate::support::{self, TestDatabase};

/// If set, the tests fail without pgpool-II; otherwise they are skipped.
const REQUIRED: &str = "CROWSFOOT_TEST_PGPOOL";

/// Folders where Debian installs the program: only root's PATH has them.
const FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Settings that Debian's file has.
const CONFIGURED: &str = "/etc/pgpool2/pgpool.conf";

/// Number of times that each client sends every query: fewer than through a pooler in transaction mode, as no client meets
/// the statements of another here.
const ROUNDS: usize = 3;

/// pgpool-II in front of a database.
struct Pgpool {
    url: String,
    running: Child,
    _folder: Folder,
}

/// Ends the pooler with its children, which would outlive it: they are a process group of their own.
impl Drop for Pgpool {
    fn drop(&mut self) {
        if let Some(id) = self.running.id() {
            let group = format!("-{id}");
            let _ = std::process::Command::new("sh").args(["-c", "kill -s KILL -- \"$0\"", &group]).status();
        }
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

impl Pgpool {
    /// Starts the pooler; `None` if it is not installed.
    async fn start(database: &TestDatabase) -> Option<Self> {
        let Some(program) = find_program("pgpool", FOLDERS.map(PathBuf::from)) else {
            assert!(std::env::var_os(REQUIRED).is_none(), "pgpool is not installed, and {REQUIRED} is set");
            eprintln!("pgpool is left out: it is not installed");
            return None;
        };
        let folder = Folder::new();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(folder.path(), open).unwrap();
        let options: PgConnectOptions = database.url.parse().unwrap();
        let (port, place) = (free_port().await, folder.path().display());
        // Only places are set, and that there is no standby to compare with: the last setting of a name counts.
        let text = format!(
            "{}\nlisten_addresses = '127.0.0.1'\nport = {port}\npcp_listen_addresses = ''\npcp_port = {}\n\
             socket_dir = '{place}'\npcp_socket_dir = '{place}'\nwd_ipc_socket_dir = '{place}'\n\
             pid_file_name = '{place}/pgpool.pid'\nlogdir = '{place}'\nwork_dir = '{place}'\n\
             backend_hostname0 = '{}'\nbackend_port0 = {}\nbackend_weight0 = 1\nbackend_flag0 = 'ALWAYS_PRIMARY'\n\
             sr_check_period = 0\n",
            fs::read_to_string(CONFIGURED).unwrap_or_default(),
            free_port().await,
            options.get_host(),
            options.get_port(),
        );
        let config = folder.path().join("pgpool.conf");
        fs::write(&config, text).unwrap();
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        let log = fs::File::create(folder.path().join("pgpool.log")).unwrap();
        let running = command
            .arg("-n")
            .arg("-f")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        until(async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
        let (before, after) = database.url.split_once("//").unwrap();
        let (_, name) = after.split_once('/').unwrap();
        let url = format!("{before}//{}@127.0.0.1:{port}/{name}", options.get_username());
        Some(Self { url, running, _folder: folder })
    }
}

#[tokio::test]
async fn behind_pgpool_every_answer_is_right() {
    let Some(database) = support::postgres().await else { return };
    let Some(pooler) = Pgpool::start(&database).await else {
        database.drop().await;
        return;
    };
    // Each client of pgpool-II has a process of its own, and a client above the number of processes (`num_init_children`, 32)
    // waits: two services with one worker have two pools each, one shared connection and that of the relay.
    two_services_through(&pooler.url, &database, &["--pool-size", "6"], ROUNDS).await;
    drop(pooler);
    database.drop().await;
}

#[tokio::test]
async fn behind_pgpool_live_queries_follow_and_what_is_given_up_ends_at_the_server() {
    let Some(database) = support::postgres().await else { return };
    let Some(pooler) = Pgpool::start(&database).await else {
        database.drop().await;
        return;
    };
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &pooler.url, "--timeout", "2"]).await;
    let mut listener = Socket::begin(&service).await;
    listener.subscribe("live", "subscription { user(id: 1) { username } }").await;
    listener.next("live").await;
    let update = "mutation { updateUser(id: 1, input: { username: \"eve\" }) { username } }";
    assert_eq!(service.ask(update).await, json!({ "data": { "updateUser": { "username": "eve" } } }));
    assert_eq!(listener.next("live").await, json!({ "data": { "user": { "username": "eve" } } }));

    let lock = database.connection.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE courses IN ACCESS EXCLUSIVE MODE").await.unwrap();
    give_up_at_a_lock(&service, &database).await;
    lock.rollback().await.unwrap();
    let courses = service.ask("{ coursesAggregate { count } }").await;
    assert_eq!(courses, json!({ "data": { "coursesAggregate": { "count": 6 } } }));
    assert_eq!(service.stop().await.code, Some(0));
    drop(pooler);
    database.drop().await;
}
