//! Parts that a database does not have and options give: names of other sides, defaults, and deletions.

use crowsfoot::{Registry, TableOptions};
use serde_json::json;

use super::served;
use crate::support::{self, data};

const TABLES: &str = "
    CREATE TABLE people (id integer PRIMARY KEY, name text NOT NULL, height integer NOT NULL, nick text NOT NULL,
        boss_id integer REFERENCES people (id));
    CREATE TABLE books (id integer PRIMARY KEY, title text NOT NULL, writer_id integer NOT NULL REFERENCES people (id));
    CREATE TABLE lendings (id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES people (id),
        book_id integer NOT NULL REFERENCES books (id), days integer NOT NULL, UNIQUE (person_id, book_id));
    INSERT INTO people VALUES (1, 'Ann', 170, '', NULL);";

fn options() -> TableOptions {
    TableOptions::new()
        .entity("people", |person| {
            person
                .reverse("boss", "staff")
                .rename("height", "centimetres")
                .default_value("height", json!(180))
                .default_value("nick", json!(""))
        })
        .entity("books", |book| book.rename("writer", "author").reverse("writer", "works"))
        .entity("lendings", |lending| lending.default_value("days", json!(14)))
}

#[tokio::test]
async fn the_holder_of_a_key_names_the_other_side_also_of_a_key_to_itself() {
    for (database, schema) in served(TABLES, &options()).await {
        let read =
            data(&schema, &database, "{ people { boss { id } staff { id } works { author { id } } } }").await;
        assert_eq!(read["people"][0], json!({ "boss": null, "staff": [], "works": [] }));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_default_fills_a_missing_value_and_leaves_a_given_one_and_an_existing_row() {
    for (database, schema) in served(TABLES, &options()).await {
        let made = data(
            &schema,
            &database,
            r#"mutation { bob: createPerson(input: { id: 2, name: "Bob" }) { centimetres nick }
                cy: createPerson(input: { id: 3, name: "Cy", centimetres: 150 }) { centimetres }
                upsertPerson(input: { id: 1, name: "Anna" }, onConflict: ID) { name centimetres }
                createBook(input: { id: 1, title: "B", author: { id: 1 },
                    lendings: { create: [{ id: 1, person: { id: 2 } }] } }) { lendings { days } } }"#,
        )
        .await;
        assert_eq!(made["bob"], json!({ "centimetres": 180, "nick": "" }));
        assert_eq!(made["cy"], json!({ "centimetres": 150 }));
        assert_eq!(made["upsertPerson"], json!({ "name": "Anna", "centimetres": 170 }));
        assert_eq!(made["createBook"], json!({ "lendings": [{ "days": 14 }] }));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_link_of_a_junction_takes_its_defaults() {
    let tables =
        TABLES.replace("id integer PRIMARY KEY, person_id", "person_id").replace("UNIQUE", "PRIMARY KEY");
    for (database, schema) in served(&tables, &options()).await {
        let made = data(
            &schema,
            &database,
            r#"mutation { createBook(input: { id: 1, title: "B", author: { id: 1 }, people: { connect: [{ id: 1 }] } }) {
                lendings { days } } }"#,
        )
        .await;
        assert_eq!(made["createBook"], json!({ "lendings": [{ "days": 14 }] }));
        database.drop().await;
    }
}

const VEHICLES: &str = "
    CREATE TABLE owners (id integer PRIMARY KEY);
    CREATE TABLE vehicles (id integer PRIMARY KEY, owner_id integer NOT NULL REFERENCES owners (id));
    CREATE TABLE cars (vehicle_id integer PRIMARY KEY REFERENCES vehicles (id), doors integer NOT NULL);
    CREATE TABLE trips (id integer PRIMARY KEY, vehicle_id integer NOT NULL REFERENCES vehicles (id) ON DELETE CASCADE);
    INSERT INTO owners VALUES (1), (2), (3);
    INSERT INTO vehicles VALUES (1, 1), (2, 1), (3, 3);
    INSERT INTO cars VALUES (2, 5), (3, 3);
    INSERT INTO trips VALUES (1, 2), (2, 1);";

#[tokio::test]
async fn a_deleted_row_takes_its_parent_along_and_what_hangs_on_the_parent() {
    let options = TableOptions::new().entity("cars", |car| car.parent("vehicle"));
    for (database, schema) in served(VEHICLES, &options).await {
        let deletion =
            "mutation { deleteCars(where: { vehicleId: { eq: 2 } }) { affected cascaded { entity count } } }";
        let deleted = data(&schema, &database, deletion).await;
        let count = |entity: &str| json!({ "entity": entity, "count": 1 });
        let expected = json!({ "affected": 1, "cascaded": [count("Trip"), count("Vehicle")] });
        let mut told = deleted["deleteCars"].clone();
        let cascaded = told["cascaded"].as_array_mut().unwrap();
        cascaded.sort_by_key(|count| count["entity"].to_string());
        assert_eq!(told, expected);
        let left = data(&schema, &database, "{ vehicles { id } cars { vehicleId } trips { id } }").await;
        let expected = json!({ "vehicles": [{ "id": 1 }, { "id": 3 }], "cars": [{ "vehicleId": 3 }], "trips": [{ "id": 2 }] });
        assert_eq!(left, expected);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_deletion_sets_the_given_value() {
    let options = TableOptions::new().entity("vehicles", |vehicle| vehicle.set_on_delete("owner", json!(2)));
    for (database, schema) in served(VEHICLES, &options).await {
        data(&schema, &database, "mutation { deleteOwner(id: 1) { id } }").await;
        let left = data(&schema, &database, "{ vehicles { ownerId } }").await;
        assert_eq!(left["vehicles"], json!([{ "ownerId": 2 }, { "ownerId": 2 }, { "ownerId": 3 }]));
        // The row that the key would reference is the deleted one.
        let deletion = "mutation { deleteOwner(id: 2) { id } }";
        let (refused, _) = support::ask(&schema, &database, deletion, serde_json::Value::Null).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FOREIGN_KEY_VIOLATION", "{refused}");
        database.drop().await;
    }
}

#[tokio::test]
async fn an_option_that_names_nothing_or_does_not_fit_is_a_fault() {
    let database = support::databases().await.remove(0);
    database.run(TABLES).await;
    let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
    let options = TableOptions::new().entity("people", |person| {
        person
            .reverse("bos", "staff")
            .default_value("hight", json!(1))
            .default_value("height", json!("tall"))
            .comments("nickname", "")
            .set_on_delete("chief", json!(1))
            .parent("mother")
    });
    let error = Registry::from_tables(&described.tables, &options).model().unwrap_err().to_string();
    for part in [
        "\"bos\"",
        "\"hight\"",
        "\"nickname\"",
        "\"chief\"",
        "\"mother\"",
        "the default of Person.height is \"tall\": expected",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    database.drop().await;
}
