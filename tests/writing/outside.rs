//! What lies outside the model or is newer than what is known of the database: tables, keys, and rows of other transactions.

use std::time::Duration;

use async_graphql::Request;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{ExecutionLimits, Registry, Schema};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::support::{self, TestDatabase, ask, data, example};
use crate::{domain, make_tables};

fn example() -> Schema {
    Schema::new(example::registry().model().unwrap()).unwrap()
}

async fn count(database: &TestDatabase, sql: &str) -> i64 {
    let statement = Statement::from_string(database.connection.get_database_backend(), sql);
    let row = database.connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Students lie in boxes, boxes in boxes and on shelves, and shelves belong to authors; the schema knows students and authors.
#[tokio::test]
async fn rows_below_tables_outside_the_schema_are_counted() {
    let schema = example();
    for database in support::databases().await {
        database.seed(1).await;
        database
            .run(
                "CREATE TABLE shelves (id integer PRIMARY KEY, author_id integer REFERENCES authors (id) ON DELETE CASCADE);
                CREATE TABLE boxes (id integer PRIMARY KEY, shelf_id integer REFERENCES shelves (id) ON DELETE CASCADE,
                    box_id integer REFERENCES boxes (id) ON DELETE CASCADE);
                ALTER TABLE students ADD COLUMN box_id integer REFERENCES boxes (id) ON DELETE CASCADE;
                INSERT INTO shelves VALUES (1, 1), (2, 2);
                INSERT INTO boxes VALUES (1, 1, NULL), (2, NULL, 1), (3, NULL, 2), (4, 2, NULL);
                UPDATE students SET box_id = 1 WHERE id = 1;
                UPDATE students SET box_id = 3 WHERE id IN (2, 3);
                UPDATE students SET box_id = 4 WHERE id = 4",
            )
            .await;
        let before = count(&database, "SELECT count(*) FROM students").await;
        let delete =
            "mutation { deleteAuthors(where: { id: { eq: 1 } }) { affected cascaded { entity count } } }";
        let deleted = data(&schema, &database, delete).await;
        let cascaded = deleted["deleteAuthors"]["cascaded"].as_array().unwrap();
        let students = cascaded.iter().find(|counted| counted["entity"] == "Student");
        assert_eq!(students.map(|counted| &counted["count"]), Some(&json!(3)), "{deleted}");
        assert_eq!(count(&database, "SELECT count(*) FROM students").await, before - 3);
        database.drop().await;
    }
}

/// Rows of a table outside the schema that form a circle.
#[tokio::test]
async fn a_circle_outside_the_schema_ends() {
    let schema = example();
    for database in support::databases().await {
        database.seed(1).await;
        database
            .run(
                "CREATE TABLE boxes (id integer PRIMARY KEY, author_id integer REFERENCES authors (id) ON DELETE CASCADE,
                    box_id integer REFERENCES boxes (id) ON DELETE CASCADE);
                ALTER TABLE students ADD COLUMN box_id integer REFERENCES boxes (id) ON DELETE CASCADE;
                INSERT INTO boxes VALUES (1, 1, NULL), (2, NULL, 1);
                UPDATE boxes SET box_id = 2 WHERE id = 1;
                UPDATE students SET box_id = 2 WHERE id = 1",
            )
            .await;
        let delete = "mutation { deleteAuthors(where: { id: { eq: 1 } }) { cascaded { entity count } } }";
        let deleted = data(&schema, &database, delete).await;
        let cascaded = deleted["deleteAuthors"]["cascaded"].as_array().unwrap();
        assert!(cascaded.contains(&json!({ "entity": "Student", "count": 1 })), "{deleted}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_key_that_is_newer_than_what_is_known_is_named_where_it_refuses() {
    let schema = example();
    for database in support::databases().await {
        database.seed(1).await;
        // The service knows all keys from now on.
        data(&schema, &database, "mutation { createUser(input: { username: \"new\" }) { id } }").await;
        database
            .run(
                "CREATE TABLE pledges (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
                INSERT INTO pledges VALUES (1, 1), (2, 1)",
            )
            .await;
        let (answer, _) = ask(&schema, &database, "mutation { deleteUser(id: 1) { id } }", Json::Null).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "DELETE_RESTRICTED", "{answer}");
        assert_eq!(extensions["by"], json!([{ "relation": null, "count": 2 }]), "{answer}");
        database.drop().await;
    }
}

/// Waiters hang on restaurants and these on places: another transaction adds one while a place is deleted.
#[tokio::test]
async fn a_row_that_is_added_two_levels_below_meanwhile_is_counted() {
    let Some(database) = support::postgres().await else { return };
    let schema = example();
    database.seed(1).await;
    let place = count(&database, "SELECT min(place_id)::int8 FROM restaurants").await;
    let waiters = format!("SELECT count(*) FROM waiters WHERE restaurant_id = {place}");
    let before = count(&database, &waiters).await;
    let other = database.connection.begin().await.unwrap();
    let added = format!("INSERT INTO waiters (restaurant_id, name) VALUES ({place}, 'late')");
    other.execute_unprepared(&added).await.unwrap();
    let delete = format!(
        "mutation {{ deletePlaces(where: {{ id: {{ eq: {place} }} }}) {{ cascaded {{ entity count }} }} }}"
    );
    let meanwhile = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while count(&database, waiting).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        other.commit().await.unwrap();
    };
    let (deleted, ()) = tokio::join!(data(&schema, &database, &delete), meanwhile);
    let cascaded = deleted["deletePlaces"]["cascaded"].as_array().unwrap();
    assert!(cascaded.contains(&json!({ "entity": "Waiter", "count": before + 1 })), "{deleted}");
    assert_eq!(count(&database, &waiters).await, 0);
    database.drop().await;
}

/// Six members are looked up and locked, then six cards are read back.
#[tokio::test]
async fn rows_that_a_change_locks_count_toward_the_ceiling() {
    for database in support::databases().await {
        make_tables(&database).await;
        for (rows, code) in [(11, json!("TOO_MANY_ROWS")), (12, Json::Null)] {
            crate::empty_tables(&database).await;
            let mut limits = ExecutionLimits::DEFAULT;
            limits.rows = rows;
            let model = domain::registry().model().unwrap();
            let schema = Schema::builder(model).limits(limits).finish().unwrap();
            let members: Vec<String> =
                (0..6).map(|row| format!("{{ name: \"m{row}\", email: \"m{row}@x\" }}")).collect();
            let create = format!("mutation {{ createMembers(input: [{}]) {{ id }} }}", members.join(" "));
            data(&schema, &database, &create).await;
            let cards: Vec<String> = (0..6)
                .map(|row| format!("{{ number: \"c{row}\", member: {{ email: \"m{row}@x\" }} }}"))
                .collect();
            let create = format!("mutation {{ createCards(input: [{}]) {{ id }} }}", cards.join(" "));
            let executed = schema.execute(Request::new(create), &database.connection).await;
            let errors = serde_json::to_value(&executed.errors).unwrap();
            assert_eq!(errors[0]["extensions"]["code"], code, "{rows}: {errors}");
        }
        database.drop().await;
    }
}

/// Keys that the database numbers, at the end of their range.
mod numbered {
    use crate::entity::entity;

    entity! {
        small in "small_rows" {
            #[sea_orm(primary_key)]
            id: i16,
            name: String,
        }
    }

    entity! {
        big in "big_rows" {
            #[sea_orm(primary_key)]
            id: i64,
            name: String,
        }
    }
}

fn assert_no_key(answer: &Json, argument: &str) {
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    assert_eq!(error["extensions"]["argument"], argument, "{answer}");
    assert!(error["message"].as_str().unwrap().contains("no number is left"), "{answer}");
}

#[tokio::test]
async fn a_table_whose_numbers_are_all_taken_says_so() {
    let database = support::sqlite().await;
    assert_eq!(database.dialect, Dialect::Sqlite);
    let registry = Registry::new().register::<numbered::small::Entity>().register::<numbered::big::Entity>();
    let schema = Schema::new(registry.model().unwrap()).unwrap();
    database
        .run(
            "CREATE TABLE small_rows (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, name text NOT NULL);
            CREATE TABLE big_rows (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, name text NOT NULL);
            INSERT INTO small_rows VALUES (32767, 'last');
            INSERT INTO big_rows VALUES (9223372036854775807, 'last')",
        )
        .await;
    let big = "mutation { createBig(input: { name: \"a\" }) { id } }";
    assert_no_key(&ask(&schema, &database, big, Json::Null).await.0, "input.id");
    // Nothing is left half done, and a key that is given is taken.
    let given = "mutation { createBig(input: { id: 7, name: \"a\" }) { name } }";
    assert_eq!(data(&schema, &database, given).await["createBig"]["name"], "a");

    // Smaller ones go on below the last, as long as there is room.
    let small = "mutation { createSmall(input: { name: \"a\" }) { id } }";
    let made = data(&schema, &database, small).await;
    assert!((1..32767).contains(&made["createSmall"]["id"].as_i64().unwrap()), "{made}");
    database
        .run(
            "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 32767)
            INSERT OR IGNORE INTO small_rows SELECT id, 'taken' FROM n",
        )
        .await;
    assert_no_key(&ask(&schema, &database, small, Json::Null).await.0, "input.id");
    database.drop().await;
}

/// Triggers of `users` that refuse by the name of a row.
fn refusing_triggers(dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => ["ABORT", "FAIL", "ROLLBACK", "IGNORE"]
            .into_iter()
            .flat_map(|way| ["INSERT ON users WHEN NEW", "UPDATE ON users WHEN NEW", "DELETE ON users WHEN OLD"].map(|when| (way, when)))
            .enumerate()
            .map(|(number, (way, when))| {
                let text = if way == "IGNORE" { "" } else { ", 'secret failed: users.username'" };
                format!(
                    "CREATE TRIGGER refuse{number} BEFORE {when}.username = '{way}'
                     BEGIN SELECT RAISE({way}{text}); END;"
                )
            })
            .collect(),
        Dialect::Postgres => "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE name text := CASE WHEN TG_OP = 'DELETE' THEN OLD.username ELSE NEW.username END;
            BEGIN
                IF name = 'ABORT' THEN RAISE EXCEPTION 'secret'; END IF;
                IF name = 'FAIL' THEN RAISE EXCEPTION 'secret' USING ERRCODE = 'UR001', CONSTRAINT = 'no_failure'; END IF;
                IF name = 'ROLLBACK' THEN RAISE EXCEPTION 'secret' USING ERRCODE = 'check_violation'; END IF;
                IF name = 'IGNORE' THEN RETURN NULL; END IF;
                ASSERT name <> 'ASSERT', 'secret';
                RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION refuse();
            CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.username = 'LATE' THEN RAISE EXCEPTION 'secret'; END IF; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION refuse_late()"
            .to_owned(),
    }
}

/// The text of the trigger may contain values that the client does not see.
#[tokio::test]
async fn a_refusal_of_a_trigger_is_a_rule_violation_of_its_field_without_the_text() {
    let schema = example();
    for database in support::databases().await {
        database.seed(1).await;
        let of_sqlite = database.dialect == Dialect::Sqlite;
        database.run("UPDATE users SET username = 'ABORT' WHERE id = 1; UPDATE users SET username = 'FAIL' WHERE id = 2").await;
        database.run(&refusing_triggers(database.dialect)).await;
        let before = count(&database, "SELECT count(*) FROM users").await;
        let created = |name: &str| format!("createUser(input: {{ username: \"{name}\" }}) {{ id }}");
        let mut refused = vec![
            (created("ABORT"), json!("User"), Json::Null),
            (created("FAIL"), json!("User"), if of_sqlite { Json::Null } else { json!("no_failure") }),
            (created("ROLLBACK"), json!("User"), Json::Null),
            (created("IGNORE"), json!("User"), Json::Null),
            (
                "updateUser(id: 3, input: { username: \"ABORT\" }) { id }".to_owned(),
                json!("User"),
                Json::Null,
            ),
            ("deleteUser(id: 1) { id }".to_owned(), json!("User"), Json::Null),
            ("deleteUsers(where: { id: { lte: 9 } }) { affected }".to_owned(), json!("User"), Json::Null),
        ];
        if !of_sqlite {
            refused.push((created("ASSERT"), json!("User"), Json::Null));
        }
        for (field, entity, constraint) in refused {
            let mutation = format!("mutation {{ a: {} b: {field} }}", created("kept"));
            let (answer, _) = ask(&schema, &database, &mutation, Json::Null).await;
            assert_eq!(answer["data"], Json::Null, "{mutation}");
            let error = &answer["errors"][0];
            let expected = json!({ "code": "CHECK_VIOLATION", "entity": entity, "constraint": constraint });
            assert_eq!((&error["extensions"], &error["path"]), (&expected, &json!(["b"])), "{mutation}");
            assert!(!answer.to_string().contains("secret"), "{answer}");
            assert_eq!(count(&database, "SELECT count(*) FROM users").await, before, "{mutation}");
        }
        if !of_sqlite {
            let (answer, _) =
                ask(&schema, &database, &format!("mutation {{ b: {} }}", created("LATE")), Json::Null).await;
            let error = &answer["errors"][0];
            let expected = json!({ "code": "CHECK_VIOLATION", "entity": null, "constraint": null });
            assert_eq!((&error["extensions"], &error["path"]), (&expected, &json!(["b"])), "{answer}");
        }
        data(&schema, &database, &format!("mutation {{ {} }}", created("last"))).await;
        database.drop().await;
    }
}
