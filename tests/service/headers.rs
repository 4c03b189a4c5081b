//! Headers of every response.

use reqwest::Method;
use serde_json::json;

use crate::process::{Folder, Service, header};

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (request, is_page) in [
        (service.post("/graphql").json(&json!({ "query": "{ users { id } }" })), false),
        (service.post("/graphql").body("x"), false),
        (service.request(Method::OPTIONS, "/graphql"), false),
        (service.get("/healthz"), false),
        (service.get("/nothing"), false),
        (service.get("/"), true),
    ] {
        let response = request.send().await.unwrap();
        let url = response.url().clone();
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{url}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{url}");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin", "{url}");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin", "{url}");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{url}: {policy}");
        assert_eq!(policy.contains("script-src"), is_page, "{url}: {policy}");
    }
}

#[tokio::test]
async fn responses_forbid_caching() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for query in ["{ users { id } }", "{ nothing }", ""] {
        for request in [
            service.get("/graphql").query(&[("query", query)]),
            service.post("/graphql").json(&json!({ "query": query })),
        ] {
            let response = request.send().await.unwrap();
            assert_eq!(header(&response, "cache-control"), "no-store");
            assert_eq!(header(&response, "vary"), "Accept, Accept-Encoding");
        }
    }
}
