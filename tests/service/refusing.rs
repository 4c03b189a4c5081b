//! A database that can be read and takes no writes: readiness, and the codes of the refusals.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use crate::process::{Folder, Service, within};
use crate::support::{self, TestDatabase};

const READ: &str = "{ usersAggregate { count } }";
const WRITE: &str = "mutation { createUser(input: { username: \"late\" }) { username } }";

async fn readiness(service: &Service<'_>) -> (u16, String) {
    let response = within(service.get("/readyz").send()).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

fn assert_code(answer: &Json, code: &str, message: &str) {
    assert_eq!(answer["data"], Json::Null, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    assert_eq!(answer["errors"][0]["message"], message, "{answer}");
}

const READ_ONLY: &str = "the database is read-only at the moment";

/// Reads go on, writes are refused, and readiness says so.
async fn assert_only_reads(service: &Service<'_>) {
    assert_eq!(readiness(service).await, (503, "the database accepts no writes\n".to_owned()));
    let answer = service.ask(READ).await;
    assert_eq!(answer["data"]["usersAggregate"]["count"], 8, "{answer}");
    assert_code(&service.ask(WRITE).await, "UNAVAILABLE", READ_ONLY);
}

fn name_of(database: &TestDatabase) -> &str {
    database.url.rsplit_once('/').unwrap().1
}

/// The service as a role of its own, which has the rights that `grant` gives.
async fn role(database: &TestDatabase, grant: &str) -> (String, String) {
    let role = format!("reader_{}", uuid::Uuid::new_v4().simple());
    database
        .run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'reader'; {}", grant.replace("ROLE", &role)))
        .await;
    let (place, path) = database.url.split_once("://").unwrap().1.split_once('/').unwrap();
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    let url = format!("postgres://{role}:reader@{host}/{path}");
    (role, url)
}

#[tokio::test]
async fn a_server_that_takes_no_writes_makes_the_service_unready_and_refuses_mutations_alone() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let folder = Folder::new();
    let set = async |value: &str| {
        database
            .run(&format!(
                "ALTER DATABASE {} SET default_transaction_read_only = {value}",
                name_of(&database)
            ))
            .await;
    };
    let service = Service::start(&folder, &["--no-migrate", "--database-url", &database.url]).await;
    assert_eq!(readiness(&service).await.0, 200);
    set("on").await;
    // Connections that are open keep their settings.
    assert_eq!(readiness(&service).await.0, 503);
    service.stop().await;
    let service = Service::start(&folder, &["--no-migrate", "--database-url", &database.url]).await;
    assert_only_reads(&service).await;
    service.stop().await;

    // The URL itself says that the service only reads.
    let url = format!("{}?options=-c%20default_transaction_read_only%3Don", database.url);
    let service = Service::start(&folder, &["--no-migrate", "--database-url", &url]).await;
    assert_eq!(readiness(&service).await, (200, "ok\n".to_owned()));
    assert_code(&service.ask(WRITE).await, "UNAVAILABLE", READ_ONLY);
    service.stop().await;

    database.drop().await;
}

#[tokio::test]
async fn a_role_without_rights_to_write_is_told_so() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let folder = Folder::new();
    let (role, url) = role(&database, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE").await;
    let service = Service::start(&folder, &["--no-migrate", "--database-url", &url]).await;
    assert_eq!(readiness(&service).await.0, 200);
    assert_eq!(service.ask(READ).await["data"]["usersAggregate"]["count"], 8);
    let message = "the service lacks the database privilege for this operation";
    for write in [
        WRITE,
        "mutation { updateUser(id: 1, input: { username: \"late\" }) { username } }",
        "mutation { deleteUser(id: 1) { username } }",
    ] {
        assert_code(&service.ask(write).await, "FORBIDDEN", message);
    }
    let log = service.stop().await.log;
    assert!(log.contains("permission denied"), "{log}");
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    database.drop().await;
}

/// Runs a command of the system; false where it cannot be run, or fails.
fn system(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// A file that no user may write, root included where the system can do that.
struct Sealed<'a>(&'a Path);

impl<'a> Sealed<'a> {
    fn new(file: &'a Path) -> Option<Self> {
        set_readonly(file, true);
        let is_writable = || fs::OpenOptions::new().append(true).open(file).is_ok();
        let sealed = Self(file);
        if is_writable() {
            system("chattr", &["+i", &file.display().to_string()]);
        }
        (!is_writable()).then_some(sealed)
    }
}

impl Drop for Sealed<'_> {
    fn drop(&mut self) {
        system("chattr", &["-i", &self.0.display().to_string()]);
        set_readonly(self.0, false);
    }
}

fn set_readonly(file: &Path, is_readonly: bool) {
    let mut permissions = fs::metadata(file).unwrap().permissions();
    permissions.set_readonly(is_readonly);
    fs::set_permissions(file, permissions).unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_written_makes_the_service_unready_and_refuses_mutations_alone() {
    let folder = Folder::new();
    let file = folder.path().join("crowsfoot.db");
    Service::start(&folder, &[]).await.stop().await;
    let Some(sealed) = Sealed::new(&file) else {
        return eprintln!("left out: this system has no file that root cannot write");
    };
    let service = Service::start(&folder, &["--no-migrate"]).await;
    assert_only_reads(&service).await;
    service.stop().await;

    // The URL itself says that the service only reads.
    let url = format!("sqlite://{}?mode=ro", file.display());
    let service = Service::start(&folder, &["--no-migrate", "--database-url", &url]).await;
    assert_eq!(readiness(&service).await, (200, "ok\n".to_owned()));
    assert_code(&service.ask(WRITE).await, "UNAVAILABLE", READ_ONLY);
    service.stop().await;
    drop(sealed);
}

#[tokio::test]
async fn a_file_that_becomes_read_only_under_the_service_takes_no_writes_until_it_is_writable_again() {
    for suffix in ["", "-wal"] {
        let folder = Folder::new();
        let service = Service::start(&folder, &[]).await;
        assert_eq!(readiness(&service).await.0, 200);
        let file = folder.path().join(format!("crowsfoot.db{suffix}"));
        let Some(sealed) = Sealed::new(&file) else {
            return eprintln!("left out: this system has no file that root cannot write");
        };
        assert_only_reads(&service).await;
        drop(sealed);
        assert_eq!(readiness(&service).await, (200, "ok\n".to_owned()));
        let answer = service.ask(WRITE).await;
        assert_eq!(answer["data"]["createUser"]["username"], "late", "{suffix}: {answer}");
        assert_eq!(service.stop().await.code, Some(0));
    }
}

/// A file system with room for so much, where the system lets this user have one.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn new(folder: &'a Path, size: &str) -> Option<Self> {
        let arguments = ["-t", "tmpfs", "-o", &format!("size={size}"), "none", &folder.display().to_string()];
        system("mount", &arguments).then_some(Self(folder))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        system("umount", &["-l", &self.0.display().to_string()]);
    }
}

const NO_ROOM: &str = "the database has no free disk space at the moment";

/// Writes posts of many bytes until one is refused.
async fn fill(service: &Service<'_>) -> Json {
    let body = "x".repeat(200_000);
    for _ in 0..40 {
        let answer = service
            .ask(&format!(
                "mutation {{ createPost(input: {{ title: \"long\", content: \"{body}\", author: {{ id: 1 }} }}) {{ id }} }}"
            ))
            .await;
        if answer.get("errors").is_some() {
            return answer;
        }
    }
    panic!("there is room for all of it");
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_full() {
    let folder = Folder::new();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let Some(small) = Small::new(&disk, "4m") else {
        return eprintln!("left out: this user may not mount a small disk");
    };
    let url = format!("sqlite://{}?mode=rwc", disk.join("crowsfoot.db").display());
    let service = Service::start(&folder, &["--database-url", &url]).await;
    assert_code(&fill(&service).await, "UNAVAILABLE", NO_ROOM);
    assert_eq!(service.ask(READ).await["data"]["usersAggregate"]["count"], 8);
    service.stop().await;
    drop(small);
}
