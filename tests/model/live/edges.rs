//! Values at the edges of their types: what answers show is what filters, averages, cursors and ids mean.

use crowsfoot::internals::database::broken_promises;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Schema, TableOptions};
use serde_json::{Value as Json, json};

use super::{model, served};
use crate::support::{self, data};

/// Times outside of the range that clients may give. `{time}` is a type of PostgreSQL.
const TIMES: [(&str, &[&str]); 5] = [
    ("timestamp", &["0044-03-15 12:00:00 BC", "2020-01-01 00:00:00", "10000-01-01 00:00:00.000001"]),
    ("timestamptz", &["0001-12-31 23:59:59+00 BC", "2020-01-01 00:00:00+00", "12000-01-01 00:00:00+00"]),
    ("date", &["0044-03-15 BC", "2020-01-01", "10000-01-01"]),
    ("timetz", &["00:00:00+00", "12:00:00.5-03", "24:00:00+00"]),
    ("daterange", &["[0044-03-15 BC,2020-01-01)", "[2020-01-01,2020-02-01)", "[2020-01-01,10000-01-01)"]),
];

#[tokio::test]
async fn cursors_and_ids_hold_stored_times_that_clients_may_not_give() {
    let Some(database) = support::postgres().await else { return };
    for (number, (of, values)) in TIMES.iter().enumerate() {
        let rows: Vec<String> = values.iter().map(|value| format!("('{value}')")).collect();
        // Ranges do not identify rows.
        let key = if *of == "daterange" { "id serial PRIMARY KEY, at" } else { "at" };
        let unique = if *of == "daterange" { "NOT NULL" } else { "PRIMARY KEY" };
        database
            .run(&format!(
                "CREATE TABLE table_{number} ({key} {of} {unique});
                INSERT INTO table_{number} (at) VALUES {}",
                rows.join(", ")
            ))
            .await;
    }
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    for (number, (of, values)) in TIMES.iter().enumerate() {
        let edges = format!(
            "{{ table{number}sConnection(orderBy: {{ at: ASC }}) {{ edges {{ cursor node {{ nodeId at }} }} }} }}"
        );
        let found = data(&schema, &database, &edges).await;
        let edges = found[format!("table{number}sConnection")]["edges"].as_array().unwrap().clone();
        assert_eq!(edges.len(), values.len(), "{of}: {found}");
        for (place, edge) in edges.iter().enumerate() {
            let page = format!(
                "{{ table{number}sConnection(orderBy: {{ at: ASC }}, after: {}) {{ nodes {{ at }} }} node(nodeId: {}) {{ nodeId }} }}",
                edge["cursor"], edge["node"]["nodeId"]
            );
            let page = data(&schema, &database, &page).await;
            let rest: Vec<Json> =
                edges[place + 1..].iter().map(|edge| json!({ "at": edge["node"]["at"] })).collect();
            assert_eq!(page[format!("table{number}sConnection")]["nodes"], json!(rest), "{of} {edge}");
            assert_eq!(page["node"]["nodeId"], edge["node"]["nodeId"], "{of} {edge}");
        }
    }
    database.drop().await;
}

#[tokio::test]
async fn patterns_see_a_padded_text_as_answers_show_it() {
    const TABLES: &str = "CREATE TABLE codes (id {key}, code char(6), free varchar(6));
        INSERT INTO codes (code, free) VALUES ('ab', 'ab'), ('abc', 'abc'), ('a b', 'a b'), ('', ''), (NULL, NULL);";
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        for test in [
            "endsWith: \"b\"",
            "like: \"%b\"",
            "like: \"__\"",
            "like: \"a %\"",
            "startsWith: \"a \"",
            "startsWith: \"a\"",
            "startsWith: \"\"",
            "contains: \" \"",
            "iEq: \"AB\"",
            "iEndsWith: \"B\"",
            "iStartsWith: \"A \"",
            "regex: \"b$\"",
            "regex: \"^.{2}$\"",
            "regex: \" \"",
        ] {
            let query = format!(
                "{{ padded: codes(where: {{ code: {{ {test} }} }}) {{ code }} free: codes(where: {{ free: {{ {test} }} }}) {{ code: free }} }}"
            );
            let found = data(&schema, &database, &query).await;
            assert_eq!(found["padded"], found["free"], "{test} {:?}", database.dialect);
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn the_average_of_integers_is_that_of_their_exact_sum() {
    const TABLES: &str = "CREATE TABLE numbers (id {key}, part text NOT NULL, small smallint, wide bigint);
        INSERT INTO numbers (part, small, wide) VALUES
            ('far', 1, -9223372036854775808), ('far', 2, 9223372036854775807),
            ('odd', 3, 9007199254740993), ('odd', NULL, -9007199254740992), ('none', NULL, NULL);";
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        for (part, small, wide) in [
            ("far", json!(1.5), json!(-0.5)),
            ("odd", json!(3.0), json!(0.5)),
            ("none", Json::Null, Json::Null),
        ] {
            let query = format!(
                "{{ numbersAggregate(where: {{ part: {{ eq: \"{part}\" }} }}) {{ avg {{ small wide }} }} }}"
            );
            let found = data(&schema, &database, &query).await;
            let expected = json!({ "small": small, "wide": wide });
            assert_eq!(found["numbersAggregate"]["avg"], expected, "{part} {:?}", database.dialect);
        }
        if database.dialect == Dialect::Postgres {
            // The sum of these is beyond 64 bits.
            database.run("UPDATE numbers SET wide = 9223372036854775807 WHERE wide IS NOT NULL").await;
            let found = data(&schema, &database, "{ numbersAggregate { avg { wide } } }").await;
            assert_eq!(found["numbersAggregate"]["avg"]["wide"], json!(9223372036854775807_u64 as f64));
        }
        database.drop().await;
    }
}

/// SQLite admits NULL in a primary key that is not NOT NULL.
#[tokio::test]
async fn a_row_without_a_key_is_found_by_the_check_and_named_by_the_error() {
    let database = support::sqlite().await;
    database
        .run(
            "CREATE TABLE codes (code text PRIMARY KEY, note text);
            CREATE TABLE seats (row_id integer, number integer, note text, PRIMARY KEY (row_id, number));
            INSERT INTO codes VALUES ('a', NULL); INSERT INTO seats VALUES (1, 1, NULL)",
        )
        .await;
    let model = model(&database, &TableOptions::new()).await;
    assert_eq!(broken_promises(&model, &database.connection).await.unwrap(), []);
    let schema = Schema::new(model).unwrap();
    assert!(schema.sdl().contains("  code: String!\n"), "{}", schema.sdl());
    database.run("INSERT INTO codes VALUES (NULL, 'none'); INSERT INTO seats VALUES (2, NULL, 'none')").await;
    let broken = broken_promises(schema.model(), &database.connection).await.unwrap();
    let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert_eq!(broken.len(), 2, "{broken:?}");
    for columns in ["codes (code)", "seats (number)"] {
        assert!(broken.iter().any(|told| told.contains(&format!("NULL in {columns}"))), "{broken:?}");
    }
    for (query, entity, field) in [
        ("{ codes { code } }", "Code", "code"),
        ("{ codes { nodeId } }", "Code", "code"),
        ("{ seats { nodeId } }", "Seat", "number"),
    ] {
        let (answer, _) = support::ask(&schema, &database, query, Json::Null).await;
        let expected = json!({ "code": "INTERNAL_SERVER_ERROR", "entity": entity, "field": field });
        assert_eq!(answer["errors"][0]["extensions"], expected, "{query} {answer}");
    }
    assert_eq!(data(&schema, &database, "{ codes { note } }").await["codes"].as_array().unwrap().len(), 2);
    database.drop().await;
}

/// PostgreSQL refuses such a key in ON CONFLICT.
#[tokio::test]
async fn a_key_that_is_checked_late_leads_to_rows_but_not_to_upserts() {
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE TABLE books (id integer PRIMARY KEY, place integer NOT NULL UNIQUE DEFERRABLE, code text NOT NULL UNIQUE);
            CREATE TABLE readers (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, name text UNIQUE);
            CREATE TABLE loans (book_id integer REFERENCES books (id), reader_id integer,
                PRIMARY KEY (book_id, reader_id) DEFERRABLE);
            CREATE TABLE tags (id integer PRIMARY KEY, name text NOT NULL);
            CREATE TABLE book_tags (book_id integer NOT NULL REFERENCES books (id), tag_id integer NOT NULL REFERENCES tags (id),
                PRIMARY KEY (book_id, tag_id) DEFERRABLE);
            INSERT INTO books VALUES (1, 1, 'a'), (2, 2, 'b'); INSERT INTO tags VALUES (1, 'x')",
        )
        .await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let sdl = schema.sdl();
    let keys = |name: &str| {
        let found = sdl.split(&format!("enum {name} {{\n")).nth(1).and_then(|rest| rest.split('}').next());
        let lines = found.unwrap_or_default().lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('"')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(keys("BookUniqueKey"), ["ID", "CODE"], "{sdl}");
    assert_eq!(keys("ReaderUniqueKey"), ["NAME"], "{sdl}");
    assert!(!sdl.contains("upsertLoan"), "{sdl}");
    assert_eq!(
        data(&schema, &database, "{ bookByPlace(place: 2) { id } }").await["bookByPlace"],
        json!({ "id": 2 })
    );
    let link = "mutation { updateBook(id: 1, input: { tags: { connect: { id: 1 } } }) { tags { name } } }";
    for _ in 0..2 {
        let linked = data(&schema, &database, link).await;
        assert_eq!(linked["updateBook"], json!({ "tags": [{ "name": "x" }] }));
    }
    database.drop().await;
}
