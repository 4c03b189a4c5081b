//! Relations over keys whose equal values have several texts: relations load the rows that a join of the database finds.

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Difference, Registry, Schema, TableOptions, describe, verify};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};

use super::model;
use crate::entity::entity;
use crate::support::{self, TestDatabase, data};

/// Kind of key: types of the referenced and the referencing columns, and the values of both.
struct Kind {
    database: Dialect,
    types: [&'static str; 2],
    /// Referenced values.
    homes: &'static [&'static str],
    /// Referencing values, each with several texts.
    guests: &'static [&'static str],
}

const fn kind(
    database: Dialect,
    types: [&'static str; 2],
    homes: &'static [&'static str],
    guests: &'static [&'static str],
) -> Kind {
    Kind { database, types, homes, guests }
}

use Dialect::{Postgres, Sqlite};

const KINDS: &[Kind] = &[
    kind(
        Postgres,
        ["citext", "citext"],
        &["'Ab'", "'c'", "'Émile'"],
        &["'AB'", "'ab'", "'C'", "'Émile'", "'ÉMILE'"],
    ),
    kind(Postgres, ["word", "citext"], &["'Ab'", "'c'"], &["'aB'", "'C'"]),
    kind(Postgres, ["word", "deep_word"], &["'Ab'", "'c'"], &["'aB'", "'C'"]),
    kind(Postgres, ["char(5)", "char(3)"], &["'ab'", "'abc'", "''"], &["'ab '", "'abc'", "''"]),
    kind(Postgres, ["varchar(5)", "char(3)"], &["'ab'", "'abc'"], &["'ab'", "'abc'"]),
    kind(Postgres, ["text", "varchar(5)"], &["'ab'", "'AB'"], &["'ab'", "'AB'"]),
    kind(
        Postgres,
        ["numeric", "numeric"],
        &["1.0", "2", "1e30"],
        &["1.00", "2.000", "1000000000000000000000000000000.0"],
    ),
    kind(Postgres, ["numeric(9,1)", "numeric(9,4)"], &["1.0", "0"], &["1.0000", "0.0"]),
    kind(Postgres, ["float8", "float8"], &["0", "1.5"], &["'-0'", "0", "1.5"]),
    kind(Postgres, ["float4", "float4"], &["0", "0.1"], &["'-0'", "0.1"]),
    kind(
        Postgres,
        ["timestamptz", "timestamptz"],
        &["'2024-01-01 00:00+00'", "'2024-07-01 00:00+00'"],
        &["'2024-01-01 02:00+02'", "'2024-06-30 22:00-02'"],
    ),
    kind(Postgres, ["mood", "mood"], &["'glad'", "'sad'"], &["'sad'", "'glad'"]),
    kind(Postgres, ["inet", "inet"], &["'10.0.0.1'", "'::1'"], &["'10.0.0.1/32'", "'0:0::1'"]),
    kind(
        Postgres,
        ["uuid", "uuid"],
        &["'67e55044-10b1-426f-9247-bb680e5fe0c8'"],
        &["'67E5504410B1426F9247BB680E5FE0C8'"],
    ),
    kind(Sqlite, ["decimal(9,2)", "decimal(9,4)"], &["1.0", "2"], &["1.00", "'2.000'"]),
    kind(Sqlite, ["real", "real"], &["0", "1.5"], &["-0.0", "1.5"]),
    kind(Sqlite, ["char(5)", "char(3)"], &["'ab'", "'abc'"], &["'ab'", "'abc'"]),
    kind(Sqlite, ["bigint", "integer"], &["1", "2"], &["'1'", "2.0"]),
];

const TYPES: &str = "CREATE EXTENSION citext; CREATE DOMAIN word AS citext; CREATE DOMAIN deep_word AS word;
    CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN any_mood AS mood; CREATE DOMAIN shown_mood AS any_mood;";

/// Makes homes with their guests, and events that are linked to homes by the guests' values.
async fn make(database: &TestDatabase, kind: &Kind) {
    let [home, guest] = kind.types;
    let mut sql = format!(
        "CREATE TABLE homes (id {home} PRIMARY KEY, label integer NOT NULL);
         CREATE TABLE guests (id integer PRIMARY KEY, home_id {guest} REFERENCES homes (id));
         CREATE TABLE events (id integer PRIMARY KEY);
         CREATE TABLE visits (home_id {guest} NOT NULL REFERENCES homes (id), event_id integer NOT NULL REFERENCES events (id),
            PRIMARY KEY (home_id, event_id));
         INSERT INTO guests VALUES (99, NULL);"
    );
    for (label, value) in kind.homes.iter().enumerate() {
        sql.push_str(&format!("INSERT INTO homes VALUES ({value}, {label});"));
    }
    for (id, value) in kind.guests.iter().enumerate() {
        sql.push_str(&format!(
            "INSERT INTO guests VALUES ({id}, {value}); INSERT INTO events VALUES ({id}); INSERT INTO visits VALUES ({value}, {id});"
        ));
    }
    database.run(&sql).await;
}

/// Returns the pairs of numbers that a join finds.
async fn pairs(database: &TestDatabase, sql: &str) -> Vec<(i64, i64)> {
    let statement = Statement::from_string(database.connection.get_database_backend(), sql);
    let rows = database.connection.query_all_raw(statement).await.unwrap();
    let number = |row: &sea_orm::QueryResult, index| i64::from(row.try_get_by_index::<i32>(index).unwrap());
    let mut pairs: Vec<(i64, i64)> = rows.iter().map(|row| (number(row, 0), number(row, 1))).collect();
    pairs.sort_unstable();
    pairs
}

/// Returns the pairs of a list of rows with a list or a row each.
fn answered(rows: &Json, own: &str, relation: &str, other: &str) -> Vec<(i64, i64)> {
    let mut pairs = Vec::new();
    for row in rows.as_array().unwrap() {
        let one = std::slice::from_ref(&row[relation]);
        let others = row[relation].as_array().map_or(one, Vec::as_slice);
        let numbers = others.iter().filter_map(|other_row| other_row[other].as_i64());
        pairs.extend(numbers.map(|number| (row[own].as_i64().unwrap(), number)));
    }
    pairs.sort_unstable();
    pairs
}

#[tokio::test]
async fn when_equal_keys_have_several_texts_then_relations_load_what_a_join_finds() {
    for kind in KINDS {
        let database = match kind.database {
            Dialect::Sqlite => support::sqlite().await,
            Dialect::Postgres => match support::postgres().await {
                Some(database) => database,
                None => continue,
            },
        };
        if kind.database == Dialect::Postgres {
            database.run(TYPES).await;
        }
        make(&database, kind).await;
        let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
        let of_guests =
            pairs(&database, "SELECT h.label, g.id FROM homes h JOIN guests g ON h.id = g.home_id").await;
        let of_events =
            pairs(&database, "SELECT h.label, v.event_id FROM homes h JOIN visits v ON h.id = v.home_id")
                .await;
        assert_eq!(of_guests.len(), kind.guests.len(), "{:?}", kind.types);
        // Whole lists, pages of lists, connections, and to-one relations joined or loaded apart.
        let read = data(
            &schema,
            &database,
            "{ homes { label guests { id } events { id } pages: guests(limit: 5) { id }
                 guestsConnection(first: 5) { nodes { id } } guestsAggregate { count } }
               guests { id home { label } } events { id homes { label } }
               found: guests(where: { home: { label: { gte: 0 } } }) { id }
               housed: homes(where: { guests: { some: { id: { gte: 0 } } } }, orderBy: [{ guestsCount: DESC }]) { label } }",
        )
        .await;
        let swapped = |pairs: &[(i64, i64)]| {
            let mut swapped: Vec<(i64, i64)> = pairs.iter().map(|(one, other)| (*other, *one)).collect();
            swapped.sort_unstable();
            swapped
        };
        assert_eq!(answered(&read["homes"], "label", "guests", "id"), of_guests, "{:?}", kind.types);
        assert_eq!(answered(&read["homes"], "label", "pages", "id"), of_guests, "{:?}", kind.types);
        assert_eq!(answered(&read["homes"], "label", "events", "id"), of_events, "{:?}", kind.types);
        assert_eq!(answered(&read["guests"], "id", "home", "label"), swapped(&of_guests), "{:?}", kind.types);
        assert_eq!(
            answered(&read["events"], "id", "homes", "label"),
            swapped(&of_events),
            "{:?}",
            kind.types
        );
        for home in read["homes"].as_array().unwrap() {
            let label = home["label"].as_i64().unwrap();
            let count = of_guests.iter().filter(|(of, _)| *of == label).count();
            assert_eq!(home["guestsAggregate"]["count"], count, "{:?} {home}", kind.types);
            let nodes = home["guestsConnection"]["nodes"].as_array().unwrap();
            assert_eq!(nodes.len(), count, "{:?} {home}", kind.types);
        }
        assert_eq!(read["found"].as_array().unwrap().len(), of_guests.len(), "{:?}", kind.types);
        written(&schema, &database, kind).await;
        database.drop().await;
    }
}

/// Takes a row out of its home; and links rows by another text of a home's key.
async fn written(schema: &Schema, database: &TestDatabase, kind: &Kind) {
    let update = "mutation { updateGuest(id: 0, input: { home: null }) { home { label } } }";
    assert_eq!(
        data(schema, database, update).await["updateGuest"],
        json!({ "home": null }),
        "{:?}",
        kind.types
    );
    if !["citext", "word"].contains(&kind.types[0]) {
        return;
    }
    let made = data(
        schema,
        database,
        "mutation {
            createHome(input: { id: \"Zz\", label: 9, guests: { create: [{ id: 60 }], connect: [{ id: 0 }] } }) { guests { id } }
            createGuest(input: { id: 61, home: { id: \"zZ\" } }) { home { label } }
            updateHome(id: \"ZZ\", input: { events: { connect: [{ id: 0 }] } }) { events { id } guests { id } }
            updateEvent(id: 1, input: { homes: { connect: [{ id: \"zz\" }] } }) { homes { label } } }",
    )
    .await;
    assert_eq!(made["createHome"], json!({ "guests": [{ "id": 0 }, { "id": 60 }] }));
    assert_eq!(made["createGuest"], json!({ "home": { "label": 9 } }));
    assert_eq!(made["updateHome"]["guests"], json!([{ "id": 0 }, { "id": 60 }, { "id": 61 }]));
    assert_eq!(made["updateHome"]["events"], json!([{ "id": 0 }]));
    assert!(made["updateEvent"]["homes"].as_array().unwrap().contains(&json!({ "label": 9 })), "{made}");
}

#[tokio::test]
async fn when_a_collation_equates_texts_then_values_are_compared_by_it_and_no_relation_groups_them() {
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE TABLE homes (id text COLLATE caseless PRIMARY KEY, label integer);
             CREATE TABLE guests (id integer PRIMARY KEY, home_id text COLLATE caseless REFERENCES homes (id));
             INSERT INTO homes VALUES ('Ab', 1), ('c', 2); INSERT INTO guests VALUES (1, 'AB');",
        )
        .await;
    let model = model(&database, &TableOptions::new()).await;
    let notes: Vec<String> = model.notes.iter().map(ToString::to_string).collect();
    let note = "foreign key guests (home_id) is left out: equal values of home_id may be different texts";
    assert!(notes.iter().any(|known| known == note), "{notes:?}");
    let schema = Schema::new(model).unwrap();
    let read = data(
        &schema,
        &database,
        "{ home(id: \"aB\") { id label } homes(where: { id: { in: [\"AB\", \"C\"] } }, orderBy: [{ id: DESC }]) { label }
           guests { homeId } }",
    )
    .await;
    assert_eq!(read["home"], json!({ "id": "Ab", "label": 1 }));
    assert_eq!(read["homes"], json!([{ "label": 2 }, { "label": 1 }]));
    assert_eq!(read["guests"], json!([{ "homeId": "AB" }]));
    // PostgreSQL searches no patterns under such a collation.
    assert!(!schema.sdl().contains("startsWith"));
    database.drop().await;
}

#[tokio::test]
async fn when_a_key_of_citext_has_another_case_then_nested_writes_find_its_row() {
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE EXTENSION citext;
             CREATE TABLE teams (code citext PRIMARY KEY);
             CREATE TABLE players (nick citext PRIMARY KEY, score integer, team_code citext REFERENCES teams (code));
             CREATE TABLE cups (title citext PRIMARY KEY);
             CREATE TABLE wins (team_code citext REFERENCES teams (code), title citext REFERENCES cups (title),
                PRIMARY KEY (team_code, title));
             INSERT INTO teams VALUES ('Red'), ('Blue'); INSERT INTO cups VALUES ('Gold'), ('Tin');
             INSERT INTO players VALUES ('Ada', 1, 'RED'), ('Bob', 1, 'red'), ('Cy', 1, NULL), ('Di', 1, NULL);
             INSERT INTO wins VALUES ('rED', 'gOLD')",
        )
        .await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let selection =
        "{ players(orderBy: { nick: ASC }) { nick score } cups(orderBy: { title: ASC }) { title } }";
    for (input, players, cups) in [
        (
            "players: { update: [{ where: { nick: \"ADA\" }, input: { score: 2 } }, { where: { nick: \"bob\" }, input: { score: 2 } }] }",
            json!([["Ada", 2], ["Bob", 2]]),
            json!(["Gold"]),
        ),
        (
            "players: { connect: [{ nick: \"cY\" }, { nick: \"DI\" }] }",
            json!([["Ada", 2], ["Bob", 2], ["Cy", 1], ["Di", 1]]),
            json!(["Gold"]),
        ),
        (
            "players: { disconnect: [{ nick: \"CY\" }, { nick: \"bOB\" }] }",
            json!([["Ada", 2], ["Di", 1]]),
            json!(["Gold"]),
        ),
        ("players: { delete: [{ nick: \"aDA\" }, { nick: \"dI\" }] }", json!([]), json!(["Gold"])),
        ("players: { set: [{ nick: \"BOB\" }, { nick: \"bob\" }] }", json!([["Bob", 2]]), json!(["Gold"])),
        (
            "cups: { connect: [{ title: \"GOLD\" }, { title: \"tIN\" }, { title: \"TIN\" }] }",
            json!([["Bob", 2]]),
            json!(["Gold", "Tin"]),
        ),
        ("cups: { disconnect: [{ title: \"gold\" }] }", json!([["Bob", 2]]), json!(["Tin"])),
        (
            "cups: { set: [{ title: \"TIN\" }, { title: \"GOLD\" }] }",
            json!([["Bob", 2]]),
            json!(["Gold", "Tin"]),
        ),
    ] {
        let mutation = format!("mutation {{ updateTeam(code: \"rEd\", input: {{ {input} }}) {selection} }}");
        let team = data(&schema, &database, &mutation).await["updateTeam"].clone();
        let found: Vec<Json> = team["players"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| json!([row["nick"], row["score"]]))
            .collect();
        assert_eq!(json!(found), players, "{input}");
        let found: Vec<&Json> = team["cups"].as_array().unwrap().iter().map(|row| &row["title"]).collect();
        assert_eq!(json!(found), cups, "{input}");
    }
    database.drop().await;
}

#[tokio::test]
async fn when_a_collation_of_sqlite_equates_texts_then_no_relation_groups_them() {
    let database = support::sqlite().await;
    database
        .run(
            "CREATE TABLE homes (id text COLLATE NOCASE PRIMARY KEY, label integer);
             CREATE TABLE guests (id integer PRIMARY KEY, home_id text REFERENCES homes);
             CREATE TABLE towns (name text PRIMARY KEY, note text COLLATE NOCASE);
             CREATE TABLE streets (id integer PRIMARY KEY, town_name text REFERENCES towns (name));
             INSERT INTO homes VALUES ('Ab', 1); INSERT INTO guests VALUES (1, 'AB');
             INSERT INTO towns VALUES ('Ulm', 'x'); INSERT INTO streets VALUES (1, 'Ulm')",
        )
        .await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let left_out: Vec<String> = described.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(
        left_out,
        [
            "the foreign key of guests over home_id is no relation: the collation of homes equates different texts"
        ]
    );
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let read =
        data(&schema, &database, "{ guests { homeId } home(id: \"aB\") { id } towns { streets { id } } }")
            .await;
    let expected = json!({
        "guests": [{ "homeId": "AB" }], "home": { "id": "Ab" }, "towns": [{ "streets": [{ "id": 1 }] }],
    });
    assert_eq!(read, expected);
    database.drop().await;
}

/// Entities whose key is text to SeaORM, whatever the collation of the column.
mod compiled {
    use super::entity;

    entity! {
        home in "homes" {
            #[sea_orm(primary_key, auto_increment = false)]
            id: String,
            label: Option<i32>,
        }
        #[sea_orm(has_many = "super::guest::Entity")]
        Guests,
    }
    entity! {
        guest in "guests" {
            #[sea_orm(primary_key, auto_increment = false)]
            id: i32,
            home_id: Option<String>,
        }
        #[sea_orm(belongs_to = "super::home::Entity", from = "Column::HomeId", to = "super::home::Column::Id")]
        Home
        => home by Home
    }
}

fn compiled() -> Registry {
    Registry::new().register::<compiled::home::Entity>().register::<compiled::guest::Entity>()
}

#[tokio::test]
async fn when_the_database_equates_texts_of_a_key_then_the_check_of_entities_finds_it() {
    let equated = Difference::EquatedKey {
        relation: "Guest.home".to_owned(),
        from: "guests (home_id)".to_owned(),
        to: "homes (id)".to_owned(),
    };
    assert!(equated.misleads() && equated.is_fault());
    for database in support::databases().await {
        let (before, equating) = match database.dialect {
            Dialect::Sqlite => ("", &["text COLLATE NOCASE"][..]),
            Dialect::Postgres => (
                "CREATE EXTENSION citext;
                 CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);",
                &["text COLLATE caseless", "citext"][..],
            ),
        };
        database.run(before).await;
        for (of_key, found) in equating.iter().map(|of_key| (*of_key, true)).chain([("text", false)]) {
            database
                .run(&format!(
                    "CREATE TABLE homes (id {of_key} NOT NULL PRIMARY KEY, label integer);
                     CREATE TABLE guests (id integer PRIMARY KEY, home_id {of_key} REFERENCES homes (id));
                     INSERT INTO homes VALUES ('Ab', 1); INSERT INTO guests VALUES (1, 'Ab');"
                ))
                .await;
            let expected = if found { vec![equated.clone()] } else { Vec::new() };
            let differences = verify(&compiled().model().unwrap(), &database.connection).await.unwrap();
            assert_eq!(differences, expected, "{of_key}");
            // The description of a column of citext says how to compare its values.
            if of_key == "citext" {
                database.run("UPDATE guests SET home_id = 'AB'").await;
                let described = describe(&database.connection, &[]).await.unwrap();
                let model = compiled().merge(&described.tables).model().unwrap();
                assert_eq!(verify(&model, &database.connection).await.unwrap(), []);
                let schema = Schema::new(model).unwrap();
                let read = data(&schema, &database, "{ homes { guests { homeId } } }").await;
                assert_eq!(read, json!({ "homes": [{ "guests": [{ "homeId": "AB" }] }] }));
            }
            database.run("DROP TABLE guests; DROP TABLE homes;").await;
        }
        database.drop().await;
    }
}
