//! Cross-origin requests.

use reqwest::header::ORIGIN;
use reqwest::{Method, Response};
use serde_json::json;

use crate::process::{Folder, Service, header, run};

const OURS: &str = "https://shop.example";
const OTHER: &str = "https://evil.example";

async fn preflight(service: &Service<'_>, origin: &str, method: &str) -> Response {
    let request = service.request(Method::OPTIONS, "/graphql").header(ORIGIN, origin);
    let request = request.header("access-control-request-method", method);
    request.header("access-control-request-headers", "content-type, x-own").send().await.unwrap()
}

async fn ask(service: &Service<'_>, origin: &str) -> Response {
    let body = json!({ "query": "{ user(id: 1) { id } }" });
    service.post("/graphql").header(ORIGIN, origin).json(&body).send().await.unwrap()
}

fn has_none(response: &Response) -> bool {
    !response.headers().keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn without_a_list_no_foreign_page_may_ask() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    assert!(has_none(&preflight(&service, OURS, "POST").await));
    assert!(has_none(&ask(&service, OURS).await));
}

#[tokio::test]
async fn pages_of_the_list_may_ask_and_others_may_not() {
    let folder = Folder::new();
    let arguments = ["--cors-origin", OURS, "--cors-origin", "http://localhost:3000"];
    let service = Service::start(&folder, &arguments).await;
    for origin in [OURS, "http://localhost:3000"] {
        let allowed = preflight(&service, origin, "POST").await;
        assert!(allowed.status().is_success());
        assert_eq!(header(&allowed, "access-control-allow-origin"), origin);
        assert!(header(&allowed, "access-control-allow-methods").contains("POST"));
        assert!(header(&allowed, "access-control-allow-headers").contains("content-type"));
        assert!(header(&allowed, "vary").contains("Origin"));
        assert_eq!(header(&allowed, "access-control-allow-credentials"), "");

        let answered = ask(&service, origin).await;
        assert_eq!(answered.status(), 200);
        assert_eq!(header(&answered, "access-control-allow-origin"), origin);
        assert!(header(&answered, "access-control-expose-headers").contains("x-request-id"));
        assert!(header(&answered, "vary").contains("Origin"), "{:?}", answered.headers());
        assert!(header(&answered, "vary").contains("Accept"), "{:?}", answered.headers());
        assert_eq!(header(&answered, "access-control-allow-credentials"), "");
    }
    assert_eq!(header(&preflight(&service, OTHER, "POST").await, "access-control-allow-origin"), "");
    assert_eq!(header(&preflight(&service, OURS, "DELETE").await, "access-control-allow-origin"), "");
    let answered = ask(&service, OTHER).await;
    assert_eq!(header(&answered, "access-control-allow-origin"), "");
    assert!(header(&answered, "vary").contains("Origin"), "{:?}", answered.headers());
    // Clients without an origin, and pages of the service, are unaffected.
    assert_eq!(service.ask("{ user(id: 1) { id } }").await, json!({ "data": { "user": { "id": 1 } } }));
    let options = service.request(Method::OPTIONS, "/graphql").send().await.unwrap();
    assert_eq!(options.status(), 204);
}

#[tokio::test]
async fn names_an_invalid_origin_at_the_start() {
    for other in ["*", "shop.example", "https://shop.example/", "https://shop.example,http://"] {
        let folder = Folder::new();
        let ended = run(&folder, &["--listen", "127.0.0.1:0", "--cors-origin", other]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let named = other.rsplit(',').next().unwrap();
        assert!(ended.log.contains(&format!("\"{named}\" is not an origin")), "{ended:?}");
    }
}
