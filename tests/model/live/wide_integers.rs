//! Integers of 64 bits under SQLite's `INTEGER`, such as times in microseconds. Most such columns are keys, which clients want
//! as numbers: an option names the others.

use crowsfoot::{Registry, Schema, TableOptions};
use serde_json::{Value as Json, json};

use super::model;
use crate::support::{self, TestDatabase};

const TABLES: &str = "
    CREATE TABLE places (id INTEGER PRIMARY KEY, seen INTEGER NOT NULL, small SMALLINT, name TEXT);
    CREATE TABLE visits (id INTEGER PRIMARY KEY, place_id INTEGER NOT NULL REFERENCES places (id));
    INSERT INTO places VALUES (9000000001, 1740826800000001, 5000000000, 'a'), (9000000002, 7, 7, 'b');
    INSERT INTO visits VALUES (1, 9000000001), (2, 9000000001);
";

async fn sqlite() -> TestDatabase {
    let database = support::sqlite().await;
    database.run(TABLES).await;
    database
}

#[tokio::test]
async fn an_option_reads_the_64_bits_of_an_integer_of_sqlite() {
    let database = sqlite().await;
    let options = TableOptions::new()
        .entity("places", |place| {
            let place = place.column_type("id", "BigInt").column_type("seen", "BigInt");
            place.column_type("small", "BigInt")
        })
        .entity("visits", |visit| visit.column_type("place_id", "BigInt"));
    let schema = Schema::new(model(&database, &options).await).unwrap();
    let query = "{
        places(where: { seen: { gte: \"1740826800000001\" } }) { id seen small visits { id } }
        visits { place { seen } }
    }";
    let (answer, _) = support::ask(&schema, &database, query, Json::Null).await;
    let place = json!({
        "id": "9000000001", "seen": "1740826800000001", "small": "5000000000", "visits": [{ "id": 1 }, { "id": 2 }],
    });
    let seen = json!({ "place": { "seen": "1740826800000001" } });
    assert_eq!(answer, json!({ "data": { "places": [place], "visits": [seen, seen] } }));
    let create = "mutation { createPlace(input: { seen: \"9007199254740993\" }) { id seen } }";
    let (answer, _) = support::ask(&schema, &database, create, Json::Null).await;
    assert_eq!(
        answer["data"]["createPlace"],
        json!({ "id": "9000000003", "seen": "9007199254740993" }),
        "{answer}"
    );
    database.drop().await;
}

#[tokio::test]
async fn no_option_gives_an_integer_another_type() {
    let database = sqlite().await;
    let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
    let options = TableOptions::new()
        .entity("places", |place| place.column_type("seen", "DateTime").column_type("name", "BigInt"));
    let error = Registry::from_tables(&described.tables, &options).model().unwrap_err().to_string();
    for fault in [
        "the type DateTime of places.seen cannot be set: the column has the type INTEGER",
        "the type BigInt of places.name cannot be set: the column has the type TEXT",
    ] {
        assert!(error.contains(fault), "{error}");
    }
    database.drop().await;
}
