//! The example with two tenants, over HTTP.

use serde_json::{Value as Json, json};

use crate::events::Events;
use crate::process::{Folder, Service, within};
use crate::sign_in::token::{Key, now};
use crate::support;

const TABLES: &str = include_str!("../../examples/tenants/schema.sql");
const OPTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/tenants/crowsfoot.toml");
const SECRET: &str = "for this example alone: thirty-two bytes or more";

fn token(user: u64) -> String {
    Key::secret(SECRET).token(&json!({
        "iss": "https://id.example", "aud": "documents", "exp": now() + 600, "role": "user", "userId": user,
    }))
}

#[tokio::test]
async fn two_tenants_of_the_example_see_and_change_their_own_organisations() {
    let database = support::sqlite().await;
    database.run(TABLES).await;
    let folder = Folder::new();
    let arguments = ["--from-database", "--database-url", &database.url, "--options", OPTIONS];
    let service = Service::start(&folder, &arguments).await;
    let ask = async |user: u64, query: &str| -> Json {
        let request = service.post("/graphql").json(&json!({ "query": query })).bearer_auth(token(user));
        within(request.send()).await.unwrap().json().await.unwrap()
    };
    let unknown =
        within(service.post("/graphql").json(&json!({ "query": "{ __typename }" })).send()).await.unwrap();
    assert_eq!(unknown.status(), 401);

    let query = "{ organisations { name documents { title author { userId } } } members { userId } documentsAggregate { count } }";
    let red = json!({
        "organisations": [{ "name": "Red", "documents": [
            { "title": "plan", "author": { "userId": 10 } }, { "title": "notes", "author": { "userId": 11 } },
        ] }],
        "members": [{ "userId": 10 }, { "userId": 11 }], "documentsAggregate": { "count": 2 },
    });
    let blue = json!({
        "organisations": [{ "name": "Blue", "documents": [{ "title": "plan", "author": { "userId": 20 } }] }],
        "members": [{ "userId": 20 }], "documentsAggregate": { "count": 1 },
    });
    for (user, expected) in [(10, &red), (11, &red), (20, &blue)] {
        assert_eq!(ask(user, query).await, json!({ "data": expected }), "{user}");
    }
    let nobody = ask(99, "{ organisations { id } members { id } documents { id } }").await;
    assert_eq!(nobody["data"], json!({ "organisations": [], "members": [], "documents": [] }));

    let live = "subscription { documents { title } }";
    let request = service.post("/graphql").json(&json!({ "query": live })).bearer_auth(token(11));
    let mut events = Events::open(request).await;
    assert_eq!(events.next().await["data"]["documents"].as_array().map(Vec::len), Some(2));

    for (user, mutation, code) in [
        (
            11,
            "createDocument(input: { title: \"x\", organisation: { id: 1 }, author: { id: 1 } }) { id }",
            "FORBIDDEN",
        ),
        (
            11,
            "createDocument(input: { title: \"x\", organisation: { id: 2 }, author: { id: 2 } }) { id }",
            "NOT_FOUND",
        ),
        (11, "updateDocument(id: 1, input: { title: \"x\" }) { id }", "NOT_FOUND"),
        (11, "updateDocument(id: 3, input: { title: \"x\" }) { id }", "NOT_FOUND"),
        (11, "createMember(input: { userId: 12, admin: true, organisation: { id: 1 } }) { id }", "FORBIDDEN"),
        (20, "createMember(input: { userId: 20, admin: true, organisation: { id: 1 } }) { id }", "NOT_FOUND"),
        (20, "deleteMember(id: 2) { id }", "NOT_FOUND"),
        (
            11,
            "createDocument(input: { title: \"x\", organisation: { id: 1 }, author: { id: 2 } }) { id }",
            "",
        ),
        (10, "createMember(input: { userId: 12, admin: false, organisation: { id: 1 } }) { id }", ""),
    ] {
        let answer = ask(user, &format!("mutation {{ {mutation} }}")).await;
        let found = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        assert_eq!(found, code, "{user}: {mutation}: {answer}");
    }
    assert_eq!(events.next().await["data"]["documents"].as_array().map(Vec::len), Some(3));
    assert_eq!(ask(20, query).await, json!({ "data": blue }));
    service.stop().await;
    database.drop().await;
}
