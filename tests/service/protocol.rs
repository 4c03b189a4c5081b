//! GraphQL over HTTP.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service};

const JSON: &str = "application/json";
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// Status, content type and body of an answer.
async fn answer(request: RequestBuilder) -> (u16, String, Json) {
    let response = request.send().await.unwrap();
    let content_type = header(&response, CONTENT_TYPE.as_str());
    (response.status().as_u16(), content_type, response.json().await.unwrap())
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_query_comes_by_post_or_by_get() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let query = "query One($id: Int!) { user(id: $id) { username id } } query All { users { id } }";
    let expected = r#"{"data":{"user":{"username":"chloé","id":3}}}"#;

    let body = json!({ "query": query, "operationName": "One", "variables": { "id": 3 }, "extensions": {} });
    let posted = service.post("/graphql").json(&body).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), header(&posted, "content-type").as_str()), (200, JSON));
    // As text: the fields are in the order of the selection.
    assert_eq!(posted.text().await.unwrap(), expected);

    let parameters = [("query", query), ("operationName", "One"), ("variables", r#"{"id":3}"#)];
    let got = service.get("/graphql").query(&parameters).send().await.unwrap();
    assert_eq!((got.status().as_u16(), header(&got, "content-type").as_str()), (200, JSON));
    assert_eq!(got.text().await.unwrap(), expected);

    let nulls = json!({ "query": "{ user(id: 1) { id } }", "operationName": null, "variables": null });
    assert_eq!(
        answer(service.post("/graphql").json(&nulls)).await.2,
        json!({ "data": { "user": { "id": 1 } } })
    );
}

#[tokio::test]
async fn nothing_is_changed_by_get() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let delete = "mutation Delete { deleteUser(id: 8) { id } }";
    let both = "query Count { usersAggregate { count } } mutation Delete { deleteUser(id: 8) { id } }";
    for parameters in [&[("query", delete)][..], &[("query", both), ("operationName", "Delete")]] {
        let response = service.get("/graphql").query(parameters).send().await.unwrap();
        assert_eq!((response.status().as_u16(), header(&response, "allow").as_str()), (405, "POST"));
        let body: Json = response.json().await.unwrap();
        assert_eq!(body.get("data"), None, "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{body}");
    }

    let count = [("query", both), ("operationName", "Count")];
    let counted = |count: u32| json!({ "data": { "usersAggregate": { "count": count } } });
    assert_eq!(answer(service.get("/graphql").query(&count)).await.2, counted(8));
    assert_eq!(service.ask(delete).await, json!({ "data": { "deleteUser": { "id": 8 } } }));
    assert_eq!(answer(service.get("/graphql").query(&count)).await.2, counted(7));
}

#[tokio::test]
async fn the_answer_has_the_media_type_that_is_asked_for() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (accept, expected) in [
        (JSON, JSON),
        ("*/*", JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_RESPONSE),
    ] {
        let body = json!({ "query": "{ user(id: 1) { id } }" });
        let request = service.post("/graphql").header(ACCEPT, accept).json(&body);
        assert_eq!(
            answer(request).await,
            (200, expected.to_owned(), json!({ "data": { "user": { "id": 1 } } })),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_refused_has_no_data_and_one_that_fails_has_null() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (query, code) in [
        ("{ users { id }", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ users { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { users { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { users { id } } query B { users { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: Int!) { user(id: $id) { id } }", "BAD_USER_INPUT"),
    ] {
        for (accept, expected) in [(JSON, 200), (GRAPHQL_RESPONSE, 400)] {
            let request = service.post("/graphql").header(ACCEPT, accept).json(&json!({ "query": query }));
            let (status, content_type, body) = answer(request).await;
            assert_eq!((status, content_type.as_str()), (expected, accept), "{query}");
            assert_eq!(body.get("data"), None, "{query}: {body}");
            assert_eq!(body["errors"][0]["extensions"]["code"], code, "{query}: {body}");
        }
    }
    for accept in [JSON, GRAPHQL_RESPONSE] {
        let request = service.post("/graphql").header(ACCEPT, accept);
        let (status, _, body) =
            answer(request.json(&json!({ "query": "{ users(limit: -1) { id } }" }))).await;
        assert_eq!(status, 200);
        assert_eq!(body.get("data"), Some(&Json::Null), "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_request_is_a_bad_one() {
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
        r#"{ "query": "{ users { id } }", "variables": [1] }"#,
        r#"{ "query": "{ users { id } }", "variables": "{" }"#,
        r#"{ "query": "{ users { id } }", "operationName": 1 }"#,
    ] {
        let request = service.post("/graphql").header(CONTENT_TYPE, JSON).body(body);
        assert_bad(answer(request).await, 400, body);
    }
    for parameters in [&[][..], &[("query", "{ users { id } }"), ("variables", "[1]")]] {
        assert_bad(answer(service.get("/graphql").query(parameters)).await, 400, parameters);
    }
    let large = json!({ "query": "{ users { id } }", "variables": { "a": "a".repeat(1 << 20) } });
    assert_bad(answer(service.post("/graphql").json(&large)).await, 413, "a large body");
}

fn assert_bad((status, content_type, body): (u16, String, Json), expected: u16, what: impl std::fmt::Debug) {
    assert_eq!((status, content_type.as_str()), (expected, JSON), "{what:?}: {body}");
    assert_eq!(body.get("data"), None, "{what:?}: {body}");
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{what:?}: {body}");
    let message = error["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains("struct"), "{what:?}: {message}");
}

#[tokio::test]
async fn what_a_foreign_form_could_send_is_not_read() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let body = json!({ "query": "{ users { id } }" }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
    ] {
        let request = service.post("/graphql").header(CONTENT_TYPE, content_type).body(body.clone());
        assert_bad(answer(request).await, 415, content_type);
    }
    assert_bad(answer(service.post("/graphql").body(body.clone())).await, 415, "no content type");

    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        let request = service.post("/graphql").header(CONTENT_TYPE, content_type).body(body.clone());
        assert_eq!(answer(request).await.0, 200, "{content_type}");
    }
}

#[tokio::test]
async fn statements_are_shown_in_development_when_asked_for_and_never_in_production() {
    let query = json!({ "query": "{ users(limit: 2) { id userInfos { phoneNumber } } }" });
    let shown = async |arguments: &[&str], header: Option<&str>| {
        let folder = Folder::new();
        let service = Service::start(&folder, arguments).await;
        let request = service.post("/graphql").json(&query);
        let request = match header {
            Some(value) => request.header("Crowsfoot-Explain", value),
            None => request,
        };
        let mut body = answer(request).await.2;
        assert_eq!(body["data"]["users"].as_array().map(Vec::len), Some(2), "{body}");
        body.get_mut("extensions").map(Json::take)
    };

    let extensions = shown(&["--mode", "development"], Some("1")).await.unwrap();
    let statements = extensions["explain"]["statements"].as_array().unwrap();
    let rows: Vec<&Json> = statements.iter().map(|statement| &statement["rows"]).collect();
    assert_eq!(rows, [&json!(2), &json!(1)]);
    for (statement, table) in statements.iter().zip(["\"users\"", "\"user_infos\""]) {
        assert!(statement["sql"].as_str().unwrap().contains(table), "{statement}");
        assert!(statement["ms"].as_f64().unwrap() > 0.0, "{statement}");
    }
    assert_eq!(shown(&[], Some("0")).await, None);
    assert_eq!(shown(&[], None).await, None);
    assert_eq!(shown(&["--mode", "production"], Some("1")).await, None);
}

#[tokio::test]
async fn every_answer_carries_an_id_of_its_own() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--log-format", "json"]).await;
    let mut ids = Vec::new();
    for request in [
        service.post("/graphql").json(&json!({ "query": "{ users { id } }" })),
        service.post("/graphql").json(&json!({ "query": "{ users { id } }" })),
        service.post("/graphql").body("no JSON"),
        service.get("/graphql"),
        service.get("/healthz"),
        service.get("/nothing"),
    ] {
        let response = request.send().await.unwrap();
        ids.push(header(&response, "x-request-id"));
    }
    let log = service.stop().await.log;
    let lines: Vec<Json> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (index, id) in ids.iter().enumerate() {
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
        assert!(!ids[..index].contains(id), "{id} came twice");
        assert!(lines.iter().any(|line| line["span"]["id"] == **id), "{id} is not in the log:\n{log}");
    }
}

#[tokio::test]
async fn other_methods_and_other_paths_are_not_there() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let url = format!("http://{}", service.address);
    let client = reqwest::Client::new();
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let response = client.request(method.clone(), format!("{url}/graphql")).send().await.unwrap();
        assert_eq!(response.status(), 405, "{method}");
        let allowed = header(&response, "allow");
        assert!(allowed.contains("GET") && allowed.contains("POST"), "{method}: {allowed}");
    }
    for path in ["/nothing", "/graphql/more", "/GraphQL"] {
        assert_eq!(service.get(path).send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn an_error_never_tells_of_the_database_or_of_the_program() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for query in [
        "{ users { id ",
        "{ users { nothing } }",
        "{ users(limit: -1) { id } }",
        "{ user(id: 2147483648) { id } }",
        "{ users(where: { username: { regex: \"(\" } }) { id } }",
        "{ users(where: { username: { like: \"\\\\\" } }) { id } }",
        "{ node(nodeId: \"'; DROP TABLE users\") { nodeId } }",
        "{ usersConnection(after: \"WyJVc2VyIiwiaWQrIiwiJyBPUiAxPTEiXQ\") { totalCount } }",
        "mutation { users { id } }",
        "subscription { users { id } }",
        "{ ...nothing }",
        "{ users @nothing { id } }",
    ] {
        let answer = service.ask(query).await;
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        assert!(errors.iter().all(|error| error["extensions"]["code"].is_string()), "{query}: {answer}");
        let text = answer["errors"].to_string();
        for secret in
            ["SELECT", "\\\"t0\\\"", "sqlite", "SQLite", "sqlx", "postgres", "panicked", ".rs", "Err("]
        {
            assert!(!text.contains(secret), "{query}: {secret}: {text}");
        }
    }
}
