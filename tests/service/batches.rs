//! Batches: several requests in a body.

use serde_json::{Value as Json, json};

use crate::process::{Folder, GRAPHQL_RESPONSE, Service, answer, assert_bad};

#[tokio::test]
async fn a_list_of_requests_is_refused_unless_it_is_allowed() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let batch = json!([{ "query": "{ user(id: 1) { id } }" }]);
    let (status, content_type, body) = answer(service.post("/graphql").json(&batch)).await;
    let message = body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("batching is disabled"), "{message}");
    assert_bad((status, content_type, body), 400, "off");
}

#[tokio::test]
async fn a_list_is_answered_in_its_order_and_each_request_by_itself() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-batch", "5"]).await;
    let rename = "mutation ($to: String!) { updateUser(id: 1, input: { username: $to }) { username } }";
    let batch = json!([
        { "query": "{ user(id: 1) { username } }" },
        { "query": rename, "variables": { "to": "first" } },
        { "query": "{ user(id: 1) { username } nothing }" },
        { "query": rename, "variables": { "to": "second" } },
        { "query": "{ user(id: 1) { username } }" },
    ]);
    for accept in ["application/json", "application/graphql-response+json"] {
        let (status, _, body) = answer(service.post("/graphql").header("accept", accept).json(&batch)).await;
        assert_eq!(status, 200);
        let answers = body.as_array().unwrap();
        assert_eq!(answers.len(), 5);
        assert_eq!(answers[1], json!({ "data": { "updateUser": { "username": "first" } } }));
        assert_eq!(answers[2].get("data"), None, "{body}");
        assert_eq!(answers[2]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(answers[3], json!({ "data": { "updateUser": { "username": "second" } } }));
        assert_eq!(answers[4], json!({ "data": { "user": { "username": "second" } } }));
    }
    let one = json!({ "query": "{ user(id: 1) { id } }" });
    assert_eq!(
        answer(service.post("/graphql").json(&one)).await.2,
        json!({ "data": { "user": { "id": 1 } } })
    );
}

#[tokio::test]
async fn a_list_without_end_or_with_a_fault_is_refused_as_a_whole() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-batch", "2"]).await;
    let delete = json!({ "query": "mutation { deleteUser(id: 8) { id } }" });
    for (batch, expected) in [
        (json!([]), "expected at least one request in the batch"),
        (json!([delete, delete, delete]), "a batch has at most 2 requests"),
        (json!([delete, { "query": 1 }]), "request 2: parameter \"query\": invalid type"),
        (json!([delete, null]), "request 2: invalid type: null"),
        (json!([[delete]]), "request 1: invalid type: sequence"),
    ] {
        let (status, content_type, body) = answer(service.post("/graphql").json(&batch)).await;
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        assert_bad((status, content_type, body), 400, &batch);
    }
    let thousands = Json::Array(vec![delete; 10_000]);
    let request = service.post("/graphql").header("accept", "application/graphql-response+json");
    let (status, content_type, _) = answer(request.json(&thousands)).await;
    assert_eq!((status, content_type.as_str()), (400, GRAPHQL_RESPONSE));
    let left = service.ask("{ user(id: 8) { id } }").await;
    assert_eq!(left, json!({ "data": { "user": { "id": 8 } } }));
}
