//! Checks the README: its commands run, and its queries have its responses. Documentation tests compile its
//! Rust.

use serde_json::{Value as Json, json};

use crate::page;
use crate::process::{Folder, Service, run};
use crate::support;

const README: &str = include_str!("../../README.md");

/// Returns the fenced blocks of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    page::blocks(README).into_iter().filter(|block| block.is(language, "")).map(|block| block.text).collect()
}

/// Returns every line of the shell blocks, and every command in running text.
fn commands() -> Vec<&'static str> {
    // The tests of `integrations/django` run the commands of a Django project.
    let is_here = |block: &&str| !block.contains("manage.py");
    let lines = blocks("sh").into_iter().filter(is_here).flat_map(str::lines);
    let inline = README.split('`').skip(1).step_by(2).filter(|text| text.starts_with("cargo run -- "));
    lines.chain(inline).collect()
}

#[tokio::test]
async fn queries_have_their_answers() {
    let (queries, answers) = (blocks("graphql"), blocks("json"));
    assert_eq!(queries.len(), answers.len());
    assert!(!queries.is_empty());
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (query, expected) in queries.into_iter().zip(answers) {
        let expected: Json = serde_json::from_str(expected).unwrap();
        assert_eq!(service.ask(query).await, expected, "{query}");
    }
    service.stop().await;
}

#[tokio::test]
async fn the_first_query_takes_as_many_statements_as_it_says() {
    assert!(README.contains("That took four statements"));
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let request = service.post("/graphql").header("Crowsfoot-Explain", "1");
    let answer: Json =
        request.json(&json!({ "query": blocks("graphql")[0] })).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["extensions"]["explain"]["statements"].as_array().unwrap().len(), 4);
    service.stop().await;
}

/// Commands that end by themselves; other tests start the serving ones.
#[tokio::test]
async fn commands_run() {
    let expected = [
        "cargo run",
        "cargo test --workspace",
        "cargo run -- serve --from-database --database-url postgres://user@host/name",
        "DATABASE_URL=postgres://postgres@127.0.0.1/crowsfoot cargo run",
        "cargo run -- explain '{ users { profile { bio } } }'",
        "cargo run -- model --format svg",
        "cargo run -- policies print --role staff --options examples/roles.toml",
        "cargo run -- seed --scale 100",
        "cargo run -- check",
        "cargo run -- --help",
    ];
    assert_eq!(commands(), expected, "a command of the README that nothing here runs");
    let folder = Folder::new();
    for arguments in [
        vec!["explain", "{ users { profile { bio } } }"],
        vec!["model", "--format", "svg"],
        vec!["seed", "--scale", "100"],
        vec!["check"],
        vec!["--help"],
    ] {
        let ended = run(&folder, &arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.log);
    }
}

#[tokio::test]
async fn the_policies_show_each_viewer_its_own_rows() {
    let folder = Folder::new();
    let policies = blocks("toml").into_iter().find(|block| block.contains("[roles.")).unwrap();
    let file = folder.path().join("policies.toml");
    std::fs::write(&file, policies).unwrap();
    let options = ["--options", file.to_str().unwrap()];
    let print = async |arguments: &[&str]| {
        let ended = run(&folder, &[arguments, &options].concat()).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.log);
        ended.out
    };
    assert!(print(&["policies", "check"]).await.contains("roles: anonymous, user"));
    let granted = print(&["policies", "print", "--role", "user"]).await;
    assert!(granted.contains("update: bio; filter {user: {id: {eq: $userId}}}"), "{granted}");
    assert!(granted.contains("create: phoneNumber; set user = $userId; check true"), "{granted}");
    let sdl = print(&["schema", "--role", "user"]).await;
    assert!(
        sdl.contains("createUserInfo(") && !sdl.contains("createProfile(") && !sdl.contains("Post"),
        "{sdl}"
    );
    let viewer = "{\"userId\":1}";
    let plan = print(&["explain", "{ users { id } }", "--role", "user", "--viewer", viewer]).await;
    assert!(plan.contains("\"t0\".\"id\" = ?"), "{plan}");
    let secret = "a secret of the README's test";
    let arguments = ["--options", file.to_str().unwrap(), "--admin-secret", secret];
    let service = Service::start(&folder, &arguments).await;
    let ask = async |query: &str, role: Option<&str>| -> Json {
        let request = service.post("/graphql").json(&json!({ "query": query }));
        let request = match role {
            Some(role) => request
                .header("Crowsfoot-Admin-Secret", secret)
                .header("Crowsfoot-Role", role)
                .header("Crowsfoot-Viewer", "{\"userId\":1}"),
            None => request,
        };
        request.send().await.unwrap().json().await.unwrap()
    };
    let users = ask("{ users { id profile { __typename } } usersAggregate { count } }", Some("user")).await;
    let expected = json!({ "users": [{ "id": 1, "profile": { "__typename": "Profile" } }], "usersAggregate": { "count": 1 } });
    assert_eq!(users["data"], expected, "{users}");
    let changed = "mutation { updateProfile(id: 1, input: { bio: \"Changed.\" }) { bio user { id } } }";
    let changed = ask(changed, Some("user")).await;
    let expected = json!({ "updateProfile": { "bio": "Changed.", "user": { "id": 1 } } });
    assert_eq!(changed["data"], expected, "{changed}");
    let absent = ask("mutation { updateProfile(id: 2, input: { bio: \"x\" }) { id } }", Some("user")).await;
    assert_eq!(absent["errors"][0]["extensions"]["code"], "NOT_FOUND", "{absent}");
    let replaced = "mutation { deleteUserInfos(where: {}, all: true) { affected } createUserInfo(input: { phoneNumber: \"+1\" }) { user { id } } }";
    let replaced = ask(replaced, Some("user")).await;
    let expected = json!({ "deleteUserInfos": { "affected": 1 }, "createUserInfo": { "user": { "id": 1 } } });
    assert_eq!(replaced["data"], expected, "{replaced}");
    let hidden = ask("{ users { profile { birthdate } } }", Some("user")).await;
    assert_eq!(hidden["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{hidden}");
    let anonymous = ask("{ authors(limit: 1) { id } }", None).await;
    assert_eq!(anonymous["data"]["authors"][0]["id"], 1, "{anonymous}");
    let anonymous = ask("{ users { id } }", None).await;
    assert_eq!(anonymous["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{anonymous}");
    service.stop().await;
}

#[tokio::test]
async fn postgres_serves_the_same() {
    let Some(database) = support::postgres().await else { return };
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url]).await;
    let expected: Json = serde_json::from_str(blocks("json")[0]).unwrap();
    assert_eq!(service.ask(blocks("graphql")[0]).await, expected);
    service.stop().await;
    database.drop().await;
}
