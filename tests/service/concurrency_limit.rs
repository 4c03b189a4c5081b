//! Overload: too many requests, too large ones, too slow ones.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Folder, JSON, Service, answer, assert_bad, header, until, within};
use crate::support::{self, TestDatabase};

const DELETE: &str = "mutation { deleteUser(id: 8) { id } }";

/// Blocks all writers until it is dropped.
async fn hold(database: &TestDatabase) -> DatabaseTransaction {
    let lock = database.connection.begin().await.unwrap();
    lock.execute_unprepared("UPDATE users SET username = username WHERE id = 8").await.unwrap();
    lock
}

#[tokio::test]
async fn refuses_requests_above_the_limit_with_retry_after() {
    for database in support::databases().await {
        let folder = Folder::new();
        let service =
            Service::start(&folder, &["--max-concurrent", "1", "--database-url", &database.url]).await;
        let lock = hold(&database).await;
        let delete = service.post("/graphql").json(&json!({ "query": DELETE }));
        let held = tokio::spawn(async move {
            // A question below may have the one place first.
            loop {
                let response = delete.try_clone().unwrap().send().await.unwrap();
                if response.status() != 503 {
                    return response;
                }
            }
        });
        until(async || {
            let read = service.get("/graphql").query(&[("query", "{ __typename }")]);
            read.send().await.unwrap().status() == 503
        })
        .await;

        for accept in ["application/json", "application/graphql-response+json"] {
            let request = service.post("/graphql").header("accept", accept);
            let response = request.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
            assert_eq!(response.status(), 503);
            assert_eq!(header(&response, "retry-after"), "1");
            let body: Json = response.json().await.unwrap();
            assert_eq!(
                body,
                json!({ "errors": [{
                    "message": "concurrency limit reached: too many requests are running at the moment",
                    "extensions": { "code": "UNAVAILABLE", "retryAfter": 1 },
                }] })
            );
        }
        for path in ["/healthz", "/readyz", "/"] {
            assert_eq!(service.get(path).send().await.unwrap().status(), 200, "{path}");
        }
        lock.rollback().await.unwrap();
        let answered: Json = within(held).await.unwrap().json().await.unwrap();
        assert_eq!(answered, json!({ "data": { "deleteUser": { "id": 8 } } }));
        let free = service.ask("{ __typename }").await;
        assert_eq!(free, json!({ "data": { "__typename": "Query" } }));
        service.stop().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up_and_leaves_nothing_behind() {
    for database in support::databases().await {
        let folder = Folder::new();
        let arguments = ["--timeout", "1", "--max-concurrent", "1", "--database-url", &database.url];
        let service = Service::start(&folder, &arguments).await;
        let lock = hold(&database).await;
        let response = service.post("/graphql").json(&json!({ "query": DELETE })).send();
        let response = within(response).await.unwrap();
        assert_eq!(response.status(), 504);
        assert_eq!(header(&response, "retry-after"), "1");
        let body: Json = response.json().await.unwrap();
        assert_eq!(
            body,
            json!({ "errors": [{
                "message": "the request exceeded the time limit of 1 s and was cancelled",
                "extensions": { "code": "TIMEOUT", "retryAfter": 1 },
            }] })
        );
        lock.rollback().await.unwrap();
        // The permit is released, and the transaction rolled back.
        let left = service.ask("{ user(id: 8) { id } }").await;
        assert_eq!(left, json!({ "data": { "user": { "id": 8 } } }));
        service.stop().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_its_announced_length() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-body", "1000"]).await;
    let large = json!({ "query": "{ users { id } }", "variables": { "a": "a".repeat(1_000) } });
    assert_bad(answer(service.post("/graphql").json(&large)).await, 413, "a large body");
    let small = json!({ "query": "{ user(id: 1) { id } }", "variables": { "a": "a".repeat(900) } });
    assert_eq!(answer(service.post("/graphql").json(&small)).await.0, 200);
}

/// Connects, sends a head, and reads until the other side closes.
async fn talk(service: &Service<'_>, head: &str) -> String {
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn refuses_an_endless_body_while_it_arrives() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    // Sends chunks of 64 KiB until the connection is closed.
    let cut_off = tokio::spawn(async move {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        while writer.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let mut start = vec![0; 12];
    within(reader.read_exact(&mut start)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 413");
    within(cut_off).await.unwrap();
    assert_eq!(service.ask("{ __typename }").await, json!({ "data": { "__typename": "Query" } }));
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_are_cut_off() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--timeout", "1"]).await;
    let started = Instant::now();
    let head = talk(&service, "POST /graphql HTTP/1.1\r\nhost: a\r\nx-slow: ").await;
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");

    let body = talk(
        &service,
        "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"query\":",
    )
    .await;
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    assert!(body.contains(JSON) && body.contains("the body was not received within 1 s"), "{body}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test]
async fn slow_bodies_take_no_permit_from_other_requests() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-concurrent", "2"]).await;
    let head =
        "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(service.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    for _ in 0..10 {
        assert_eq!(service.ask("{ __typename }").await, json!({ "data": { "__typename": "Query" } }));
    }
}
