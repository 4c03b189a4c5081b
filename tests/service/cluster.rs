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

/// If set, the tests fail without libfaketime; otherwise those with skewed clocks are skipped.
const CLOCKS_REQUIRED: &str = "CROWSFOOT_TEST_FAKETIME";

/// Folder where Debian installs the server programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Running server.
pub struct Cluster {
    /// URL of its database `postgres`.
    pub url: String,
    pub port: u16,
    /// Program beside which the others lie.
    initdb: PathBuf,
    options: ServerOptions,
    running: Child,
    folder: Folder,
}

/// Options of a server that stay the same when it is started again.
#[derive(Default)]
struct ServerOptions {
    settings: Vec<String>,
    /// Skewed clock.
    clock: Option<Clock>,
}

impl From<&[&str]> for ServerOptions {
    fn from(settings: &[&str]) -> Self {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Self { settings, clock: None }
    }
}

/// Clock of a server that differs from the machine's.
#[derive(Clone)]
pub struct Clock {
    library: PathBuf,
    /// Difference, such as `+2h`.
    skew: &'static str,
}

impl Clock {
    /// Returns a skewed clock; `None` if libfaketime is not installed.
    pub fn skewed(skew: &'static str) -> Option<Self> {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
        let Some(library) = libraries.into_iter().find(|library| library.is_file()) else {
            assert!(
                std::env::var_os(CLOCKS_REQUIRED).is_none(),
                "libfaketime is not installed, and {CLOCKS_REQUIRED} is set"
            );
            eprintln!("skewed clocks are left out: libfaketime is not installed");
            return None;
        };
        Some(Self { library, skew })
    }
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

fn run_server(initdb: &Path, folder: &Folder, port: u16, options: &ServerOptions) -> Child {
    let program = initdb.with_file_name("postgres");
    let mut server = match &options.clock {
        None => command(&program),
        // The library is loaded into the server alone, whose user owns its shared memory.
        Some(Clock { library, skew }) => {
            let mut server = command(Path::new("env"));
            server
                .arg(format!("LD_PRELOAD={}", library.display()))
                .arg(format!("FAKETIME={skew}"))
                .arg(program);
            server
        }
    };
    server.arg("-D").arg(folder.path().join("data"));
    server.args(["-c", &format!("port={port}"), "-c", "unix_socket_directories=", "-c", "fsync=off"]);
    for setting in &options.settings {
        server.args(["-c", setting]);
    }
    let log =
        fs::OpenOptions::new().create(true).append(true).open(folder.path().join("postgres.log")).unwrap();
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap()
}

impl Cluster {
    /// Creates and starts a server with further settings; `None` if the programs are not installed.
    pub async fn start(settings: &[&str]) -> Option<Self> {
        Self::create(settings.into()).await
    }

    /// Creates and starts a server with a clock of its own; `None` if the programs are not installed.
    pub async fn start_at(clock: Clock) -> Option<Self> {
        Self::create(ServerOptions { clock: Some(clock), ..ServerOptions::default() }).await
    }

    async fn create(options: ServerOptions) -> Option<Self> {
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
        Some(Self::run_in(initdb, folder, options).await)
    }

    /// Starts a standby server that follows this one.
    pub async fn standby(&self, settings: &[&str]) -> Self {
        self.follow(settings.into()).await
    }

    /// Starts a standby server with a clock of its own.
    pub async fn standby_at(&self, clock: Clock) -> Self {
        self.follow(ServerOptions { clock: Some(clock), ..ServerOptions::default() }).await
    }

    async fn follow(&self, options: ServerOptions) -> Self {
        let folder = open_folder();
        let copied = command(&self.initdb.with_file_name("pg_basebackup"))
            .args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf", "--username=postgres"])
            .args(["--host=127.0.0.1", &format!("--port={}", self.port), "-D"])
            .arg(folder.path().join("data"))
            .status();
        assert!(within(copied).await.unwrap().success(), "pg_basebackup failed");
        Self::run_in(self.initdb.clone(), folder, options).await
    }

    async fn run_in(initdb: PathBuf, folder: Folder, options: ServerOptions) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let running = run_server(&initdb, &folder, port, &options);
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let cluster = Self { url, port, initdb, options, running, folder };
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
                self.running = run_server(&self.initdb, &self.folder, self.port, &self.options);
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
