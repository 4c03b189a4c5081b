//! Example `mounted`: the service below `/api` of an actix-web application, tested over HTTP.

use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;

use crate::support::{self, TestDatabase};

#[path = "../../examples/mounted/main.rs"]
mod example;

/// Running example, on a database of its own.
struct Mounted {
    database: TestDatabase,
    address: String,
    client: Client,
    handle: ServerHandle,
    application: JoinHandle<()>,
}

impl Mounted {
    async fn open() -> Self {
        let database = support::sqlite().await;
        let url = database.url.clone();
        let (sender, receiver) = oneshot::channel();
        let application = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let (server, address) = example::application(&url, "127.0.0.1:0").await.unwrap();
                assert!(sender.send((server.handle(), address)).is_ok());
                server.await.unwrap();
            });
        });
        let (handle, address) = receiver.await.unwrap();
        database.run("INSERT INTO authors VALUES (1, 'Ada', NULL), (2, 'Ben', 1)").await;
        Self { database, address: format!("http://{address}"), client: Client::new(), handle, application }
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.address)).send().await.unwrap()
    }

    async fn close(self) {
        self.handle.stop(true).await;
        self.application.join().unwrap();
        self.database.drop().await;
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_mounted_service_answers_inside_the_middleware_of_the_application() {
    let mounted = Mounted::open().await;
    let body = json!({ "query": "{ authors { name mentor { name } } }" });
    let response =
        mounted.client.post(format!("{}/api/graphql", mounted.address)).json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "x-visit"), Some("1"));
    assert!(header(&response, "x-request-id").is_some());
    let expected = json!({ "data": { "authors": [
        { "name": "Ada", "mentor": null }, { "name": "Ben", "mentor": { "name": "Ada" } },
    ] } });
    assert_eq!(response.json::<Json>().await.unwrap(), expected);
    assert_eq!(mounted.get("/api/readyz").await.status(), StatusCode::OK);
    assert_eq!(mounted.get("/api/metrics").await.status(), StatusCode::FORBIDDEN);
    let metrics = mounted.get("/operations/metrics").await.text().await.unwrap();
    let counted = "crowsfoot_requests_total{operation=\"query\",outcome=\"ok\"} 1";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    mounted.close().await;
}

#[tokio::test]
async fn a_mounted_service_leaves_other_routes_of_the_application_alone() {
    let mounted = Mounted::open().await;
    let own = mounted.get("/visits").await;
    assert_eq!(own.status(), StatusCode::OK);
    for name in ["x-request-id", "content-security-policy", "cross-origin-resource-policy"] {
        assert_eq!(header(&own, name), None, "{name}");
    }
    assert_eq!(own.text().await.unwrap(), "1 visits\n");
    for path in ["/", "/graphql", "/healthz", "/api/none", "/none"] {
        assert_eq!(mounted.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    mounted.close().await;
}

#[tokio::test]
async fn a_mounted_service_serves_events_and_graphiql_below_its_prefix() {
    let mounted = Mounted::open().await;
    let events =
        mounted.client.get(format!("{}/api/graphql?query=%7Bauthor(id:2)%7Bname%7D%7D", mounted.address));
    let events = events.header("Accept", "text/event-stream").send().await.unwrap();
    assert_eq!(header(&events, "content-type"), Some("text/event-stream; charset=utf-8"));
    let text = events.text().await.unwrap();
    assert!(text.contains("data: {\"data\":{\"author\":{\"name\":\"Ben\"}}}\n\n"), "{text}");
    assert!(text.ends_with("event: complete\ndata:\n\n"), "{text}");
    // The links of the page, and the endpoint that it uses, are relative to its address.
    let page = mounted.get("/api").await;
    assert_eq!(page.url().path(), "/api/");
    assert_eq!(page.status(), StatusCode::OK);
    let (url, html) = (page.url().clone(), page.text().await.unwrap());
    let link = html.split("src=\"").find(|rest| rest.starts_with("graphiql/")).unwrap();
    let script = url.join(link.split('"').next().unwrap()).unwrap();
    let script = mounted.client.get(script).send().await.unwrap();
    assert_eq!(script.status(), StatusCode::OK);
    assert_eq!(header(&script, "content-type"), Some("text/javascript; charset=utf-8"));
    mounted.close().await;
}
