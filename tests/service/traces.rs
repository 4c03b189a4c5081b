//! Traces, as received by a collector.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, rt, web};
use serde_json::json;

use crate::process::{Folder, Service};

const TRACE: [u8; 16] = [0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

type Received = Arc<Mutex<Vec<u8>>>;

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[actix_web::test]
async fn a_collector_gets_the_spans_of_a_request_without_its_values() {
    let received = Received::default();
    let store = received.clone();
    let collector = HttpServer::new(move || {
        let take = async |received: web::Data<Received>, spans: web::Bytes| {
            received.lock().unwrap().extend_from_slice(&spans);
            HttpResponse::Ok().finish()
        };
        App::new().app_data(web::Data::new(store.clone())).route("/v1/traces", web::post().to(take))
    });
    let collector = collector.workers(1).bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", collector.addrs()[0]);
    rt::spawn(collector.run());

    let folder = Folder::new();
    let service = Service::start_in(&folder, &[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &address)]).await;
    let trace: String = TRACE.iter().map(|byte| format!("{byte:02x}")).collect();
    let query = "query Names { users(where: { username: { ne: \"geheim\" } }) { userInfos { id } } }";
    let request = service.post("/graphql").json(&json!({ "query": query }));
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    // Shutdown flushes the remaining spans.
    assert_eq!(service.stop().await.code, Some(0));

    let received = received.lock().unwrap();
    for part in [
        "crowsfoot",
        "request",
        "prepare",
        "plan",
        "statement",
        "db.query.text",
        "\"users\"",
        "\"user_infos\"",
    ] {
        assert!(holds(&received, part.as_bytes()), "{part}");
    }
    assert!(holds(&received, &TRACE));
    assert!(!holds(&received, b"geheim"));
}
