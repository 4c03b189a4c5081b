//! Server-sent events (`graphql-sse`, distinct connections).

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, until, within};

const EVENTS: &str = "text/event-stream";
const USERS: &str = "subscription { users(limit: 1) { username } }";

/// Event stream, parsed according to the standard.
pub struct Events {
    bytes: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    read: String,
}

impl Events {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = within(request.header("accept", EVENTS).send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        assert!(!response.headers().contains_key("content-encoding"));
        let bytes = response.bytes_stream().map(|bytes| bytes.map(Vec::from)).boxed();
        Self { bytes, read: String::new() }
    }

    pub async fn subscribe(service: &Service<'_>, query: &str) -> Self {
        Self::open(service.post("/graphql").json(&json!({ "query": query }))).await
    }

    /// Returns the next event with its data, or `None` at the end of the stream.
    pub async fn event(&mut self) -> Option<(String, String)> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let event = event.to_owned();
                self.read = rest.to_owned();
                // Comment of the stream.
                if event == ":" {
                    continue;
                }
                let (name, data) = event.split_once('\n').unwrap();
                let name = name.strip_prefix("event: ").unwrap().to_owned();
                return Some((name, data.strip_prefix("data:").unwrap().trim().to_owned()));
            }
            let bytes = within(self.bytes.next()).await?.ok()?;
            self.read.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    pub async fn next(&mut self) -> Json {
        let (name, data) = self.event().await.unwrap();
        assert_eq!(name, "next");
        serde_json::from_str(&data).unwrap()
    }

    /// Checks that only the final event follows.
    async fn completes(&mut self) {
        assert_eq!(self.event().await, Some(("complete".to_owned(), String::new())));
        assert_eq!(self.event().await, None);
    }
}

fn users(name: &str) -> Json {
    json!({ "data": { "users": [{ "username": name }] } })
}

async fn rename(service: &Service<'_>, name: &str) {
    let query = format!("mutation {{ updateUser(id: 1, input: {{ username: \"{name}\" }}) {{ id }} }}");
    assert_eq!(service.ask(&query).await, json!({ "data": { "updateUser": { "id": 1 } } }));
}

#[tokio::test]
async fn a_query_and_a_mutation_have_one_result_and_are_complete() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut events = Events::subscribe(&service, "{ users(limit: 1) { username } }").await;
    assert_eq!(events.next().await, users("ada"));
    events.completes().await;
    let rename = "mutation { updateUser(id: 1, input: { username: \"eve\" }) { username } }";
    let mut events = Events::subscribe(&service, rename).await;
    assert_eq!(events.next().await, json!({ "data": { "updateUser": { "username": "eve" } } }));
    events.completes().await;
    let mut events =
        Events::open(service.get("/graphql").query(&[("query", "{ users(limit: 1) { username } }")])).await;
    assert_eq!(events.next().await, users("eve"));
    events.completes().await;
}

#[tokio::test]
async fn a_subscription_goes_on_by_post_and_by_get() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut posted = Events::subscribe(&service, USERS).await;
    assert_eq!(posted.next().await, users("ada"));
    let mut got = Events::open(service.get("/graphql").query(&[("query", USERS)])).await;
    assert_eq!(got.next().await, users("ada"));
    rename(&service, "eve").await;
    assert_eq!(posted.next().await, users("eve"));
    assert_eq!(got.next().await, users("eve"));
    rename(&service, "bob2").await;
    assert_eq!(posted.next().await, users("bob2"));
}

#[tokio::test]
async fn sends_document_errors_in_the_stream() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nobody }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nobody }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { users { id } authors { id } }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let mut events = Events::subscribe(&service, query).await;
        let result = events.next().await;
        assert_eq!(result["errors"][0]["extensions"]["code"], code, "{query}: {result}");
        assert_eq!(result.get("data"), None, "{query}: {result}");
        events.completes().await;
    }
}

#[tokio::test]
async fn malformed_requests_get_a_status_instead_of_a_stream() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-batch", "10"]).await;
    let status = async |request: RequestBuilder| {
        let response: Response = within(request.header("accept", EVENTS).send()).await.unwrap();
        let status = response.status().as_u16();
        let answer: Json = response.json().await.unwrap();
        assert!(answer["errors"][0]["message"].is_string(), "{answer}");
        status
    };
    let post = || service.post("/graphql");
    assert_eq!(status(post().json(&json!({ "variables": {} }))).await, 400);
    assert_eq!(status(post().json(&json!([{ "query": "{ users { id } }" }]))).await, 400);
    assert_eq!(status(post().header("content-type", "application/json").body("{")).await, 400);
    assert_eq!(status(post().header("content-type", "text/plain").body("{}")).await, 415);
    let mutation = "mutation { deleteUser(id: 1) { id } }";
    assert_eq!(status(service.get("/graphql").query(&[("query", mutation)])).await, 405);
}

#[tokio::test]
async fn streams_take_the_places_of_sockets_and_free_them() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-sockets", "1"]).await;
    let mut events = Events::subscribe(&service, "{ users(limit: 1) { username } }").await;
    events.next().await;
    events.completes().await;
    let mut events = Events::subscribe(&service, USERS).await;
    events.next().await;
    let refused = service.post("/graphql").json(&json!({ "query": USERS })).header("accept", EVENTS);
    let refused = within(refused.send()).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    // Single responses need no permit.
    service.ask("{ users { id } }").await;

    // A disconnected client is noticed even if no event is sent.
    drop(events);
    until(async || {
        let request = service.post("/graphql").json(&json!({ "query": "{ users(limit: 1) { id } }" }));
        within(request.header("accept", EVENTS).send()).await.unwrap().status() == 200
    })
    .await;
}

#[tokio::test]
async fn the_end_of_the_service_ends_streams_and_is_not_held_up_by_them() {
    let folder = Folder::new();
    let mut service = Service::start(&folder, &[]).await;
    let mut events = Events::subscribe(&service, USERS).await;
    events.next().await;
    service.signal("TERM").await;
    // Without `complete`: the client is expected to reconnect.
    assert_eq!(events.event().await, None);
    let ended = service.end().await;
    assert_eq!(ended.code, Some(0));
    assert!(!ended.log.contains("ERROR"), "{}", ended.log);
}

#[tokio::test]
async fn slow_reader_skips_intermediate_results_and_gets_the_last() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let grow = "mutation($input: ProfileUpdate!) { updateProfile(id: 1, input: $input) { user { id } } }";
    let body = json!({ "query": grow, "variables": { "input": { "bio": "x".repeat(900_000) } } });
    let grown: Json = service.post("/graphql").json(&body).send().await.unwrap().json().await.unwrap();
    assert!(grown.get("errors").is_none(), "{grown}");
    let mut events =
        Events::subscribe(&service, "subscription { users(limit: 1) { username profile { bio } } }").await;
    for number in 1..=60 {
        rename(&service, &format!("name{number}")).await;
        // Longer than the pause between two runs.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let mut seen = 0;
    while events.next().await["data"]["users"][0]["username"] != "name60" {
        seen += 1;
    }
    assert!(seen < 40, "{seen} results were kept for a client that did not read");
}
