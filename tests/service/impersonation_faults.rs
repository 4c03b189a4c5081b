//! Impersonation across faults: abandoned requests, broken connections and operations that run again.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::impersonation::{DOCUMENTS, Guarded, as_administrator, as_role, seen, sent};
use crate::pooler::Pooler;
use crate::process::{Folder, until, within};

const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

async fn waiting(observer: &DatabaseConnection) -> i64 {
    let statement = Statement::from_string(observer.get_database_backend(), WAITING);
    observer.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// The document with this id, as the database has it.
async fn stored(observer: &DatabaseConnection, id: u32) -> Json {
    let sql = format!("SELECT to_jsonb(documents)::text FROM documents WHERE id = {id}");
    let row = observer.query_one_raw(Statement::from_string(observer.get_database_backend(), sql)).await;
    let text: String = row.unwrap().unwrap().try_get_by_index(0).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A client that leaves takes its statement with it, and leaves its role to no other request of the connection.
#[tokio::test]
async fn a_cancelled_statement_leaves_no_role_behind() {
    let Some(guarded) = Guarded::create().await else { return };
    let pooler = Pooler::start(&guarded.database, "").await;
    let observer = sea_orm::Database::connect(&guarded.database.url).await.unwrap();
    let urls = [Some(guarded.database.url.clone()), pooler.as_ref().map(|pooler| pooler.url.clone())];
    for url in urls.iter().flatten() {
        for consistency in ["statement", "snapshot"] {
            let folder = Folder::new();
            let arguments = ["--read-consistency", consistency, "--statement-timeout", "0"];
            let service = guarded.start(&folder, url, &arguments).await;
            let change = "mutation { updateDocument(id: 2, input: { title: \"late\" }) { id } }";
            for query in [DOCUMENTS, "{ documents { id } teams { id } }", change] {
                assert_eq!(sent(as_role(&service, "user", 2, DOCUMENTS)).await, seen(2));
                let lock = observer.begin().await.unwrap();
                lock.execute_unprepared("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").await.unwrap();
                let asked = as_role(&service, "user", 2, query).timeout(Duration::from_millis(500));
                let (answer, ()) = tokio::join!(
                    within(asked.send()),
                    until(async || waiting(&guarded.database.connection).await > 0)
                );
                assert!(answer.is_err(), "{query}: the client has left");
                until(async || waiting(&guarded.database.connection).await == 0).await;
                lock.rollback().await.unwrap();
                let all = as_administrator(&service, "{ documents { id } teamsAggregate { count } }").await;
                assert_eq!(all["data"]["documents"].as_array().map(Vec::len), Some(3), "{all}");
                assert_eq!(all["data"]["teamsAggregate"]["count"], 2, "{all}");
                for (role, team) in [("other", 1), ("user", 2), ("other", 2)] {
                    assert_eq!(sent(as_role(&service, role, team, DOCUMENTS)).await, seen(team), "{query}");
                }
            }
            service.stop().await;
        }
    }
    observer.close().await.unwrap();
    drop(pooler);
    guarded.drop().await;
}

/// A statement that is sent again, over another connection, carries the same settings.
#[tokio::test]
async fn a_retry_after_a_broken_connection_has_the_role_and_claims_of_its_viewer() {
    let Some(guarded) = Guarded::create().await else { return };
    let observer = sea_orm::Database::connect(&guarded.database.url).await.unwrap();
    for consistency in ["statement", "snapshot"] {
        let folder = Folder::new();
        let arguments = ["--read-consistency", consistency];
        let own = "SELECT coalesce(string_agg(pid::text, ','), '0') FROM pg_stat_activity \
            WHERE datname = current_database() AND application_name = 'crowsfoot'";
        let own = Statement::from_string(observer.get_database_backend(), own);
        let own: String = observer.query_one_raw(own).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        let end = &format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'crowsfoot' AND pid NOT IN ({own})"
        );
        let service = guarded.start(&folder, &guarded.database.url, &arguments).await;
        for round in 0..8 {
            for (role, team) in [("user", 1), ("other", 2)] {
                assert_eq!(sent(as_role(&service, role, team, DOCUMENTS)).await, seen(team), "{round}");
            }
            observer.execute_unprepared(end).await.unwrap();
            let both = [("user", 2), ("other", 1)].map(|(role, team)| {
                let request = as_role(&service, role, team, DOCUMENTS);
                async move { assert_eq!(sent(request).await, seen(team), "{round}: {role}") }
            });
            futures_util::future::join_all(both).await;
            // A transaction that writes begins anew.
            observer.execute_unprepared(end).await.unwrap();
            let id = 100 + round;
            let create = format!(
                "mutation {{ createDocument(input: {{ id: {id}, title: \"new\", team: {{ id: 1 }} }}) {{ id }} }}"
            );
            let created = sent(as_role(&service, "user", 1, &create)).await;
            assert_eq!(created, json!({ "data": { "createDocument": { "id": id } } }));
            let row = stored(&observer, id).await;
            assert_eq!(row["author"], json!(format!("{}_user", guarded.prefix)), "{row}");
            observer.execute_unprepared(&format!("DELETE FROM documents WHERE id = {id}")).await.unwrap();
        }
        service.stop().await;
    }
    observer.close().await.unwrap();
    guarded.drop().await;
}

/// A mutation that a concurrent transaction has refused runs again with the role and claims of its viewer.
#[tokio::test]
async fn a_mutation_that_runs_again_has_the_role_and_claims_of_its_viewer() {
    let Some(guarded) = Guarded::create().await else { return };
    let observer = sea_orm::Database::connect(&guarded.database.url).await.unwrap();
    // The row says who has written it last, and in how many attempts.
    guarded
        .database
        .run(
            "CREATE SEQUENCE attempts;
             CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                 NEW.author := current_setting('role');
                 NEW.claims := nullif(current_setting('request.jwt.claims', true), '');
                 IF nextval('attempts') = 1 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF;
                 RETURN NEW; END $$;
             CREATE TRIGGER noted BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION noted()",
        )
        .await;
    let folder = Folder::new();
    let service = guarded.start(&folder, &guarded.database.url, &[]).await;
    let change = "mutation { updateDocument(id: 1, input: { title: \"a\" }) { title } }";
    let changed = sent(as_role(&service, "user", 1, change)).await;
    assert_eq!(changed, json!({ "data": { "updateDocument": { "title": "a" } } }));
    let row = stored(&observer, 1).await;
    assert_eq!(row["author"], json!(format!("{}_user", guarded.prefix)), "{row}");
    let claims: Json = serde_json::from_str(row["claims"].as_str().unwrap()).unwrap();
    assert_eq!(claims, json!({ "role": "user", "team": 1 }));
    let attempts = Statement::from_string(observer.get_database_backend(), "SELECT last_value FROM attempts");
    let attempts: i64 = observer.query_one_raw(attempts).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    assert_eq!(attempts, 2);
    assert_eq!(sent(as_role(&service, "other", 2, DOCUMENTS)).await, seen(2));
    service.stop().await;
    observer.close().await.unwrap();
    guarded.drop().await;
}
