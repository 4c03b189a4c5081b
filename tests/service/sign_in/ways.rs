//! Ways of sign-in besides the tokens of one issuer.

use super::hook::{Hook, HookAnswer};
use super::*;

/// Starts a service with the rules of the tests, and these further tables.
async fn with_tables<'a>(folder: &'a Folder, tables: &str, arguments: &[&str]) -> Service<'a> {
    let options = write(folder, &format!("{ROLES}\n{tables}"));
    let arguments = [&["--options", &options], arguments].concat();
    Service::start_in(folder, &arguments, &[("CROWSFOOT_ADMIN_SECRET", ADMINISTRATOR)]).await
}

fn code(body: &Json) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn each_issuer_has_its_own_keys_audience_and_claims() {
    let (first, second) = (Key::ec(), Key::rsa());
    let provider = Provider::start(json!([first.jwk("k")])).await;
    let folder = Folder::new();
    std::fs::write(folder.path().join("rsa.pem"), RSA_PUBLIC).unwrap();
    let tables = format!(
        "[[sign_in]]\nalgorithms = [\"ES256\"]\nkeys = \"{}\"\nissuer = \"https://one.example\"\naudience = \"one\"\n\
         claims = {{ role = \"/role\", userId = \"/sub\" }}\n\
         [[sign_in]]\nalgorithms = [\"RS256\"]\nkeys = \"rsa.pem\"\nissuer = \"https://two.example\"\naudience = \"two\"\n\
         role = \"user\"\nclaims = {{ userId = \"/account/id\" }}\n",
        provider.url()
    );
    let service = with_tables(&folder, &tables, &[]).await;
    let of = |issuer: &str, audience: &str, others: Json| {
        let mut claims = json!({ "iss": issuer, "aud": audience, "exp": now() + 600 });
        claims.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        claims
    };
    let one = of("https://one.example", "one", json!({ "sub": "1", "role": "user", "account": { "id": 2 } }));
    let two = of("https://two.example", "two", json!({ "sub": "1", "account": { "id": 2 } }));
    assert_eq!(sent(as_user(&service, &first.token_of("k", &one))).await.2, user(1, "ada"));
    assert_eq!(sent(as_user(&service, &second.token(&two))).await.2, user(2, "björn"));
    let fetched = provider.requests();
    for (why, token) in [
        ("signed by the other issuer", second.token_of("k", &one)),
        ("signed by the other issuer", first.token_of("k", &two)),
        (
            "for the other audience",
            first.token_of("k", &of("https://one.example", "two", json!({ "sub": "1", "role": "user" }))),
        ),
        (
            "of no issuer",
            first.token_of("k", &of("https://three.example", "one", json!({ "sub": "1", "role": "user" }))),
        ),
        ("no token", "opaque".to_owned()),
    ] {
        assert_bad_token(&service, &token, why).await;
    }
    assert_eq!(provider.requests(), fetched, "no token of another issuer asks this one's provider");
    // One issuer without keys does not stop the other.
    drop(service);
    let folder = Folder::new();
    std::fs::write(folder.path().join("rsa.pem"), RSA_PUBLIC).unwrap();
    drop(provider);
    let service = with_tables(&folder, &tables, &[]).await;
    let (status, _, body) = sent(as_user(&service, &first.token_of("k", &one))).await;
    assert_eq!((status, code(&body)), (503, "UNAVAILABLE"), "{body}");
    assert_eq!(sent(as_user(&service, &second.token(&two))).await.2, user(2, "björn"));
    let ready = within(service.get("/readyz").send()).await.unwrap();
    assert_eq!((ready.status().as_u16(), header(&ready, "retry-after")), (503, String::new()));
    assert!(ready.text().await.unwrap().contains("sign-in"), "the probe says what is missing");
}

/// Attack 93: a cookie travels with requests of any page.
#[tokio::test]
async fn a_cookie_signs_in_pages_of_the_service_only() {
    let folder = Folder::new();
    let service = start(&folder, &format!("{}\ncookie = \"session\"", shared_secret()), &[]).await;
    let token = Key::secret(SECRET).token(&claims("1", &json!({})));
    let cookie = format!("theme=dark; session={token}");
    let own = format!("http://{}", service.address);
    let with = |name: &str, value: &str| ask(&service, USERS).header("cookie", &cookie).header(name, value);
    assert_eq!(sent(with("origin", &own)).await.2, user(1, "ada"));
    assert_eq!(sent(with("sec-fetch-site", "same-origin")).await.2, user(1, "ada"));
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("x-nothing", "1"),
    ] {
        let (status, _, body) = sent(with(name, value)).await;
        assert_eq!((status, code(&body)), (403, "FORBIDDEN"), "{name}: {value}: {body}");
    }
    // A header comes before the cookie, and a bad cookie is not anonymous.
    let other = Key::secret(SECRET).token(&claims("2", &json!({})));
    assert_eq!(sent(with("origin", &own).bearer_auth(other)).await.2, user(2, "björn"));
    for cookie in ["session=x", "session=", "session=a; session=b"] {
        let request = ask(&service, "{ authors { id } }").header("cookie", cookie).header("origin", &own);
        assert_eq!(sent(request).await.0, 401, "{cookie}");
    }
    let unrelated = ask(&service, "{ authors(limit: 1) { id } }").header("cookie", "sessions=x");
    assert_eq!(sent(unrelated).await.0, 200);

    let open = async |origin: &str| {
        let headers = [("sec-websocket-protocol", PROTOCOL), ("origin", origin), ("cookie", cookie.as_str())];
        Socket::open(&service, &headers).await
    };
    let mut socket = open(&own).await.unwrap().0;
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
    socket.subscribe("s", "subscription { users { id username } }").await;
    assert_eq!(socket.next("s").await, user(1, "ada"));
    assert!(open("https://evil.example").await.is_err());
    let log = service.stop().await.log;
    assert!(!log.contains(&token), "{log}");
}

fn sessions(token: &str) -> HookAnswer {
    let future = now() + 600;
    match token {
        "ada" => HookAnswer::ok(r#"{ "role": "user", "values": { "userId": 1 } }"#),
        "two" => HookAnswer::ok(&format!(
            r#"{{ "role": "user", "roles": ["reader"], "values": {{ "userId": "2" }}, "expires": {future} }}"#
        )),
        "short" => HookAnswer::ok(&format!(
            r#"{{ "role": "user", "values": {{ "userId": 1 }}, "expires": {} }}"#,
            now() + 3
        )),
        "slowly" => HookAnswer(
            "200 OK".to_owned(),
            r#"{ "role": "user", "values": { "userId": 1 } }"#.to_owned(),
            Duration::from_millis(500),
        ),
        "never" => HookAnswer("200 OK".to_owned(), String::new(), Duration::from_secs(30)),
        "expired" => HookAnswer::ok(r#"{ "role": "user", "values": { "userId": 1 }, "expires": 1 }"#),
        "forbidden" => HookAnswer::status("403 Forbidden"),
        "failing" => HookAnswer::status("500 Internal Server Error"),
        "moved" => HookAnswer::status("302 Found\r\nlocation: http://127.0.0.1:1/"),
        "empty" => HookAnswer::ok(""),
        "roleless" => HookAnswer::ok(r#"{ "values": { "userId": 1 } }"#),
        "untyped" => HookAnswer::ok(r#"{ "role": "user", "values": { "userId": "x" } }"#),
        "missing" => HookAnswer::ok(r#"{ "role": "user" }"#),
        "unknown" => HookAnswer::ok(r#"{ "role": "user", "values": { "userId": 1, "admin": true } }"#),
        "large" => HookAnswer::ok(&format!("{{ \"role\": \"user\", \"x\": \"{}\" }}", "x".repeat(70_000))),
        "undeclared" => HookAnswer::ok(r#"{ "role": "root", "values": { "userId": 1 } }"#),
        _ => HookAnswer::status("401 Unauthorized"),
    }
}

#[tokio::test]
async fn a_webhook_verifies_opaque_tokens() {
    let hook = Hook::start(sessions).await;
    let folder = Folder::new();
    let tables = format!(
        "[sign_in]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\n{}\nclaims = {{ role = \"/app/role\", userId = \"/sub\" }}\n\
         [sign_in_webhook]\nurl = \"{}\"\nheaders = [\"x-device\"]\ntimeout = 2\n",
        shared_secret(),
        hook.url()
    );
    let service = with_tables(&folder, &tables, &[]).await;
    assert_eq!(sent(as_user(&service, "ada")).await.2, user(1, "ada"));
    assert_eq!(sent(as_user(&service, "two")).await.2, user(2, "björn"));
    let reader = ask(&service, "{ authors { id } }").bearer_auth("two").header("crowsfoot-role", "reader");
    assert_eq!(sent(reader).await.2, json!({ "data": { "authors": [{ "id": 1 }] } }));
    // Kept; but another value of a header that is passed on is another question.
    let count = hook.requests().len();
    assert_eq!(count, 2);
    assert_eq!(sent(as_user(&service, "ada")).await.2, user(1, "ada"));
    assert_eq!(hook.requests().len(), count);
    assert_eq!(
        sent(as_user(&service, "ada").header("x-device", "d1").header("x-other", "o1")).await.2,
        user(1, "ada")
    );
    let requests = hook.requests();
    assert_eq!(requests.len(), count + 1);
    let last = requests.last().unwrap();
    assert!(
        last.starts_with("post /sessions ") && last.contains("x-device: d1") && !last.contains("o1"),
        "{last}"
    );
    // Tokens of an issuer are none of the webhook's.
    let token = Key::secret(SECRET).token(&claims("2", &json!({})));
    assert_eq!(sent(as_user(&service, &token)).await.2, user(2, "björn"));
    assert_bad_token(&service, &Key::secret(SECRET).token(&claims("2", &json!({ "exp": 1 }))), "expired")
        .await;
    assert_eq!(hook.requests().len(), count + 1);
    // Many at once share one request.
    let answers = join_all((0..20).map(|_| sent(as_user(&service, "slowly")))).await;
    assert!(answers.iter().all(|(_, _, body)| *body == user(1, "ada")), "{answers:?}");
    assert_eq!(hook.requests().len(), count + 2);

    for token in ["bad", "forbidden", "expired"] {
        assert_bad_token(&service, token, token).await;
    }
    assert_eq!(sent(as_user(&service, "undeclared")).await.0, 403);
    let begun = Instant::now();
    for token in ["never", "failing", "moved", "empty", "roleless", "untyped", "missing", "unknown", "large"]
    {
        let request = ask(&service, "{ authors(limit: 1) { id } }").bearer_auth(token);
        let response = within(request.send()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), header(&response, "retry-after")),
            (503, "1".to_owned()),
            "{token}"
        );
        let body: Json = response.json().await.unwrap();
        assert_eq!(code(&body), "UNAVAILABLE", "{token}: {body}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(hook);
    assert_eq!(sent(as_user(&service, "ada")).await.2, user(1, "ada"), "kept while the webhook is away");
    assert_eq!(sent(as_user(&service, "new")).await.0, 503);
    let log = service.stop().await.log;
    assert!(log.contains("the webhook fails"), "{log}");
    for secret in ["bearer", "Bearer", "untyped", "roleless"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_socket_ends_when_the_webhook_said_and_asks_again_later() {
    let hook = Hook::start(sessions).await;
    let folder = Folder::new();
    let service = with_tables(
        &folder,
        &format!("[sign_in_webhook]\nurl = \"{}\"\ncookie = \"sid\"\n", hook.url()),
        &[],
    )
    .await;
    let own = format!("http://{}", service.address);
    let by_cookie = ask(&service, USERS).header("cookie", "sid=two").header("origin", &own);
    assert_eq!(sent(by_cookie).await.2, user(2, "björn"));
    let mut socket = socket(&service, json!({ "authorization": "Bearer short" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
    socket.subscribe("s", "subscription { users { id username } }").await;
    assert_eq!(socket.next("s").await, user(1, "ada"));
    let end = socket.hear().await;
    assert_eq!(
        (&end["type"], &end["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("UNAUTHENTICATED"))
    );
    assert_eq!(socket.closed().await, (4403, "Forbidden".to_owned()));
    // The answer has expired, so the webhook is asked again.
    assert_eq!(sent(as_user(&service, "short")).await.2, user(1, "ada"));
    assert_eq!(hook.requests().iter().filter(|head| head.contains("bearer short")).count(), 2);
}

#[tokio::test]
async fn headers_are_trusted_from_a_proxy_with_its_secret_only() {
    let folder = Folder::new();
    let proxy = "the secret of the proxy";
    let options = write(&folder, ROLES);
    let service =
        Service::start_in(&folder, &["--options", &options], &[("CROWSFOOT_TRUST_HEADERS", proxy)]).await;
    let viewer = |request: RequestBuilder| {
        request.header("crowsfoot-role", "user").header("crowsfoot-viewer", "{\"userId\":2}")
    };
    let behind = |query| ask(&service, query).header("crowsfoot-proxy-secret", proxy);
    assert_eq!(sent(viewer(behind(USERS))).await.2, user(2, "björn"));
    assert_eq!(sent(behind("{ authors(limit: 1) { id } }")).await.0, 200, "anonymous");
    assert_eq!(sent(viewer(ask(&service, USERS))).await.0, 400);
    assert_eq!(
        sent(viewer(ask(&service, USERS)).header("crowsfoot-proxy-secret", "the secret of the proxX"))
            .await
            .0,
        401
    );
    assert_eq!(sent(viewer(viewer(behind(USERS)))).await.0, 400, "a header that the proxy has not removed");
    assert_eq!(sent(behind(USERS).header("crowsfoot-role", "user")).await.0, 401, "a variable is missing");
    assert_eq!(sent(behind(USERS).header("crowsfoot-role", "root")).await.0, 403);
    // The proxy's secret makes nobody an administrator.
    let page =
        within(viewer(service.get("/metrics")).header("crowsfoot-proxy-secret", proxy).send()).await.unwrap();
    assert_eq!(page.status(), 403);
    let explained = sent(viewer(behind(USERS)).header("crowsfoot-explain", "1")).await.2;
    assert_eq!(explained, user(2, "björn"));
    // A socket keeps what the proxy has said of its handshake.
    let handshake = [
        ("sec-websocket-protocol", PROTOCOL),
        ("crowsfoot-proxy-secret", proxy),
        ("crowsfoot-role", "user"),
        ("crowsfoot-viewer", "{\"userId\":2}"),
    ];
    let mut socket = Socket::open(&service, &handshake).await.unwrap().0;
    let payload = json!({ "headers": { "crowsfoot-role": "all", "crowsfoot-viewer": "{\"userId\":1}" } });
    socket.say(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
    socket.subscribe("s", "subscription { users { id username } }").await;
    assert_eq!(socket.next("s").await, user(2, "björn"));
    let log = service.stop().await.log;
    assert!(!log.contains(proxy), "{log}");
    let log = refused(&folder, &["--trust-headers", proxy]).await;
    assert!(log.contains("no effect without policies") && !log.contains(proxy), "{log}");
}

#[tokio::test]
async fn each_viewer_has_its_own_number_of_operations() {
    let folder = Folder::new();
    let service = start(&folder, &shared_secret(), &["--max-viewer-rate", "4/h", "--max-batch", "9"]).await;
    let key = Key::secret(SECRET);
    let tokens = ["1", "2"].map(|id| key.token(&claims(id, &json!({}))));
    // Another token of the same viewer is the same viewer.
    let again = key.token(&claims("1", &json!({ "jti": "2" })));
    for token in [&tokens[0], &again] {
        assert_eq!(sent(as_user(&service, token)).await.2, user(1, "ada"));
    }
    let stream = as_user(&service, &tokens[0]).header("accept", "text/event-stream");
    assert!(within(within(stream.send()).await.unwrap().text()).await.unwrap().contains("ada"));
    let mut socket = socket(&service, json!({ "authorization": format!("Bearer {}", tokens[0]) })).await;
    assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
    socket.subscribe("a", USERS).await;
    assert_eq!(socket.next("a").await, user(1, "ada"));
    assert_eq!(socket.hear().await["type"], "complete");
    socket.subscribe("b", USERS).await;
    let refused = socket.hear().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "TOO_MANY_REQUESTS", "{refused}");
    for accept in ["application/json", "application/graphql-response+json"] {
        let response = within(as_user(&service, &tokens[0]).header("accept", accept).send()).await.unwrap();
        let wait: u64 = header(&response, "retry-after").parse().unwrap();
        assert!(response.status() == 429 && (600..=901).contains(&wait), "{wait}");
        let body: Json = response.json().await.unwrap();
        assert_eq!(
            (code(&body), &body["errors"][0]["extensions"]["retryAfter"]),
            ("TOO_MANY_REQUESTS", &json!(wait))
        );
    }
    // Every request of a batch counts.
    let batch: Vec<Json> = (0..6).map(|_| json!({ "query": USERS })).collect();
    let (_, _, body) = sent(service.post("/graphql").json(&batch).bearer_auth(&tokens[1])).await;
    let answered = body.as_array().unwrap().iter().filter(|answer| **answer == user(2, "björn")).count();
    assert_eq!(answered, 4, "{body}");
    // Anonymous callers of one network are counted together, and administrators are not counted.
    let anonymous = async || sent(ask(&service, "{ authors(limit: 1) { id } }")).await.0;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(anonymous().await);
        assert_eq!(
            sent(
                ask(&service, "{ authors(limit: 1) { id } }").header("crowsfoot-admin-secret", ADMINISTRATOR)
            )
            .await
            .0,
            200
        );
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429]);
}

#[tokio::test]
async fn viewers_of_a_role_have_its_rate_beside_that_of_the_service() {
    let folder = Folder::new();
    let limit = |requests: &str| format!("{ROLES}\n[roles.reader]\nlimits = {{ requests = {requests} }}\n");
    let options = options(&folder, &limit("\"2/h\""), &shared_secret());
    let arguments = ["--options", &options, "--max-viewer-rate", "3/h"];
    let service = Service::start(&folder, &arguments).await;
    let key = Key::secret(SECRET);
    let statuses = async |id: &str, role: &str| {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let asked =
                ask(&service, "{ authors(limit: 1) { id } }").bearer_auth(key.token(&claims(id, &json!({}))));
            statuses.push(sent(asked.header("crowsfoot-role", role)).await.0);
        }
        statuses
    };
    for id in ["1", "2"] {
        assert_eq!(statuses(id, "reader").await, [200, 200, 429, 429]);
        assert_eq!(statuses(id, "user").await, [200, 200, 200, 429]);
    }
    service.stop().await;
    for (requests, expected) in [("\"2/day\"", "expected a rate such as 10/s"), ("2", "expected a string")] {
        let file = write(&folder, &limit(requests));
        let log = refused(&folder, &["--options", &file]).await;
        assert!(log.contains(expected), "{log}");
    }
}

#[tokio::test]
async fn settings_of_a_webhook_that_would_be_unsafe_are_refused() {
    let folder = Folder::new();
    for (tables, expected) in [
        ("[sign_in_webhook]\nurl = \"http://shop.example/sessions\"", "https"),
        ("[sign_in_webhook]\nurl = \"https://shop.example\"\nkeep = 3600", "at most 60 seconds"),
        ("[sign_in_webhook]\nurl = \"https://shop.example\"\ntimeout = 0", "1 to 60 seconds"),
        ("[sign_in_webhook]\nurl = \"https://shop.example\"\nheaders = [\"a b\"]", "headers"),
        ("[sign_in_webhook]\nurl = \"https://shop.example\"\ncookie = \"a;b\"", "cookie"),
        ("[sign_in_webhook]\nurl = \"https://shop.example\"\nheader = []", "unknown field `header`"),
    ] {
        let file = write(&folder, &format!("{ROLES}\n{tables}\n"));
        let log = refused(&folder, &["--options", &file]).await;
        assert!(log.contains(expected), "{tables}: {log}");
    }
    let options = write(&folder, ROLES);
    let Ended { code, log, .. } = run(&folder, &["--options", &options, "--max-viewer-rate", "0/s"]).await;
    assert!(code == Some(2) && log.contains("expected a rate such as"), "{log}");
}
