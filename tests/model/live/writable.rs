//! Views that options make writable, as far as the database writes them.

use crowsfoot::internals::database;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Registry, TableOptions};
use serde_json::{Value as Json, json};

use super::{model, served};
use crate::support::{self, data};

const TABLES: &str = "
    CREATE TABLE users (id {key}, name text NOT NULL, active boolean NOT NULL);
    CREATE VIEW people AS SELECT id, name, active, upper(name) AS loud FROM users;
    CREATE VIEW counts AS SELECT active, count(*) AS number FROM users GROUP BY active;
    INSERT INTO users (name, active) VALUES ('Ada', true), ('Bo', false);";

fn options() -> TableOptions {
    TableOptions::new()
        .entity("people", |view| view.key(["id"]).not_null("name").not_null("active").writable(true))
}

#[tokio::test]
async fn when_the_database_writes_a_view_in_some_ways_then_only_these_are_mutations() {
    const UPDATE: &str = "CREATE TRIGGER change INSTEAD OF UPDATE ON people BEGIN
        UPDATE users SET name = NEW.name, active = NEW.active WHERE id = OLD.id; END;";
    for (database, schema) in served_with(UPDATE).await {
        let update =
            "mutation { updatePerson(id: 1, input: { name: \"Eve\", active: false }) { name active } }";
        let updated = data(&schema, &database, update).await;
        assert_eq!(updated["updatePerson"], json!({ "name": "Eve", "active": false }));
        let sdl = schema.sdl();
        let is_whole = database.dialect == Dialect::Postgres;
        for field in ["createPerson(", "deletePerson("] {
            assert_eq!(sdl.contains(field), is_whole, "{field} {sdl}");
        }
        let notes: Vec<String> = schema.model().notes.iter().map(ToString::to_string).collect();
        let note = "people has no mutations for INSERT and DELETE: the database does not accept them";
        assert_eq!(notes.iter().any(|known| known == note), !is_whole, "{notes:?}");
        if is_whole {
            // PostgreSQL writes no column that an expression computes.
            assert!(
                !sdl.contains("input PersonCreate {\n  loud") && !sdl.contains("loud: String\n  }"),
                "{sdl}"
            );
            let create =
                "mutation { createPerson(input: { name: \"Cy\", active: true, loud: \"x\" }) { id } }";
            let (answer, _) = support::ask(&schema, &database, create, Json::Null).await;
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains("loud"), "{answer}");
            let create = "mutation { createPerson(input: { name: \"Cy\", active: true }) { loud } }";
            assert_eq!(data(&schema, &database, create).await["createPerson"], json!({ "loud": "CY" }));
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn when_the_database_writes_no_rows_of_a_view_then_the_option_is_a_fault() {
    for (database, _) in served(TABLES, &TableOptions::new()).await {
        let described = database::describe(&database.connection, &[]).await.unwrap();
        let options = options().entity("counts", |view| view.key(["active"]).writable(true));
        let error = Registry::from_tables(&described.tables, &options).model().unwrap_err().to_string();
        let fault =
            "Count cannot be writable, because the database accepts no INSERT, UPDATE or DELETE of counts";
        assert!(error.contains(fault), "{error}");
        // SQLite writes a view by triggers alone.
        let is_written = database.dialect == Dialect::Postgres;
        assert_eq!(error.contains("Person cannot be writable"), !is_written, "{error}");
        database.drop().await;
    }
}

/// Returns the databases, SQLite's with these triggers.
async fn served_with(triggers: &str) -> Vec<(support::TestDatabase, crowsfoot::Schema)> {
    let mut served = Vec::new();
    for database in support::databases().await {
        database.run(&super::tables_for(&database, TABLES)).await;
        if database.dialect == Dialect::Sqlite {
            database.run(triggers).await;
        }
        let schema = crowsfoot::Schema::new(model(&database, &options()).await).unwrap();
        served.push((database, schema));
    }
    served
}
