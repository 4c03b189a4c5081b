//! GraphQL over HTTP.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::process::{Folder, JSON, Service, answer, header};

#[tokio::test]
async fn a_query_comes_by_post_or_by_get() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let query = "query One($id: Int!) { user(id: $id) { username id } } query All { users { id } }";
    let expected = r#"{"data":{"user":{"username":"chloé","id":3}}}"#;

    let body = json!({ "query": query, "operationName": "One", "variables": { "id": 3 }, "extensions": {} });
    let posted = service.post("/graphql").json(&body).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), header(&posted, "content-type").as_str()), (200, JSON));
    // Compared as text: the fields are in the order of the selection.
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
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{body}");
    }

    let count = [("query", both), ("operationName", "Count")];
    let counted = |count: u32| json!({ "data": { "usersAggregate": { "count": count } } });
    assert_eq!(answer(service.get("/graphql").query(&count)).await.2, counted(8));
    assert_eq!(service.ask(delete).await, json!({ "data": { "deleteUser": { "id": 8 } } }));
    assert_eq!(answer(service.get("/graphql").query(&count)).await.2, counted(7));
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
    assert_eq!(shown(&["--mode", "production", "--public"], Some("1")).await, None);
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
        assert!(lines.iter().any(|line| line["fields"]["id"] == **id), "{id} is not in the log:\n{log}");
    }
}

#[tokio::test]
async fn other_methods_and_other_paths_are_not_there() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let response = service.request(method.clone(), "/graphql").send().await.unwrap();
        assert_eq!(response.status(), 405, "{method}");
        assert_eq!(header(&response, "allow"), "GET, HEAD, POST, OPTIONS", "{method}");
        let body: Json = response.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{method}: {body}");
    }
    for path in ["/nothing", "/graphql/more", "/GraphQL"] {
        assert_eq!(service.get(path).send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn answers_options_and_head_requests() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let options = service.request(Method::OPTIONS, "/graphql").send().await.unwrap();
    assert_eq!(options.status(), 204);
    assert_eq!(header(&options, "allow"), "GET, HEAD, POST, OPTIONS");

    let query = [("query", "{ user(id: 1) { id } }")];
    let got = service.get("/graphql").query(&query).send().await.unwrap();
    let head = service.request(Method::HEAD, "/graphql").query(&query).send().await.unwrap();
    assert_eq!(head.status(), 200);
    for name in ["content-type", "content-length", "cache-control", "vary"] {
        assert_eq!(header(&head, name), header(&got, name), "{name}");
    }
    assert_eq!(head.text().await.unwrap(), "");
    let mutation = [("query", "mutation { deleteUser(id: 8) { id } }")];
    let head = service.request(Method::HEAD, "/graphql").query(&mutation).send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "allow").as_str()), (405, "POST"));
}

#[tokio::test]
async fn refuses_a_subscription_sent_as_a_plain_request() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let query = "subscription { users { id } }";
    for request in [
        service.post("/graphql").json(&json!({ "query": query })),
        service.get("/graphql").query(&[("query", query)]),
    ] {
        let (status, _, body) = answer(request).await;
        assert_eq!(status, 400, "{body}");
        assert!(body["errors"][0]["message"].as_str().unwrap().contains("subscription"), "{body}");
    }
}

#[tokio::test]
async fn errors_reveal_nothing_of_database_or_program() {
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
