//! Both clients against the program that `CROWSFOOT_BIN` names, on a database of its own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rust_clients::with_cynic::Date;
use rust_clients::{with_cynic, with_graphql_client};

struct Service {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Service {
    fn start(name: &str) -> Self {
        let program = std::env::var("CROWSFOOT_BIN").expect("CROWSFOOT_BIN must name the program");
        let folder = std::env::temp_dir().join(format!("crowsfoot-rust-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut command = Command::new(std::fs::canonicalize(program).unwrap());
        for (setting, _) in std::env::vars() {
            if setting == "DATABASE_URL" || setting.starts_with("CROWSFOOT_") {
                command.env_remove(setting);
            }
        }
        let log = std::fs::File::create(folder.join("log.txt")).unwrap();
        let command = command.args(["--listen", "127.0.0.1:0"]).current_dir(&folder).stderr(log);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.split(' ').find(|word| word.starts_with("http://")).unwrap_or_else(|| panic!("{line}"));
        let url = format!("{}/graphql", address.trim().trim_end_matches('/').trim_end_matches("/graphql"));
        Self { child, folder, url }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

#[test]
fn cynic() {
    let service = Service::start("cynic");
    let users = with_cynic::users(&service.url, 2).unwrap();
    assert_eq!(users[0].username, "ada");
    assert_eq!(users[0].profile.as_ref().unwrap().birthdate, Some(Date("1985-12-10".to_owned())));
    assert_eq!(with_cynic::rename(&service.url, 1, "björn").unwrap().as_deref(), Some("UNIQUE_VIOLATION"));
    assert_eq!(with_cynic::rename(&service.url, 1, "ada l.").unwrap(), None);
    assert_eq!(with_cynic::users(&service.url, 1).unwrap()[0].username, "ada l.");
}

#[test]
fn graphql_client() {
    let service = Service::start("graphql-client");
    let users = with_graphql_client::users(&service.url, 2).unwrap();
    assert_eq!(users[0].username, "ada");
    assert_eq!(users[0].profile.as_ref().unwrap().birthdate.as_deref(), Some("1985-12-10"));
    let rename = |username| with_graphql_client::rename(&service.url, 1, username).unwrap();
    assert_eq!(rename("björn").as_deref(), Some("UNIQUE_VIOLATION"));
    assert_eq!(rename("ada l."), None);
    assert_eq!(with_graphql_client::users(&service.url, 1).unwrap()[0].username, "ada l.");
}
