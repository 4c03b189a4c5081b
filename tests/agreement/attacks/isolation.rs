//! Attack 65: rights that are lost while an operation runs.

use std::time::Duration;

use crowsfoot::Schema;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::policy::{Isolation, Policies, RoleGrants, Viewer};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::{Value as Json, json};

use super::{fill, model};
use crate::support::{self, TestDatabase};

/// Role whose requests are isolated, through a role that it includes.
const ISOLATED: &str = "auditor";

/// Role with the default.
const PLAIN: &str = "member";

async fn schema(database: &TestDatabase) -> Schema {
    let policies = Policies::new()
        .variable("userId", "Int!")
        .unwrap()
        .role("isolated", |role| role.isolation(Isolation::RepeatableRead))
        .role(ISOLATED, |role| granted(role.includes("isolated")))
        .role(PLAIN, granted);
    Schema::builder(model(database).await).policies(policies).finish().unwrap()
}

/// Members of an organisation read its documents and write their titles.
fn granted(role: RoleGrants) -> RoleGrants {
    let of_members = "{ org: { members: { some: { user: { id: { eq: $userId } } } } } }";
    role.grant("Comment", |comment| comment.read("true").columns(["id", "text"])).grant(
        "Document",
        |document| {
            let document = document.read(of_members).columns(["id", "title", "note"]);
            document.update(|update| update.columns(["title"]).filter("true"))
        },
    )
}

/// Asks while another session has made `changes`, and commits them once the request waits for that session.
async fn ask_across_a_commit(
    schema: &Schema,
    database: &TestDatabase,
    role: &str,
    query: &str,
    changes: &[&str],
) -> Json {
    let schema = schema.seen_by(&Viewer::new(role).with("userId", 2)).unwrap();
    fill(database).await;
    // Statistics and statements are known then, so that nothing but the rows is waited for.
    support::data(&schema, database, "{ documents { title } comments { text } }").await;
    let other = sea_orm::Database::connect(&database.url).await.unwrap();
    let transaction = other.begin().await.unwrap();
    for change in changes {
        transaction.execute_unprepared(change).await.unwrap();
    }
    let commit = async {
        match database.dialect {
            // A transaction that writes has the only lock.
            Dialect::Sqlite => tokio::time::sleep(Duration::from_millis(300)).await,
            Dialect::Postgres => {
                let waiting = "SELECT 1 FROM pg_stat_activity \
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
                let waiting = Statement::from_string(database.connection.get_database_backend(), waiting);
                while database.connection.query_one_raw(waiting.clone()).await.unwrap().is_none() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                // Reads beside the waiting one may still open their connection.
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
        transaction.commit().await.unwrap();
    };
    let asked = async { tokio::join!(support::ask(&schema, database, query, Json::Null), commit) };
    let ((answer, _), ()) = tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap();
    other.close().await.unwrap();
    answer
}

#[tokio::test]
async fn attack_65_a_member_who_is_removed_while_a_mutation_waits_writes_nothing() {
    const REMOVAL: [&str; 2] =
        ["DELETE FROM members WHERE id = 2", "UPDATE documents SET title = 'of those who stay' WHERE id = 1"];
    let mutation = "mutation { updateDocument(id: 1, input: { title: \"x\" }) { title } }";
    for role in [ISOLATED, PLAIN] {
        for database in support::databases().await {
            let schema = schema(&database).await;
            let answer = ask_across_a_commit(&schema, &database, role, mutation, &REMOVAL).await;
            let stored = support::data(&schema, &database, "{ document(id: 1) { title } }").await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{role}: {answer}");
            assert_eq!(stored, json!({ "document": { "title": "of those who stay" } }));
            database.drop().await;
        }
    }
}

#[tokio::test]
async fn requests_of_a_role_with_repeatable_reads_see_one_state() {
    const CHANGES: [&str; 3] = [
        "LOCK TABLE comments IN ACCESS EXCLUSIVE MODE",
        "UPDATE documents SET title = 'after'",
        "UPDATE comments SET text = 'after'",
    ];
    const NOTE: &str = "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.note := current_setting('transaction_isolation'); RETURN NEW; END $$";
    const TRIGGER: &str =
        "CREATE TRIGGER noted BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION noted()";
    let query = "{ documents(limit: 1) { title } comments(limit: 1) { text } }";
    let mutation = "mutation { updateDocument(id: 1, input: { title: \"x\" }) { note } }";
    for (role, text, level) in [(ISOLATED, "x", "repeatable read"), (PLAIN, "after", "read committed")] {
        let Some(database) = support::postgres().await else { return };
        let schema = schema(&database).await;
        let answer = ask_across_a_commit(&schema, &database, role, query, &CHANGES).await;
        let data = json!({ "documents": [{ "title": "sealed" }], "comments": [{ "text": text }] });
        assert_eq!(answer, json!({ "data": data }), "{role}");
        database.run(NOTE).await;
        database.run(TRIGGER).await;
        let member = schema.seen_by(&Viewer::new(role).with("userId", 2)).unwrap();
        let written = support::data(&member, &database, mutation).await;
        assert_eq!(written, json!({ "updateDocument": { "note": level } }));
        database.drop().await;
    }
}
