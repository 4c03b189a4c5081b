//! Roles of the example domain.

use crowsfoot::internals::dialect::Dialect;
use reqwest::RequestBuilder;
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, run, within};
use crate::support;

const ROLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/roles.toml");

const SECRET: &str = "a secret of the test of roles";

/// Returns a request of an administrator who takes a role; without one, of a caller without credentials.
fn by(service: &Service<'_>, role: &str, body: &Json) -> RequestBuilder {
    let request = service.post("/graphql").json(body);
    match role {
        "anonymous" => request,
        role => request
            .header("Crowsfoot-Admin-Secret", SECRET)
            .header("Crowsfoot-Role", role)
            .header("Crowsfoot-Viewer", "{\"userId\":1,\"employeeId\":1}"),
    }
}

#[tokio::test]
async fn the_example_domain_has_roles() {
    let folder = Folder::new();
    let checked = run(&folder, &["policies", "check", "--options", ROLES]).await;
    assert!(checked.out.contains("roles: admin, anonymous, staff, user"), "{} {}", checked.out, checked.log);
    let printed = run(&folder, &["policies", "print", "--role", "staff", "--options", ROLES]).await;
    assert!(printed.out.starts_with("limits: rows = 1000, cost = 100000\n"), "{}", printed.out);
    assert!(printed.out.contains("\n  limit: 100\n"), "{}", printed.out);
    let service = Service::start(&folder, &["--options", ROLES, "--admin-secret", SECRET]).await;
    let ask = async |role: &str, query: &str| -> Json {
        within(by(&service, role, &json!({ "query": query })).send()).await.unwrap().json().await.unwrap()
    };
    let unknown = "GRAPHQL_VALIDATION_FAILED";
    let accounts = "{ users { id } profiles { id } }";
    for (role, query, code) in [
        ("anonymous", "{ authors { id books { title } posts { title } } }", ""),
        ("anonymous", "{ books { isbn } }", unknown),
        ("anonymous", "{ postsAggregate { count } }", unknown),
        ("anonymous", "{ books(limit: 101) { id } }", "BAD_USER_INPUT"),
        ("anonymous", accounts, unknown),
        ("anonymous", "mutation { deletePost(id: 1) { id } }", unknown),
        ("user", accounts, ""),
        ("user", "mutation { updateProfile(id: 1, input: { bio: \"x\" }) { bio } }", ""),
        ("user", "mutation { updateProfile(id: 2, input: { bio: \"x\" }) { bio } }", "NOT_FOUND"),
        ("user", "{ employees { id } }", unknown),
        ("staff", accounts, ""),
        ("staff", "{ profiles { birthdate } }", unknown),
        (
            "staff",
            "mutation { createCourse(input: { title: \"x\", students: { connect: [{ id: 1 }] } }) { students { id } } }",
            "",
        ),
        ("staff", "mutation { deletePost(id: 1) { id } }", unknown),
        ("admin", "{ books { isbn } profiles { birthdate } userInfos { phoneNumber } badges { id } }", ""),
        ("admin", "mutation { deletePost(id: 1) { id } }", ""),
    ] {
        let answer = ask(role, query).await;
        let found = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        assert_eq!(found, code, "{role}: {query}: {answer}");
    }
    // The same query finds what each role sees.
    let own = ask("user", accounts).await;
    assert_eq!(own["data"], json!({ "users": [{ "id": 1 }], "profiles": [{ "id": 1 }] }));
    let all = ask("staff", accounts).await;
    assert!(all["data"]["users"].as_array().is_some_and(|users| users.len() > 1), "{all}");
    let badges = ask("staff", "{ badges { employee { id } } }").await;
    let count = |answer: &Json| answer["data"]["badges"].as_array().map_or(0, Vec::len);
    let every = ask("admin", "{ employees { id } badges { id } }").await;
    assert!(count(&badges) > 0 && count(&badges) <= count(&every), "{badges} {every}");
    assert_eq!(service.stop().await.code, Some(0));
}

/// The command finds what the start of the service finds.
#[tokio::test]
async fn a_rule_that_no_statement_of_the_database_can_have_is_a_fault_of_the_command_and_at_start() {
    let deep = format!("{}{{ id: {{ gt: 0 }} }}{}", "{ parent: ".repeat(44), " }".repeat(44));
    for database in support::databases().await {
        let table = "CREATE TABLE part (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES part (id))";
        database.run(table).await;
        let folder = Folder::new();
        let file = folder.path().join("options.toml");
        std::fs::write(&file, format!("[roles.reader.Part]\nread = \"{deep}\"\ncolumns = [\"*\"]\n"))
            .unwrap();
        let of = ["--from-database", "--database-url", &database.url, "--options", file.to_str().unwrap()];
        let checked = run(&folder, &[&["policies", "check"], &of[..]].concat()).await;
        let fault = "role reader, Part: a statement of the query nests conditions";
        if database.dialect == Dialect::Postgres {
            assert_eq!(
                (checked.code, checked.out.contains("roles: reader")),
                (Some(0), true),
                "{}",
                checked.log
            );
        } else {
            let served = run(&folder, &[&of[..], &["--admin-secret", SECRET]].concat()).await;
            for ended in [checked, served] {
                assert!(ended.code == Some(1) && ended.log.contains(fault), "{}", ended.log);
            }
        }
        database.drop().await;
    }
}
