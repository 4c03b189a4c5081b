//! Client of the example domain; many can run at once.

use async_graphql::{Request, Variables};
use crowsfoot::{ChangeNotifier, Database, Schema, StatementRecord, connect};
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value as Json, json};

use crate::support::{self, TestDatabase};

/// Number of connections to this PostgreSQL database that wait for a lock; other tests' databases do not
/// count.
pub const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Client of a database.
#[derive(Clone)]
pub struct Client {
    schema: Schema,
    pub connection: Database,
}

impl Client {
    /// Creates a client with its own connections. Creates missing tables.
    pub async fn new(database: &TestDatabase, connections: u32) -> Self {
        migration::Migrator::up(&*database.connection, None).await.unwrap();
        let schema = Schema::new(support::example::registry().model().unwrap()).unwrap();
        Self { schema, connection: connect(&database.url, connections).await.unwrap() }
    }

    /// Returns the response (`data`, `errors`) and its statements.
    pub async fn ask(&self, query: &str, variables: Json) -> (Json, Vec<StatementRecord>) {
        let request = Request::new(query).variables(Variables::from_json(variables));
        let executed = self.schema.execute(request, &self.connection).await;
        let mut answer = json!({ "data": executed.data() });
        if !executed.errors.is_empty() {
            answer["errors"] = serde_json::to_value(&executed.errors).unwrap();
        }
        (answer, executed.statements)
    }

    /// Returns the data of a response that must have no errors.
    pub async fn data(&self, query: &str) -> Json {
        let (mut answer, _) = self.ask(query, Json::Null).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// Queries a number directly from the database.
    pub async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.connection.get_database_backend(), sql);
        let row = self.connection.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Returns the notifier of the client's commits.
    pub fn changes(&self) -> &ChangeNotifier {
        self.connection.changes()
    }

    pub async fn close(self) {
        self.connection.close().await.unwrap();
    }
}

/// Returns the code of a response's only error, if any.
pub fn code(answer: &Json) -> Option<&str> {
    let errors = answer.get("errors")?.as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer:#}");
    Some(errors[0]["extensions"]["code"].as_str().unwrap())
}
