//! The check of the database at start.

use crate::process::{Folder, Service, run};
use crate::support;

#[tokio::test]
async fn a_database_that_would_mislead_is_served_only_if_that_is_said() {
    for database in support::databases().await {
        database.seed(1).await;
        for sql in [
            "DROP TABLE user_infos",
            "CREATE TABLE user_infos (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, \
             phone_number VARCHAR(40) NOT NULL)",
            "DROP TABLE waiters",
        ] {
            database.run(sql).await;
        }
        let folder = Folder::new();
        let arguments = ["--no-migrate", "--database-url", &database.url];
        let ended = run(&folder, &[&["serve"], &arguments[..]].concat()).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
        // All of them at once, each with its remedy.
        for line in [
            "the database differs from the entities (2 found):",
            "  - user_infos (user_id) has no unique key; add UNIQUE in the database or remove it from the entity",
            "  - Waiter: table waiters does not exist",
            "--check warn serves all but columns that cannot be read",
        ] {
            assert!(ended.log.contains(line), "{line}: {ended:?}");
        }
        let service = Service::start(&folder, &[&["--check", "warn"], &arguments[..]].concat()).await;
        let log = service.stop().await.log;
        assert!(log.contains("WARN") && log.contains("user_infos (user_id) has no unique key"), "{log}");
        let service = Service::start(&folder, &[&["--check", "off"], &arguments[..]].concat()).await;
        let log = service.stop().await.log;
        assert!(!log.contains("user_infos (user_id)"), "{log}");
        database.drop().await;
    }
}

/// Every command reads the whole options file, and none passes over a part of it.
#[tokio::test]
async fn options_of_tables_need_tables_and_policies_are_checked_by_every_command() {
    let folder = Folder::new();
    let file = folder.path().join("crowsfoot.toml");
    for (text, fault) in [
        ("[entities.users]\nname = \"Account\"", "describe tables: they need --from-database"),
        (
            "[roles.user.Usre]\nread = \"true\"\ncolumns = [\"*\"]",
            "role user, Usre: no entity has this type name",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        for command in [&["schema"][..], &["model"], &["explain", "{ users { id } }"], &["check"], &["serve"]]
        {
            // The service first misses a way to sign in.
            if command == ["serve"] && text.contains("[roles") {
                continue;
            }
            let ended = run(&folder, &[command, &["--options", "crowsfoot.toml"]].concat()).await;
            assert!(ended.code == Some(1) && ended.log.contains(fault), "{command:?}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn the_tenant_column_comes_from_the_command_line_or_the_options_and_is_checked() {
    for database in support::databases().await {
        database
            .run(
                "CREATE TABLE members (id INTEGER PRIMARY KEY, org_id INTEGER NOT NULL);
                 CREATE TABLE documents (id INTEGER PRIMARY KEY, org_id INTEGER NOT NULL,
                     author_id INTEGER NOT NULL REFERENCES members (id));
                 INSERT INTO members VALUES (1, 1), (2, 2);
                 INSERT INTO documents VALUES (1, 1, 1), (2, 2, 2)",
            )
            .await;
        let folder = Folder::new();
        let source = ["--from-database", "--database-url", &database.url];
        let file = folder.path().join("crowsfoot.toml");
        std::fs::write(&file, "\ntenant_column = \"org\"\n").unwrap();
        let with_file = [&source[..], &["--options", "crowsfoot.toml"]].concat();
        let missing = "the tenant column org does not exist in any table";
        let ended = run(&folder, &[&["serve"], &with_file[..]].concat()).await;
        assert!(ended.code == Some(1), "{ended:?}");
        assert!(ended.log.contains(&format!("crowsfoot.toml: line 2: {missing}")), "{ended:?}");
        let ended = run(&folder, &["serve", "--no-migrate", "--tenant-column", "org"]).await;
        assert!(ended.code == Some(1) && ended.log.contains(missing), "{ended:?}");

        // The command line takes precedence.
        let named = [&with_file[..], &["--tenant-column", "org_id"]].concat();
        let joined = "AND \"one0\".\"org_id\" = \"t0\".\"org_id\"";
        let ended =
            run(&folder, &[&["explain", "{ documents { author { id } } }"], &named[..]].concat()).await;
        assert!(ended.out.contains(joined), "{ended:?}");
        let ended = run(&folder, &[&["check"], &named[..]].concat()).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let service = Service::start(&folder, &named).await;
        let answer = service.ask("{ documents { author { id } } }").await;
        assert_eq!(answer["data"].to_string(), r#"{"documents":[{"author":{"id":1}},{"author":{"id":2}}]}"#);
        service.stop().await;

        database.run("INSERT INTO documents VALUES (3, 1, 2)").await;
        let ended = run(&folder, &[&["check"], &named[..]].concat()).await;
        let found = "Document.author: rows have another value in documents (org_id) than the rows that they reference have in \
                     members (org_id)";
        assert!(ended.code == Some(1) && ended.log.contains(found), "{ended:?}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_database_or_schema_that_is_not_there_is_named() {
    let folder = Folder::new();
    let live = ["serve", "--from-database", "--database-url"];
    let ended = run(&folder, &[&live[..], &["sqlite://missing.db?mode=rwc"]].concat()).await;
    assert!(ended.code == Some(1) && ended.log.contains("missing.db does not exist"), "{ended:?}");
    assert!(!folder.path().join("missing.db").exists());
    let Some(database) = support::postgres().await else { return };
    database.run("CREATE TABLE notes (id integer PRIMARY KEY); CREATE TABLE secrets (id integer PRIMARY KEY, note_id integer REFERENCES notes (id)); CREATE SCHEMA closed").await;
    let named =
        [&live[..], &[&database.url, "--schema", "public", "--schema", "shop", "--schema", "stock"]].concat();
    let ended = run(&folder, &named).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for schema in ["shop", "stock"] {
        assert!(ended.log.contains(&format!("schema {schema} does not exist")), "{ended:?}");
    }
    let nowhere = format!("{}_gone", database.url);
    let ended = run(&folder, &[&live[..], &[nowhere.as_str()]].concat()).await;
    assert!(ended.code == Some(1) && ended.log.contains("_gone\" does not exist"), "{ended:?}");
    // A user without rights is told about each.
    let user = format!("reader_{}", uuid::Uuid::new_v4().simple());
    database.run(&format!("CREATE ROLE {user} LOGIN PASSWORD 'x'; GRANT SELECT ON notes TO {user}")).await;
    let url = database.url.replacen("postgres://postgres@", &format!("postgres://{user}:x@"), 1);
    let options = folder.path().join("crowsfoot.toml");
    std::fs::write(&options, "[entities.secrets]\nname = \"Secret\"").unwrap();
    let limited = [&live[..], &[&url, "--schema", "public", "--schema", "closed"]].concat();
    let ended = run(&folder, &limited).await;
    let expected = ["secrets cannot be read; GRANT SELECT ON secrets", "GRANT USAGE ON SCHEMA closed"];
    assert!(ended.code == Some(1) && expected.iter().all(|text| ended.log.contains(text)), "{ended:?}");
    let named = [&live[..], &[&url, "--options", "crowsfoot.toml"]].concat();
    let ended = run(&folder, &named).await;
    let expected = [
        "secrets cannot be read; GRANT SELECT ON secrets",
        "line 1: an option of the database names \"secrets\"",
    ];
    assert!(ended.code == Some(1) && expected.iter().all(|text| ended.log.contains(text)), "{ended:?}");
    database.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await;
    database.drop().await;
}
