//! Attacks on what is shared between viewers: 67 to 74.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Request;
use crowsfoot::policy::Viewer;
use crowsfoot::{Executed, Schema};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use serde_json::{Value as Json, json};

use super::{fill, schema, viewer};
use crate::support::{self, TestDatabase};

fn subscribed(schema: &Schema, database: &TestDatabase, query: &str) -> BoxStream<'static, Arc<Executed>> {
    schema.subscribe(schema.prepare(Request::new(query)).unwrap(), &database.connection)
}

async fn next(stream: &mut BoxStream<'static, Arc<Executed>>) -> Arc<Executed> {
    tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("a result in time").unwrap()
}

/// Returns true if an answer has an organisation, and only this one.
fn is_of(answer: &Json, org: u64) -> bool {
    let mut found = Vec::new();
    let mut waiting = vec![answer];
    while let Some(value) = waiting.pop() {
        match value {
            Json::Object(fields) => {
                found.extend(fields.get("org").map(|org| org["id"].clone()));
                waiting.extend(fields.values());
            }
            Json::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    !found.is_empty() && found.iter().all(|id| *id == org)
}

#[tokio::test]
async fn attacks_67_and_68_viewers_share_a_live_query_if_no_rule_tells_them_apart() {
    for database in support::databases().await {
        let schema = schema(&database).await;
        fill(&database).await;
        let first = async |viewer: Viewer, query: &str| {
            let mut results = subscribed(&schema.seen_by(&viewer).unwrap(), &database, query);
            let result = next(&mut results).await;
            (result, results)
        };
        // The rule of documents takes the organisation, and not the user.
        let documents = "subscription { documents { id } }";
        let (one, _of_one) = first(viewer(1, 1), documents).await;
        let (same, _of_same) = first(viewer(2, 1), documents).await;
        let (other, _of_other) = first(viewer(3, 2), documents).await;
        assert!(Arc::ptr_eq(&one, &same));
        assert_eq!(one.data(), json!({ "documents": [{ "id": 1 }, { "id": 2 }, { "id": 4 }] }));
        assert_eq!(other.data(), json!({ "documents": [{ "id": 3 }] }));
        // The rule of salaries takes the user.
        let users = "subscription { users { id salary } }";
        let (one, _of_one) = first(viewer(1, 1), users).await;
        let (colleague, _of_colleague) = first(viewer(2, 1), users).await;
        assert_ne!(one.data(), colleague.data());
        // So does a rule on the way: of a filter, of an order, of a junction.
        for query in [
            "subscription { documents(where: { author: { salary: { gt: 0 } } }) { id } }",
            "subscription { documents(orderBy: { author: { salary: ASC } }) { id } }",
            "subscription { documents { author { id } } }",
        ] {
            let (one, _of_one) = first(viewer(1, 1), query).await;
            let (colleague, _of_colleague) = first(viewer(2, 1), query).await;
            assert!(!Arc::ptr_eq(&one, &colleague), "{query}");
        }
        // No rule, but another role.
        let tags = "subscription { tags { id } }";
        let clerk = |user: i64| Viewer::new("clerk").with("userId", user).with("orgId", user);
        let (one, _of_one) = first(clerk(1), tags).await;
        let (same, _of_same) = first(clerk(2), tags).await;
        let (member, _of_member) = first(Viewer { role: "member".to_owned(), ..clerk(1) }, tags).await;
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &member));
        database.drop().await;
    }
}

#[tokio::test]
async fn attack_69_a_removed_membership_takes_the_rows_away_with_its_commit() {
    for database in support::databases().await {
        let schema = schema(&database).await;
        fill(&database).await;
        let member = Viewer::new("member").with("userId", 3).with("orgId", 2);
        let member = schema.seen_by(&member).unwrap();
        let mut results = subscribed(&member, &database, "subscription { documents { id } }");
        assert_eq!(next(&mut results).await.data(), json!({ "documents": [{ "id": 3 }] }));
        support::data(&schema, &database, "mutation { deleteMember(id: 3) { id } }").await;
        assert_eq!(next(&mut results).await.data(), json!({ "documents": [] }));
        drop(results);
        database.drop().await;
    }
}

#[tokio::test]
async fn attack_71_a_document_that_one_role_may_send_is_validated_for_another() {
    let database = support::sqlite().await;
    let schema = schema(&database).await;
    fill(&database).await;
    let user = schema.seen_by(&viewer(1, 1)).unwrap();
    let query = "{ documents { id note } }";
    for _ in 0..3 {
        assert!(support::ask(&schema, &database, query, Json::Null).await.0.get("errors").is_none());
        let (answer, statements) = support::ask(&user, &database, query, Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
        assert!(statements.is_empty());
    }
    database.drop().await;
}

#[tokio::test]
async fn attack_74_a_retry_after_a_broken_connection_has_the_values_of_its_viewer() {
    let Some(database) = support::postgres().await else { return };
    let schema = schema(&database).await;
    fill(&database).await;
    let query = "{ documents { id org { id } } }";
    let tenants = [(1, schema.seen_by(&viewer(1, 1)).unwrap()), (2, schema.seen_by(&viewer(3, 2)).unwrap())];
    let killer = sea_orm::Database::connect(&database.url).await.unwrap();
    for round in 0..10 {
        for (org, schema) in &tenants {
            let data = support::data(schema, &database, query).await;
            assert!(is_of(&data, *org), "{data}");
        }
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sea_orm::ConnectionTrait::execute_unprepared(&killer, others).await.unwrap();
        let both = tenants.iter().map(async |(org, schema)| {
            let data = support::data(schema, &database, query).await;
            assert!(is_of(&data, *org), "{round}: {data}");
        });
        join_all(both).await;
    }
    database.drop().await;
}
