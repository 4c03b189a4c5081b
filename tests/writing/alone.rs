//! A mutation of one row is one statement, if the statement returns the row as it stays.

use std::time::Duration;

use crowsfoot::Schema;
use crowsfoot::internals::dialect::Dialect;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::{Value as Json, json};
use tokio::time::{sleep, timeout};

use crate::support::{self, TestDatabase};
use crate::{make_tables, schema};

async fn postgres() -> Option<(Schema, TestDatabase)> {
    let database = support::postgres().await?;
    make_tables(&database).await;
    Some((schema(), database))
}

/// Sends a mutation, and returns the answer with the first word of each statement.
async fn send(schema: &Schema, database: &TestDatabase, mutation: &str) -> (Json, Vec<String>) {
    let (answer, statements) = support::ask(schema, database, mutation, Json::Null).await;
    let word = |sql: &str| sql.split(' ').next().unwrap_or_default().to_owned();
    (answer, statements.iter().map(|statement| word(&statement.sql)).collect())
}

const CREATE: &str =
    "mutation { createMember(input: { email: \"a\", name: \"Ada\" }) { id name rank motto points nick } }";

fn created(rank: &str) -> Json {
    json!({ "data": { "createMember": {
        "id": 1, "name": "Ada", "rank": rank, "motto": "none yet", "points": 0, "nick": null,
    } } })
}

#[tokio::test]
async fn one_row_is_created_changed_and_deleted_by_one_statement_each() {
    for database in support::databases().await {
        make_tables(&database).await;
        let schema = schema();
        let expected = (created("novice"), vec!["INSERT".to_owned()]);
        assert_eq!(send(&schema, &database, CREATE).await, expected, "{:?}", database.dialect);
        for (mutation, answer, statement) in [
            (
                "mutation { updateMember(id: 1, input: { name: \"Eve\" }) { name rank points } }",
                json!({ "updateMember": { "name": "Eve", "rank": "novice", "points": 0 } }),
                "UPDATE",
            ),
            // A key that no other key references.
            (
                "mutation { updateMember(id: 1, input: { email: \"e\" }) { id email } }",
                json!({ "updateMember": { "id": 1, "email": "e" } }),
                "UPDATE",
            ),
            (
                "mutation { upsertMember(input: { email: \"e\", name: \"Ann\" }, onConflict: EMAIL) { id name rank } }",
                json!({ "upsertMember": { "id": 1, "name": "Ann", "rank": "novice" } }),
                "INSERT",
            ),
            (
                "mutation { createCard(input: { number: \"7\", member: { id: 1 } }) { id number } }",
                json!({ "createCard": { "id": 1, "number": "7" } }),
                "INSERT",
            ),
            (
                "mutation { again: deleteCard(id: 1) { id number } }",
                json!({ "again": { "id": 1, "number": "7" } }),
                "DELETE",
            ),
        ] {
            let expected = (json!({ "data": answer }), vec![statement.to_owned()]);
            assert_eq!(
                send(&schema, &database, mutation).await,
                expected,
                "{mutation}: {:?}",
                database.dialect
            );
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn a_key_that_another_key_follows_is_changed_in_a_transaction() {
    for database in support::databases().await {
        make_tables(&database).await;
        // A column without a field, whose value may change with that of another row, or of the same one.
        database
            .run("ALTER TABLE members ADD COLUMN boss text REFERENCES members (email) ON UPDATE CASCADE")
            .await;
        let schema = schema();
        send(&schema, &database, CREATE).await;
        let update = "mutation { updateMember(id: 1, input: { email: \"e\" }) { email } }";
        let expected = json!({ "data": { "updateMember": { "email": "e" } } });
        let words = vec!["UPDATE".to_owned(), "SELECT".to_owned()];
        assert_eq!(send(&schema, &database, update).await, (expected, words), "{:?}", database.dialect);
        database.drop().await;
    }
}

/// The existing row takes the values of the new one, and with them another primary key.
#[tokio::test]
async fn an_upsert_that_changes_a_key_which_others_may_follow_reads_the_row_afterwards() {
    for database in support::databases().await {
        make_tables(&database).await;
        database
            .run(
                "INSERT INTO members (id, email, name) VALUES (1, 'a', 'Ada');
                INSERT INTO towers (id, name) VALUES (1, 'one'), (2, 'two');
                INSERT INTO duties (tower_id, member_id, rank) VALUES (1, 1, 7)",
            )
            .await;
        let upsert = "mutation {
            upsertDuty(input: { tower: { id: 2 }, member: { id: 1 }, rank: 7 }, onConflict: RANK) { towerId }
        }";
        let expected = json!({ "data": { "upsertDuty": { "towerId": 2 } } });
        let words = vec!["INSERT".to_owned(), "SELECT".to_owned()];
        assert_eq!(send(&schema(), &database, upsert).await, (expected, words), "{:?}", database.dialect);
        database.drop().await;
    }
}

/// Sends a mutation to SQLite after `before`. Checks its answer, the first words of its statements, and the members that are stored.
async fn on_sqlite(before: &str, mutation: &str, answer: &Json, words: &[&str], stored: Json) {
    let database = support::sqlite().await;
    make_tables(&database).await;
    let schema = schema();
    assert_eq!(send(&schema, &database, CREATE).await.0, created("novice"));
    database.run(before).await;
    let (sent, statements) = send(&schema, &database, &format!("mutation {{ {mutation} }}")).await;
    assert_eq!(
        (&sent["data"], statements),
        (answer, words.iter().map(|word| (*word).to_owned()).collect()),
        "{mutation}: {sent}"
    );
    let (members, _) = support::ask(&schema, &database, "{ members { id name } }", Json::Null).await;
    assert_eq!(members["data"]["members"], stored, "{mutation}");
    database.drop().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_answered_takes_the_write_back_on_sqlite() {
    let kept = json!([{ "id": 1, "name": "Ada" }]);
    let unreadable = "UPDATE members SET points = 'many'";
    let nothing = Json::Null;
    let update = "updateMember(id: 1, input: { name: \"Eve\" }) { name points }";
    on_sqlite(unreadable, update, &nothing, &["UPDATE", "UPDATE", "SELECT"], kept.clone()).await;
    on_sqlite(unreadable, "deleteMember(id: 1) { points }", &nothing, &["DELETE", "SELECT", "SELECT"], kept)
        .await;
    // A column that is not selected is not read.
    let changed = json!({ "updateMember": { "name": "Eve" } });
    let update = "updateMember(id: 1, input: { name: \"Eve\" }) { name }";
    on_sqlite(unreadable, update, &changed, &["UPDATE"], json!([{ "id": 1, "name": "Eve" }])).await;
}

#[tokio::test]
async fn a_key_beyond_its_type_is_numbered_anew_on_sqlite() {
    let last = "UPDATE members SET id = 2147483647";
    let stored = json!([{ "id": 1, "name": "Bob" }, { "id": 2_147_483_647, "name": "Ada" }]);
    let anew: &[&str] = &["INSERT", "SELECT", "UPDATE", "SELECT"];
    let again: &[&str] = &["INSERT", "INSERT", "SELECT", "UPDATE", "SELECT"];
    for (selection, answer, words) in
        [("name", json!({ "name": "Bob" }), anew), ("id", json!({ "id": 1 }), again)]
    {
        let create = format!("createMember(input: {{ email: \"b\", name: \"Bob\" }}) {{ {selection} }}");
        on_sqlite(last, &create, &json!({ "createMember": answer }), words, stored.clone()).await;
    }
}

/// Creates of a row with further new rows, and the first word of each statement that PostgreSQL needs for them.
const NESTED: [(&str, &[&str]); 8] = [
    (
        "createMember(input: { email: \"a\", name: \"Ada\", card: { create: { number: \"7\" } } }) {
            id name rank card { id number }
        }",
        &["WITH"],
    ),
    (
        "createCard(input: { number: \"7\", member: { create: { email: \"a\", name: \"Ada\", nick: null } } }) {
            number member { name nick points }
        }",
        &["WITH"],
    ),
    (
        "createMember(input: {
            email: \"a\", name: \"Ada\", card: { create: { number: \"7\" } }, locker: { create: { floor: 2 } },
            captain: { create: {} }
        }) { card { number } locker { id floor } captain { motto member: memberId } }",
        &["WITH"],
    ),
    // The new row hides the members, and a mentor is one of them.
    (
        "createMember(input: { email: \"a\", name: \"Ada\", card: { create: { number: \"7\" } } }) {
            locker { id } mentor { name }
        }",
        &["INSERT", "INSERT", "SELECT"],
    ),
    // A relation that the mutation does not write has no row yet.
    (
        "createMember(input: { email: \"a\", name: \"Ada\", card: { create: { number: \"7\" } } }) {
            card { number } locker { id }
        }",
        &["WITH"],
    ),
    // The way back from the card is another relation than the one that made the member's row.
    (
        "createMember(input: { email: \"a\", name: \"Ada\", card: { create: { number: \"7\" } } }) {
            card { number member { name } }
        }",
        &["INSERT", "INSERT", "SELECT"],
    ),
    (
        "createMember(input: { email: \"a\", name: \"Ada\", mentor: { create: { email: \"b\", name: \"Eve\" } } }) {
            name mentor { name }
        }",
        &["INSERT", "INSERT", "SELECT"],
    ),
    (
        "createMember(input: { email: \"a\", name: \"Ada\", diaries: { create: [{ title: \"x\" }] } }) {
            name diaries { title }
        }",
        &["INSERT", "INSERT", "SELECT", "SELECT"],
    ),
];

/// Sends a mutation on each database, after the mutations `before`. Checks that answers and stored rows are the same, and the first
/// word of each statement on PostgreSQL. Returns the answer.
async fn sent_alike(before: &[&str], mutation: &str, statements: &[&str], stored: &str) -> Json {
    let mut answers = Vec::new();
    for database in support::databases().await {
        make_tables(&database).await;
        let schema = schema();
        for before in before {
            let (answer, _) = send(&schema, &database, &format!("mutation {{ {before} }}")).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
        }
        let (answer, sent) = send(&schema, &database, &format!("mutation {{ {mutation} }}")).await;
        if database.dialect == Dialect::Postgres {
            assert_eq!(sent, statements, "{mutation}: {answer}");
        }
        let (stored, _) = support::ask(&schema, &database, stored, Json::Null).await;
        answers.push((answer, stored));
        database.drop().await;
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{mutation}: {answers:?}");
    answers.remove(0).0
}

#[tokio::test]
async fn a_row_is_created_with_its_new_to_one_rows_by_one_statement() {
    let all = "{ members { id email card { number member { id } } locker { floor } captain { motto } } }";
    for (mutation, statements) in NESTED {
        let answer = sent_alike(&[], mutation, statements, all).await;
        assert!(answer.get("errors").is_none(), "{answer}");
    }
}

#[tokio::test]
async fn a_refused_nested_row_leaves_no_row_of_its_parent() {
    let mutation = "mutation { createMember(input: {
        email: \"b\", name: \"Eve\", card: { create: { number: \"7\" } }, locker: { create: { floor: 1 } }
    }) { name card { number } } }";
    let mut answers = Vec::new();
    for database in support::databases().await {
        make_tables(&database).await;
        send(&schema(), &database, &format!("mutation {{ {} }}", NESTED[0].0)).await;
        let (answer, _) = send(&schema(), &database, mutation).await;
        let (stored, _) =
            support::ask(&schema(), &database, "{ members { name } lockers { id } }", Json::Null).await;
        assert_eq!(stored["data"], json!({ "members": [{ "name": "Ada" }], "lockers": [] }));
        answers.push(answer);
        database.drop().await;
    }
    answers.dedup();
    let [answer] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNIQUE_VIOLATION", "{answer}");
}

/// Mutations that make the rows before each change: members 1 and 2, skills 1 and 2, card 1 of member 2, and the link of member 1
/// with skill 1.
const ROWS_BEFORE: [&str; 4] = [
    "createMembers(input: [{ email: \"a\", name: \"Ada\" }, { email: \"b\", name: \"Eve\" }]) { id }",
    "createSkills(input: [{ name: \"rowing\" }, { name: \"sewing\" }]) { id }",
    "createCard(input: { number: \"7\", member: { id: 2 } }) { id }",
    "updateMember(id: 1, input: { skills: { connect: { id: 1 } } }) { id }",
];

/// Changes that refer to existing rows, and the first word of each statement that PostgreSQL needs for them.
const REFERRING: [(&str, &[&str]); 15] = [
    // The result reads the row that the new one references.
    ("createCard(input: { number: \"8\", member: { id: 1 } }) { number member { name points } }", &["WITH"]),
    ("createLocker(input: { floor: 1, member: { id: 2 } }) { floor member { name card { number } } }", &["WITH"]),
    ("createLocker(input: { floor: 1 }) { floor member { name } }", &["WITH"]),
    ("createLocker(input: { floor: 1, member: { id: 9 } }) { floor member { name } }", &["WITH", "INSERT"]),
    ("createMember(input: { email: \"c\", name: \"Ivy\", mentor: { id: 1 } }) { mentor { name } }", &["INSERT", "SELECT"]),
    (
        "createCard(input: { number: \"8\", member: { create: { email: \"c\", name: \"Ivy\", mentor: { id: 1 } } } }) {
            member { name }
        }",
        &["WITH"],
    ),
    // Links of an existing row.
    ("updateMember(id: 1, input: { skills: { connect: [{ id: 1 }, { id: 2 }, { id: 2 }] } }) { id name }", &["WITH"]),
    ("updateMember(id: 2, input: { name: \"Ann\", skills: { connect: { id: 2 } } }) { name points }", &["WITH"]),
    ("updateMember(id: 2, input: { skills: { connect: [] } }) { name }", &["WITH"]),
    ("updateSkill(id: 2, input: { members: { connect: { id: 1 } } }) { name }", &["WITH"]),
    ("updateMember(id: 9, input: { skills: { connect: { id: 1 } } }) { name }", &["WITH"]),
    ("updateMember(id: 2, input: { skills: { connect: { id: 9 } } }) { name }", &["WITH", "SELECT", "INSERT"]),
    (
        "updateMember(id: 2, input: { skills: { connect: { id: 2 } } }) { skills { name } }",
        &["SELECT", "INSERT", "SELECT", "SELECT"],
    ),
    // The row may have changed since the snapshot of the statement, together with its card.
    ("updateMember(id: 2, input: { skills: { connect: { id: 2 } } }) { card { number } }", &["SELECT", "INSERT", "SELECT"]),
    ("updateMember(id: 1, input: { skills: { disconnect: { id: 1 } } }) { name }", &["SELECT", "DELETE", "SELECT"]),
];

#[tokio::test]
async fn a_change_that_refers_to_existing_rows_is_one_statement_where_it_can_return_the_result() {
    let all = "{ members { id name mentor { id } skills { id } } cards { id number } lockers { floor } }";
    for (mutation, statements) in REFERRING {
        sent_alike(&ROWS_BEFORE, mutation, statements, all).await;
    }
}

#[tokio::test]
async fn a_referenced_row_that_commits_during_the_write_is_in_the_result() {
    let Some((schema, database)) = postgres().await else { return };
    // The other card keeps the new one waiting, after the beginning of its statement and before the check of its key.
    database.run("INSERT INTO members (id, email, name) VALUES (8, 'a', 'Ada')").await;
    let other = database.connection.begin().await.unwrap();
    other.execute_unprepared("INSERT INTO cards (number, member_id) VALUES ('7', 8)").await.unwrap();
    let referenced = database.connection.begin().await.unwrap();
    let insert = "INSERT INTO members (id, email, name) VALUES (9, 'i', 'Ivy')";
    referenced.execute_unprepared(insert).await.unwrap();
    let create =
        "mutation { createCard(input: { number: \"7\", member: { id: 9 } }) { number member { name } } }";
    let commit = async {
        let waiting =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = Statement::from_string(DbBackend::Postgres, waiting);
        while database.connection.query_one_raw(waiting.clone()).await.unwrap().is_none() {
            sleep(Duration::from_millis(2)).await;
        }
        referenced.commit().await.unwrap();
        other.rollback().await.unwrap();
    };
    let both = async { tokio::join!(send(&schema, &database, create), commit) };
    let ((answer, statements), ()) = timeout(Duration::from_secs(30), both).await.unwrap();
    let expected = json!({ "createCard": { "number": "7", "member": { "name": "Ivy" } } });
    assert_eq!(answer["data"], expected, "{answer}");
    assert_eq!(statements, ["WITH", "INSERT", "SELECT"]);
    database.drop().await;
}

#[tokio::test]
async fn a_row_that_a_trigger_changes_is_read_after_the_write() {
    let after = "UPDATE members SET rank = 'expert' WHERE id = NEW.id AND rank <> 'expert'";
    for (time, change) in [("BEFORE", "NEW.rank := 'expert'"), ("AFTER", after)] {
        let Some((schema, database)) = postgres().await else { break };
        database
            .run(&format!(
                "CREATE FUNCTION promote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change}; RETURN NEW; END $$;
                CREATE TRIGGER promotes {time} INSERT ON members FOR EACH ROW EXECUTE FUNCTION promote()"
            ))
            .await;
        let (answer, statements) = send(&schema, &database, CREATE).await;
        assert_eq!((answer, statements.len()), (created("expert"), 2), "{time}");
        database.drop().await;
    }
    let database = support::sqlite().await;
    make_tables(&database).await;
    // SQLite compares names without case.
    database.run(&format!("CREATE TRIGGER promotes AFTER INSERT ON MEMBERS BEGIN {after}; END")).await;
    let (answer, statements) = send(&schema(), &database, CREATE).await;
    assert_eq!((answer, statements.len()), (created("expert"), 2), "SQLite");
    database.drop().await;
}

#[tokio::test]
async fn a_column_that_may_hold_null_against_its_promise_is_read_before_the_commit() {
    let Some((schema, database)) = postgres().await else { return };
    database.run("ALTER TABLE members ALTER points DROP NOT NULL, ALTER points SET DEFAULT NULL").await;
    let (answer, statements) = send(&schema, &database, CREATE).await;
    assert_eq!((&answer["data"], statements.len()), (&Json::Null, 2), "{answer}");
    let (members, _) = support::ask(&schema, &database, "{ membersAggregate { count } }", Json::Null).await;
    assert_eq!(members["data"]["membersAggregate"]["count"], 0, "the row of a failed answer has stayed");
    database.drop().await;
}

#[tokio::test]
async fn a_refusal_is_the_same_error_on_both_databases() {
    for mutation in [
        "mutation { createMember(input: { email: \"a\", name: \"Bob\" }) { id } }",
        "mutation { updateMember(id: 2, input: { mentor: { id: 77 } }) { id } }",
        "mutation { updateMember(id: 9, input: { name: \"x\" }) { id } }",
        "mutation { deleteMember(id: 9) { id } }",
        "mutation { createCard(input: { number: \"7\", member: { id: 9 } }) { id } }",
    ] {
        let mut answers = Vec::new();
        for database in support::databases().await {
            make_tables(&database).await;
            let schema = schema();
            for email in ["a", "b"] {
                let create = format!(
                    "mutation {{ createMember(input: {{ email: \"{email}\", name: \"Ada\" }}) {{ id }} }}"
                );
                support::ask(&schema, &database, &create, Json::Null).await;
            }
            let (answer, _) = support::ask(&schema, &database, mutation, Json::Null).await;
            assert!(answer.get("errors").is_some(), "{answer}");
            answers.push((database.dialect, answer));
            database.drop().await;
        }
        let [(Dialect::Sqlite, sqlite), postgres @ ..] = answers.as_slice() else { panic!("{answers:?}") };
        for (_, postgres) in postgres {
            assert_eq!(postgres, sqlite, "{mutation}");
        }
    }
}

/// A column of whole seconds rounds the last half second of a day to 24:00:00, which is no time of the API.
#[tokio::test]
async fn a_time_that_is_rounded_to_the_end_of_the_day_is_not_written() {
    let Some(database) = support::postgres().await else { return };
    database.run("CREATE TABLE slots (id integer PRIMARY KEY, day time(0), fine time)").await;
    let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
    let model = crowsfoot::Registry::from_tables(&described.tables, &crowsfoot::TableOptions::new());
    let schema = Schema::new(model.model().unwrap()).unwrap();
    for (id, (field, value, is_written)) in
        [("day", "23:59:59.5", false), ("day", "23:59:59.4", true), ("fine", "23:59:59.999999", true)]
            .into_iter()
            .enumerate()
    {
        let create = format!(
            "mutation {{ createSlot(input: {{ id: {id}, {field}: \"{value}\" }}) {{ id {field} }} }}"
        );
        let (answer, _) = send(&schema, &database, &create).await;
        assert_eq!(answer.get("errors").is_none(), is_written, "{create}: {answer}");
        let read = format!("{{ slot(id: {id}) {{ id }} }}");
        let (stored, _) = support::ask(&schema, &database, &read, Json::Null).await;
        assert_eq!(!stored["data"]["slot"].is_null(), is_written, "{create}: {stored}");
    }
    database.drop().await;
}
