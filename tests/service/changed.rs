//! Tables that change while the service runs with statements prepared for their former columns.

use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, within};
use crate::support::{self, TestDatabase};

/// Repetitions of every query before the next change: more than the number after which a database keeps a
/// generic plan.
const TIMES: usize = 8;

/// Reads by key, text, list, relations and pages, and writes: every prepared statement of the tables below.
async fn ask_all(service: &Service<'_>, name: &str) {
    let asked = [
        (
            "{ user(id: 1) { username profile { bio } userInfos { phoneNumber } } }".to_owned(),
            json!({ "user": {
                "username": name,
                "profile": { "bio": "Writes programs for machines that are not built yet." },
                "userInfos": [{ "phoneNumber": "+44 113 496 0101" }],
            } }),
        ),
        (
            format!("{{ users(where: {{ username: {{ eq: \"{name}\" }} }}) {{ id }} }}"),
            json!({ "users": [{ "id": 1 }] }),
        ),
        (
            "{ users(where: { id: { in: [1, 3] } }, orderBy: { id: DESC }) { id profile { user { id } } } }".to_owned(),
            json!({ "users": [
                { "id": 3, "profile": { "user": { "id": 3 } } },
                { "id": 1, "profile": { "user": { "id": 1 } } },
            ] }),
        ),
        (
            "{ usersConnection(first: 1) { nodes { id } totalCount } }".to_owned(),
            json!({ "usersConnection": { "nodes": [{ "id": 1 }], "totalCount": 8 } }),
        ),
        (
            format!(
                "mutation {{ updateUser(id: 1, input: {{ username: \"{name}\", profile: {{ update: {{ birthdate: \"1985-12-10\" }} }} }}) {{
                    username profile {{ birthdate }} }} }}"
            ),
            json!({ "updateUser": { "username": name, "profile": { "birthdate": "1985-12-10" } } }),
        ),
        (
            "mutation { createUser(input: { username: \"brief\", profile: { create: { bio: \"b\" } } }) { username profile { bio } }
                deleteUsers(where: { username: { eq: \"brief\" } }) { affected } }"
                .to_owned(),
            json!({ "createUser": { "username": "brief", "profile": { "bio": "b" } }, "deleteUsers": { "affected": 1 } }),
        ),
    ];
    for _ in 0..TIMES {
        for (question, expected) in &asked {
            let answer: Json = within(service.ask(question)).await;
            assert_eq!(answer, json!({ "data": expected }), "{question}");
        }
    }
}

async fn changes(database: TestDatabase, changes: &[&str]) {
    database.seed(1).await;
    let folder = Folder::new();
    let service = Service::start(&folder, &["--database-url", &database.url]).await;
    ask_all(&service, "ada").await;
    for change in changes {
        // New connection for each: SQLite prepares a change of a table by the columns that the connection
        // knows.
        let connection = sea_orm::Database::connect(&database.url).await.unwrap();
        connection.execute_unprepared(change).await.unwrap();
        connection.close().await.unwrap();
        ask_all(&service, "ada").await;
    }
    let ended = service.stop().await;
    assert!(!ended.log.contains("ERROR"), "{}", ended.log);
    database.drop().await;
}

#[tokio::test]
async fn reads_and_writes_go_on_after_a_change_of_their_tables_on_postgresql() {
    let Some(database) = support::postgres().await else { return };
    changes(
        database,
        &[
            "ALTER TABLE users ADD COLUMN nickname text",
            "ALTER TABLE users ADD COLUMN age integer NOT NULL DEFAULT 7",
            "ALTER TABLE users ALTER COLUMN username TYPE text",
            "ALTER TABLE profiles ALTER COLUMN bio TYPE varchar(300)",
            "ALTER TABLE users ALTER COLUMN username TYPE varchar(200); ALTER TABLE users DROP COLUMN nickname",
            "ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people;
             DROP VIEW users; ALTER TABLE people RENAME TO users",
            "CREATE INDEX users_by_age ON users (age); ANALYZE users; DROP INDEX users_by_age",
        ],
    )
    .await;
}

#[tokio::test]
async fn reads_and_writes_go_on_after_a_change_of_their_tables_on_sqlite() {
    changes(
        support::sqlite().await,
        &[
            "ALTER TABLE users ADD COLUMN nickname TEXT",
            "ALTER TABLE users ADD COLUMN age INTEGER NOT NULL DEFAULT 7",
            "ALTER TABLE profiles RENAME COLUMN bio TO about; ALTER TABLE profiles RENAME COLUMN about TO bio",
            "ALTER TABLE users DROP COLUMN nickname",
            "CREATE INDEX users_by_age ON users (age); ANALYZE; DROP INDEX users_by_age",
            "VACUUM",
        ],
    )
    .await;
}
