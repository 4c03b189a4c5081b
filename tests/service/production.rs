//! Information that a service in production does not reveal.

use serde_json::json;

use crate::process::{Folder, Service, answer};

#[tokio::test]
async fn introspection_can_be_switched_off_and_says_so() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--no-introspection"]).await;
    for query in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"User\") { name } }",
        "{ users { id } hidden: __schema { types { name } } }",
        "{ ...Deep } fragment Deep on Query { ... on Query { __schema { types { name } } } }",
        "query ($no: Boolean = false) { __schema @skip(if: $no) { types { name } } }",
    ] {
        let request = service.post("/graphql").header("accept", "application/graphql-response+json");
        let (status, _, body) = answer(request.json(&json!({ "query": query }))).await;
        assert_eq!(status, 400, "{query}: {body}");
        assert_eq!(body.get("data"), None, "{query}: {body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{query}: {body}");
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("introspection is disabled"), "{query}: {message}");
    }
    let named = service.ask("{ __typename user(id: 1) { __typename } }").await;
    assert_eq!(named, json!({ "data": { "__typename": "Query", "user": { "__typename": "User" } } }));
    for operation in ["mutation", "subscription"] {
        let answer = service.ask(&format!("{operation} {{ __schema {{ types {{ name }} }} }}")).await;
        assert!(answer["errors"].is_array() && !answer.to_string().contains("UserFilter"), "{answer}");
    }
}

#[tokio::test]
async fn errors_hint_at_the_schema_in_development_alone() {
    for (arguments, hints) in [
        (&["--mode", "development"][..], true),
        (&["--mode", "production", "--public"], false),
        (&["--mode", "development", "--no-introspection"], false),
    ] {
        let folder = Folder::new();
        let service = Service::start(&folder, arguments).await;
        for query in ["{ user(id: 1) { usernam } }", "{ users(limits: 1) { id } }", "{ userz { id } }"] {
            let answer = service.ask(query).await.to_string();
            assert_eq!(answer.contains("Did you mean"), hints, "{arguments:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn introspection_is_there_unless_it_is_switched_off() {
    for arguments in [&["--mode", "development"][..], &["--mode", "production", "--public"]] {
        let folder = Folder::new();
        let service = Service::start(&folder, arguments).await;
        let answer = service.ask("{ __type(name: \"User\") { name } }").await;
        assert_eq!(answer, json!({ "data": { "__type": { "name": "User" } } }));
    }
}
