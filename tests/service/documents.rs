//! Documents that are named instead of sent.

use reqwest::header::ACCEPT;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::process::{Folder, Service, answer, assert_bad, run};

const QUERY: &str = "query One($id: Int = 1) { user(id: $id) { id } }";

fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn persisted(hash: &str) -> Json {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn one(id: u32) -> Json {
    json!({ "data": { "user": { "id": id } } })
}

fn code(body: &Json) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_document_that_was_sent_with_its_hash_is_known_by_it() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let hash = hash(QUERY);
    let named = json!({ "extensions": persisted(&hash), "variables": { "id": 2 } });
    let not_found = json!({ "errors": [{
        "message": "PersistedQueryNotFound", "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" },
    }] });
    for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 400)] {
        let (got, _, body) = answer(service.post("/graphql").header(ACCEPT, accept).json(&named)).await;
        assert_eq!((got, &body), (status, &not_found));
    }
    let sent = json!({ "query": QUERY, "extensions": persisted(&hash) });
    assert_eq!(answer(service.post("/graphql").json(&sent)).await.2, one(1));

    assert_eq!(answer(service.post("/graphql").json(&named)).await.2, one(2));
    let parameters = [("extensions", persisted(&hash).to_string()), ("variables", r#"{"id":3}"#.to_owned())];
    assert_eq!(answer(service.get("/graphql").query(&parameters)).await.2, one(3));
    let parameters = [("documentId", format!("sha256:{hash}")), ("variables", r#"{"id":4}"#.to_owned())];
    assert_eq!(answer(service.get("/graphql").query(&parameters)).await.2, one(4));

    let other = json!({ "documentId": "of-another-service" });
    assert_eq!(answer(service.post("/graphql").json(&other)).await.2, not_found);
}

#[tokio::test]
async fn refuses_a_document_under_a_foreign_hash() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let other = "{ users { id } }";
    for extensions in [persisted(&hash(other)), persisted(""), persisted(&hash(QUERY).to_uppercase())] {
        let body = json!({ "query": QUERY, "extensions": extensions });
        assert_bad(answer(service.post("/graphql").json(&body)).await, 400, &body);
    }
    let version = json!({ "persistedQuery": { "version": 2, "sha256Hash": hash(QUERY) } });
    let body = json!({ "query": QUERY, "extensions": version });
    assert_bad(answer(service.post("/graphql").json(&body)).await, 400, &body);
    let named = json!({ "extensions": persisted(&hash(other)) });
    assert_eq!(code(&answer(service.post("/graphql").json(&named)).await.2), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn refuses_a_persisted_mutation_sent_by_get() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let delete = "mutation { deleteUser(id: 8) { id } }";
    let extensions = persisted(&hash(delete)).to_string();
    let parameters = [("query", delete), ("extensions", &extensions)];
    assert_bad(answer(service.get("/graphql").query(&parameters)).await, 405, "with its text");
    assert_bad(answer(service.get("/graphql").query(&parameters[1..])).await, 405, "by its hash");
}

#[tokio::test]
async fn a_service_with_a_list_runs_the_documents_of_the_list_and_no_others() {
    let folder = Folder::new();
    let list = json!({ "one": QUERY, hash(QUERY): QUERY, "sha256:ab12": "{ __typename }" });
    std::fs::write(folder.path().join("trusted.json"), list.to_string()).unwrap();
    let service = Service::start(&folder, &["--trusted-documents", "trusted.json"]).await;
    for body in [
        json!({ "documentId": "one", "variables": { "id": 5 } }),
        json!({ "documentId": format!("sha256:{}", hash(QUERY)), "variables": { "id": 5 } }),
        json!({ "extensions": persisted(&hash(QUERY)), "variables": { "id": 5 } }),
        json!({ "documentId": "one", "query": QUERY, "variables": { "id": 5 } }),
    ] {
        assert_eq!(answer(service.post("/graphql").json(&body)).await.2, one(5), "{body}");
    }
    let got = service.get("/graphql").query(&[("documentId", "sha256:ab12")]);
    assert_eq!(answer(got).await.2, json!({ "data": { "__typename": "Query" } }));

    let other = "{ users { id } }";
    for body in [
        json!({ "query": QUERY }),
        json!({ "query": other }),
        json!({ "documentId": "two" }),
        json!({ "documentId": "one", "query": other }),
        json!({ "query": other, "extensions": persisted(&hash(other)) }),
        json!({ "extensions": persisted(&hash(other)) }),
        json!({}),
    ] {
        for (accept, expected) in [("application/json", 200), ("application/graphql-response+json", 403)] {
            let (status, _, answer) =
                answer(service.post("/graphql").header(ACCEPT, accept).json(&body)).await;
            assert_eq!((status, code(&answer)), (expected, "DOCUMENT_NOT_TRUSTED"), "{body}: {answer}");
        }
    }
}

#[tokio::test]
async fn names_an_invalid_document_list_before_anything_is_changed() {
    for (text, expected) in [
        (None, "trusted.json: "),
        (Some("["), "trusted.json: expected a JSON object of documents"),
        (Some(r#"{ "good": "{ __typename }", "bad": "{" }"#), "the document \"bad\" is not GraphQL"),
    ] {
        let folder = Folder::new();
        if let Some(text) = text {
            std::fs::write(folder.path().join("trusted.json"), text).unwrap();
        }
        let ended = run(&folder, &["--trusted-documents", "trusted.json"]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.log.contains(expected), "{ended:?}");
        assert!(!folder.path().join("crowsfoot.db").exists());
    }
}
