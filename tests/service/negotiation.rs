//! Media types and their effects.

use std::io::Read;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value as Json, json};

use crate::process::{Folder, GRAPHQL_RESPONSE, JSON, Service, answer, assert_bad, header};

#[tokio::test]
async fn the_answer_has_the_media_type_that_is_asked_for() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (accept, expected) in [
        (None, JSON),
        (Some("*/*"), JSON),
        (Some("application/json"), JSON),
        (Some("application/graphql-response+json"), GRAPHQL_RESPONSE),
        (Some("application/graphql-response+json, application/json;q=0.9"), GRAPHQL_RESPONSE),
        (Some("application/graphql-response+json;q=0.8, application/json;q=0.9"), JSON),
        (Some("text/html, application/graphql-response+json;q=0.1"), GRAPHQL_RESPONSE),
    ] {
        let mut request = service.post("/graphql").json(&json!({ "query": "{ user(id: 1) { id } }" }));
        if let Some(accept) = accept {
            request = request.header(ACCEPT, accept);
        }
        let expected = (200, expected.to_owned(), json!({ "data": { "user": { "id": 1 } } }));
        assert_eq!(answer(request).await, expected, "{accept:?}");
    }
}

#[tokio::test]
async fn refuses_and_does_not_execute_when_no_media_type_is_acceptable() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let delete = json!({ "query": "mutation { deleteUser(id: 8) { id } }" });
    for accept in ["text/html", "application/json;q=0", "application/json; charset=latin1"] {
        let request = service.post("/graphql").header(ACCEPT, accept).json(&delete);
        assert_bad(answer(request).await, 406, accept);
    }
    let left = service.ask("{ user(id: 8) { id } }").await;
    assert_eq!(left, json!({ "data": { "user": { "id": 8 } } }));
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
async fn refuses_content_types_of_foreign_forms() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let body = json!({ "query": "{ users { id } }" }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "text/plain; application/json",
        "application/json; charset=utf-16",
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
async fn a_compressed_body_is_not_unpacked() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let request = service.post("/graphql").header(CONTENT_TYPE, "application/json");
    let request = request.header("content-encoding", "gzip").body(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert_bad(answer(request).await, 415, "gzip");
}

/// Returns this body in its plain form.
fn unpacked(encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        "zstd" => plain = zstd::decode_all(body).unwrap(),
        "br" => drop(brotli::Decompressor::new(body, 4_096).read_to_end(&mut plain).unwrap()),
        "gzip" => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap()),
        _ => plain.extend(body),
    }
    plain
}

#[tokio::test]
async fn compresses_only_long_responses_in_an_encoding_that_the_client_accepts() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let long = json!({ "query": "{ __schema { types { name fields { name description } } } }" });
    let short = json!({ "query": "{ user(id: 1) { id } }" });
    let ask = async |query: &Json, accept: &str| {
        let request = service.post("/graphql").header("accept-encoding", accept).json(query);
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "vary"), "Accept, Accept-Encoding");
        (header(&response, "content-encoding"), response.bytes().await.unwrap())
    };
    for (accept, expected) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("br;q=0.4, gzip;q=0.5", "gzip"),
        ("gzip;q=0", ""),
        ("deflate", ""),
        ("identity", ""),
        ("*;q=0, identity", ""),
        ("", ""),
    ] {
        let (encoding, body) = ask(&long, accept).await;
        assert_eq!(encoding, expected, "{accept}");
        let plain = unpacked(&encoding, &body);
        assert!(plain.starts_with(b"{\"data\":{\"__schema\"") && plain.ends_with(b"}}"), "{accept}");
        assert!(encoding.is_empty() || plain.len() > 5 * body.len(), "{accept}");
        assert_eq!(ask(&short, accept).await.0, "", "{accept}");
    }
}

/// The whole length is unknown before the end.
#[tokio::test]
async fn a_very_long_answer_is_compressed_while_it_is_sent() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let types = "__schema { types { name description fields { name description } } }";
    let query = json!({ "query": format!("{{ a: {types} b: {types} c: {types} }}") });
    let ask = async |accept: &str| {
        let response =
            service.post("/graphql").header("accept-encoding", accept).json(&query).send().await.unwrap();
        let encoding = header(&response, "content-encoding");
        assert_eq!(header(&response, "vary"), "Accept, Accept-Encoding");
        (response.content_length(), encoding, response.bytes().await.unwrap())
    };
    let (length, encoding, plain) = ask("identity").await;
    assert_eq!((length, encoding.as_str()), (Some(plain.len() as u64), ""));
    assert!(plain.len() > 64 << 10, "{}", plain.len());
    for accept in ["gzip", "br", "zstd"] {
        let (length, encoding, body) = ask(accept).await;
        assert_eq!((length, encoding.as_str()), (None, accept));
        assert!(unpacked(accept, &body) == plain && 5 * body.len() < plain.len(), "{accept}");
    }
}
