//! Connections of a busy pool.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::time::sleep;

use crate::process::{Folder, Service};
use crate::support;

const CLIENTS: usize = 12;
const WRITES_EACH: usize = 8;
const POOL: usize = 4;

/// Each write takes longer than a waiting user of one thread goes before a user of another, so both threads often want the
/// connections of the other.
const SLOW_INSERTS: &str = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.04); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION wait()";

#[tokio::test]
async fn busy_pool_keeps_its_connections() {
    let Some(database) = support::postgres().await else { return };
    let folder = Folder::new();
    let pool = POOL.to_string();
    let arguments = ["--database-url", &database.url, "--workers", "2", "--pool-size", &pool];
    let service = Service::start(&folder, &arguments).await;
    database.connection.execute_unprepared(SLOW_INSERTS).await.unwrap();
    let client = async |client: usize| {
        for nth in 0..WRITES_EACH {
            let name = format!("{client} {nth}");
            let query =
                format!("mutation {{ createUser(input: {{ username: \"{name}\" }}) {{ username }} }}");
            let answer = service.ask(&query).await;
            assert_eq!(answer["data"]["createUser"]["username"], name, "{answer}");
        }
    };
    let written = join_all((0..CLIENTS).map(client));
    let mut sessions = BTreeSet::new();
    let watched = async {
        let ours =
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'INSERT%'";
        loop {
            let found = Statement::from_string(DbBackend::Postgres, ours);
            for row in database.connection.query_all_raw(found).await.unwrap() {
                sessions.insert(row.try_get_by_index::<i32>(0).unwrap());
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = written => {}
        () = watched => {}
    }
    assert!(sessions.len() >= POOL, "{sessions:?}");
    // At most half of the connections move to the other thread.
    assert!(sessions.len() <= POOL + POOL / 2, "{} sessions for {POOL} connections", sessions.len());
    service.stop().await;
    database.drop().await;
}
