//! Shared test support: temporary databases, and responses as JSON.

#![allow(dead_code, reason = "each test binary uses a part of it")]

#[path = "../../cli/src/example.rs"]
pub mod example;
pub mod generated;
pub mod layout;

use std::path::PathBuf;

use async_graphql::{Request, Variables};
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Database, Schema, StatementRecord, connect};
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

/// Database of a single test, initially empty.
pub struct TestDatabase {
    pub dialect: Dialect,
    pub connection: Database,
    pub url: String,
    /// Location, for removal.
    place: Place,
}

enum Place {
    File(PathBuf),
    Postgres { server: String, name: String },
}

/// URL of the PostgreSQL server on which tests may create databases; tests skip PostgreSQL without it.
pub const POSTGRES: &str = "CROWSFOOT_TEST_POSTGRES";

/// Returns an empty SQLite database, and an empty PostgreSQL one if a server is configured.
pub async fn databases() -> Vec<TestDatabase> {
    let mut databases = vec![sqlite().await];
    databases.extend(postgres().await);
    databases
}

/// Returns an empty SQLite database in a file.
pub async fn sqlite() -> TestDatabase {
    let file = std::env::temp_dir().join(format!("crowsfoot-test-{}.db", uuid::Uuid::new_v4()));
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let connection = connect(&url, 4).await.unwrap();
    TestDatabase { dialect: Dialect::Sqlite, connection, url, place: Place::File(file) }
}

/// Returns an empty PostgreSQL database if a server is configured. Text is ordered as on SQLite, whatever the
/// server's collation.
pub async fn postgres() -> Option<TestDatabase> {
    let Ok(server) = std::env::var(POSTGRES) else {
        eprintln!("PostgreSQL is left out: {POSTGRES} names no server");
        return None;
    };
    let name = format!("crowsfoot_test_{}", uuid::Uuid::new_v4().simple());
    let admin = sea_orm::Database::connect(&server).await.unwrap();
    admin
        .execute_unprepared(&format!(
            "CREATE DATABASE {name} ENCODING 'UTF8' LC_COLLATE 'C' TEMPLATE template0"
        ))
        .await
        .unwrap();
    admin.close().await.unwrap();
    let url = match server.rsplit_once('/') {
        Some((host, _)) => format!("{host}/{name}"),
        None => panic!("{POSTGRES} is not a URL with a database: {server}"),
    };
    let connection = connect(&url, 4).await.unwrap();
    Some(TestDatabase {
        dialect: Dialect::Postgres,
        connection,
        url,
        place: Place::Postgres { server, name },
    })
}

impl TestDatabase {
    /// Removes the database. A failing test leaves it for inspection.
    pub async fn drop(self) {
        self.connection.close().await.unwrap();
        match self.place {
            Place::File(file) => {
                for suffix in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
                }
            }
            Place::Postgres { server, name } => {
                let admin = sea_orm::Database::connect(&server).await.unwrap();
                admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            }
        }
    }

    /// Runs statements unchanged, such as the tables of a test.
    pub async fn run(&self, sql: &str) {
        self.connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    /// Creates the tables of the example domain and seeds them.
    pub async fn seed(&self, scale: u32) {
        use sea_orm_migration::MigratorTrait;
        migration::Migrator::up(&*self.connection, None).await.unwrap();
        migration::seed::seed(&*self.connection, scale, |_, _| {}).await.unwrap();
    }
}

/// Returns the response as JSON (`data`, `errors`), and its statements.
pub async fn ask(
    schema: &Schema,
    database: &TestDatabase,
    query: &str,
    variables: Json,
) -> (Json, Vec<StatementRecord>) {
    let request = Request::new(query).variables(Variables::from_json(variables));
    let executed = schema.execute(request, &database.connection).await;
    let mut answer = json!({ "data": executed.data() });
    if !executed.errors.is_empty() {
        answer["errors"] = serde_json::to_value(&executed.errors).unwrap();
    }
    (answer, executed.statements)
}

/// Returns the data of a response that must have no errors.
pub async fn data(schema: &Schema, database: &TestDatabase, query: &str) -> Json {
    let (mut answer, _) = ask(schema, database, query, Json::Null).await;
    assert_eq!(answer.get("errors"), None, "{query}");
    answer["data"].take()
}
