//! Settings of client libraries. `tests/clients/settings` has those of the example, with which the tests of clients run. This
//! command updates them:
//!
//! ```sh
//! UPDATE_GOLDEN=1 cargo test --workspace --test service client
//! ```

use std::path::Path;

use sea_orm::ConnectionTrait;

use crate::process::{Folder, run};
use crate::support;

async fn settings(arguments: &[&str]) -> String {
    printed(&[&["client"], arguments].concat()).await
}

async fn printed(arguments: &[&str]) -> String {
    let folder = Folder::new();
    let ended = run(&folder, arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.log);
    ended.out
}

#[tokio::test]
async fn the_settings_of_the_example_are_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let options = root.join("examples/react/crowsfoot.toml");
    let staff = ["--role", "staff", "--options", options.to_str().unwrap()];
    for (command, role, file) in [
        (["client", "apollo"].as_slice(), [].as_slice(), "tests/clients/settings/apollo.ts"),
        (&["client", "urql"], &[], "tests/clients/settings/urql.ts"),
        (&["client", "relay"], &[], "tests/clients/settings/relay.config.json"),
        (&["client", "apollo"], &staff, "examples/react/src/apollo/crowsfoot.ts"),
        (&["client", "relay"], &staff, "examples/react/relay.config.json"),
        (&["schema"], &staff, "examples/react/schema.graphql"),
    ] {
        let settings = printed(&[command, role].concat()).await;
        let file = root.join(file);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &settings).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), settings, "{}", file.display());
    }
}

/// Keys of several columns, a view without a key whose rows have an `id`, and a scalar of JSON.
#[tokio::test]
async fn keys_are_those_of_the_tables() {
    let database = support::sqlite().await;
    let tables = "CREATE TABLE regions (country TEXT NOT NULL, code TEXT NOT NULL, data JSON, PRIMARY KEY (country, code));
        CREATE TABLE towns (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE VIEW visited AS SELECT id, name FROM towns;";
    database.connection.execute_unprepared(tables).await.unwrap();
    let options = ["--from-database", "--database-url", &database.url];
    let apollo = settings(&[&["apollo"], options.as_slice()].concat()).await;
    assert!(apollo.contains("  Region: { keyFields: ['country', 'code'] },\n"), "{apollo}");
    assert!(apollo.contains("  Visited: { keyFields: false },\n"), "{apollo}");
    assert!(!apollo.contains("  Town: "), "{apollo}");
    assert!(
        apollo.contains("    'Region',\n    'Town',\n  ],\n") && apollo.contains("  JSON: 'unknown',\n"),
        "{apollo}"
    );
    let urql = settings(&[&["urql"], options.as_slice()].concat()).await;
    assert!(urql.contains("  Region: keyOf('country', 'code'),\n"), "{urql}");
    assert!(urql.contains("  Visited: () => null,\n") && !urql.contains("  Town: "), "{urql}");
    database.drop().await;
}

#[tokio::test]
async fn a_role_has_the_types_that_it_sees() {
    let folder = Folder::new();
    let options = folder.path().join("roles.toml");
    let roles = "[roles.guest.User]\nread = \"true\"\ncolumns = [\"id\", \"username\"]\n\n[roles.guest.Passport]\nread = \"true\"\ncolumns = [\"*\"]\n";
    std::fs::write(&options, roles).unwrap();
    let apollo = settings(&["apollo", "--role", "guest", "--options", options.to_str().unwrap()]).await;
    assert!(apollo.contains("  Node: [\n    'Passport',\n    'User',\n  ],\n"), "{apollo}");
    assert!(apollo.contains("  Passport: { keyFields: ['personId'] },\n"), "{apollo}");
    assert!(!apollo.contains("Author"), "{apollo}");
}
