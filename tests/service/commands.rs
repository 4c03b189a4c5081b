//! Commands other than serving.

use std::fs;
use std::path::Path;

use crowsfoot::internals::dialect::Dialect;
use serde_json::json;

use crate::process::{Ended, Folder, Service, run};
use crate::support;

const MIGRATIONS: [&str; 6] = [
    "m20250101_000001_create_accounts",
    "m20250101_000002_create_publishing",
    "m20250101_000003_create_enrolment",
    "m20250101_000004_create_staff",
    "m20250101_000005_create_identity",
    "m20250101_000006_create_dining",
];

fn golden(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn assert_printed(ended: &Ended, expected: &str) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.out, expected, "{ended:?}");
}

/// Compares with a golden plan, whose statements are broken into clauses; a printed statement is one line.
fn assert_plan(ended: &Ended, expected: &str) {
    assert!(!ended.out.lines().any(|line| line.trim_start().starts_with("FROM ")), "{ended:?}");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(support::layout::of_plan(&ended.out), expected, "{ended:?}");
}

#[tokio::test]
async fn schema_prints_the_schema_and_checks_a_file_against_it() {
    let folder = Folder::new();
    let schema = golden("schema.graphql");
    assert_printed(&run(&folder, &["schema"]).await, &schema);

    // Default file.
    let ended = run(&folder, &["schema", "--check"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.log.contains("schema.graphql: No such file"), "{ended:?}");
    fs::write(folder.path().join("schema.graphql"), &schema).unwrap();
    assert_printed(&run(&folder, &["schema", "--check"]).await, "");

    let changed: Vec<&str> = schema.lines().filter(|line| *line != "  username: String!").collect();
    let line = schema.lines().position(|line| line == "  username: String!").unwrap() + 1;
    for (file, text) in
        [("less.graphql", changed.join("\n")), ("more.graphql", format!("{schema}type More\n"))]
    {
        fs::write(folder.path().join(file), text).unwrap();
        let ended = run(&folder, &["schema", "--check", file]).await;
        let line = if file == "less.graphql" { line } else { schema.lines().count() + 1 };
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
        let expected = format!("crowsfoot: {file} differs from the schema at line {line} ");
        assert!(ended.log.starts_with(&expected), "{ended:?}");
    }
}

#[tokio::test]
async fn schema_prints_what_has_changed_and_fails_if_clients_may_break() {
    let folder = Folder::new();
    let schema = golden("schema.graphql");
    let changed = [
        ("same.graphql", schema.clone(), ""),
        (
            "fewer.graphql",
            schema.replacen("  \"Sign-in name, unique among all users\"\n  username: String!\n", "", 1),
            "safe      FIELD_ADDED User.username\n",
        ),
        ("more.graphql", format!("{schema}scalar More\n"), "breaking  TYPE_REMOVED More\n"),
        (
            "nullable.graphql",
            schema.replacen(
                "  id: Int!\n  authorId: Int!\n  title: String!\n  \"ISBN",
                "  id: Int!\n  authorId: Int!\n  title: String\n  \"ISBN",
                1,
            ),
            "safe      FIELD_CHANGED_KIND Book.title: String is now String!\n",
        ),
    ];
    for (file, text, line) in changed {
        fs::write(folder.path().join(file), text).unwrap();
        let ended = run(&folder, &["schema", "--diff", file]).await;
        let breaks = ended.out.contains("breaking");
        assert_eq!(ended.code, Some(i32::from(breaks)), "{ended:?}");
        assert!(ended.out.contains(line) && ended.out.is_empty() == line.is_empty(), "{ended:?}");
        assert_eq!(ended.log.contains("clients of the other schema may break"), breaks, "{ended:?}");
    }
    for (file, fault) in [("none.graphql", "none.graphql: No such file"), ("bad.graphql", "does not parse:")]
    {
        fs::write(folder.path().join("bad.graphql"), "type {").unwrap();
        let ended = run(&folder, &["schema", "--diff", file]).await;
        assert!(ended.code == Some(1) && ended.log.contains(fault), "{ended:?}");
    }
}

#[tokio::test]
async fn schemas_of_two_databases_are_compared() {
    let folder = Folder::new();
    let mut databases = support::databases().await;
    let database = databases.remove(0);
    database.run("CREATE TABLE pets (id INTEGER PRIMARY KEY, name TEXT NOT NULL)").await;
    let live = ["--from-database", "--database-url", &database.url];
    let ended = run(&folder, &[&["schema", "--diff", &database.url][..], &live].concat()).await;
    assert_printed(&ended, "");
    let written = run(&folder, &[&["schema"], &live[..]].concat()).await.out;
    fs::write(folder.path().join("old.graphql"), written).unwrap();
    database.run("ALTER TABLE pets ADD COLUMN age INTEGER").await;
    let ended = run(&folder, &[&["schema", "--diff", "old.graphql"], &live[..]].concat()).await;
    assert!(ended.code == Some(0) && ended.out.contains("safe      FIELD_ADDED Pet.age\n"), "{ended:?}");
    database.drop().await;
}

#[tokio::test]
async fn model_draws_the_model_in_each_format() {
    let folder = Folder::new();
    for (format, file) in [("mermaid", "example.mmd"), ("dot", "example.dot")] {
        let drawn = golden(&format!("tests/model/diagram/{file}"));
        assert_printed(&run(&folder, &["model", "--format", format]).await, &drawn);
    }
    let picture = run(&folder, &["model"]).await;
    assert!(picture.out.starts_with("<svg ") && picture.out.ends_with("</svg>\n"), "{picture:?}");
    assert_printed(&run(&folder, &["model", "--format", "svg"]).await, &picture.out);
    let refused = run(&folder, &["model", "--format", "png"]).await;
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{refused:?}");
    assert!(refused.log.contains("[possible values: svg, mermaid, dot]"), "{refused:?}");
}

#[tokio::test]
async fn the_service_shows_what_the_command_prints() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (query, format, kind) in [
        ("", "svg", "image/svg+xml; charset=utf-8"),
        ("?format=svg", "svg", "image/svg+xml; charset=utf-8"),
        ("?format=mermaid", "mermaid", "text/plain; charset=utf-8"),
        ("?format=dot", "dot", "text/plain; charset=utf-8"),
    ] {
        let response = service.get(&format!("/model{query}")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), kind);
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-cache");
        assert!(
            header("content-security-policy").starts_with("default-src 'none'; style-src 'unsafe-inline';")
        );
        let printed = run(&folder, &["model", "--format", format]).await.out;
        assert_eq!(response.text().await.unwrap(), printed);
    }
    let refused = service.get("/model?format=<png>").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(
        refused.text().await.unwrap(),
        "format: expected one of svg, mermaid, dot, but \"<png>\" was given\n"
    );
    service.stop().await;
}

#[tokio::test]
async fn explain_prints_the_plan_of_a_query_without_a_database() {
    let folder = Folder::new();
    let query = golden("tests/cases/connection-of-many-to-many/query.graphql");
    let variables = golden("tests/cases/connection-of-many-to-many/variables.json");
    let explain = ["explain", &query, "--variables", &variables];
    let plan = golden("tests/cases/connection-of-many-to-many/plan.sqlite.txt");
    assert_plan(&run(&folder, &explain).await, &plan);
    let plan = golden("tests/cases/connection-of-many-to-many/plan.postgres.txt");
    assert_plan(&run(&folder, &[&explain[..], &["--dialect", "postgres"]].concat()).await, &plan);
    assert!(!folder.path().join("crowsfoot.db").exists());

    for (arguments, expected) in [
        (&["explain", "{ users { id }"][..], "GRAPHQL_PARSE_FAILED: "),
        (&["explain", "{ users { nothing } }"], "GRAPHQL_VALIDATION_FAILED: "),
        (&["explain", "{ users(limit: -1) { id } }"], "BAD_USER_INPUT: argument \"limit\""),
        (&["explain", "query ($id: Int!) { user(id: $id) { id } }"], "BAD_USER_INPUT: argument \"$id\""),
        (&["explain", "{ users { id } }", "--variables", "{"], "EOF while parsing"),
    ] {
        let ended = run(&folder, arguments).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.log.starts_with(&format!("crowsfoot: {expected}")), "{ended:?}");
    }
}

#[tokio::test]
async fn migrate_goes_up_and_down_and_says_where_it_is() {
    let all = |state: &str| MIGRATIONS.iter().map(|name| format!("{state:<8} {name}\n")).collect::<String>();
    for database in support::databases().await {
        let folder = Folder::new();
        let migrate = async |direction| {
            let ended = run(&folder, &["migrate", direction, "--database-url", &database.url]).await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            ended.out
        };
        for (direction, state) in [
            ("status", "Pending"),
            ("down", "Pending"),
            ("up", "Applied"),
            ("up", "Applied"),
            ("status", "Applied"),
            ("down", "Pending"),
            ("up", "Applied"),
        ] {
            assert_eq!(migrate(direction).await, all(state), "{direction} on {:?}", database.dialect);
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn seed_fills_an_empty_database_and_no_other() {
    for database in support::databases().await {
        let folder = Folder::new();
        let seed = async |scale: &[&str]| {
            run(&folder, &[&["seed", "--database-url", &database.url], scale].concat()).await
        };
        let refused = seed(&["--scale", "0"]).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert_printed(&seed(&["--scale", "3"]).await, "315 rows\n");
        for scale in [&[][..], &["--scale", "3"]] {
            let refused = seed(scale).await;
            assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
            assert!(refused.log.contains("the database is not empty"), "{refused:?}");
        }

        // The service accepts an existing database.
        let service = Service::start(&folder, &["--database-url", &database.url]).await;
        let counts = "{ usersAggregate { count } waitersAggregate { count } }";
        let expected = json!({ "usersAggregate": { "count": 24 }, "waitersAggregate": { "count": 18 } });
        assert_eq!(service.ask(counts).await, json!({ "data": expected }));
        service.stop().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn check_finds_every_difference_at_once() {
    for database in support::databases().await {
        let folder = Folder::new();
        let check = async || run(&folder, &["check", "--database-url", &database.url]).await;
        database.seed(1).await;
        assert_printed(&check().await, "16 entities match each other and the database\n");

        // Types of a generated key.
        let key = match database.dialect {
            Dialect::Sqlite => "INTEGER",
            Dialect::Postgres => "SERIAL",
        };
        for sql in [
            "DROP TABLE books",
            "ALTER TABLE places DROP COLUMN address",
            "DROP TABLE user_infos",
            &format!(
                "CREATE TABLE user_infos (id {key} PRIMARY KEY, user_id INTEGER, phone_number VARCHAR NOT NULL)"
            ),
            "DROP TABLE profiles",
            &format!(
                "CREATE TABLE profiles (id {key} PRIMARY KEY, user_id INTEGER NOT NULL UNIQUE REFERENCES authors (id), \
                 bio TEXT NOT NULL, birthdate DATE NOT NULL)"
            ),
        ] {
            database.run(sql).await;
        }
        let ended = check().await;
        let note = "note: profiles (user_id) has a foreign key to authors (id) in the database, but no relation; declare a \
                    belongs_to\n";
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), note), "{ended:?}");
        let found = ended.log.lines().map(|line| line.split_once("; ").map_or(line, |(found, _)| found));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                "crowsfoot: the database differs from the entities (8 found):",
                "  - profiles.bio has a default in its entity, but not in the database",
                "  - profiles.birthdate may be NULL in its entity, but not in the database",
                "  - Profile.user: profiles (user_id) has no foreign key to users (id)",
                "  - user_infos.user_id may be NULL in the database, but not in its entity",
                "  - user_infos (user_id) has no unique key",
                "  - UserInfo.user: user_infos (user_id) has no foreign key to users (id)",
                "  - Book: table books does not exist",
                "  - column places.address does not exist",
            ]
        );
        database.drop().await;
    }
}

#[tokio::test]
async fn refuses_an_unknown_command() {
    let folder = Folder::new();
    let ended = run(&folder, &["frobnicate"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.log.contains("'frobnicate'"), "{ended:?}");
}

/// Neither output contains the URL's password, at any log level.
#[tokio::test]
async fn help_and_log_do_not_name_a_password() {
    let url = "postgres://someone:geheim@127.0.0.1:1/nowhere";
    let run = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_crowsfoot"));
        command
            .args(arguments)
            .env("DATABASE_URL", url)
            .env("CROWSFOOT_LOG", "trace")
            .env("RUST_LOG", "trace");
        let ended = command.output().await.unwrap();
        let (out, log) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
        assert!(!out.contains("geheim") && !log.contains("geheim"), "{arguments:?}: {out} {log}");
        (ended.status.code(), out, log)
    };
    let (code, out, _) = run(&["--help"]).await;
    assert_eq!((code, out.contains("[env: DATABASE_URL]")), (Some(0), true), "{out}");
    for command in [&["serve"][..], &["check"], &["migrate", "status"]] {
        let (code, _, log) = run(command).await;
        assert_eq!((code, log.contains("127.0.0.1:1")), (Some(1), true), "{log}");
    }
}
