//! Projects that `crowsfoot generate` wrote of `tables.sql`, with the options of `crowsfoot.toml`. They serve the schema of the
//! tables. `tests/service/generate.rs` compares the files, and states the command that updates them.

#[path = "postgres/src/main.rs"]
#[rustfmt::skip]
#[allow(dead_code, reason = "the program is only compiled")]
mod postgres;
#[path = "sqlite/src/main.rs"]
#[rustfmt::skip]
#[allow(dead_code, reason = "the program is only compiled")]
mod sqlite;

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Schema, describe};

use crate::support::{self, generated};

#[tokio::test]
async fn the_project_serves_the_schema_of_its_tables() {
    for database in support::databases().await {
        for tables in generated::tables(database.dialect) {
            database.run(&tables).await;
        }
        let registry = match database.dialect {
            Dialect::Sqlite => sqlite::entities::registry(),
            Dialect::Postgres => postgres::entities::registry(),
        };
        let described = describe(&database.connection, &[]).await.unwrap();
        let model = registry.merge(&described.tables).model().unwrap_or_else(|error| panic!("{error}"));
        let sdl = Schema::new(model).unwrap().sdl();
        let name = generated::name(database.dialect);
        let expected =
            std::fs::read_to_string(generated::folder().join(name).join("schema.graphql")).unwrap();
        let mut lines = sdl.lines().zip(expected.lines());
        assert_eq!(lines.find(|(one, other)| one != other), None, "{name}");
        assert_eq!(sdl, expected, "{name}");
        database.drop().await;
    }
}
