//! Conditions on related rows to which no index leads: SQLite reads each table a fixed number of times.

use crowsfoot::policy::{Grant, Policies, Viewer};
use crowsfoot::tables::TableDescription;
use crowsfoot::{Registry, Schema, TableOptions, connect, describe};
use rusqlite::{Connection, OpenFlags, StatementStatus};
use serde_json::Value as Json;

use crate::support::{self, TestDatabase};

/// Tables whose foreign keys have no index: of one column, of two, to the table itself, behind a junction, and of a
/// time, which SQLite compares by a key of its own.
const TABLES: &str = "
    CREATE TABLE people (id integer PRIMARY KEY, boss_id integer REFERENCES people (id), done integer);
    CREATE TABLE items (id integer PRIMARY KEY, owner_id integer REFERENCES people (id), done integer);
    CREATE TABLE shelves (room integer NOT NULL, number integer NOT NULL, PRIMARY KEY (room, number));
    CREATE TABLE books (id integer PRIMARY KEY, room integer, number integer, done integer,
        FOREIGN KEY (room, number) REFERENCES shelves (room, number));
    CREATE TABLE clubs (id integer PRIMARY KEY, done integer);
    CREATE TABLE members (club_id integer NOT NULL REFERENCES clubs (id), person_id integer NOT NULL REFERENCES people (id),
        PRIMARY KEY (club_id, person_id));
    CREATE TABLE days (day date NOT NULL PRIMARY KEY);
    CREATE TABLE visits (id integer PRIMARY KEY, day date REFERENCES days (day), done integer)";

/// Rows of each table; every third key of the references is absent.
const ROWS: &str = "
    INSERT INTO people (id, done) SELECT n, CASE WHEN n % 5 = 0 THEN NULL ELSE n END FROM numbers;
    UPDATE people SET boss_id = id / 2 WHERE id % 3 > 0 AND id > 1;
    INSERT INTO items SELECT n, CASE WHEN n % 3 > 0 THEN n END, CASE WHEN n % 4 = 0 THEN NULL ELSE n END FROM numbers;
    INSERT INTO shelves SELECT n % 7, n FROM numbers;
    INSERT INTO books SELECT n, CASE WHEN n % 5 > 0 THEN n % 7 END, CASE WHEN n % 3 > 0 THEN n END,
        CASE WHEN n % 4 = 0 THEN NULL ELSE n END FROM numbers;
    INSERT INTO clubs SELECT n, CASE WHEN n % 4 = 0 THEN NULL ELSE n END FROM numbers;
    INSERT INTO members SELECT n, (n * 2) % (SELECT COUNT(*) FROM numbers) + 1 FROM numbers;
    INSERT INTO days SELECT DAY_OF(n) FROM numbers;
    INSERT INTO visits SELECT n, CASE WHEN n % 3 > 0 THEN DAY_OF(n) END, CASE WHEN n % 4 = 0 THEN NULL ELSE n END
        FROM numbers";

/// Indexes of the keys.
const INDEXES: &str = "
    CREATE INDEX i1 ON people (boss_id); CREATE INDEX i2 ON items (owner_id);
    CREATE INDEX i3 ON books (room, number); CREATE INDEX i4 ON members (person_id);
    CREATE INDEX i5 ON visits (day)";

async fn database(rows: u32) -> TestDatabase {
    let database = support::sqlite().await;
    database.run(TABLES).await;
    let numbers = format!(
        "CREATE TABLE numbers (n integer PRIMARY KEY);
         WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {rows})
         INSERT INTO numbers SELECT n FROM counted"
    );
    database.run(&numbers).await;
    database.run(&ROWS.replace("DAY_OF(n)", "date('2000-01-01', n || ' days')")).await;
    database.run("DROP TABLE numbers").await;
    database
}

fn schema(tables: &[TableDescription], policies: Policies) -> Schema {
    let model = Registry::from_tables(tables, &TableOptions::new()).model().unwrap();
    Schema::builder(model).policies(policies).finish().unwrap_or_else(|error| panic!("{error}"))
}

/// Conditions of every quantifier on every list, alone and nested: aggregate, type of the owner, condition.
fn conditions(schema: &Schema) -> Vec<(String, String, String)> {
    let model = schema.model();
    let mut conditions = Vec::new();
    for entity in &model.entities {
        for relation in entity.relations.iter().filter(|relation| relation.is_many()) {
            let field = &relation.field;
            for quantifier in ["some", "none", "every"] {
                let tested = format!("{field}: {{ {quantifier}: {{ done: {{ isNull: false }} }} }}");
                for condition in [
                    tested.clone(),
                    format!("{field}: {{ {quantifier}: {{}} }}"),
                    format!("not: {{ {tested} }}"),
                    format!("or: [{{ {tested} }}, {{ not: {{ {field}: {{ some: {{}} }} }} }}]"),
                ] {
                    conditions.push((
                        entity.roots.aggregate.clone(),
                        entity.name.clone(),
                        format!("{{ {condition} }}"),
                    ));
                }
            }
        }
    }
    conditions
}

/// Returns the number of steps of SQLite's machine that the statement takes.
fn steps(database: &TestDatabase, sql: &str) -> i32 {
    let file = database.url.trim_start_matches("sqlite://").split('?').next().unwrap();
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    statement.get_status(StatementStatus::VmStep)
}

/// Schemas with a query each: every condition as a filter, and as a rule of a role.
fn questions(tables: &[TableDescription]) -> Vec<(Schema, String)> {
    let full = schema(tables, Policies::new());
    let mut questions = Vec::new();
    for (aggregate, owner, condition) in conditions(&full) {
        questions.push((full.clone(), format!("{{ all: {aggregate}(where: {condition}) {{ count }} }}")));
        if condition.contains("or:") {
            let policies = Policies::new().role("reader", |role| {
                full.model().entities.iter().fold(role, |role, entity| {
                    let rule = if entity.name == owner { condition.as_str() } else { "true" };
                    role.grant(entity.name.as_str(), |grant: Grant| grant.read(rule).columns(["*"]))
                })
            });
            let ruled = schema(tables, policies).seen_by(&Viewer::new("reader")).unwrap();
            questions.push((ruled, format!("{{ all: {aggregate} {{ count }} }}")));
        }
    }
    questions
}

/// Answers the questions: SQL, count, and steps of the statement.
async fn answers(database: &TestDatabase, questions: &[(Schema, String)]) -> Vec<(String, Json, i32)> {
    let mut answers = Vec::new();
    for (schema, query) in questions {
        let (answer, statements) = support::ask(schema, database, query, Json::Null).await;
        let [statement] = statements.as_slice() else { panic!("{query}: {answer}") };
        let count = answer["data"]["all"]["count"].clone();
        answers.push((statement.sql.to_string(), count, steps(database, &statement.sql)));
    }
    answers
}

#[tokio::test]
async fn conditions_on_related_rows_take_as_many_steps_as_rows_without_an_index() {
    let (small, mut large) = (database(1_000).await, database(16_000).await);
    let questions = questions(&describe(&large.connection, &[]).await.unwrap().tables);
    let few = answers(&small, &questions).await;
    let many = answers(&large, &questions).await;
    for ((_, _, few), (sql, _, many)) in few.iter().zip(&many) {
        assert!(*many < 24 * few, "{few} steps for 1,000 rows, {many} for 16,000:\n{sql}");
    }
    small.drop().await;
    // The same questions where an index leads to each list.
    large.run(INDEXES).await;
    large.connection = connect(&large.url, 4).await.unwrap();
    let searched = answers(&large, &questions).await;
    for ((sql, count, _), (other, expected, _)) in many.iter().zip(&searched) {
        assert_eq!(count, expected, "{sql}\n{other}");
        // The primary key of the junction leads to the members of a club, and no index to a compared time.
        let (is_of_clubs, is_of_days) =
            (sql.contains("FROM \"clubs\" AS \"t0\""), sql.contains("FROM \"days\""));
        assert_eq!(sql.contains("EXISTS(SELECT 1"), is_of_clubs, "{sql}");
        assert_eq!(other.contains(" IN (SELECT"), is_of_days, "{other}");
    }
    large.drop().await;
}
