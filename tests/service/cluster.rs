//! PostgreSQL servers of a test's own: a primary with settings of the test's choice, and standby servers behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sea_orm::{ConnectionTrait, Database, DbBackend, DbErr, Statement};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::process::{Folder, find_program, is_root, until, within};

/// If set, the tests fail without PostgreSQL's server programs; otherwise they are skipped.
const REQUIRED: &str = "CROWSFOOT_TEST_CLUSTER";

/// Folder where Debian installs the server programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Running server.
pub struct Cluster {
    /// URL of its database `postgres`.
    pub url: String,
    pub port: u16,
    /// Program beside which the others lie.
    initdb: PathBuf,
    settings: Vec<String>,
    running: Child,
    folder: Folder,
}

/// Finds `initdb`, beside which `postgres` lies. Debian installs both outside PATH.
fn initdb() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let found = find_program("initdb", versions.map(|version| version.path().join("bin")))?;
    // PATH may have a link to it alone.
    fs::canonicalize(found).ok()
}

/// Returns the command that runs a server program. The programs refuse to run as root.
fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

/// Returns a folder that the server's user may write to.
fn open_folder() -> Folder {
    let folder = Folder::new();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(folder.path(), open).unwrap();
    folder
}

fn run_server(initdb: &Path, folder: &Folder, port: u16, settings: &[String]) -> Child {
    let mut server = command(&initdb.with_file_name("postgres"));
    server.arg("-D").arg(folder.path().join("data"));
    server.args(["-c", &format!("port={port}"), "-c", "unix_socket_directories=", "-c", "fsync=off"]);
    for setting in settings {
        server.args(["-c", setting]);
    }
    let log =
        fs::OpenOptions::new().create(true).append(true).open(folder.path().join("postgres.log")).unwrap();
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap()
}

impl Cluster {
    /// Creates and starts a server with further settings; `None` if the programs are not installed.
    pub async fn start(settings: &[&str]) -> Option<Self> {
        let Some(initdb) = initdb() else {
            assert!(
                std::env::var_os(REQUIRED).is_none(),
                "PostgreSQL's server is not installed, and {REQUIRED} is set"
            );
            eprintln!("a server of the test's own is left out: initdb is not installed");
            return None;
        };
        let folder = open_folder();
        let made = command(&initdb)
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "-D",
            ])
            .arg(folder.path().join("data"))
            .stdout(Stdio::null())
            .status();
        assert!(within(made).await.unwrap().success(), "initdb failed");
        Some(Self::run_in(initdb, folder, settings).await)
    }

    /// Starts a standby server that follows this one.
    pub async fn standby(&self, settings: &[&str]) -> Self {
        let folder = open_folder();
        let copied = command(&self.initdb.with_file_name("pg_basebackup"))
            .args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf", "--username=postgres"])
            .args(["--host=127.0.0.1", &format!("--port={}", self.port), "-D"])
            .arg(folder.path().join("data"))
            .status();
        assert!(within(copied).await.unwrap().success(), "pg_basebackup failed");
        Self::run_in(self.initdb.clone(), folder, settings).await
    }

    async fn run_in(initdb: PathBuf, folder: Folder, settings: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let running = run_server(&initdb, &folder, port, &settings);
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let cluster = Self { url, port, initdb, settings, running, folder };
        until(async || cluster.try_value("SELECT 'up'").await.is_ok()).await;
        cluster
    }

    /// Kills the server at once.
    pub async fn kill(&mut self) {
        within(self.running.kill()).await.unwrap();
    }

    /// Starts the killed server again. Its last processes may still hold its memory for a moment.
    pub async fn restart(&mut self) {
        until(async || self.try_value("SELECT 'up'").await.is_err()).await;
        within(async {
            loop {
                self.running = run_server(&self.initdb, &self.folder, self.port, &self.settings);
                loop {
                    if self.try_value("SELECT 'up'").await.is_ok() {
                        return;
                    }
                    if self.running.try_wait().unwrap().is_some() {
                        break;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
        })
        .await;
    }

    /// Returns the log of the server.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("postgres.log")).unwrap()
    }

    /// Runs statements.
    pub async fn run(&self, sql: &str) {
        let connection = Database::connect(&self.url).await.unwrap();
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Returns the first value of a query as text.
    pub async fn value(&self, sql: &str) -> String {
        self.try_value(sql).await.unwrap()
    }

    async fn try_value(&self, sql: &str) -> Result<String, DbErr> {
        let mut options = sea_orm::ConnectOptions::new(&self.url);
        options.max_connections(1).connect_timeout(std::time::Duration::from_millis(500)).sqlx_logging(false);
        let connection = Database::connect(options).await?;
        let sql = format!("SELECT ({sql})::text");
        let found = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
        connection.close().await?;
        found?.unwrap().try_get_by_index(0)
    }
}
