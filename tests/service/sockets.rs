//! `graphql-transport-ws`, over real sockets.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::process::{Folder, Service, until, within};
use crate::socket_client::{PROTOCOL, Socket};

const USERS: &str = "subscription { users(limit: 1) { username } }";

async fn rename(service: &Service<'_>, name: &str) {
    let query = format!("mutation {{ updateUser(id: 1, input: {{ username: \"{name}\" }}) {{ id }} }}");
    assert_eq!(service.ask(&query).await, json!({ "data": { "updateUser": { "id": 1 } } }));
}

fn users(name: &str) -> Json {
    json!({ "data": { "users": [{ "username": name }] } })
}

#[tokio::test]
async fn an_operation_of_each_kind_is_answered_on_one_socket() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut socket = Socket::begin(&service).await;

    socket.subscribe("q", "{ users(limit: 1) { username } }").await;
    assert_eq!(socket.only("q").await, users("ada"));
    let mutation = "mutation($name: String!) { updateUser(id: 1, input: { username: $name }) { username } }";
    let payload = json!({
        "query": mutation, "variables": { "name": "eve" }, "operationName": null, "extensions": null
    });
    socket.say(json!({ "id": "m", "type": "subscribe", "payload": payload })).await;
    assert_eq!(socket.only("m").await, json!({ "data": { "updateUser": { "username": "eve" } } }));
    // The id is free again.
    socket.subscribe("q", "query A { users(limit: 1) { username } }").await;
    assert_eq!(socket.only("q").await, users("eve"));
    socket.subscribe("i", "{ __schema { subscriptionType { name } } }").await;
    assert_eq!(socket.only("i").await["data"]["__schema"]["subscriptionType"]["name"], "Subscription");
    // An execution error is a result, with its path.
    socket.subscribe("f", "mutation { deleteUser(id: 404) { id } }").await;
    let failed = socket.only("f").await;
    assert_eq!(failed["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(failed["data"], Json::Null);
}

#[tokio::test]
async fn sends_an_error_message_and_frees_the_id_when_a_request_error_occurs() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut socket = Socket::begin(&service).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ nobody }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nobody }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { users { id } authors { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($a: Int!) { user(id: $a) { id } }", "BAD_USER_INPUT"),
    ] {
        socket.subscribe("1", query).await;
        let message = socket.hear().await;
        assert_eq!((&message["id"], &message["type"]), (&json!("1"), &json!("error")), "{query}: {message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}: {message}");
        assert!(message["payload"][0]["message"].is_string(), "{message}");
    }
    socket.is_silent().await;
}

#[tokio::test]
async fn a_subscription_sends_what_commits_change_and_nothing_else() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let (mut one, mut other) = (Socket::begin(&service).await, Socket::begin(&service).await);
    one.subscribe("u", USERS).await;
    assert_eq!(one.next("u").await, users("ada"));
    other.subscribe("x", USERS).await;
    assert_eq!(other.next("x").await, users("ada"));

    rename(&service, "eve").await;
    assert_eq!(one.next("u").await, users("eve"));
    assert_eq!(other.next("x").await, users("eve"));

    // Another table; the same table without a difference; a rolled-back mutation.
    service.ask("mutation { updatePlace(id: 1, input: { name: \"Elsewhere\" }) { id } }").await;
    service.ask("mutation { updateUser(id: 2, input: { username: \"bob\" }) { id } }").await;
    let taken_back =
        "mutation { updateUser(id: 1, input: { username: \"no\" }) { id } deleteUser(id: 404) { id } }";
    assert_eq!(service.ask(taken_back).await["data"], Json::Null);
    tokio::time::sleep(Duration::from_millis(300)).await;
    one.is_silent().await;

    // After `complete` no result follows; the other subscription is unaffected.
    one.say(json!({ "id": "u", "type": "complete" })).await;
    one.say(json!({ "id": "nobody", "type": "complete" })).await;
    one.is_silent().await;
    rename(&service, "mallory").await;
    assert_eq!(other.next("x").await, users("mallory"));
    one.is_silent().await;
    // The id is free.
    one.subscribe("u", USERS).await;
    assert_eq!(one.next("u").await, users("mallory"));
}

#[tokio::test]
async fn results_of_several_operations_interleave() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut socket = Socket::begin(&service).await;
    for id in 0..20 {
        socket.subscribe(&id.to_string(), USERS).await;
    }
    for _ in 0..20 {
        assert_eq!(socket.hear().await["type"], "next");
    }
    rename(&service, "eve").await;
    let mut told: Vec<i64> = Vec::new();
    for _ in 0..20 {
        let message = socket.hear().await;
        assert_eq!(message["payload"], users("eve"));
        told.push(message["id"].as_str().unwrap().parse().unwrap());
    }
    told.sort_unstable();
    assert_eq!(told, Vec::from_iter(0..20));
}

#[tokio::test]
async fn pings_are_answered_and_pongs_are_taken_at_any_time() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut socket = Socket::new(&service).await;
    socket.say(json!({ "type": "pong" })).await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
    socket.say(json!({ "type": "ping", "payload": { "a": [1, 2.5, null] } })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong", "payload": { "a": [1, 2.5, null] } }));
    socket.say(json!({ "type": "pong", "payload": null })).await;
    // Ping of WebSocket itself.
    socket.send(Message::Ping("x".into())).await;
    loop {
        match socket.frame().await {
            Some(Message::Pong(payload)) => break assert_eq!(payload, "x"),
            Some(Message::Ping(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn each_breach_of_the_protocol_closes_with_its_code() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let invalid = [
        "",
        "{",
        "null",
        "\"ping\"",
        "[\"ping\"]",
        "{}",
        r#"{"type":"start"}"#,
        r#"{"type":5}"#,
        r#"{"type":"connection_ack"}"#,
        r#"{"type":"ping","payload":"x"}"#,
        r#"{"type":"connection_init","payload":[]}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"complete","id":""}"#,
        r#"{"type":"complete","id":1}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":{}}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","extensions":""}}"#,
    ];
    for text in invalid {
        let mut socket = Socket::begin(&service).await;
        socket.send(Message::text(text)).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4400, "{text}: {reason}");
        assert!(reason.starts_with("Invalid message: "), "{reason}");
    }
    let mut socket = Socket::new(&service).await;
    socket.send(Message::binary(r#"{"type":"connection_init"}"#)).await;
    assert_eq!(socket.closed().await.0, 4400);

    let mut socket = Socket::new(&service).await;
    socket.subscribe("1", "{ users { id } }").await;
    assert_eq!(socket.closed().await, (4401, "Unauthorized".to_owned()));

    let mut socket = Socket::begin(&service).await;
    socket.say(json!({ "type": "connection_init", "payload": {} })).await;
    assert_eq!(socket.closed().await, (4429, "Too many initialisation requests".to_owned()));

    let mut socket = Socket::begin(&service).await;
    socket.subscribe("one", USERS).await;
    socket.subscribe("one", USERS).await;
    assert_eq!(socket.closed().await, (4409, "Subscriber for one already exists".to_owned()));

    // Longer than a close frame holds, and cut between letters.
    let mut socket = Socket::begin(&service).await;
    let id = "ß".repeat(200);
    socket.subscribe(&id, USERS).await;
    socket.subscribe(&id, USERS).await;
    let (code, reason) = socket.closed().await;
    assert!(code == 4409 && reason.starts_with("Subscriber for ßß"), "{code} {reason}");
}

#[tokio::test]
async fn closes_a_socket_without_connection_init_in_time() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--socket-init-timeout", "1"]).await;
    let mut begun = Socket::begin(&service).await;
    let mut late = Socket::new(&service).await;
    late.say(json!({ "type": "ping" })).await;
    assert_eq!(late.closed().await, (4408, "Connection initialisation timeout".to_owned()));
    begun.is_silent().await;
}

#[tokio::test]
async fn a_socket_without_the_protocol_is_closed_and_says_why() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for headers in [&[][..], &[("sec-websocket-protocol", "graphql-ws")]] {
        match Socket::open(&service, headers).await {
            Ok((mut socket, response)) => {
                assert_eq!(response.headers().get("sec-websocket-protocol"), None);
                assert_eq!(socket.closed().await, (4406, "Subprotocol not acceptable".to_owned()));
            }
            // This client, like a browser, disconnects by itself if no subprotocol is accepted.
            Err(error) => assert!(!headers.is_empty(), "{error}"),
        }
    }
    let both = [("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")];
    let (_, response) = Socket::open(&service, &both).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], PROTOCOL);
}

#[tokio::test]
async fn pages_of_other_origins_open_no_socket_unless_they_are_listed() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--cors-origin", "https://shop.example"]).await;
    let own = format!("http://{}", service.address);
    for (origin, welcome) in [
        (own.as_str(), true),
        ("https://shop.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let headers = [("sec-websocket-protocol", PROTOCOL), ("origin", origin)];
        match Socket::open(&service, &headers).await {
            Ok(_) => assert!(welcome, "{origin}"),
            Err(Error::Http(response)) => {
                assert!(!welcome, "{origin}");
                assert_eq!(response.status(), 403);
            }
            Err(error) => panic!("{origin}: {error}"),
        }
    }
}

#[tokio::test]
async fn sockets_and_their_operations_have_caps() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-sockets", "2", "--max-subscriptions", "2"]).await;
    let mut one = Socket::begin(&service).await;
    let other = Socket::begin(&service).await;
    let refused = Socket::open(&service, &[("sec-websocket-protocol", PROTOCOL)]).await;
    match refused.err().unwrap() {
        Error::Http(response) => {
            assert_eq!(response.status(), 503);
            assert!(response.headers().contains_key("retry-after"));
        }
        error => panic!("{error}"),
    }
    drop(other);
    until(async || Socket::open(&service, &[("sec-websocket-protocol", PROTOCOL)]).await.is_ok()).await;

    for id in ["1", "2"] {
        one.subscribe(id, USERS).await;
        one.next(id).await;
    }
    one.subscribe("3", USERS).await;
    let message = one.hear().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("3"), &json!("error")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "UNAVAILABLE");
    assert_eq!(message["payload"][0]["extensions"]["limit"], 2);
    one.say(json!({ "id": "1", "type": "complete" })).await;
    one.subscribe("3", USERS).await;
    one.next("3").await;
}

#[tokio::test]
async fn a_message_may_come_in_pieces_and_one_that_is_too_large_closes() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-frame", "1000"]).await;
    let text =
        json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ users(limit: 1) { username } }" } });
    let text = text.to_string();
    let (start, rest) = text.split_at(20);
    let (middle, end) = rest.split_at(20);
    let piece =
        |text: &str, code, last| Message::Frame(Frame::message(text.to_owned(), OpCode::Data(code), last));

    let mut socket = Socket::begin(&service).await;
    socket.send(piece(start, Data::Text, false)).await;
    socket.send(Message::Ping("between".into())).await;
    socket.send(piece(middle, Data::Continue, false)).await;
    socket.send(piece(end, Data::Continue, true)).await;
    assert_eq!(socket.only("1").await, users("ada"));

    let fitting = format!("{{\"type\":\"ping\"{}}}", " ".repeat(1000 - 15 - 1));
    assert_eq!(fitting.len(), 999);
    socket.send(Message::text(fitting)).await;
    assert_eq!(socket.hear().await["type"], "pong");
    socket.send(Message::text("x".repeat(1001))).await;
    assert_eq!(socket.closed().await, (1009, "Message too large".to_owned()));

    let mut socket = Socket::begin(&service).await;
    for number in 0..11 {
        let code = if number == 0 { Data::Text } else { Data::Continue };
        socket.send(piece(&"x".repeat(100), code, false)).await;
    }
    assert_eq!(socket.closed().await.0, 1009);

    let mut socket = Socket::begin(&service).await;
    socket.send(Message::Frame(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true))).await;
    assert_eq!(socket.closed().await.0, 1007);
    let mut socket = Socket::begin(&service).await;
    socket.send(piece("x", Data::Continue, true)).await;
    assert_eq!(socket.closed().await.0, 1002);
}

#[tokio::test]
async fn a_frame_that_never_ends_is_not_kept() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let handshake = format!(
        "GET /graphql HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n",
        service.address
    );
    stream.write_all(handshake.as_bytes()).await.unwrap();
    // Masked text of 2^60 bytes.
    stream.write_all(&[0x81, 0xff, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]).await.unwrap();
    let mut sent = 0_usize;
    let piece = vec![b'x'; 1 << 16];
    while within(stream.write_all(&piece)).await.is_ok() {
        sent += piece.len();
        assert!(sent < 500 << 20, "the service goes on reading");
        // After its close frame the service discards incoming data for a moment.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut answer = Vec::new();
    let _ = within(stream.read_to_end(&mut answer)).await;
    service.ask("{ users { id } }").await;
}

#[tokio::test]
async fn a_flood_of_messages_is_answered_in_full() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-subscriptions", "1000"]).await;
    let mut socket = Socket::begin(&service).await;
    for number in 0..1000 {
        socket.say(json!({ "type": "ping", "payload": { "number": number } })).await;
        socket.subscribe(&number.to_string(), "{ users(limit: 1) { username } }").await;
    }
    let (mut pongs, mut results, mut completes) = (0, 0, 0);
    while completes < 1000 {
        let message = socket.hear().await;
        match message["type"].as_str().unwrap() {
            "pong" => {
                assert_eq!(message["payload"]["number"], pongs);
                pongs += 1;
            }
            "next" => results += 1,
            "complete" => completes += 1,
            // Refused above the concurrency limit.
            other => panic!("{other}: {message}"),
        }
    }
    assert_eq!((pongs, results), (1000, 1000));
}

#[tokio::test]
async fn slow_client_skips_intermediate_results_and_gets_the_last() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    // Results of a megabyte, so that neither operating system can buffer many of them.
    let bio = "x".repeat(900_000);
    let input = json!({ "input": { "bio": bio } });
    let grow = "mutation($input: ProfileUpdate!) { updateProfile(id: 1, input: $input) { user { id } } }";
    let grown: Json = service
        .post("/graphql")
        .json(&json!({ "query": grow, "variables": input }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(grown.get("errors").is_none(), "{grown}");
    let mut socket = Socket::begin(&service).await;
    socket.subscribe("u", "subscription { users(limit: 1) { username profile { bio } } }").await;
    for number in 1..=100 {
        rename(&service, &format!("name{number}")).await;
        // Longer than the pause between two runs.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let mut seen = 0;
    loop {
        seen += 1;
        let result = socket.next("u").await;
        if result["data"]["users"][0]["username"] == "name100" {
            break;
        }
    }
    assert!(seen < 60, "{seen} results were kept for a client that did not read");
    socket.is_silent().await;
}

#[tokio::test]
async fn a_mutation_of_a_slow_client_is_not_held_up() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let mut socket = Socket::begin(&service).await;
    // Enough results that the mutation's turn to be sent does not come.
    let mut much = String::from("{");
    for number in 0..2000 {
        much.push_str(&format!(" a{number}: users {{ username firstName: username again: username }}"));
    }
    much.push('}');
    for number in 0..20 {
        socket.subscribe(&number.to_string(), &much).await;
    }
    socket.subscribe("m", "mutation { updateUser(id: 1, input: { username: \"eve\" }) { id } }").await;
    until(async || service.ask("{ users(limit: 1) { username } }").await == users("eve")).await;
}

#[tokio::test]
async fn the_end_of_the_service_closes_sockets_and_is_not_held_up_by_them() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let mut service = Service::start(&folder, &[]).await;
        let mut socket = Socket::begin(&service).await;
        socket.subscribe("u", USERS).await;
        socket.next("u").await;
        let mut idle = Socket::new(&service).await;
        service.signal(signal).await;
        assert_eq!(socket.closed().await, (1001, "Service is stopping".to_owned()));
        assert_eq!(idle.closed().await.0, 1001);
        drop((socket, idle));
        let ended = service.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        assert!(!ended.log.contains("ERROR") && !ended.log.contains("panicked"), "{}", ended.log);
    }
}

#[tokio::test]
async fn a_client_may_close_and_is_answered() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-sockets", "1"]).await;
    let mut socket = Socket::begin(&service).await;
    socket.subscribe("u", USERS).await;
    socket.next("u").await;
    let frame = CloseFrame { code: 1000.into(), reason: "Normal Closure".into() };
    socket.send(Message::Close(Some(frame))).await;
    assert_eq!(socket.closed().await.0, 1000);
    // The permit is free.
    until(async || Socket::open(&service, &[("sec-websocket-protocol", PROTOCOL)]).await.is_ok()).await;
}
