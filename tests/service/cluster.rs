//! PostgreSQL server of a test's own, with settings of the test's choice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::net::{TcpListener, TcpStream};
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
    _running: Child,
    _folder: Folder,
}

/// Finds `initdb`, beside which `postgres` lies. Debian installs both outside PATH.
fn initdb() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    find_program("initdb", versions.map(|version| version.path().join("bin")))
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
        let folder = Folder::new();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(folder.path(), open).unwrap();
        let data = folder.path().join("data");
        let made = command(&initdb)
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "-D",
            ])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(within(made).await.unwrap().success(), "initdb failed");
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut server = command(&initdb.with_file_name("postgres"));
        server.arg("-D").arg(&data).args(["-c", &format!("port={port}"), "-c", "unix_socket_directories="]);
        for setting in [&["fsync=off"], settings].concat() {
            server.args(["-c", setting]);
        }
        let log = fs::File::create(folder.path().join("postgres.log")).unwrap();
        let running =
            server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap();
        until(async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
        Some(Self {
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            _running: running,
            _folder: folder,
        })
    }
}
