//! UUIDs, booleans and documents in SQLite as several programs store them.

use crowsfoot::{Registry, Schema, Spelling, TableOptions};
use serde_json::{Value as Json, json};

use super::model;
use crate::support::{self, TestDatabase, data};

const ONE: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
const TWO: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
const NEW: &str = "0a0b0c0d-0000-4000-8000-00000000000f";

/// Returns a database whose programs write UUIDs in the form that `stored` makes in SQL of 32 digits.
async fn written(stored: impl Fn(&str) -> String) -> TestDatabase {
    let database = support::sqlite().await;
    let [one, two] = [ONE, TWO].map(|id| stored(&id.replace('-', "")));
    database
        .run(&format!(
            "CREATE TABLE owners (id uuid NOT NULL PRIMARY KEY, name text NOT NULL);
             CREATE TABLE pets (id integer PRIMARY KEY, owner_id uuid NOT NULL REFERENCES owners (id));
             CREATE TABLE tags (id uuid NOT NULL PRIMARY KEY, pet_id integer NOT NULL REFERENCES pets (id));
             INSERT INTO owners VALUES ({one}, 'Ann'), ({two}, 'Bob');
             INSERT INTO pets VALUES (1, {one}), (2, {two}), (3, {one});"
        ))
        .await;
    database
}

fn hyphenated(digits: &str) -> String {
    digits.parse::<uuid::Uuid>().unwrap().to_string()
}

/// Spellings of sqlx and SeaORM, of Python's `str(uuid)`, of Django and SQLAlchemy, and of SQL Server's tools.
fn spellings() -> Vec<fn(&str) -> String> {
    vec![
        |digits| format!("x'{digits}'"),
        |digits| format!("'{}'", hyphenated(digits)),
        |digits| format!("'{digits}'"),
        |digits| format!("'{}'", hyphenated(digits).to_uppercase()),
        |digits| format!("'{}'", digits.to_uppercase()),
        // Several programs that write one table.
        |digits| match digits.starts_with('6') {
            true => format!("'{}'", hyphenated(digits)),
            false => format!("x'{digits}'"),
        },
    ]
}

/// Asks by key, filter and relation, in both directions and over pages.
async fn check(schema: &Schema, database: &TestDatabase, spelling: usize) {
    let query = format!(
        "{{ one: owner(id: \"{ONE}\") {{ name pets {{ id owner {{ id }} }} }}
            upper: owners(where: {{ id: {{ eq: \"{}\" }} }}) {{ id }}
            listed: owners(where: {{ id: {{ in: [\"{TWO}\", \"{NEW}\"] }} }}) {{ name }}
            others: owners(where: {{ id: {{ ne: \"{TWO}\" }} }}) {{ name }}
            later: owners(where: {{ id: {{ gt: \"{ONE}\" }} }}) {{ name }}
            pets(where: {{ owner: {{ id: {{ eq: \"{TWO}\" }} }} }}) {{ id }}
            owned: owners(where: {{ pets: {{ some: {{ id: {{ eq: 3 }} }} }} }}, orderBy: {{ id: ASC }}) {{ id petsAggregate {{ count }} }}
            first: ownersConnection(first: 1) {{ edges {{ cursor node {{ name }} }} }} }}",
        ONE.to_uppercase()
    );
    let read = data(schema, database, &query).await;
    let pet = |id: i32| json!({ "id": id, "owner": { "id": ONE } });
    assert_eq!(read["one"], json!({ "name": "Ann", "pets": [pet(1), pet(3)] }), "{spelling}");
    assert_eq!(read["upper"], json!([{ "id": ONE }]), "{spelling}");
    assert_eq!(read["listed"], json!([{ "name": "Bob" }]), "{spelling}");
    assert_eq!(read["others"], json!([{ "name": "Ann" }]), "{spelling}");
    assert_eq!(read["later"], json!([{ "name": "Bob" }]), "{spelling}");
    assert_eq!(read["pets"], json!([{ "id": 2 }]), "{spelling}");
    assert_eq!(read["owned"], json!([{ "id": ONE, "petsAggregate": { "count": 2 } }]), "{spelling}");
    let edge = &read["first"]["edges"][0];
    assert_eq!(edge["node"]["name"], "Ann", "{spelling}");
    let next = format!("{{ ownersConnection(first: 1, after: {}) {{ nodes {{ name }} }} }}", edge["cursor"]);
    let next = data(schema, database, &next).await;
    assert_eq!(next["ownersConnection"]["nodes"], json!([{ "name": "Bob" }]), "{spelling}");
}

#[tokio::test]
async fn a_uuid_is_found_in_every_spelling() {
    for (place, spelling) in spellings().into_iter().enumerate() {
        let database = written(spelling).await;
        let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
        check(&schema, &database, place).await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_uuid_is_written_as_the_column_spells_it() {
    for (place, spelling) in spellings().into_iter().take(5).enumerate() {
        let database = written(spelling).await;
        let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
        let mutation = format!(
            "mutation {{ createOwner(input: {{ id: \"{NEW}\", name: \"Cy\", pets: {{ create: [{{ id: 4 }}] }} }}) {{ id }}
                updatePet(id: 2, input: {{ owner: {{ id: \"{NEW}\" }} }}) {{ owner {{ name }} }} }}"
        );
        let made = data(&schema, &database, &mutation).await;
        assert_eq!(made["createOwner"]["id"], NEW, "{place}");
        assert_eq!(made["updatePet"]["owner"]["name"], "Cy", "{place}");
        let stored = spelling(&NEW.replace('-', ""));
        let check = format!(
            "CREATE TABLE checked AS SELECT 1 AS ok WHERE (SELECT count(*) FROM owners WHERE id = {stored}) = 1
                AND (SELECT count(*) FROM pets WHERE owner_id = {stored}) = 2;
             INSERT INTO tags SELECT CASE WHEN count(*) = 1 THEN {stored} END, 1 FROM checked;"
        );
        database.run(&check).await;
        database.drop().await;
    }
}

/// SQLite plans a search of the key's index, whatever the spelling.
#[tokio::test]
async fn an_index_finds_a_uuid() {
    for (place, spelling) in spellings().into_iter().enumerate() {
        let database = written(spelling).await;
        let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
        let query = format!("{{ owners(where: {{ id: {{ eq: \"{ONE}\" }} }}) {{ name }} }}");
        let (_, statements) = support::ask(&schema, &database, &query, Json::Null).await;
        let sql = statements[0].sql.replace('?', &format!("x'{}'", ONE.replace('-', "")));
        let file = database.url.strip_prefix("sqlite://").unwrap().split('?').next().unwrap();
        let connection = rusqlite::Connection::open(file).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(steps.iter().any(|step| step.starts_with("SEARCH t0")), "{place}: {steps:?}\n{sql}");
        drop(plan);
        drop(connection);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_value_in_another_spelling_is_an_error_of_its_cell_and_equals_none() {
    let database = support::sqlite().await;
    database
        .run(&format!(
            "CREATE TABLE notes (id integer PRIMARY KEY, of uuid, is_done boolean);
             INSERT INTO notes VALUES (1, '{ONE}', 't'), (2, '{TWO}', 'f');"
        ))
        .await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    database.run("INSERT INTO notes VALUES (3, 'no uuid', 2)").await;
    let query = "{ notes { id of isDone } }";
    let (answer, _) = support::ask(&schema, &database, query, Json::Null).await;
    assert_eq!(answer["data"]["notes"][1], json!({ "id": 2, "of": TWO, "isDone": false }));
    assert_eq!(answer["data"]["notes"][2], json!({ "id": 3, "of": null, "isDone": null }));
    let paths: Vec<&Json> = answer["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
    assert_eq!(paths, [&json!(["notes", 2, "of"]), &json!(["notes", 2, "isDone"])]);
    let query = "{ yes: notes(where: { isDone: { eq: true } }) { id } no: notes(where: { isDone: { eq: false } }) { id } }";
    let read = data(&schema, &database, query).await;
    assert_eq!(read, json!({ "yes": [{ "id": 1 }], "no": [{ "id": 2 }] }));
    database.drop().await;
}

#[tokio::test]
async fn booleans_are_read_and_written_in_the_spelling_of_their_column() {
    for (yes, no) in
        [("1", "0"), ("'t'", "'f'"), ("'true'", "'false'"), ("'True'", "'False'"), ("'Y'", "'N'")]
    {
        let database = support::sqlite().await;
        let rows = format!(
            "CREATE TABLE tasks (id integer PRIMARY KEY, is_done boolean NOT NULL);
             INSERT INTO tasks VALUES (1, {yes}), (2, {no}), (3, {yes});"
        );
        database.run(&rows).await;
        let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
        data(&schema, &database, "mutation { createTask(input: { id: 4, isDone: false }) { id } }").await;
        let query = "{ tasks { isDone } done: tasks(where: { isDone: { eq: true } }) { id }
            ordered: tasks(orderBy: { isDone: ASC }) { id }
            others: tasks(where: { isDone: { in: [false] } }) { id } }";
        let read = data(&schema, &database, query).await;
        let done = |done: bool| json!({ "isDone": done });
        assert_eq!(read["tasks"], json!([done(true), done(false), done(true), done(false)]), "{yes}");
        assert_eq!(read["done"], json!([{ "id": 1 }, { "id": 3 }]), "{yes}");
        assert_eq!(read["ordered"], json!([{ "id": 2 }, { "id": 4 }, { "id": 1 }, { "id": 3 }]), "{yes}");
        assert_eq!(read["others"], json!([{ "id": 2 }, { "id": 4 }]), "{yes}");
        // A constraint compares the stored value.
        let stored = format!("CREATE UNIQUE INDEX stored ON tasks (id) WHERE is_done = {no};
            INSERT INTO tasks (id, is_done) SELECT CASE WHEN count(*) = 2 THEN 9 END, {no} FROM tasks WHERE is_done = {no};");
        database.run(&stored).await;
        assert_eq!(
            data(&schema, &database, "{ task(id: 9) { isDone } }").await["task"],
            done(false),
            "{yes}"
        );
        database.drop().await;
    }
}

#[tokio::test]
async fn json_is_read_as_text_bytes_and_the_numbers_that_sqlite_makes_of_them() {
    let database = support::sqlite().await;
    database
        .run(
            r#"CREATE TABLE docs (id integer PRIMARY KEY, of json);
               INSERT INTO docs VALUES (1, '{"a": [1, 2.50]}'), (2, x'7b2262223a747275657d'), (3, '12'), (4, '1.5'),
                   (5, '"text"'), (6, 'null'), (7, NULL), (8, x'00ff');"#,
        )
        .await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let (answer, _) = support::ask(&schema, &database, "{ docs { of } }", Json::Null).await;
    let read: Vec<&Json> = answer["data"]["docs"].as_array().unwrap().iter().map(|doc| &doc["of"]).collect();
    let expected = [
        json!({ "a": [1, 2.5] }),
        json!({ "b": true }),
        json!(12),
        json!(1.5),
        json!("text"),
        json!(null),
        json!(null),
        json!(null),
    ];
    assert_eq!(read, expected.iter().collect::<Vec<_>>());
    assert_eq!(answer["errors"][0]["path"], json!(["docs", 7, "of"]));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    database.drop().await;
}

const TEXTS: &str = "
    CREATE TABLE owners (id char(32) PRIMARY KEY, active char(1) NOT NULL);
    CREATE TABLE pets (id integer PRIMARY KEY, owner_id char(32) NOT NULL REFERENCES owners (id));
    INSERT INTO owners VALUES ('67e5504410b1426f9247bb680e5fe0c8', 'Y'), ('f47ac10b58cc4372a5670e02b2c3d479', 'N');
    INSERT INTO pets VALUES (1, '67e5504410b1426f9247bb680e5fe0c8'), (2, 'f47ac10b58cc4372a5670e02b2c3d479'),
        (3, '67e5504410b1426f9247bb680e5fe0c8');";

#[tokio::test]
async fn an_option_makes_uuids_and_booleans_of_text_on_every_database() {
    let options = TableOptions::new()
        .entity("owners", |owner| owner.spelling("id", Spelling::Hex).spelling("active", Spelling::UpperYN))
        .entity("pets", |pet| pet.spelling("owner_id", Spelling::Hex));
    for database in support::databases().await {
        database.run(TEXTS).await;
        let schema = Schema::new(model(&database, &options).await).unwrap();
        let mutation = format!(
            "mutation {{ createOwner(input: {{ id: \"{NEW}\", active: true }}) {{ id active }}
                updatePet(id: 2, input: {{ owner: {{ id: \"{NEW}\" }} }}) {{ owner {{ active }} }} }}"
        );
        let made = data(&schema, &database, &mutation).await;
        assert_eq!(made["createOwner"], json!({ "id": NEW, "active": true }));
        let query = format!(
            "{{ owners(where: {{ active: {{ eq: true }} }}, orderBy: {{ id: DESC }}) {{ id pets {{ id owner {{ id }} }} }}
                pets(where: {{ owner: {{ id: {{ in: [\"{NEW}\"] }} }} }}) {{ id }} }}"
        );
        let read = data(&schema, &database, &query).await;
        let pet = |id: i32, owner: &str| json!({ "id": id, "owner": { "id": owner } });
        let expected =
            json!([{ "id": ONE, "pets": [pet(1, ONE), pet(3, ONE)] }, { "id": NEW, "pets": [pet(2, NEW)] }]);
        assert_eq!(read["owners"], expected);
        assert_eq!(read["pets"], json!([{ "id": 2 }]));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_spelling_of_a_column_that_is_no_text_is_a_fault() {
    for database in support::databases().await {
        database.run("CREATE TABLE notes (id integer PRIMARY KEY, at date, is_done boolean)").await;
        let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
        let options = TableOptions::new().entity("notes", |note| {
            note.spelling("at", Spelling::Hex)
                .spelling("is_done", Spelling::Hex)
                .spelling("done", Spelling::YN)
        });
        let error = Registry::from_tables(&described.tables, &options).model().unwrap_err().to_string();
        for part in ["notes.at cannot hold UUIDs spelled hex", "notes.is_done cannot hold UUIDs", "\"done\""]
        {
            assert!(error.contains(part), "{part}: {error}");
        }
        database.drop().await;
    }
}
