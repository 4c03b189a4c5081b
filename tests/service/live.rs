//! Live queries without a network.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Variables};
use crowsfoot::{Executed, Schema};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use crate::process::{until, within};
use crate::support::{self, TestDatabase, example};

/// Longer than a change takes to arrive.
const A_WHILE: Duration = Duration::from_millis(300);

struct Live<'a> {
    schema: &'a Schema,
    database: &'a TestDatabase,
    results: BoxStream<'static, Arc<Executed>>,
}

impl<'a> Live<'a> {
    fn new(schema: &'a Schema, database: &'a TestDatabase, query: &str, variables: Json) -> Self {
        let request = Request::new(query).variables(Variables::from_json(variables));
        let prepared = schema.prepare(request).unwrap();
        Self { schema, database, results: schema.subscribe(prepared, &database.connection) }
    }

    async fn next(&mut self) -> Json {
        let executed = within(self.results.next()).await.unwrap();
        assert_eq!(executed.errors, [], "{executed:?}");
        executed.data()
    }

    /// Runs a mutation and checks that no result follows.
    async fn sleeps_through(&mut self, query: &str) {
        support::ask(self.schema, self.database, query, json!({})).await;
        let came = timeout(A_WHILE, self.results.next()).await;
        assert!(came.is_err(), "{query}: {came:?}");
    }

    async fn change(&self, query: &str) {
        let (answer, _) = support::ask(self.schema, self.database, query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{query}: {answer}");
    }
}

/// Runs a test on each database.
async fn on_each_database(test: impl AsyncFn(&Schema, &TestDatabase)) {
    for database in support::databases().await {
        database.seed(1).await;
        let schema = Schema::new(example::registry().model().unwrap()).unwrap();
        test(&schema, &database).await;
        drop(schema);
        database.drop().await;
    }
}

#[tokio::test]
async fn sends_the_result_at_once_and_again_when_a_commit_changes_it() {
    on_each_database(async |schema, database| {
        let query = "subscription($id: Int!) { user(id: $id) { username userInfos { phoneNumber } } }";
        let mut live = Live::new(schema, database, query, json!({ "id": 1 }));
        assert_eq!(live.next().await["user"]["username"], "ada");
        live.change("mutation { updateUser(id: 1, input: { username: \"eve\" }) { id } }").await;
        assert_eq!(live.next().await["user"]["username"], "eve");
        // Another row, another table, an equal value, and a rolled-back change.
        for nothing in [
            "mutation { updateUser(id: 2, input: { username: \"bob\" }) { id } }",
            "mutation { updatePlace(id: 1, input: { name: \"Elsewhere\" }) { id } }",
            "mutation { updateUser(id: 1, input: { username: \"eve\" }) { id } }",
            "mutation { updateUser(id: 1, input: { username: \"no\" }) { id } deleteUser(id: 404) { id } }",
        ] {
            live.sleeps_through(nothing).await;
        }
        // Table of a nested field.
        live.change("mutation { updateUserInfo(id: 2, input: { phoneNumber: \"+1\" }) { id } }").await;
        let phones = live.next().await;
        assert!(phones["user"]["userInfos"].as_array().unwrap().iter().any(|one| one["phoneNumber"] == "+1"));
        // Deletion of the row itself.
        live.change("mutation { deleteUsers(where: { id: { eq: 1 } }) { affected } }").await;
        assert_eq!(live.next().await, json!({ "user": null }));
    })
    .await;
}

#[tokio::test]
async fn rows_that_the_database_deletes_along_are_seen() {
    on_each_database(async |schema, database| {
        let mut live = Live::new(schema, database, "subscription { profilesAggregate { count } }", json!({}));
        let before = live.next().await["profilesAggregate"]["count"].as_i64().unwrap();
        // Only the user is named; ON DELETE CASCADE deletes its profile.
        live.change("mutation { deleteUser(id: 1) { id } }").await;
        assert_eq!(live.next().await["profilesAggregate"]["count"], before - 1);
    })
    .await;
}

#[tokio::test]
async fn reruns_a_live_query_when_a_table_of_its_filter_changes() {
    on_each_database(async |schema, database| {
        let query = "subscription { usersAggregate(where: { profile: { bio: { eq: \"new\" } } }) { count } }";
        let mut live = Live::new(schema, database, query, json!({}));
        assert_eq!(live.next().await, json!({ "usersAggregate": { "count": 0 } }));
        live.change("mutation { updateProfile(id: 1, input: { bio: \"new\" }) { bio } }").await;
        assert_eq!(live.next().await, json!({ "usersAggregate": { "count": 1 } }));
    })
    .await;
}

#[tokio::test]
async fn equal_subscriptions_share_a_run_and_a_late_one_starts_with_what_is_known() {
    on_each_database(async |schema, database| {
        let query = "subscription { users(limit: 1) { username } }";
        let mut one = Live::new(schema, database, query, json!({}));
        assert_eq!(one.next().await["users"][0]["username"], "ada");
        // Unnoticed change: only a new run would see it.
        database.run("UPDATE users SET username = 'unseen' WHERE id = 1").await;
        let mut other = Live::new(schema, database, query, json!({}));
        assert_eq!(other.next().await["users"][0]["username"], "ada");
        let mut different =
            Live::new(schema, database, "subscription Other { users(limit: 1) { username } }", json!({}));
        assert_eq!(different.next().await["users"][0]["username"], "unseen");
        // Code that writes by other ways may notify.
        database.connection.changes().notify(tables(schema));
        assert_eq!(one.next().await["users"][0]["username"], "unseen");
        assert_eq!(other.next().await["users"][0]["username"], "unseen");
        drop(one);
        other.change("mutation { updateUser(id: 1, input: { username: \"eve\" }) { id } }").await;
        assert_eq!(other.next().await["users"][0]["username"], "eve");
    })
    .await;
}

/// Returns the tables of all entities.
fn tables(schema: &Schema) -> std::collections::BTreeSet<crowsfoot::tables::Table> {
    schema.model().entities.iter().map(|entity| entity.table.clone()).collect()
}

#[tokio::test]
async fn slow_subscriber_skips_intermediate_results_and_gets_the_last() {
    on_each_database(async |schema, database| {
        let mut live =
            Live::new(schema, database, "subscription { users(limit: 1) { username } }", json!({}));
        live.next().await;
        for number in 0..10 {
            live.change(&format!(
                "mutation {{ updateUser(id: 1, input: {{ username: \"n{number}\" }}) {{ id }} }}"
            ))
            .await;
        }
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(live.next().await["users"][0]["username"], "n9");
    })
    .await;
}

#[tokio::test]
async fn sends_one_result_and_completes_when_a_request_error_occurs() {
    on_each_database(async |schema, database| {
        for query in [
            "subscription { nobody }",
            "subscription { users { id } authors { id } }",
            "subscription { ...Two } fragment Two on Subscription { users { id } authors { id } }",
            "subscription($id: Int!) { user(id: $id) { id } }",
        ] {
            let mut live = Live::new(schema, database, query, json!({}));
            let refused = within(live.results.next()).await.unwrap();
            assert!(refused.is_request_error(), "{query}: {refused:?}");
            assert!(within(live.results.next()).await.is_none(), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn ends_a_run_when_its_last_subscriber_leaves() {
    on_each_database(async |schema, database| {
        let query = "subscription { users(limit: 1) { username } }";
        let mut live = Live::new(schema, database, query, json!({}));
        live.next().await;
        drop(live);
        // A run that is still active would return the old name.
        database.run("UPDATE users SET username = 'unseen' WHERE id = 1").await;
        until(async || {
            let mut again = Live::new(schema, database, query, json!({}));
            again.next().await["users"][0]["username"] == "unseen"
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn queries_and_mutations_have_one_result() {
    on_each_database(async |schema, database| {
        for query in ["{ users { id } }", "mutation { deleteUser(id: 1) { id } }"] {
            let mut live = Live::new(schema, database, query, json!({}));
            live.next().await;
            assert!(within(live.results.next()).await.is_none());
        }
    })
    .await;
}
