//! Request parameters, and the messages for invalid ones.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::json;

use crate::process::{Folder, GRAPHQL_RESPONSE, Service, answer, assert_bad};

#[tokio::test]
async fn refuses_a_body_that_is_no_request() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for body in [
        "",
        "{",
        "null",
        "\"{ users { id } }\"",
        r#"["{ users { id } }", null, null]"#,
        r#"[{ "query": "{ users { id } }" }]"#,
        "{}",
        r#"{ "query": null }"#,
        r#"{ "query": 1 }"#,
        r#"{ "query": ["{ users { id } }"] }"#,
        r#"{ "query": "{ users { id } }", "variables": [1] }"#,
        r#"{ "query": "{ users { id } }", "variables": "{" }"#,
        r#"{ "query": "{ users { id } }", "variables": "{}" }"#,
        r#"{ "query": "{ users { id } }", "operationName": 1 }"#,
        r#"{ "query": "{ users { id } }", "extensions": [] }"#,
        r#"{ "query": "{ users { id } }", "extensions": 1 }"#,
        r#"{ "query": "{ users { id } }", "query": "{ posts { id } }" }"#,
        r#"{ "query": "{ users { id } }" } {}"#,
    ] {
        let request = service.post("/graphql").header(CONTENT_TYPE, "application/json").body(body);
        assert_bad(answer(request).await, 400, body);
        let request = service.post("/graphql").header(CONTENT_TYPE, "application/json");
        let (status, content_type, _) =
            answer(request.header(ACCEPT, "application/graphql-response+json").body(body)).await;
        assert_eq!((status, content_type.as_str()), (400, GRAPHQL_RESPONSE), "{body}");
    }
    let query = ("query", "{ users { id } }");
    for parameters in [
        &[][..],
        &[query, ("variables", "[1]")],
        &[query, ("variables", "{")],
        &[query, ("variables", "")],
        &[query, ("extensions", "[]")],
        &[query, query],
    ] {
        assert_bad(answer(service.get("/graphql").query(parameters)).await, 400, parameters);
    }
}

#[tokio::test]
async fn a_parameter_of_the_wrong_type_is_named_with_what_was_expected() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let (_, _, body) = answer(service.post("/graphql").json(&json!({ "query": 5 }))).await;
    assert_eq!(
        body["errors"][0]["message"],
        "the body is not a GraphQL request: parameter \"query\": invalid type: integer `5`, expected a string at line 1 column 10"
    );
}

#[tokio::test]
async fn null_is_absent_and_unknown_parameters_are_left_alone() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let expected = json!({ "data": { "user": { "id": 1 } } });
    let body = json!({
        "query": "{ user(id: 1) { id } }", "operationName": null, "variables": null, "extensions": null,
        "documentId": null, "more": [{}],
    });
    assert_eq!(answer(service.post("/graphql").json(&body)).await.2, expected);
    let body =
        json!({ "query": "{ user(id: 1) { id } }", "extensions": { "persistedQuery": null, "more": 1 } });
    assert_eq!(answer(service.post("/graphql").json(&body)).await.2, expected);
    let parameters = [
        ("query", "{ user(id: 1) { id } }"),
        ("operationName", ""),
        ("variables", "null"),
        ("extensions", "{\"more\": 1}"),
        ("more", ""),
    ];
    assert_eq!(answer(service.get("/graphql").query(&parameters)).await.2, expected);
}

#[tokio::test]
async fn errors_do_not_echo_large_input() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let long = "x".repeat(100_000);
    let unknown: String = (0..2_000).map(|number| format!(" u{number}")).collect();
    for body in [
        json!({ "query": "{ users { id } }", "variables": long }),
        json!({ "query": format!("{{ {long} }}") }),
        json!({ "query": "{ users { id } }", "operationName": long }),
        json!({ "query": format!("query ($a: {long}) {{ users {{ id }} }}") }),
        json!({ "query": "query ($id: Int!) { user(id: $id) { id } }", "variables": { "id": long } }),
        json!({ "query": "{ users(where: { username: { regex: \"".to_owned() + &long + "\" } }) { nothing } }" }),
        json!({ "query": format!("{{ users {{ {unknown} }} }}") }),
    ] {
        let response = service.post("/graphql").json(&body).send().await.unwrap();
        let answer = response.text().await.unwrap();
        assert!(answer.starts_with("{\"errors\":["), "{}", &answer[..100]);
        assert!(answer.len() < 50_000, "{} bytes: {}", answer.len(), &answer[..500]);
    }

    let body = json!({ "query": format!("{{ users {{ {unknown} }} }}") });
    let (_, _, body) = answer(service.post("/graphql").json(&body)).await;
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 100);
    assert_eq!(errors[99]["extensions"], json!({ "code": "TOO_MANY_ERRORS", "leftOut": 1_901 }));
}
