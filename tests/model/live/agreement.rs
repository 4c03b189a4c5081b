//! A database agrees with the model of its own tables, and with entities once its facts are merged.

use crowsfoot::internals::database::verify_described;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::tables::KeyAction;
use crowsfoot::{Difference, Registry, Schema, TableOptions, describe, verify};
use serde_json::json;

use super::tables_for;
use crate::entity::entity;
use crate::support::{self, TestDatabase, data, example};

/// Returns the differences between a database and the model of its own tables.
async fn found(database: &TestDatabase) -> Vec<Difference> {
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    assert!(model.entities.len() > 3, "{model:?}");
    let found = verify(&model, &database.connection).await.unwrap();
    assert_eq!(found, verify_described(&model, &described, &database.connection).await.unwrap());
    found
}

#[tokio::test]
async fn a_database_differs_in_nothing_from_the_model_of_its_tables() {
    for database in support::databases().await {
        let kinds = match database.dialect {
            Dialect::Sqlite => include_str!("../describe/sqlite.sql"),
            Dialect::Postgres => include_str!("../describe/postgres.sql"),
        };
        database.run(kinds).await;
        assert_eq!(found(&database).await, [], "{:?}", database.dialect);
        database.drop().await;
    }
    for database in support::databases().await {
        database.seed(1).await;
        assert_eq!(found(&database).await, [], "{:?}", database.dialect);
        database.drop().await;
    }
}

#[tokio::test]
async fn the_example_gains_nothing_from_its_database() {
    for database in support::databases().await {
        database.seed(1).await;
        let described = describe(&database.connection, &[]).await.unwrap();
        assert_eq!(
            example::registry().merge(&described.tables),
            example::registry(),
            "{:?}",
            database.dialect
        );
        database.drop().await;
    }
}

/// Entities as a generator may write them: without defaults, computed columns, unique keys and actions.
mod sparse {
    use super::entity;

    entity! {
        author in "authors" {
            #[sea_orm(primary_key)]
            id: i32,
            email: String,
            status: String,
            shout: String,
        }
    }
    entity! {
        book in "books" {
            #[sea_orm(primary_key)]
            id: i32,
            title: String,
            author_id: i32,
        }
        #[sea_orm(belongs_to = "super::author::Entity", from = "Column::AuthorId", to = "super::author::Column::Id")]
        Author,
    }
}

const SPARSE: &str = "
    CREATE TABLE authors (id {key}, email text NOT NULL UNIQUE, status text NOT NULL DEFAULT 'new',
        shout text GENERATED ALWAYS AS (upper(email)) STORED NOT NULL);
    CREATE TABLE books (id {key}, title text NOT NULL, author_id integer NOT NULL REFERENCES authors (id) ON DELETE CASCADE);";

fn sparse() -> Registry {
    Registry::new().register::<sparse::author::Entity>().register::<sparse::book::Entity>()
}

#[tokio::test]
async fn facts_of_the_database_complete_entities() {
    for database in support::databases().await {
        database.run(&tables_for(&database, SPARSE)).await;
        let before = verify(&sparse().model().unwrap(), &database.connection).await.unwrap();
        let column = |name: &str| format!("authors.{name}");
        assert_eq!(
            before,
            [
                Difference::Default { column: column("status"), in_database: true },
                Difference::AlwaysGenerated { column: column("shout") },
                Difference::UndeclaredUniqueKey { columns: "authors (email)".to_owned() },
                Difference::Action {
                    relation: "Book.author".to_owned(),
                    on_update: false,
                    declared: KeyAction::NoAction,
                    in_database: KeyAction::Cascade,
                },
            ]
        );
        let described = describe(&database.connection, &[]).await.unwrap();
        let model = sparse().merge(&described.tables).model().unwrap();
        assert_eq!(verify(&model, &database.connection).await.unwrap(), []);
        let schema = Schema::new(model).unwrap();
        let create = "mutation { createAuthor(input: { email: \"a@b\" }) { status shout } }";
        let created = data(&schema, &database, create).await;
        assert_eq!(created["createAuthor"], json!({ "status": "new", "shout": "A@B" }));
        let found = data(&schema, &database, "{ authorByEmail(email: \"a@b\") { status } }").await;
        assert_eq!(found["authorByEmail"], json!({ "status": "new" }));
        database.drop().await;
    }
}

/// A declared key that the database does not keep unique, and tables without a right, would mislead.
#[tokio::test]
async fn what_would_mislead_is_told_apart() {
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE TABLE authors (id serial PRIMARY KEY, email text, status text NOT NULL, shout text NOT NULL);
             CREATE TABLE books (id serial, title text NOT NULL DEFAULT '', author_id integer NOT NULL);",
        )
        .await;
    let found = verify(&sparse().model().unwrap(), &database.connection).await.unwrap();
    let misleading: Vec<String> =
        found.iter().filter(|found| found.misleads()).map(|found| found.to_string()).collect();
    let starts = [
        "authors.email may be NULL in the database, but not in its entity",
        "books (id) has no unique key",
        "Book.author: books (author_id) has no foreign key to authors (id)",
    ];
    assert_eq!(misleading.len(), starts.len(), "{misleading:#?}");
    for (told, start) in misleading.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}");
    }
    assert!(
        found.len() > misleading.len()
            && found.iter().filter(|found| found.misleads()).all(Difference::is_fault)
    );
    database.drop().await;
}
