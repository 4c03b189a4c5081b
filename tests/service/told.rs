//! Clients that disconnect at any moment of a mutation, while a subscriber listens.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use crate::process::{Folder, Service, within};
use crate::socket_client::Socket;
use crate::support::{self, TestDatabase};

/// Number of disconnecting clients, each a little later after its request than the one before.
const LEAVING: u32 = 120;

/// Longer than an abandoned request takes.
const SETTLED: Duration = Duration::from_millis(50);

/// Number of moments of disconnecting, spread over one and a half times a request's duration.
const MOMENTS: u32 = 30;

async fn users(database: &TestDatabase) -> i64 {
    let statement =
        Statement::from_string(database.connection.get_database_backend(), "SELECT count(*) FROM users");
    database.connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn live_query_reaches_the_final_state_when_clients_disconnect() {
    for database in support::databases().await {
        let folder = Folder::new();
        let service = Service::start(&folder, &["--database-url", &database.url]).await;
        let mut listener = Socket::begin(&service).await;
        listener.subscribe("all", "subscription { usersAggregate { count } }").await;
        let mut last = listener.next("all").await;
        let started = Instant::now();
        let create = "mutation { createUser(input: { username: \"first\" }) { id } }";
        assert_eq!(service.ask(create).await.get("errors"), None);
        let time = started.elapsed();
        for number in 0..LEAVING {
            let create = format!("mutation {{ createUser(input: {{ username: \"u{number}\" }}) {{ id }} }}");
            let request = service.post("/graphql").json(&json!({ "query": create }));
            let asked = tokio::spawn(request.send());
            // From before the request is read until after its response, several times over.
            tokio::time::sleep(time * (number % MOMENTS) * 3 / (2 * MOMENTS)).await;
            asked.abort();
            let _ = asked.await;
            // Pending notifications have arrived. No later commit makes up for a missed one.
            tokio::time::sleep(SETTLED).await;
            within(async {
                while last != of(users(&database).await) {
                    last = timeout(SETTLED, listener.next("all")).await.unwrap_or_else(|_| last.take());
                }
            })
            .await;
        }
        assert!(users(&database).await > 9, "each of them left before anything was written");
        assert_eq!(service.stop().await.code, Some(0));
        database.drop().await;
    }
}

fn of(count: i64) -> Json {
    json!({ "data": { "usersAggregate": { "count": count } } })
}
