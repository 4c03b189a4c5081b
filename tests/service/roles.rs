//! Roles of the example domain, and policies that change under load.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::RequestBuilder;
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, run, until, within};
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

/// Policies of a generation: the viewer sees this team and its players alone.
fn of_team(team: u32) -> String {
    let rules = [("Team", format!("{{ id: {{ eq: {team} }} }}")), ("Player", "{ team: seen }".to_owned())];
    rules.map(|(name, rule)| format!("[roles.user.{name}]\nread = \"{rule}\"\ncolumns = [\"*\"]\n")).concat()
}

/// Returns the only team in an answer, which says it in four places.
fn the_team(answer: &Json) -> u64 {
    let data = &answer["data"];
    let team = data["teams"][0]["id"].as_u64().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(data["teams"].as_array().map(Vec::len), Some(1), "{answer}");
    let players = data["players"].as_array().unwrap();
    assert!(!players.is_empty() && players.iter().all(|player| player["team"]["id"] == team), "{answer}");
    assert_eq!(
        (&data["teamsAggregate"]["count"], &data["teamsAggregate"]["max"]["id"]),
        (&json!(1), &json!(team))
    );
    team
}

#[tokio::test]
async fn attack_73_no_answer_mixes_policies_that_are_reloaded_under_load() {
    const QUERY: &str = "{ teams { id } players { team { id } } teamsAggregate { count max { id } } }";
    for database in support::databases().await {
        database.run("CREATE TABLE team (id INTEGER PRIMARY KEY)").await;
        database
            .run(
                "CREATE TABLE player (id INTEGER PRIMARY KEY, team_id INTEGER NOT NULL REFERENCES team (id))",
            )
            .await;
        database.run("INSERT INTO team VALUES (1), (2)").await;
        database.run("INSERT INTO player VALUES (1, 1), (2, 1), (3, 2)").await;
        let folder = Folder::new();
        let file = folder.path().join("options.toml");
        std::fs::write(&file, of_team(1)).unwrap();
        let arguments = [
            "--from-database",
            "--database-url",
            &database.url,
            "--options",
            file.to_str().unwrap(),
            "--admin-secret",
            SECRET,
            "--max-batch",
            "5",
        ];
        let service = Service::start(&folder, &arguments).await;
        let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
        let batch: Json = vec![json!({ "query": QUERY }); 5].into();
        let load = async || {
            let mut teams = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                let response = within(by(&service, "user", &batch).send()).await.unwrap();
                let answers: Vec<Json> = response.json().await.unwrap();
                let team = the_team(&answers[0]);
                assert!(answers.iter().all(|answer| the_team(answer) == team), "{answers:?}");
                teams.insert(team);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            teams
        };
        let change = async {
            for round in 0..10 {
                let (before, team) = (answered.load(Ordering::Relaxed), 2 - round % 2);
                std::fs::write(&file, of_team(team)).unwrap();
                service.signal("HUP").await;
                let one = json!({ "query": QUERY });
                until(async || {
                    let answer = by(&service, "user", &one).send().await.unwrap().json().await.unwrap();
                    the_team(&answer) == u64::from(team)
                })
                .await;
                until(async || answered.load(Ordering::Relaxed) > before + 8).await;
            }
            is_over.store(true, Ordering::Relaxed);
        };
        let loads = futures_util::future::join_all((0..6).map(|_| load()));
        let (teams, ()) = futures_util::future::join(loads, change).await;
        assert!(teams.iter().all(|teams| teams.len() == 2), "{teams:?}");
        service.stop().await;
        database.drop().await;
    }
}
