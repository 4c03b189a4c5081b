//! Sign-in, over real HTTP and sockets: nothing that a request brings gives more than its viewer has.

mod hook;
mod provider;
pub mod token;
mod ways;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use provider::Provider;
use reqwest::RequestBuilder;
use reqwest::header::WWW_AUTHENTICATE;
use serde_json::{Value as Json, json};
use token::{AUDIENCE, ISSUER, Key, RSA_PUBLIC, SECRET, SMALL_PUBLIC, claims, now};

use crate::process::{Ended, Folder, Service, header, run, within};
use crate::socket_client::{PROTOCOL, Socket};

const ADMINISTRATOR: &str = "the secret of administrators";

const USERS: &str = "{ users { id username } }";

/// Rules of the tests: a user sees itself.
const ROLES: &str = r#"
    [viewer]
    userId = "Int!"
    place = "String"

    [roles.anonymous.Author]
    read = "true"
    columns = ["id", "name"]

    [roles.user]
    includes = ["anonymous"]
    [roles.user.User]
    read = "{ id: { eq: $userId } }"
    columns = ["*"]
    [roles.user.Place]
    read = "{ name: { eq: $place } }"
    columns = ["*"]

    [roles.reader.Author]
    read = "{ id: { eq: 1 } }"
    columns = ["id"]

    [roles.all.User]
    read = "true"
    columns = ["*"]
"#;

/// Returns an options file with roles and a table of sign-in.
fn options(folder: &Folder, roles: &str, sign_in: &str) -> String {
    let claims =
        r#"claims = { role = "/app/role", roles = "/app/roles", userId = "/sub", place = "/place" }"#;
    let text = format!(
        "{roles}\n[sign_in]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\n{claims}\n{sign_in}\n"
    );
    write(folder, &text)
}

fn write(folder: &Folder, text: &str) -> String {
    let file = folder.path().join("options.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn shared_secret() -> String {
    format!("algorithms = [\"HS256\"]\nsecret = \"{SECRET}\"")
}

async fn start<'a>(folder: &'a Folder, sign_in: &str, arguments: &[&str]) -> Service<'a> {
    let options = options(folder, ROLES, sign_in);
    let arguments = [&["--options", &options], arguments].concat();
    Service::start_in(folder, &arguments, &[("CROWSFOOT_ADMIN_SECRET", ADMINISTRATOR)]).await
}

fn ask(service: &Service<'_>, query: &str) -> RequestBuilder {
    service.post("/graphql").json(&json!({ "query": query }))
}

fn as_user(service: &Service<'_>, token: &str) -> RequestBuilder {
    ask(service, USERS).bearer_auth(token)
}

/// Returns the status, the challenge and the body of a response.
async fn sent(request: RequestBuilder) -> (u16, String, Json) {
    let response = within(request.send()).await.unwrap();
    let challenge = header(&response, WWW_AUTHENTICATE.as_str());
    (response.status().as_u16(), challenge, response.json().await.unwrap())
}

fn user(id: u64, name: &str) -> Json {
    json!({ "data": { "users": [{ "id": id, "username": name }] } })
}

async fn assert_bad_token(service: &Service<'_>, token: &str, why: &str) {
    for accept in ["application/json", "application/graphql-response+json"] {
        let (status, challenge, body) = sent(as_user(service, token).header("accept", accept)).await;
        assert_eq!((status, challenge.as_str()), (401, "Bearer error=\"invalid_token\""), "{why}: {body}");
        assert_eq!(body["errors"][0]["extensions"], json!({ "code": "UNAUTHENTICATED" }), "{why}: {body}");
        assert_eq!(body.get("data"), None, "{why}");
    }
}

#[tokio::test]
async fn every_caller_gets_what_its_role_sees() {
    let folder = Folder::new();
    let service = start(&folder, &shared_secret(), &[]).await;
    let key = Key::secret(SECRET);
    let token = key.token(&claims("1", &json!({})));

    let (status, _, body) = sent(ask(&service, "{ authors(limit: 1) { id name } }")).await;
    assert_eq!((status, body["data"]["authors"][0]["id"].as_u64()), (200, Some(1)), "{body}");
    let (_, _, body) = sent(ask(&service, USERS)).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{body}");
    assert_eq!(sent(as_user(&service, &token)).await.2, user(1, "ada"));
    assert_eq!(sent(as_user(&service, &key.token(&claims("2", &json!({}))))).await.2, user(2, "björn"));

    // Attack 88: a role of the token's own list, and no other.
    let reader = ask(&service, "{ authors { id } }").bearer_auth(&token).header("crowsfoot-role", "reader");
    assert_eq!(sent(reader).await.2, json!({ "data": { "authors": [{ "id": 1 }] } }));
    for role in ["all", "admin", "nobody", "anonymous"] {
        let (status, _, body) = sent(as_user(&service, &token).header("crowsfoot-role", role)).await;
        assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (403, &json!("FORBIDDEN")), "{body}");
    }
    let (status, ..) = sent(ask(&service, USERS).header("crowsfoot-role", "all")).await;
    assert_eq!(status, 403);

    // The administrator does everything, and acts as anybody.
    let administrator = |query| ask(&service, query).header("crowsfoot-admin-secret", ADMINISTRATOR);
    let (_, _, body) = sent(administrator(USERS)).await;
    assert!(body["data"]["users"].as_array().unwrap().len() > 2, "{body}");
    let acting =
        administrator(USERS).header("crowsfoot-role", "user").header("crowsfoot-viewer", "{\"userId\":2}");
    assert_eq!(sent(acting).await.2, user(2, "björn"));
    let (status, ..) = sent(administrator(USERS).header("crowsfoot-role", "user")).await;
    assert_eq!(status, 400, "a viewer of this role has an id");

    // Attack 87: a variable that the token lacks; the grant does not apply.
    let places = |token: &str| ask(&service, "{ places { name } }").bearer_auth(token);
    let (_, _, body) = sent(places(&token)).await;
    assert_eq!(body, json!({ "data": { "places": [] } }));

    // Attack 71: the document that one viewer may ask is unknown to another.
    let (_, _, body) = sent(ask(&service, USERS)).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{body}");
    // Attack 95.
    let log = service.stop().await.log;
    assert!(log.contains("an administrator acts as a viewer"), "{log}");
    for secret in [ADMINISTRATOR, SECRET, token.as_str(), token.rsplit('.').next().unwrap(), ISSUER] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn headers_that_claim_more_than_they_prove_are_refused() {
    let folder = Folder::new();
    let service = start(&folder, &shared_secret(), &["--max-batch", "2"]).await;
    let token = Key::secret(SECRET).token(&claims("1", &json!({})));
    let authors = || ask(&service, "{ authors(limit: 1) { id } }");
    // Attacks 89 and 92.
    let (status, _, body) =
        sent(as_user(&service, &token).header("crowsfoot-viewer", "{\"userId\":2}")).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (400, &json!("BAD_REQUEST")), "{body}");
    assert_eq!(sent(as_user(&service, &token).header("authorization", "Bearer x")).await.0, 400);
    let in_url =
        service.get(&format!("/graphql?query={{authors{{id}}}}&access_token={token}&authorization={token}"));
    assert_eq!(sent(in_url.query(&[("query", USERS)])).await.0, 400);
    let in_url = service.get(&format!("/graphql?access_token={token}")).query(&[("query", USERS)]);
    assert_eq!(sent(in_url).await.2["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    // Attacks 90 and 91: never anonymous.
    for secret in ["", "the secret of administrator", "the secret of administratorsX"] {
        let (status, _, body) = sent(authors().header("crowsfoot-admin-secret", secret)).await;
        assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (401, &json!("UNAUTHENTICATED")));
    }
    for value in ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic YTpi", "", &token] {
        let (status, _, body) = sent(authors().header("authorization", value)).await;
        assert_eq!(status, 401, "{value:?}: {body}");
    }
    // Attack 72: a batch has one viewer.
    let batch = json!([{ "query": USERS }, { "query": USERS }]);
    let (_, _, body) = sent(service.post("/graphql").json(&batch).bearer_auth(&token)).await;
    assert_eq!(body, json!([user(1, "ada"), user(1, "ada")]));

    // Attacks 38 and 42: insights are for the administrator.
    let explained = as_user(&service, &token).header("crowsfoot-explain", "1");
    assert_eq!(sent(explained).await.2, user(1, "ada"));
    let explained =
        ask(&service, USERS).header("crowsfoot-explain", "1").header("crowsfoot-admin-secret", ADMINISTRATOR);
    assert!(sent(explained).await.2["extensions"]["explain"].is_object());
    for page in ["/model", "/metrics"] {
        let status = async |request: RequestBuilder| within(request.send()).await.unwrap().status().as_u16();
        // In development the diagram shows a role's part of the model.
        let expected = if page == "/model" { 200 } else { 403 };
        assert_eq!(status(service.get(page)).await, expected, "{page}: anonymous is a role");
        assert_eq!(status(service.get(page).bearer_auth(&token)).await, expected, "{page}");
        assert_eq!(status(service.get(page).bearer_auth("x")).await, 401, "{page}");
        assert_eq!(
            status(service.get(page).header("crowsfoot-admin-secret", ADMINISTRATOR)).await,
            200,
            "{page}"
        );
    }
}

#[tokio::test]
async fn without_a_role_for_it_nobody_is_anonymous() {
    let folder = Folder::new();
    let roles = ROLES.replace("roles.anonymous", "roles.guest").replace("\"anonymous\"", "\"guest\"");
    let options = options(&folder, &roles, &shared_secret());
    let service = Service::start(&folder, &["--options", &options]).await;
    let (status, challenge, body) = sent(ask(&service, USERS)).await;
    assert_eq!((status, challenge.as_str()), (401, "Bearer"), "{body}");
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let (status, ..) = sent(ask(&service, USERS).header("crowsfoot-admin-secret", "")).await;
    assert_eq!(status, 401, "no secret is set, and an empty one is none");
    let response = within(service.get("/readyz").send()).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn bad_tokens_of_a_shared_secret_are_refused() {
    let folder = Folder::new();
    let service = start(&folder, &format!("{}\nmax_age = 3600", shared_secret()), &[]).await;
    let key = Key::secret(SECRET);
    let good = claims("1", &json!({}));
    let none = key.token_with(&json!({ "alg": "none" }), &good);
    let unsigned = format!("{}.", none.rsplit_once('.').unwrap().0);
    let good_token = key.token(&good);
    let (message, signature) = good_token.rsplit_once('.').unwrap();
    for (why, token) in [
        ("attack 75: no algorithm", none),
        ("attack 75: no signature", unsigned),
        ("another secret", Key::secret("another secret of thirty-two bytes or more").token(&good)),
        ("another algorithm", key.token_with(&json!({ "alg": "HS384" }), &good)),
        ("a part too many", format!("{good_token}.x")),
        ("a part too few", message.to_owned()),
        ("a signature of nothing", format!("{message}.")),
        (
            "other claims",
            format!("{}.{signature}", key.token(&claims("2", &json!({}))).rsplit_once('.').unwrap().0),
        ),
        ("crit", key.token_with(&json!({ "alg": "HS256", "crit": ["b64"], "b64": true }), &good)),
        ("crit", key.token_with(&json!({ "alg": "HS256", "crit": ["x"], "x": 1 }), &good)),
    ] {
        assert_bad_token(&service, &token, why).await;
    }
    for (why, other) in [
        ("attack 77: exp as a string", json!({ "exp": "9999999999" })),
        ("attack 77: no exp", json!({ "exp": null })),
        ("attack 77: exp past", json!({ "exp": now() - 60 })),
        ("attack 77: exp in a list", json!({ "exp": [now() + 600] })),
        ("attack 77: negative exp", json!({ "exp": -1 })),
        ("attack 77: beyond max_age", json!({ "exp": now() + 7200 })),
        ("attack 78: not yet", json!({ "nbf": now() + 120 })),
        ("attack 78: nbf as a string", json!({ "nbf": "0" })),
        ("attack 79: another audience", json!({ "aud": "other" })),
        ("attack 79: other audiences", json!({ "aud": ["other", "shop2"] })),
        ("attack 79: no audience", json!({ "aud": null })),
        ("attack 79: an audience of another type", json!({ "aud": { "shop": true } })),
        ("attack 80: another issuer", json!({ "iss": "https://id.example.evil.example" })),
        ("attack 80: no issuer", json!({ "iss": null })),
        ("attack 80: an issuer of another type", json!({ "iss": 1 })),
        ("attack 86: a user of another type", json!({ "sub": true })),
        ("attack 86: a user that is no number", json!({ "sub": "1 or true" })),
        ("attack 86: a role of another type", json!({ "app": { "role": ["user"] } })),
        ("attack 86: roles of another type", json!({ "app": { "role": "user", "roles": "all" } })),
        ("attack 86: an optional variable of another type", json!({ "place": 1 })),
        ("attack 87: no user", json!({ "sub": null })),
        ("no role", json!({ "app": {} })),
    ] {
        assert_bad_token(&service, &key.token(&claims("1", &other)), why).await;
    }
    for other in [
        json!({}),
        json!({ "aud": ["other", AUDIENCE] }),
        json!({ "nbf": now() }),
        json!({ "exp": now() - 5 }),
        json!({ "sub": 1 }),
    ] {
        let (status, _, body) = sent(as_user(&service, &key.token(&claims("1", &other)))).await;
        assert_eq!((status, body), (200, user(1, "ada")), "{other}");
    }
    let role = key.token(&claims("1", &json!({ "app": { "role": "undeclared" } })));
    assert_eq!(sent(as_user(&service, &role)).await.0, 403);
}

#[tokio::test]
async fn public_keys_verify_tokens_of_each_kind_and_nothing_else() {
    let (rsa, ec, ed, foreign) = (Key::rsa(), Key::ec(), Key::ed(), Key::ec());
    let folder = Folder::new();
    let set = json!({ "keys": [
        ec.jwk("ec"), ed.jwk("ed"), { "kty": "new", "kid": "x" }, Key::secret(SECRET).jwk("secret"),
    ] });
    std::fs::write(folder.path().join("keys.json"), set.to_string()).unwrap();
    std::fs::write(folder.path().join("rsa.pem"), RSA_PUBLIC).unwrap();
    let sign_in = "algorithms = [\"RS256\", \"ES256\", \"EdDSA\"]\nkeys = [\"keys.json\", \"rsa.pem\"]";
    let service = start(&folder, sign_in, &[]).await;
    let good = claims("1", &json!({}));
    for token in [
        rsa.token(&good),
        rsa.token_of("of no key", &good),
        ec.token_of("ec", &good),
        ec.token(&good),
        ed.token_of("ed", &good),
    ] {
        let (status, _, body) = sent(as_user(&service, &token)).await;
        assert_eq!((status, body), (200, user(1, "ada")));
        // The second time from the kept identity.
        assert_eq!(sent(as_user(&service, &token)).await.2, user(1, "ada"));
    }
    let public = RSA_PUBLIC;
    let url = "http://127.0.0.1:1/keys";
    for (why, token) in [
        ("attack 76: the public key as a secret", Key::secret(public).token(&good)),
        ("attack 76: the public key as a secret", Key::secret(public.trim()).token(&good)),
        ("a secret of the set", Key::secret(SECRET).token_of("secret", &good)),
        ("an algorithm that is not named", rsa.token_with(&json!({ "alg": "RS384" }), &good)),
        ("attack 81: a path", ec.token_of("../../../../dev/null", &good)),
        ("attack 81: SQL", ec.token_of("ec' or '1'='1", &good)),
        ("the id of another key", ec.token_of("ed", &good)),
        ("a foreign key", foreign.token_of("ec", &good)),
        ("attack 82: jku", foreign.token_with(&json!({ "alg": "ES256", "jku": url, "x5u": url }), &good)),
        ("attack 82: jwk", foreign.token_with(&json!({ "alg": "ES256", "jwk": foreign.jwk("ec") }), &good)),
    ] {
        assert_bad_token(&service, &token, why).await;
    }
}

#[tokio::test]
async fn a_provider_is_asked_when_its_keys_have_changed_and_no_more() {
    let (old, new, foreign) = (Key::ec(), Key::ec(), Key::ec());
    let provider = Provider::start(json!([old.jwk("old")])).await;
    let attacker = Provider::start(json!([foreign.jwk("foreign")])).await;
    let folder = Folder::new();
    let sign_in = format!("algorithms = [\"ES256\"]\nkeys = \"{}\"", provider.url());
    let service = start(&folder, &sign_in, &[]).await;
    let good = claims("1", &json!({}));
    let old_token = old.token_of("old", &good);
    assert_eq!(sent(as_user(&service, &old_token)).await.2, user(1, "ada"));
    assert_eq!(provider.requests(), 1);

    // Attack 84: one fetch for the new key, for many requests at once; the old key is dropped with the set that lacks it.
    provider.rotate(json!([new.jwk("new")]));
    let new_token = new.token_of("new", &good);
    let answers = join_all((0..20).map(|_| sent(as_user(&service, &new_token)))).await;
    assert!(answers.iter().all(|(status, _, body)| (*status, body) == (200, &user(1, "ada"))), "{answers:?}");
    assert_eq!(provider.requests(), 2);
    assert_bad_token(&service, &old_token, "attack 84: a dropped key").await;

    // Attacks 82 and 83: one fetch for all unknown keys, and none elsewhere.
    for number in 0..1_000 {
        let header = json!({ "alg": "ES256", "kid": format!("k{number}"), "jku": attacker.url() });
        let (status, ..) = sent(as_user(&service, &foreign.token_with(&header, &good))).await;
        assert_eq!(status, 401);
    }
    assert_eq!((provider.requests(), attacker.requests()), (2, 0));

    // Attack 85: the last good set serves while the provider is away.
    drop(provider);
    assert_eq!(
        sent(as_user(&service, &new.token_of("new", &claims("2", &json!({}))))).await.2,
        user(2, "björn")
    );
}

#[tokio::test]
async fn a_service_without_keys_is_not_ready_and_recovers() {
    let key = Key::ec();
    let provider = Provider::start(json!([])).await;
    let (url, address) = (provider.url(), provider.address.to_string());
    drop(provider);
    let folder = Folder::new();
    let service = start(&folder, &format!("algorithms = [\"ES256\"]\nkeys = \"{url}\""), &[]).await;
    let token = key.token_of("k", &claims("1", &json!({})));
    let (status, _, body) = sent(as_user(&service, &token)).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (503, &json!("UNAVAILABLE")), "{body}");
    let ready = async || within(service.get("/readyz").send()).await.unwrap().status().as_u16();
    assert_eq!(ready().await, 503);
    // Anonymous callers need no keys.
    assert_eq!(sent(ask(&service, "{ authors(limit: 1) { id } }")).await.0, 200);

    let _provider = Provider::start_at(&address, json!([key.jwk("k")])).await;
    crate::process::until(async || ready().await == 200).await;
    assert_eq!(sent(as_user(&service, &token)).await.2, user(1, "ada"));
}

#[tokio::test]
async fn concurrent_answers_of_two_tenants_hold_no_row_of_the_other() {
    let folder = Folder::new();
    let service = start(&folder, &shared_secret(), &[]).await;
    let key = Key::secret(SECRET);
    let tokens = ["1", "2"].map(|id| key.token(&claims(id, &json!({}))));
    let expected = [user(1, "ada"), user(2, "björn")];
    let mut count = 0;
    for _ in 0..25 {
        let answers = join_all((0..40).map(|number| sent(as_user(&service, &tokens[number % 2])))).await;
        for (number, (status, _, body)) in answers.into_iter().enumerate() {
            assert_eq!((status, &body), (200, &expected[number % 2]));
            count += 1;
        }
    }
    assert_eq!(count, 1_000);
}

/// Opens a socket, and sends credentials.
async fn socket(service: &Service<'_>, payload: Json) -> Socket {
    let mut socket = Socket::new(service).await;
    socket.say(json!({ "type": "connection_init", "payload": payload })).await;
    socket
}

#[tokio::test]
async fn sockets_sign_in_by_payload_or_handshake() {
    let folder = Folder::new();
    let service = start(&folder, &shared_secret(), &[]).await;
    let key = Key::secret(SECRET);
    let tokens = ["1", "2"].map(|id| format!("Bearer {}", key.token(&claims(id, &json!({})))));
    let live = "subscription { users { id username } }";
    let mut one = socket(&service, json!({ "headers": { "Authorization": tokens[0] } })).await;
    let mut other = socket(&service, json!({ "authorization": tokens[1] })).await;
    let handshake = [("sec-websocket-protocol", PROTOCOL), ("authorization", tokens[1].as_str())];
    let mut third = Socket::open(&service, &handshake).await.unwrap().0;
    third.say(json!({ "type": "connection_init" })).await;
    for (socket, expected) in
        [(&mut one, user(1, "ada")), (&mut other, user(2, "björn")), (&mut third, user(2, "björn"))]
    {
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket.subscribe("s", live).await;
        assert_eq!(socket.next("s").await, expected);
    }
    // Attack 67: a change of one tenant's row reaches that tenant.
    let change = "mutation { updateUser(id: 2, input: { username: \"eve\" }) { id } }";
    let changed = sent(ask(&service, change).header("crowsfoot-admin-secret", ADMINISTRATOR)).await.2;
    assert_eq!(changed["data"]["updateUser"]["id"], 2, "{changed}");
    assert_eq!(other.next("s").await, user(2, "eve"));
    assert_eq!(third.next("s").await, user(2, "eve"));
    one.is_silent().await;

    let mut anonymous = socket(&service, json!({})).await;
    assert_eq!(anonymous.hear().await, json!({ "type": "connection_ack" }));
    anonymous.subscribe("s", live).await;
    assert_eq!(anonymous.hear().await["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");

    // Attack 93: bad credentials, none, and another origin.
    for payload in [
        json!({ "authorization": "Bearer x" }),
        json!({ "authorization": 1 }),
        json!({ "headers": "x" }),
        json!({ "headers": { "crowsfoot-admin-secret": "x" } }),
        json!({ "headers": { "crowsfoot-viewer": "{}" } }),
        json!({ "headers": { "authorization": tokens[0], "crowsfoot-role": "all" } }),
        json!({ "headers": { "authorization": tokens[0] }, "authorization": tokens[1] }),
    ] {
        assert_eq!(socket(&service, payload).await.closed().await, (4403, "Forbidden".to_owned()));
    }
    let mut early = Socket::new(&service).await;
    early.subscribe("s", live).await;
    assert_eq!(early.closed().await.0, 4401);
    let foreign = [("origin", "https://evil.example"), ("sec-websocket-protocol", PROTOCOL)];
    assert!(Socket::open(&service, &foreign).await.is_err());
}

/// Attack 70: a socket has the role with which it began, and a token of another role needs a socket of its own.
#[tokio::test]
async fn a_socket_keeps_the_role_of_its_token() {
    let folder = Folder::new();
    let service = start(&folder, &shared_secret(), &[]).await;
    let key = Key::secret(SECRET);
    let of_role = |role: &str| {
        let token = key.token(&claims("1", &json!({ "app": { "role": role } })));
        json!({ "authorization": format!("Bearer {token}") })
    };
    let begun = async |role: &str| {
        let mut socket = socket(&service, of_role(role)).await;
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket
    };
    let (mut user_socket, mut all_socket) = (begun("user").await, begun("all").await);
    let count = async |socket: &mut Socket| {
        socket.subscribe("s", USERS).await;
        socket.only("s").await["data"]["users"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count(&mut user_socket).await, 1);
    assert!(count(&mut all_socket).await > 1);
    assert_eq!(count(&mut user_socket).await, 1);
    user_socket.say(json!({ "type": "connection_init", "payload": of_role("all") })).await;
    assert_eq!(user_socket.closed().await.0, 4429);
}

/// Attack 94: no event is needed for the end.
#[tokio::test]
async fn sockets_and_streams_end_with_their_token() {
    let folder = Folder::new();
    let service = start(&folder, &shared_secret(), &[]).await;
    let token = Key::secret(SECRET).token(&claims("1", &json!({ "exp": now() + 3 })));
    let begun = Instant::now();
    let live = "subscription { users { id username } }";
    let mut client = socket(&service, json!({ "authorization": format!("Bearer {token}") })).await;
    assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
    for id in ["a", "b"] {
        client.subscribe(id, live).await;
        assert_eq!(client.next(id).await, user(1, "ada"));
    }
    let stream = ask(&service, live).bearer_auth(&token).header("accept", "text/event-stream");
    let stream = within(within(stream.send()).await.unwrap().text());
    let mut ended = Vec::new();
    for _ in 0..2 {
        let message = client.hear().await;
        assert_eq!(message["type"], "error", "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "UNAUTHENTICATED", "{message}");
        ended.push(message["id"].as_str().unwrap().to_owned());
    }
    ended.sort();
    assert_eq!(ended, ["a", "b"]);
    assert_eq!(client.closed().await, (4403, "Forbidden".to_owned()));
    assert!((1..10).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let events = stream.await.unwrap();
    assert!(events.contains("\"username\":\"ada\""), "{events}");
    assert!(events.contains("UNAUTHENTICATED"), "{events}");
    assert!(events.ends_with("event: complete\ndata:\n\n"), "{events}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

async fn refused(folder: &Folder, arguments: &[&str]) -> String {
    let Ended { code, log, .. } = run(folder, arguments).await;
    assert_eq!(code, Some(1), "{arguments:?}: {log}");
    log
}

#[tokio::test]
async fn a_service_that_would_serve_more_than_it_says_does_not_start() {
    let folder = Folder::new();
    let log = refused(&folder, &["--mode", "production"]).await;
    assert!(log.contains("[roles.NAME.TYPE]") && log.contains("--public"), "{log}");
    let roles = write(&folder, ROLES);
    let log = refused(&folder, &["--options", &roles]).await;
    assert!(log.contains("[sign_in]") && log.contains("CROWSFOOT_ADMIN_SECRET"), "{log}");
    let log = refused(&folder, &["--options", &roles, "--public"]).await;
    assert!(log.contains("--public contradicts"), "{log}");
    let log = refused(&folder, &["--options", &roles, "--admin-secret", "short"]).await;
    assert!(log.contains("at least 16 bytes") && !log.contains("short"), "{log}");
    assert!(!folder.path().join("crowsfoot.db").exists(), "nothing is migrated");
    let log = refused(&folder, &["--admin-secret", ADMINISTRATOR]).await;
    assert!(!folder.path().join("crowsfoot.db").exists(), "nothing is migrated");
    assert!(log.contains("no effect without policies") && !log.contains(ADMINISTRATOR), "{log}");
    let without_roles = options(&folder, "", &shared_secret());
    let log = refused(&folder, &["--options", &without_roles]).await;
    assert!(log.contains("no effect without policies") && !log.contains(SECRET), "{log}");
    let misspelt = write(&folder, &format!("{ROLES}\n[signin]\n"));
    let log = refused(&folder, &["--options", &misspelt]).await;
    assert!(log.contains("options.toml: line ") && log.contains("unknown field `signin`"), "{log}");
}

#[tokio::test]
async fn settings_of_tokens_that_would_accept_too_much_are_refused() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("small.pem"), SMALL_PUBLIC).unwrap();
    std::fs::write(folder.path().join("rsa.pem"), RSA_PUBLIC).unwrap();
    for (sign_in, expected) in [
        ("algorithms = [\"HS256\"]\nsecret = \"of fewer bytes\"".to_owned(), "fewer than 32 bytes"),
        (
            format!("algorithms = [\"HS256\", \"RS256\"]\nsecret = \"{SECRET}\""),
            "HS256, HS384 and HS512 only",
        ),
        ("algorithms = [\"HS256\"]\nkeys = \"rsa.pem\"".to_owned(), "need secret"),
        ("algorithms = [\"RS256\"]\nkeys = \"small.pem\"".to_owned(), "at least 2048 bits"),
        ("algorithms = [\"RS256\"]\nkeys = \"none.pem\"".to_owned(), "none.pem"),
        ("algorithms = [\"RS256\"]\nkeys = \"http://id.example/keys\"".to_owned(), "https"),
        ("algorithms = [\"RS256\"]".to_owned(), "neither secret nor keys"),
        ("algorithms = []\nkeys = \"rsa.pem\"".to_owned(), "no algorithm"),
        ("algorithms = [\"none\"]\nkeys = \"rsa.pem\"".to_owned(), "unknown variant `none`"),
        ("algorithms = [\"RS256\"]\nkeys = \"rsa.pem\"\noptional = [\"sub\"]".to_owned(), "optional"),
    ] {
        let file = options(&folder, ROLES, &sign_in);
        let log = refused(&folder, &["--options", &file]).await;
        assert!(log.contains(expected), "{sign_in}: {log}");
    }
    let roles = ROLES.replace("place = \"String\"", "place = \"String\"\norg = \"Int!\"");
    let file = options(&folder, &roles, &shared_secret());
    assert!(refused(&folder, &["--options", &file]).await.contains("claims.org is missing"));
    let roles = ROLES.replace("place = \"String\"", "").replace("$place", "\\\"x\\\"");
    let file = options(&folder, &roles, &shared_secret());
    assert!(refused(&folder, &["--options", &file]).await.contains("claims.place"));
}
