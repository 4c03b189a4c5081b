//! Text columns with a comparison rule of the database.

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Registry, Schema};
use serde_json::{Value, json};

use crate::entity::entity;
use crate::support;

entity! {
    word in "words" {
        #[sea_orm(primary_key)] id: i32,
        free: Option<String>,
        padded: Option<String>,
    }
}

const ROWS: &str = "INSERT INTO words VALUES (1, 'Fox', 'ab'), (2, 'fox', 'AB'), (3, 'Foxes', 'ab c'), (4, 'Fo', 'b'), \
    (5, NULL, NULL), (6, 'Fox\u{10ffff}', 'a'), (7, '\u{10ffff}', 'c'), (8, '\u{d7ff}x', 'c'), (9, '\u{e000}', 'c'), (10, 'F%x_', 'd'), \
    (11, 'Foy', 'e');";

#[tokio::test]
async fn matches_a_prefix_exactly_in_every_collation() {
    let schema = Schema::new(Registry::new().register::<word::Entity>().model().unwrap()).unwrap();
    for database in support::databases().await {
        let (free, index) = match database.dialect {
            Dialect::Sqlite => ("TEXT COLLATE NOCASE", "free"),
            Dialect::Postgres => ("VARCHAR COLLATE \"en-x-icu\"", "free varchar_pattern_ops"),
        };
        database
            .run(&format!(
                "CREATE TABLE words (id INTEGER PRIMARY KEY, free {free}, padded CHAR(6)); CREATE INDEX i ON words ({index}); {ROWS}"
            ))
            .await;
        for (filter, expected) in [
            (r#"free: { startsWith: "Fox" }"#, json!([1, 3, 6])),
            (r#"free: { like: "Fox%" }"#, json!([1, 3, 6])),
            (r#"free: { startsWith: "F%" }"#, json!([10])),
            (r#"free: { startsWith: "F_" }"#, json!([])),
            ("free: { startsWith: \"\u{10ffff}\" }", json!([7])),
            ("free: { startsWith: \"Fox\u{10ffff}\" }", json!([6])),
            ("free: { startsWith: \"\u{d7ff}\" }", json!([8])),
            (r#"free: { startsWith: "" }"#, json!([1, 2, 3, 4, 6, 7, 8, 9, 10, 11])),
            (r#"not: { free: { startsWith: "Fo" } }"#, json!([2, 5, 7, 8, 9, 10])),
            (r#"not: { free: { startsWith: "" } }"#, json!([5])),
            (r#"padded: { startsWith: "ab" }"#, json!([1, 3])),
        ] {
            let query = format!("{{ words(where: {{ {filter} }}) {{ id }} }}");
            let data = support::data(&schema, &database, &query).await;
            let ids: Value =
                data["words"].as_array().unwrap().iter().map(|word| word["id"].clone()).collect();
            assert_eq!(ids, expected, "{:?}: {filter}", database.dialect);
        }
        // PostgreSQL pads shorter values with blanks, and a value with this prefix can be such a row.
        let query = r#"{ words(where: { padded: { startsWith: "ab " } }) { id } }"#;
        let data = support::data(&schema, &database, query).await;
        let padded = match database.dialect {
            Dialect::Sqlite => json!([{ "id": 3 }]),
            Dialect::Postgres => json!([{ "id": 1 }, { "id": 3 }]),
        };
        assert_eq!(data["words"], padded, "{:?}", database.dialect);
        database.drop().await;
    }
}
