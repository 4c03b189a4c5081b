//! SQLite's file: deleted, replaced, shortened and restored while the service runs, and its final content.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crowsfoot::{ConnectSettings, Synchronous, connect, connect_with};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, until, within};

const READ: &str = "{ usersAggregate { count } }";

fn file(folder: &Folder) -> PathBuf {
    folder.path().join("crowsfoot.db")
}

async fn write(service: &Service<'_>, name: &str) -> Json {
    service.ask(&format!("mutation {{ createUser(input: {{ username: \"{name}\" }}) {{ username }} }}")).await
}

fn written(name: &str) -> Json {
    json!({ "data": { "createUser": { "username": name } } })
}

fn is_refused(answer: &Json) -> bool {
    answer["data"] == Json::Null && answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
}

async fn status(service: &Service<'_>) -> u16 {
    within(service.get("/readyz").send()).await.unwrap().status().as_u16()
}

/// Checks that reads and writes are refused, and that no file is created.
async fn assert_refuses(service: &Service<'_>, folder: &Folder) {
    let before = fs::metadata(file(folder)).ok().map(|metadata| metadata.len());
    for number in 0..10 {
        let answer = write(service, &format!("lost{number}")).await;
        assert!(is_refused(&answer), "{answer}");
    }
    until(async || is_refused(&service.ask(READ).await)).await;
    assert_eq!(status(service).await, 503);
    // Log lines are written a little later.
    until(async || folder.log().contains("the database file cannot be used")).await;
    assert_eq!(fs::metadata(file(folder)).ok().map(|metadata| metadata.len()), before);
}

async fn names(file: &Path) -> Vec<String> {
    let database = connect(&format!("sqlite://{}?mode=rw", file.display()), 1).await.unwrap();
    let statement =
        Statement::from_string(database.get_database_backend(), "SELECT username FROM users".to_owned());
    let rows = database.query_all_raw(statement).await.unwrap();
    let names = rows.iter().map(|row| row.try_get("", "username").unwrap()).collect();
    database.close().await.unwrap();
    names
}

#[tokio::test]
async fn refuses_requests_while_the_file_is_deleted_and_never_recreates_it() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    assert_eq!(write(&service, "before").await, written("before"));
    let kept = folder.path().join("kept.db");
    fs::hard_link(file(&folder), &kept).unwrap();
    fs::remove_file(file(&folder)).unwrap();
    assert_refuses(&service, &folder).await;
    assert!(!file(&folder).exists());
    fs::hard_link(&kept, file(&folder)).unwrap();
    assert_eq!(write(&service, "after").await, written("after"));
    assert_eq!(service.ask(READ).await, json!({ "data": { "usersAggregate": { "count": 10 } } }));
    assert_eq!(status(&service).await, 200);
    assert_eq!(service.stop().await.code, Some(0));
    let names = names(&file(&folder)).await;
    assert!(["before", "after"].iter().all(|name| names.contains(&(*name).to_owned())), "{names:?}");
}

#[tokio::test]
async fn a_file_that_another_replaces_is_refused_until_the_next_start() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let backup = folder.path().join("backup.db");
    fs::copy(file(&folder), &backup).unwrap();
    fs::rename(&backup, file(&folder)).unwrap();
    assert_refuses(&service, &folder).await;
}

#[tokio::test]
async fn a_log_that_is_deleted_under_the_service_is_noticed() {
    for suffix in ["wal", "shm"] {
        let folder = Folder::new();
        let service = Service::start(&folder, &[]).await;
        assert_eq!(write(&service, "before").await, written("before"));
        fs::remove_file(folder.path().join(format!("crowsfoot.db-{suffix}"))).unwrap();
        assert_refuses(&service, &folder).await;
    }
}

/// A reader that maps the file into memory would end the service (SIGBUS).
#[tokio::test]
async fn a_file_or_log_that_is_shortened_in_place_is_noticed() {
    for (suffix, part) in [("", 0), ("", 8_192), ("-wal", 0), ("-wal", 4_000)] {
        let folder = Folder::new();
        // The first service leaves all content in the file, without a log.
        assert_eq!(Service::start(&folder, &[]).await.stop().await.code, Some(0));
        let mut service = Service::start(&folder, &[]).await;
        assert_eq!(service.ask(READ).await["data"]["usersAggregate"]["count"], 8);
        assert_eq!(write(&service, "before").await, written("before"));
        let path = folder.path().join(format!("crowsfoot.db{suffix}"));
        let length = fs::metadata(&path).unwrap().len();
        assert!(length > part, "{path:?}: {length}");
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(part).unwrap();
        let (refused, read) = (write(&service, "lost").await, service.ask("{ users { username } }").await);
        assert!(is_refused(&refused), "{suffix} {part}: {refused}");
        assert_ne!(read["data"]["users"][0]["username"], "lost", "{suffix} {part}: {read}");
        assert_refuses(&service, &folder).await;
        service.signal("TERM").await;
        assert_eq!(service.end().await.code, Some(0), "{suffix} {part}");
    }
}

/// SQLite itself shortens the file after VACUUM, and the log after a checkpoint.
#[tokio::test]
async fn a_file_that_sqlite_shortens_is_still_the_same() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let other = connect(&format!("sqlite://{}?mode=rw", file(&folder).display()), 1).await.unwrap();
    other.execute_unprepared("CREATE TABLE filler (content)").await.unwrap();
    for round in 0..3 {
        other.execute_unprepared("INSERT INTO filler VALUES (zeroblob(1000000))").await.unwrap();
        other.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        assert_eq!(write(&service, &format!("long{round}")).await, written(&format!("long{round}")));
        let length = fs::metadata(file(&folder)).unwrap().len();
        for sql in ["DELETE FROM filler", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            other.execute_unprepared(sql).await.unwrap();
        }
        assert!(fs::metadata(file(&folder)).unwrap().len() < length);
        assert_eq!(write(&service, &format!("short{round}")).await, written(&format!("short{round}")));
        assert_eq!(status(&service).await, 200);
    }
    other.close().await.unwrap();
    assert_eq!(service.stop().await.code, Some(0));
    assert!(!folder.log().contains("cannot be used"), "{}", folder.log());
}

/// Every acknowledged write is in the file that existed at the time, and no write is in a file that replaced
/// it.
#[tokio::test]
async fn no_write_is_acknowledged_into_a_file_that_is_gone() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let kept = folder.path().join("kept.db");
    fs::hard_link(file(&folder), &kept).unwrap();
    let (is_gone, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let writer = async |writer: usize| {
        let mut acknowledged = Vec::new();
        for number in 0.. {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("w{writer}x{number}");
            let was_gone = is_gone.load(Ordering::Relaxed);
            let answer = write(&service, &name).await;
            if answer == written(&name) {
                assert!(!was_gone, "{name} is acknowledged, but the file was gone before");
                acknowledged.push(name);
            }
        }
        acknowledged
    };
    let displacer = async {
        until(async || service.ask(READ).await["data"]["usersAggregate"]["count"].as_i64() > Some(40)).await;
        fs::remove_file(file(&folder)).unwrap();
        is_gone.store(true, Ordering::Relaxed);
        until(async || is_refused(&service.ask(READ).await)).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let (one, two, three, ()) = tokio::join!(writer(1), writer(2), writer(3), displacer);
    service.stop().await;
    let there = names(&kept).await;
    let acknowledged = [one, two, three].concat();
    assert!(acknowledged.len() > 20, "{acknowledged:?}");
    for name in &acknowledged {
        assert!(there.contains(name), "{name} is lost");
    }
}

/// The write-ahead log is checkpointed into the file when the service stops under load.
#[tokio::test]
async fn a_service_that_stops_under_load_leaves_no_log_behind() {
    for round in 0..3 {
        let folder = Folder::new();
        let mut service = Service::start(&folder, &[]).await;
        let is_told = AtomicBool::new(false);
        let client = async |client: usize| {
            let mut acknowledged = Vec::new();
            for number in 0.. {
                let name = format!("c{client}x{number}");
                let text =
                    format!("mutation {{ createUser(input: {{ username: \"{name}\" }}) {{ username }} }}");
                // A connection may be refused by now.
                let sent = service.post("/graphql").json(&json!({ "query": text })).send();
                match within(sent).await {
                    Ok(response) if response.status() == 200 => acknowledged.push(name),
                    _ if is_told.load(Ordering::Relaxed) => break,
                    outcome => panic!("{outcome:?}"),
                }
                let _ = within(
                    service.post("/graphql").json(&json!({ "query": "{ users { id username } }" })).send(),
                )
                .await;
            }
            acknowledged
        };
        let stopping = async {
            let many = 30 + 10 * round;
            until(async || service.ask(READ).await["data"]["usersAggregate"]["count"].as_i64() > Some(many))
                .await;
            is_told.store(true, Ordering::Relaxed);
            service.signal("TERM").await;
        };
        let (one, two, three, ()) = tokio::join!(client(1), client(2), client(3), stopping);
        let ended = service.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        let log = folder.path().join("crowsfoot.db-wal");
        assert!(fs::metadata(&log).map_or(0, |log| log.len()) == 0, "round {round}");
        let there = names(&file(&folder)).await;
        assert!([one, two, three].concat().iter().all(|name| there.contains(name)), "round {round}");
    }
}

#[tokio::test]
async fn commits_wait_for_the_disk_unless_it_is_said_otherwise() {
    let folder = Folder::new();
    let url = format!("sqlite://{}?mode=rwc", file(&folder).display());
    for (sqlite_synchronous, level) in [(Synchronous::Full, 2), (Synchronous::Normal, 1)] {
        let settings = ConnectSettings::new(1).sqlite_synchronous(sqlite_synchronous);
        let database = connect_with(&url, &settings).await.unwrap();
        for (pragma, expected) in [("synchronous", level), ("journal_size_limit", 64 << 20)] {
            let statement =
                Statement::from_string(database.get_database_backend(), format!("PRAGMA {pragma}"));
            let row = database.query_one_raw(statement).await.unwrap().unwrap();
            assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), expected, "{pragma}");
        }
        database.close().await.unwrap();
    }
    assert_eq!(Synchronous::default(), Synchronous::Full);
}
