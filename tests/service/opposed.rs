//! Clients that update the same rows in opposite orders.

use futures_util::future::join_all;
use serde_json::json;

use crate::process::{Folder, Service, within};
use crate::support;

/// Number of times that each client updates both rows.
const TIMES: usize = 60;

async fn change(service: &Service<'_>, client: usize, [one, other]: [i32; 2]) {
    for time in 0..TIMES {
        let update = |place: i32| {
            format!(
                "p{place}: updatePlace(id: {place}, input: {{ address: \"{client} {time}\" }}) {{ address }}"
            )
        };
        let answer = within(service.ask(&format!("mutation {{ {} {} }}", update(one), update(other)))).await;
        let address = json!({ "address": format!("{client} {time}") });
        assert_eq!(answer, json!({ "data": { format!("p{one}"): address, format!("p{other}"): address } }));
    }
}

#[tokio::test]
async fn clients_see_no_deadlock_that_a_retry_resolves() {
    for database in support::databases().await {
        database.seed(1).await;
        if database.dialect == crowsfoot::internals::dialect::Dialect::Postgres {
            // By default, the deadlock check runs one second into a wait.
            let name = database.url.rsplit_once('/').map(|(_, name)| name).unwrap_or_default();
            database.run(&format!("ALTER DATABASE {name} SET deadlock_timeout = '5ms'")).await;
        }
        let folder = Folder::new();
        let service = Service::start(&folder, &["--database-url", &database.url]).await;
        join_all([
            change(&service, 1, [1, 2]),
            change(&service, 2, [2, 1]),
            change(&service, 3, [1, 2]),
            change(&service, 4, [2, 1]),
        ])
        .await;
        // Both rows have the value of the last transaction.
        let places = service.ask("{ places(where: { id: { in: [1, 2] } }) { address } }").await;
        assert_eq!(places["data"]["places"][0], places["data"]["places"][1], "{places}");
        let ended = service.stop().await;
        assert!(!ended.log.contains("ERROR"), "{}", ended.log);
        database.drop().await;
    }
}

/// Orders in which the clients of one test update four rows.
const ORDERS: [[i32; 4]; 8] = [
    [1, 2, 3, 4],
    [4, 3, 2, 1],
    [2, 4, 1, 3],
    [3, 1, 4, 2],
    [1, 3, 2, 4],
    [4, 2, 3, 1],
    [2, 1, 4, 3],
    [3, 4, 1, 2],
];

#[tokio::test]
async fn clients_that_update_the_same_rows_in_any_order_are_all_answered() {
    for database in support::databases().await {
        database.seed(1).await;
        let folder = Folder::new();
        let service = Service::start(&folder, &["--database-url", &database.url]).await;
        // PostgreSQL's deadlock check keeps its default of one second: each deadlock takes that long.
        let client = |order: [i32; 4]| {
            let service = &service;
            async move {
                for time in 0..2 {
                    let updates = order.map(|place| {
                        format!("p{place}: updatePlace(id: {place}, input: {{ address: \"{order:?} {time}\" }}) {{ id }}")
                    });
                    let answer = service.ask(&format!("mutation {{ {} }}", updates.join(" "))).await;
                    assert!(answer.get("errors").is_none(), "{answer}");
                }
            }
        };
        join_all(ORDERS.map(client)).await;
        let places = service.ask("{ places(where: { id: { in: [1, 2, 3, 4] } }) { address } }").await;
        let places = places["data"]["places"].as_array().cloned().unwrap_or_default();
        assert_eq!(places.len(), 4);
        assert!(places.iter().all(|place| place == &places[0]), "{places:?}");
        service.stop().await;
        database.drop().await;
    }
}
