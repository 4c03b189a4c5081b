//! Tables of PostgreSQL from which others inherit: a SELECT returns the rows of all of them, for which the keys of the table do
//! not hold.

use crowsfoot::{Difference, Registry, Schema, TableOptions, describe, verify};
use serde_json::{Value as Json, json};

use super::model;
use crate::entity::entity;
use crate::support::{self, TestDatabase};

/// The rows of `capitals` repeat a key, reference no country, and lack a value that `cities` requires.
const TABLES: &str = "
    CREATE SCHEMA far;
    CREATE TABLE countries (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE cities (id integer PRIMARY KEY, name text NOT NULL UNIQUE, mayor text NOT NULL,
        country_id integer NOT NULL REFERENCES countries, twin_id integer UNIQUE REFERENCES countries);
    CREATE TABLE far.capitals (state text PRIMARY KEY) INHERITS (cities);
    CREATE TABLE old_capitals () INHERITS (far.capitals);
    ALTER TABLE old_capitals ALTER COLUMN mayor DROP NOT NULL;
    CREATE TABLE people (id integer PRIMARY KEY, city_id integer NOT NULL REFERENCES cities);
    CREATE TABLE visitors () INHERITS (people);
    CREATE TABLE stays (city_id integer NOT NULL REFERENCES cities, person_id integer NOT NULL REFERENCES people,
        PRIMARY KEY (city_id, person_id));
    INSERT INTO countries VALUES (1, 'A'), (2, 'B');
    INSERT INTO cities VALUES (1, 'x', 'm', 1, 1), (2, 'y', 'n', 2, NULL);
    INSERT INTO far.capitals VALUES (1, 'x', 'o', 9, 1, 's'), (3, 'z', 'p', 2, 2, 't');
    INSERT INTO old_capitals VALUES (4, 'v', NULL, 1, NULL, 'u');
    INSERT INTO people VALUES (1, 1), (2, 2);
    INSERT INTO visitors VALUES (3, 9), (4, 2);
    INSERT INTO stays VALUES (1, 1), (2, 1);";

/// Options by which the keys hold for all rows.
fn keyed() -> TableOptions {
    TableOptions::new()
        .entity("cities", |city| city.key(["id"]))
        .entity("people", |person| person.key(["id"]))
}

async fn database() -> Option<TestDatabase> {
    let database = support::postgres().await?;
    database.run(TABLES).await;
    Some(database)
}

#[tokio::test]
async fn a_table_has_the_rows_of_inheriting_tables_and_promises_nothing_for_them() {
    let Some(database) = database().await else { return };
    let model = model(&database, &TableOptions::new()).await;
    let notes: Vec<String> = model.notes.iter().map(ToString::to_string).collect();
    let expected = [
        "cities has the rows of far.capitals too, by inheritance: its unique and foreign keys hold for its own rows alone",
        "cities is a read-only list without nodes and connections: no key holds for inherited rows; the option key names one",
        "old_capitals is a read-only list without nodes and connections: it has no primary key; the option key names one",
        "people has the rows of visitors too, by inheritance: its unique and foreign keys hold for its own rows alone",
        "people is a read-only list without nodes and connections: no key holds for inherited rows; the option key names one",
        "visitors is a read-only list without nodes and connections: it has no primary key; the option key names one",
        "foreign key people (city_id) is left out: (id) is not a unique key of cities with its inherited rows",
        "foreign key stays (city_id) is left out: (id) is not a unique key of cities with its inherited rows",
        "foreign key stays (person_id) is left out: (id) is not a unique key of people with its inherited rows",
    ];
    assert_eq!(notes, expected);
    let schema = Schema::new(model).unwrap();
    let query = "{ cities(orderBy: [{ mayor: ASC }]) { name mayor country { name } twin { name } }
        countries { name cities(orderBy: [{ mayor: ASC }]) { mayor } citiesByTwin(orderBy: [{ mayor: ASC }]) { mayor } } }";
    let (answer, _) = support::ask(&schema, &database, query, Json::Null).await;
    // The country that an inherited row names does not exist.
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["path"]), (1, &json!(["cities", 2, "country"])), "{answer}");
    let read = &answer["data"];
    let city = |name: &str, mayor: Json, country: Json, twin: Json| {
        let named = |name: &Json| if name.is_null() { Json::Null } else { json!({ "name": name }) };
        json!({ "name": name, "mayor": mayor, "country": named(&country), "twin": named(&twin) })
    };
    let (a, b) = (json!("A"), json!("B"));
    assert_eq!(
        read["cities"],
        json!([
            city("x", json!("m"), a.clone(), a.clone()),
            city("y", json!("n"), b.clone(), Json::Null),
            city("x", json!("o"), Json::Null, a.clone()),
            city("z", json!("p"), b.clone(), b),
            city("v", Json::Null, a, Json::Null),
        ])
    );
    let mayors = |names: &[Json]| names.iter().map(|name| json!({ "mayor": name })).collect::<Json>();
    assert_eq!(
        read["countries"],
        json!([
            { "name": "A", "cities": mayors(&[json!("m"), Json::Null]), "citiesByTwin": mayors(&[json!("m"), json!("o")]) },
            { "name": "B", "cities": mayors(&[json!("n"), json!("p")]), "citiesByTwin": mayors(&[json!("p")]) },
        ])
    );
    let sdl = schema.sdl();
    for part in ["country: Country\n", "twin: Country\n", "mayor: String\n"] {
        assert!(sdl.contains(part), "{part}: {sdl}");
    }
    assert!(!sdl.contains("createCity") && !sdl.contains("cityByName"));
    database.drop().await;
}

/// A promised key makes relations of the foreign keys. Rows that repeat the key multiply nothing.
#[tokio::test]
async fn a_promised_key_restores_relations_and_repeats_no_row() {
    let Some(database) = database().await else { return };
    let schema = Schema::new(model(&database, &keyed()).await).unwrap();
    let query = "{ people(orderBy: [{ id: ASC }]) { id city { name } } cities(where: { mayor: { eq: \"m\" } }) { mayor } }";
    let (answer, _) = support::ask(&schema, &database, query, Json::Null).await;
    // The city that an inherited row names does not exist.
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["path"]), (1, &json!(["people", 2, "city"])), "{answer}");
    let read = &answer["data"];
    let person = |id: i32, city: Json| json!({ "id": id, "city": city });
    let named = |name: &str| json!({ "name": name });
    assert_eq!(
        read["people"],
        json!([person(1, named("x")), person(2, named("y")), person(3, Json::Null), person(4, named("y"))])
    );
    database.drop().await;
}

mod ancestor {
    use super::entity;

    entity! {
        city in "cities" {
            #[sea_orm(primary_key)]
            id: i32,
            #[sea_orm(unique)]
            name: String,
            mayor: Option<String>,
        }
    }
}

#[tokio::test]
async fn the_check_finds_keys_of_entities_that_do_not_hold_for_inherited_rows() {
    let Some(database) = database().await else { return };
    let registry = Registry::new().register::<ancestor::city::Entity>();
    let found = verify(&registry.clone().model().unwrap(), &database.connection).await.unwrap();
    let misleading: Vec<String> =
        found.iter().filter(|found| found.misleads()).map(Difference::to_string).collect();
    let of = |columns: &str| {
        format!(
            "cities ({columns}) is unique among its own rows, but not with those of far.capitals by inheritance;"
        )
    };
    assert_eq!(misleading.len(), 2, "{found:#?}");
    assert!(
        misleading.iter().zip([of("id"), of("name")]).all(|(found, start)| found.starts_with(&start)),
        "{misleading:#?}"
    );
    let described = describe(&database.connection, &[]).await.unwrap();
    let merged = registry.merge(&described.tables).model().unwrap();
    assert!(merged.entities[0].unique_keys.len() <= 1, "{merged:?}");
    database.drop().await;
}
