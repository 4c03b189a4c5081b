//! The project that `generate` writes. `tests/model/generated/project` contains it, and its schema; the tests of models compile
//! its entities and compare the schemas. This command updates it:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test --workspace --test service generate
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::process::{Folder, run};
use crate::support::{self, generated};

/// Returns all files of a folder by their paths.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn the_files_of_a_project_are_as_expected() {
    for database in support::databases().await {
        for tables in generated::tables(database.dialect) {
            database.run(&tables).await;
        }
        let folder = Folder::new();
        let options = generated::folder().join("crowsfoot.toml");
        let common = ["--database-url", &database.url, "--options", options.to_str().unwrap()];
        let name = generated::name(database.dialect);
        let ended = run(&folder, &[&["generate", "--output", name], &common[..]].concat()).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let schema = run(&folder, &[&["schema", "--from-database"], &common[..]].concat()).await.out;
        let mut written = files(&folder.path().join(name));
        written.insert("schema.graphql".to_owned(), schema);
        let golden = generated::folder().join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let _ = fs::remove_dir_all(&golden);
            for (path, text) in &written {
                let file = golden.join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
        }
        let expected = files(&golden);
        assert_eq!(written.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (path, text) in &written {
            assert!(*text == expected[path], "{name}/{path} differs:\n{text}");
        }
        // A second time, nothing is written.
        let ended = run(&folder, &[&["generate", "--output", name], &common[..]].concat()).await;
        assert!(ended.code == Some(1) && ended.log.contains("is not empty; name a new folder"), "{ended:?}");
        written.remove("schema.graphql");
        assert_eq!(files(&folder.path().join(name)), written);
        database.drop().await;
    }
}

/// A SeaORM entity needs a primary key.
#[tokio::test]
async fn tables_without_a_key_and_views_are_left_out_of_a_project_and_named() {
    for database in support::databases().await {
        database.run("CREATE TABLE rooms (id integer NOT NULL PRIMARY KEY, name text NOT NULL)").await;
        database.run("CREATE TABLE visits (page text NOT NULL, room_id integer REFERENCES rooms (id))").await;
        database.run("CREATE VIEW names AS SELECT name FROM rooms").await;
        let folder = Folder::new();
        let ended = run(&folder, &["generate", "--output", "made", "--database-url", &database.url]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for table in ["visits", "names"] {
            let note =
                format!("{table} has no primary key of a table, which an entity needs; it is left out");
            assert!(ended.log.contains(&note), "{ended:?}");
        }
        let made = files(&folder.path().join("made/src/entities"));
        assert_eq!(made.keys().collect::<Vec<_>>(), ["mod.rs", "rooms.rs"]);
        assert!(!made["rooms.rs"].contains("visits") && !made["mod.rs"].contains("visits"), "{made:?}");
        database.drop().await;
    }
}
