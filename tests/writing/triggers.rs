//! What triggers and rules of the database do to written rows: nothing is answered that was not done.

use std::collections::BTreeSet;
use std::time::Duration;

use async_graphql::Request;
use crowsfoot::connect;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::tables::Table;
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use crate::support::{self, TestDatabase, ask, data};
use crate::{make_tables, schema};

/// Rows with the number 13 beside others, in and outside of the lists of member 1.
const ROWS: &str = "
    INSERT INTO members (id, email, name, mentor_id) VALUES (1, 'a', 'Ada', NULL), (2, 'b', 'Bob', NULL), (13, 'm', 'Eve', 1);
    INSERT INTO cards (id, number, member_id) VALUES (13, 'x', 1), (2, 'y', 2);
    INSERT INTO lockers (id, floor, member_id) VALUES (13, 1, 1), (2, 1, 2);
    INSERT INTO articles (id, title, author_id, editor_id) VALUES (13, 'one', 1, 1), (2, 'two', 1, 1), (3, 'three', 2, NULL);
    INSERT INTO skills (id, name) VALUES (13, 'sewing'), (2, 'rowing');
    INSERT INTO member_skills (member_id, skill_id) VALUES (1, 13), (1, 2), (2, 2);";

/// Returns triggers that skip the rows with the number 13, and new members of the name `skipped`.
fn triggers(dialect: Dialect) -> String {
    let mut sql = String::new();
    if dialect == Dialect::Postgres {
        sql.push_str("SELECT setval(pg_get_serial_sequence('members', 'id'), 100);");
        sql.push_str(
            "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;",
        );
    }
    let mut add = |event: &str, table: &str, condition: &str| {
        let name = format!("skip_{table}_{event}");
        sql.push_str(&match dialect {
            Dialect::Postgres => format!(
                "CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION skip();"
            ),
            Dialect::Sqlite => format!(
                "CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(IGNORE); END;"
            ),
        });
    };
    for table in ["members", "cards", "lockers", "articles"] {
        add("UPDATE", table, "OLD.id = 13");
        add("DELETE", table, "OLD.id = 13");
    }
    add("INSERT", "members", "NEW.name = 'skipped'");
    add("INSERT", "member_skills", "NEW.skill_id = 13");
    add("DELETE", "member_skills", "OLD.skill_id = 13");
    sql
}

/// Makes a trigger of statements for each row. Before an event it skips the row.
async fn make_trigger(database: &TestDatabase, event: &str, body: &str) {
    let skip = if event.starts_with("BEFORE") { "SELECT RAISE(IGNORE);" } else { "" };
    database
        .run(&match database.dialect {
            Dialect::Sqlite => format!("CREATE TRIGGER t {event} BEGIN {body} {skip} END"),
            Dialect::Postgres => format!(
                "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$;
                CREATE TRIGGER t {event} FOR EACH ROW EXECUTE FUNCTION t()"
            ),
        })
        .await;
}

/// Mutations that name a row which a trigger skips, with the type of the row.
const SKIPPED: [(&str, Option<&str>); 21] = [
    ("createMember(input: { email: \"n\", name: \"skipped\" }) { id }", Some("Member")),
    (
        "createMembers(input: [{ email: \"n\", name: \"New\" }, { email: \"o\", name: \"skipped\" }]) { id }",
        Some("Member"),
    ),
    ("updateMember(id: 13, input: { name: \"New\" }) { name }", Some("Member")),
    ("upsertMember(input: { email: \"m\", name: \"New\" }, onConflict: EMAIL) { name }", Some("Member")),
    ("deleteMember(id: 13) { name }", Some("Member")),
    ("updateCard(id: 13, input: { number: \"z\" }) { number }", Some("Card")),
    ("updateMember(id: 1, input: { card: { update: { number: \"z\" } } }) { id }", Some("Card")),
    (
        "updateMember(id: 1, input: { card: { upsert: { create: { number: \"z\" }, update: { number: \"z\" } } } }) { id }",
        Some("Card"),
    ),
    ("updateMember(id: 1, input: { card: { delete: true } }) { id }", Some("Card")),
    ("updateMember(id: 2, input: { card: { delete: true, connect: { id: 13 } } }) { id }", Some("Card")),
    ("updateMember(id: 1, input: { locker: { disconnect: true } }) { id }", Some("Locker")),
    ("updateMember(id: 1, input: { locker: null }) { id }", Some("Locker")),
    (
        "updateMember(id: 1, input: { articles: { update: { where: { id: 13 }, input: { title: \"z\" } } } }) { id }",
        Some("Article"),
    ),
    ("updateMember(id: 1, input: { articles: { delete: [{ id: 2 }, { id: 13 }] } }) { id }", Some("Article")),
    (
        "updateMember(id: 2, input: { articles: { connect: [{ id: 2 }, { id: 13 }] } }) { id }",
        Some("Article"),
    ),
    (
        "updateMember(id: 1, input: { editedArticles: { disconnect: [{ id: 2 }, { id: 13 }] } }) { id }",
        Some("Article"),
    ),
    ("updateMember(id: 1, input: { editedArticles: { set: [{ id: 3 }] } }) { id }", Some("Article")),
    ("updateMember(id: 1, input: { pupils: { set: [] } }) { id }", Some("Member")),
    ("updateMember(id: 2, input: { skills: { connect: { id: 13 } } }) { id }", None),
    ("updateMember(id: 1, input: { skills: { disconnect: [{ id: 2 }, { id: 13 }] } }) { id }", None),
    ("updateMember(id: 1, input: { skills: { set: [{ id: 2 }] } }) { id }", None),
];

/// Mutations of the same shapes that name other rows.
const WRITTEN: [&str; 6] = [
    "upsertMember(input: { email: \"b\", name: \"New\" }, onConflict: EMAIL) { name }",
    "updateMember(id: 2, input: { card: { delete: true }, locker: { disconnect: true } }) { id }",
    "updateMember(id: 1, input: { articles: { delete: [{ id: 2 }] } }) { id }",
    "updateMember(id: 2, input: { articles: { connect: { id: 3 } }, editedArticles: { set: [{ id: 3 }] } }) { id }",
    "updateMember(id: 1, input: { skills: { disconnect: { id: 2 } } }) { id }",
    "deleteMember(id: 2) { name }",
];

const ALL: &str = "{ members { id email name mentor { id } skills { id } } cards { id number member { id } }
    lockers { id member { id } } articles { id title author { id } editor { id } } }";

#[tokio::test]
async fn a_row_that_a_trigger_skips_takes_the_mutation_back() {
    for database in support::databases().await {
        make_tables(&database).await;
        database.run(ROWS).await;
        database.run(&triggers(database.dialect)).await;
        let schema = schema();
        let before = data(&schema, &database, ALL).await;
        for (mutation, entity) in SKIPPED {
            let (answer, _) =
                ask(&schema, &database, &format!("mutation {{ {mutation} }}"), Json::Null).await;
            let error = &answer["errors"][0]["extensions"];
            let expected = json!({ "code": "CHECK_VIOLATION", "entity": entity, "constraint": null });
            assert_eq!(*error, expected, "{mutation}: {:?} {answer}", database.dialect);
            assert_eq!(data(&schema, &database, ALL).await, before, "{mutation}");
        }
        // A change of many rows says how many were changed.
        for (mutation, field) in [
            (
                "updateMembers(where: { id: { in: [1, 13] } }, input: { name: \"New\" }) { affected }",
                "updateMembers",
            ),
            ("deleteCards(where: { id: { in: [2, 13] } }) { affected }", "deleteCards"),
        ] {
            let answer = data(&schema, &database, &format!("mutation {{ {mutation} }}")).await;
            assert_eq!(answer[field], json!({ "affected": 1 }), "{mutation}: {:?}", database.dialect);
        }
        // A row that does not exist is still one.
        for mutation in
            ["updateMember(id: 99, input: { name: \"New\" }) { id }", "deleteMember(id: 99) { id }"]
        {
            let (answer, _) =
                ask(&schema, &database, &format!("mutation {{ {mutation} }}"), Json::Null).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer}");
        }
        for mutation in WRITTEN {
            data(&schema, &database, &format!("mutation {{ {mutation} }}")).await;
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn a_trigger_may_mark_a_row_as_deleted() {
    for database in support::databases().await {
        make_tables(&database).await;
        let mark = "UPDATE comments SET words = 'deleted' WHERE id = OLD.id;";
        make_trigger(&database, "BEFORE DELETE ON comments", mark).await;
        database
            .run(
                "INSERT INTO members (id, email, name) VALUES (1, 'a', 'Ada');
                INSERT INTO articles (id, title, author_id) VALUES (1, 'x', 1);
                INSERT INTO comments (id, words, article_id) VALUES (1, 'one', 1), (2, 'two', 1), (3, 'three', 1)",
            )
            .await;
        let schema = schema();
        let one = data(&schema, &database, "mutation { deleteComment(id: 1) { id words } }").await;
        assert_eq!(one["deleteComment"], json!({ "id": 1, "words": "one" }));
        let below = "mutation { updateArticle(id: 1, input: { comments: { delete: { id: 2 } } }) { id } }";
        data(&schema, &database, below).await;
        let stored = data(&schema, &database, "{ comments { words } }").await;
        assert_eq!(
            stored["comments"],
            json!([{ "words": "deleted" }, { "words": "deleted" }, { "words": "three" }])
        );
        // Nothing is left to mark.
        let (again, _) =
            ask(&schema, &database, "mutation { deleteComment(id: 1) { id } }", Json::Null).await;
        assert_eq!(again["errors"][0]["extensions"]["code"], "CHECK_VIOLATION", "{again}");
        database.drop().await;
    }
}

/// A row that is gone, or has another key, before the end of its statement.
#[tokio::test]
async fn a_new_row_that_is_not_found_again_takes_the_mutation_back() {
    for database in support::databases().await {
        make_tables(&database).await;
        let body =
            "DELETE FROM members WHERE name = 'gone'; UPDATE members SET id = id + 100 WHERE name = 'moved';";
        make_trigger(&database, "AFTER INSERT ON members", body).await;
        let schema = schema();
        for name in ["gone", "moved"] {
            for mutation in [
                format!("createMember(input: {{ email: \"a\", name: \"{name}\" }}) {{ name }}"),
                format!(
                    "upsertMember(input: {{ email: \"a\", name: \"{name}\" }}, onConflict: EMAIL) {{ name }}"
                ),
                format!(
                    "createMembers(input: [{{ email: \"b\", name: \"Bob\" }}, {{ email: \"a\", name: \"{name}\" }}]) {{ name }}"
                ),
            ] {
                let (answer, _) =
                    ask(&schema, &database, &format!("mutation {{ {mutation} }}"), Json::Null).await;
                let error = &answer["errors"][0]["extensions"];
                assert_eq!(error["code"], "CHECK_VIOLATION", "{mutation}: {:?} {answer}", database.dialect);
                assert_eq!(answer["data"], Json::Null, "{mutation}");
                assert_eq!(data(&schema, &database, "{ members { id } }").await, json!({ "members": [] }));
            }
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn the_tables_that_a_trigger_writes_have_changed_too() {
    for database in support::databases().await {
        make_tables(&database).await;
        let body = "INSERT INTO lockers (floor, member_id) VALUES (1, NEW.id);";
        make_trigger(&database, "AFTER INSERT ON members", body).await;
        let schema = schema();
        let table = |name: &str| BTreeSet::from([Table { schema: None, name: name.to_owned() }]);
        let changes = database.connection.changes();
        // Links of a junction without a type, which every write of unknown tables may change.
        for name in ["lockers", "captain_songs"] {
            let mut listener = changes.subscribe(table(name));
            let create = format!(
                "mutation {{ createMember(input: {{ email: \"{name}\", name: \"Ada\" }}) {{ id }} }}"
            );
            data(&schema, &database, &create).await;
            timeout(Duration::from_secs(5), listener.changed()).await.unwrap();
        }
        // A table without triggers changes alone.
        let mut listener = changes.subscribe(table("lockers"));
        data(&schema, &database, "mutation { createTeam(input: { name: \"x\" }) { id } }").await;
        assert!(timeout(Duration::from_millis(200), listener.changed()).await.is_err());
        database.drop().await;
    }
}

/// SQLite's message has the condition in place of a missing name, and with it columns outside the schema.
#[tokio::test]
async fn a_condition_without_a_name_is_not_told() {
    let database = support::sqlite().await;
    make_tables(&database).await;
    database
        .run("ALTER TABLE members ADD COLUMN secret_tax integer DEFAULT 0 CHECK (secret_tax + points < 100)")
        .await;
    let schema = schema();
    for (points, constraint) in [("100", Json::Null), ("-1", json!("points_are_not_negative"))] {
        let create = format!(
            "mutation {{ createMember(input: {{ email: \"a\", name: \"Ada\", points: {points} }}) {{ id }} }}"
        );
        let (answer, _) = ask(&schema, &database, &create, Json::Null).await;
        let expected = json!({ "code": "CHECK_VIOLATION", "entity": "Member", "constraint": constraint });
        assert_eq!(answer["errors"][0]["extensions"], expected, "{answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    database.drop().await;
}

#[tokio::test]
async fn what_postgresql_does_not_support_is_refused_once() {
    let Some(database) = support::postgres().await else { return };
    make_tables(&database).await;
    database
        .run(
            "CREATE RULE stay AS ON DELETE TO towers DO INSTEAD NOTHING;
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE feature_not_supported; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON towers FOR EACH ROW WHEN (NEW.name = 'refused')
                EXECUTE FUNCTION refuse();
            INSERT INTO towers (name) VALUES ('one')",
        )
        .await;
    let schema = schema();
    for mutation in ["deleteTower(id: 1) { id }", "createTower(input: { name: \"refused\" }) { id }"] {
        let (answer, statements) =
            ask(&schema, &database, &format!("mutation {{ {mutation} }}"), Json::Null).await;
        let expected = json!({ "code": "CHECK_VIOLATION", "entity": "Tower", "constraint": null });
        assert_eq!(answer["errors"][0]["extensions"], expected, "{answer}");
        let writes = |sql: &str| sql.starts_with("DELETE") || sql.starts_with("INSERT");
        assert_eq!(
            statements.iter().filter(|sent| writes(&sent.sql)).count(),
            1,
            "{mutation}: {statements:?}"
        );
    }
    assert_eq!(
        data(&schema, &database, "{ towers { name } }").await,
        json!({ "towers": [{ "name": "one" }] })
    );
    database.drop().await;
}

/// A row that the policies of PostgreSQL hide from a statement is as one that a role of the service may not write.
#[tokio::test]
async fn a_row_that_row_security_keeps_is_not_found() {
    let Some(database) = support::postgres().await else { return };
    make_tables(&database).await;
    let role = format!("crowsfoot_test_{}", uuid::Uuid::new_v4().simple());
    database
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'writer';
            INSERT INTO songs (id, title) VALUES (1, 'kept'), (2, 'free');
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
            ALTER TABLE songs ENABLE ROW LEVEL SECURITY;
            CREATE POLICY seen ON songs FOR SELECT USING (true);
            CREATE POLICY locked ON songs FOR UPDATE USING (true);
            CREATE POLICY gone ON songs FOR DELETE USING (title <> 'kept');"
        ))
        .await;
    let (_, place) = database.url.rsplit_once('@').unwrap();
    let writer = connect(&format!("postgres://{role}:writer@{place}"), 2).await.unwrap();
    let schema = schema();
    // One statement, or a transaction that reads other rows first.
    for (id, selection, code) in [
        (1, "title", Some("NOT_FOUND")),
        (1, "title captains { memberId }", Some("NOT_FOUND")),
        (2, "title captains { memberId }", None),
    ] {
        let delete = format!("mutation {{ deleteSong(id: {id}) {{ {selection} }} }}");
        let executed = schema.execute(Request::new(&delete), &writer).await;
        let codes: Vec<&str> = executed.errors.iter().map(|located| located.error.code().as_str()).collect();
        assert_eq!(codes, Vec::from_iter(code), "{delete}");
    }
    assert_eq!(data(&schema, &database, "{ songs { id } }").await, json!({ "songs": [{ "id": 1 }] }));
    writer.close().await.unwrap();
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    database.drop().await;
}
