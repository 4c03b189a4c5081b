//! Both servers as child processes, and their resource use.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::Failure;
use crate::database::{Database, Kind};
use crate::floor::Driver;

/// Measured service, and its environment.
#[derive(Clone, Debug, Args)]
pub struct Service {
    /// Database
    #[command(flatten)]
    pub database: Database,
    /// Program of the service [default: built from these sources]
    #[arg(long = "service", value_name = "FILE")]
    program: Option<PathBuf>,
    /// Worker threads of each server
    #[arg(long, default_value_t = crate::cores())]
    pub workers: NonZeroUsize,
}

impl Service {
    /// Returns the program of the service; builds it if none was given.
    ///
    /// # Errors
    /// If the program cannot be built.
    pub fn program(&self) -> Result<PathBuf, Failure> {
        self.program.clone().map_or_else(built_service, Ok)
    }
}

/// Server process that is stopped on drop.
pub struct Server {
    /// Address of the server.
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts the floor: this program again.
    ///
    /// # Errors
    /// If the server prints no address.
    pub fn floor(database: &Database, driver: Driver, workers: NonZeroUsize) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor").args(database.arguments());
        if let Some(driver) = clap::ValueEnum::to_possible_value(&driver) {
            command.args(["--driver", driver.get_name()]);
        }
        command.args(["--workers", &workers.to_string()]);
        Self::start(&mut command)
    }

    /// Starts the service.
    ///
    /// # Errors
    /// If the service cannot be built, or prints no address.
    pub fn service(service: &Service) -> Result<Self, Failure> {
        Self::program(&service.program()?, service)
    }

    /// Starts this program as the service.
    ///
    /// # Errors
    /// If the server prints no address.
    pub fn program(program: &Path, service: &Service) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command
            .args(["serve", "--no-migrate", "--mode", "production", "--public"])
            .args(["--listen", "127.0.0.1:0", "--database-url", &service.database.url()])
            .args(["--workers", &service.workers.to_string()])
            // A line for each request, as a service manager would keep it.
            .stderr(File::create(std::env::temp_dir().join("crowsfoot-benches.log"))?);
        Self::start(&mut command)
    }

    /// Starts a server that prints its address in its first line.
    ///
    /// # Errors
    /// If the server prints no address.
    pub fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        match address.and_then(|address| address.parse().ok()) {
            Some(address) => Ok(Self { address, child }),
            None => {
                child.kill()?;
                Err(format!("{} said no address", command.get_program().display()).into())
            }
        }
    }

    /// Returns the processor time of the server.
    ///
    /// # Errors
    /// If `/proc` does not exist.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        cpu(self.child.id())
    }

    /// Returns the memory use of the server.
    ///
    /// # Errors
    /// If `/proc` does not exist.
    pub fn memory(&self) -> Result<Memory, Failure> {
        memory(self.child.id())
    }

    /// Resets the peak of the server's memory.
    ///
    /// # Errors
    /// If `/proc` does not exist.
    pub fn forget_peak(&self) -> Result<(), Failure> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }
}

/// Returns the memory use of a process.
///
/// # Errors
/// If `/proc` does not exist.
pub fn memory(process: u32) -> Result<Memory, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    // proc(5): in KiB.
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().map(|kib| kib * 1024)
    };
    Ok(Memory { resident: field("VmRSS:")?, own: field("RssAnon:")?, peak: field("VmHWM:")? })
}

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Whole resident memory, including mapped pages of the program and of SQLite's file.
    pub resident: u64,
    /// Resident memory without file mappings.
    pub own: u64,
    /// Peak of the resident memory.
    pub peak: u64,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the service together with this program's other packages, and returns its path. Built alone, it
/// would rebuild every dependency with other features.
fn built_service() -> Result<PathBuf, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "build",
        "--release",
        "--quiet",
        "--package",
        "benches",
        "--package",
        "crowsfoot-cli",
        "--bins",
    ]);
    // `cargo run` sets variables that describe this program; build scripts would take them for a change and
    // run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            command.env_remove(&name);
        }
    }
    let built = command.current_dir(folder).status()?;
    if !built.success() {
        return Err("the service could not be built".into());
    }
    Ok(std::env::current_exe()?.with_file_name("crowsfoot"))
}

/// Returns the processor time of a process's threads, in user and kernel mode. Threads that have ended do not count.
///
/// # Errors
/// If the process has ended, or the system counts no such times (`CONFIG_SCHED_INFO`).
pub fn cpu(process: u32) -> Result<Duration, Failure> {
    let mut total = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        // proc(5): nanoseconds on a processor are the first of three numbers. The thread may have ended.
        let times = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let nanoseconds = times.split_whitespace().next().and_then(|time| time.parse().ok()).unwrap_or(0);
        total += Duration::from_nanos(nanoseconds);
    }
    if total.is_zero() {
        return Err(format!("the system counts no processor time of process {process}").into());
    }
    Ok(total)
}

/// Other connections of this database.
const OTHERS: &str = "FROM pg_stat_activity LEFT JOIN pg_stat_ssl USING (pid) \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Server processes of the database on this machine, if any.
pub struct Backends(Option<DatabaseConnection>);

impl Backends {
    /// Connects to the measured database.
    ///
    /// # Errors
    /// If the database does not respond.
    pub async fn new(database: &Database) -> Result<Self, Failure> {
        match database.kind {
            Kind::Sqlite => Ok(Self(None)),
            Kind::Postgres => Ok(Self(Some(database.connect().await?))),
        }
    }

    /// Returns the processor time of the processes; `None` if it cannot be known.
    ///
    /// # Errors
    /// If the database does not respond.
    pub async fn cpu(&self) -> Result<Option<Duration>, Failure> {
        let Some(connection) = &self.0 else { return Ok(None) };
        let sql = format!("SELECT pid {OTHERS}");
        let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
        let mut total = Duration::ZERO;
        for row in connection.query_all_raw(statement).await? {
            let process = row.try_get_by_index::<i32>(0)?.unsigned_abs();
            let is_here = std::fs::read_to_string(format!("/proc/{process}/comm"));
            if !is_here.is_ok_and(|name| name.starts_with("postgres")) {
                return Ok(None);
            }
            total += cpu(process)?;
        }
        Ok(Some(total))
    }

    /// Returns the number of connections.
    ///
    /// # Errors
    /// If the database does not respond.
    pub async fn count(&self) -> Result<i64, Failure> {
        let Some(connection) = &self.0 else { return Ok(0) };
        let sql = format!("SELECT COUNT(*) {OTHERS}");
        let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await?.ok_or("the database counts no connections")?;
        Ok(row.try_get_by_index(0)?)
    }

    /// Describes the encryption of the connections: an encrypted side must not be compared with an
    /// unencrypted one.
    ///
    /// # Errors
    /// If the database does not respond.
    pub async fn encryption(&self) -> Result<Option<String>, Failure> {
        let Some(connection) = &self.0 else { return Ok(None) };
        let sql = format!("SELECT COUNT(*) FILTER (WHERE ssl), COUNT(*) {OTHERS}");
        let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await?.ok_or("the database counts no connections")?;
        let (encrypted, all): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok(Some(match encrypted {
            0 => "no connection encrypted".to_owned(),
            _ if encrypted == all => "all connections encrypted".to_owned(),
            _ => format!("{encrypted} of {all} connections encrypted"),
        }))
    }
}
