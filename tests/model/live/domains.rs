//! Domains of PostgreSQL have the types behind them.

use crowsfoot::{Schema, TableOptions};
use serde_json::json;

use super::model;
use crate::support::{self, data};

const TABLES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'so so', 'glad');
    CREATE DOMAIN some_mood AS mood; CREATE DOMAIN shown_mood AS some_mood CHECK (VALUE::mood <> 'sad');
    CREATE DOMAIN moods AS mood[]; CREATE DOMAIN numbers AS integer[]; CREATE DOMAIN few_numbers AS numbers;
    CREATE TABLE cats (id integer PRIMARY KEY, plain mood, mood some_mood NOT NULL DEFAULT 'glad', shown shown_mood,
        moods moods, numbers few_numbers);
    INSERT INTO cats VALUES (1, 'sad', 'sad', 'so so', '{sad,glad}', '{1,2}'), (2, 'glad', 'glad', NULL, NULL, NULL);";

#[tokio::test]
async fn when_a_column_has_a_domain_then_its_field_has_the_type_behind_it() {
    let Some(database) = support::postgres().await else { return };
    database.run(TABLES).await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let sdl = schema.sdl();
    for field in
        ["  plain: Mood\n", "  mood: Mood!\n", "  shown: Mood\n", "  moods: [Mood]\n", "  numbers: [Int]\n"]
    {
        assert!(sdl.contains(field), "{field} {sdl}");
    }
    let read = data(
        &schema,
        &database,
        "{ cats { mood shown moods numbers } sad: cats(where: { mood: { eq: SAD } }) { id }
           some: cats(where: { mood: { in: [SAD, GLAD] }, shown: { ne: GLAD } }) { id }
           ordered: cats(orderBy: [{ mood: ASC }]) { id } happy: cats(where: { moods: { contains: [GLAD] } }) { id }
           few: cats(where: { numbers: { contains: [2] } }) { id }
           catsConnection(first: 1, orderBy: [{ mood: DESC }]) { nodes { id } pageInfo { endCursor } }
           catsAggregate { countDistinct { mood } } }",
    )
    .await;
    let cat = json!({ "mood": "SAD", "shown": "SO_SO", "moods": ["SAD", "GLAD"], "numbers": [1, 2] });
    assert_eq!(read["cats"][0], cat);
    assert_eq!(read["sad"], json!([{ "id": 1 }]));
    assert_eq!(read["some"], json!([{ "id": 1 }]));
    assert_eq!(read["ordered"], json!([{ "id": 2 }, { "id": 1 }]));
    assert_eq!(read["happy"], json!([{ "id": 1 }]));
    assert_eq!(read["few"], json!([{ "id": 1 }]));
    let cursor = read["catsConnection"]["pageInfo"]["endCursor"].as_str().unwrap();
    let next = format!(
        "{{ catsConnection(first: 1, orderBy: [{{ mood: DESC }}], after: \"{cursor}\") {{ nodes {{ id }} }} }}"
    );
    assert_eq!(data(&schema, &database, &next).await["catsConnection"]["nodes"], json!([{ "id": 2 }]));
    // No database guarantees that an item is not null.
    let nulls =
        "mutation { updateCat(id: 1, input: { moods: [null, GLAD], numbers: [null, 2] }) { moods numbers } }";
    let changed = json!({ "moods": [null, "GLAD"], "numbers": [null, 2] });
    assert_eq!(data(&schema, &database, nulls).await["updateCat"], changed);
    let found =
        "{ equal: cats(where: { moods: { eq: [null, GLAD] }, numbers: { eq: [null, 2] } }) { moods numbers }
        other: cats(where: { numbers: { eq: [2] } }) { id } }";
    assert_eq!(data(&schema, &database, found).await, json!({ "equal": [changed], "other": [] }));
    let made = data(
        &schema,
        &database,
        "mutation { createCat(input: { id: 3, shown: GLAD, moods: [SAD] }) { mood shown moods }
           updateCats(where: { mood: { eq: GLAD } }, input: { mood: SO_SO }) { nodes { id mood } } }",
    )
    .await;
    assert_eq!(made["createCat"], json!({ "mood": "GLAD", "shown": "GLAD", "moods": ["SAD"] }));
    let nodes = json!([{ "id": 2, "mood": "SO_SO" }, { "id": 3, "mood": "SO_SO" }]);
    assert_eq!(made["updateCats"]["nodes"], nodes);
    database.drop().await;
}
