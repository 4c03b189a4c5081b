//! Concurrent clients.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::client::{Client, WAITING, code};
use crate::process::{until, within};
use crate::support;

/// Sends all requests at the same time; returns the responses in order.
pub async fn ask_all(client: &Client, questions: Vec<String>) -> Vec<Json> {
    let ask = |question: String| {
        let client = client.clone();
        tokio::spawn(async move { client.ask(&question, Json::Null).await.0 })
    };
    let asked: Vec<_> = questions.into_iter().map(ask).collect();
    within(join_all(asked)).await.into_iter().map(|answer| answer.unwrap()).collect()
}

fn assert_done_or_conflict(answer: &Json) {
    assert!(matches!(code(answer), None | Some("CONFLICT")), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_profiles_for_one_user_one_is_made_and_one_refused() {
    for database in support::databases().await {
        let client = Client::new(&database, 4).await;
        for round in 1..=50 {
            let create = format!("mutation {{ createUser(input: {{ username: \"u{round}\" }}) {{ id }} }}");
            let id = client.data(&create).await["createUser"]["id"].clone();
            let create = format!(
                "mutation {{ createProfile(input: {{ user: {{ id: {id} }} }}) {{ user {{ id }} }} }}"
            );
            let answers = ask_all(&client, vec![create.clone(), create]).await;
            let (refused, made): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| code(answer).is_some());
            assert_eq!(
                made,
                [&json!({ "data": { "createProfile": { "user": { "id": id } } } })],
                "{answers:#?}"
            );
            let mut extensions = refused[0]["errors"][0]["extensions"].clone();
            assert_eq!(
                extensions.take(),
                json!({ "code": "UNIQUE_VIOLATION", "entity": "Profile", "fields": ["user"] })
            );
            assert_eq!(client.number("SELECT count(*) FROM profiles").await, round);
        }
        client.close().await;
        database.drop().await;
    }
}

/// Creates twelve students and a course, numbered from one.
async fn enrolment(client: &Client) {
    let students: Vec<String> = (1..=12).map(|student| format!("{{ name: \"s{student}\" }}")).collect();
    let made = client
        .data(&format!(
            "mutation {{ createStudents(input: [{}]) {{ id }} createCourse(input: {{ title: \"c\" }}) {{ id }} }}",
            students.join(", ")
        ))
        .await;
    assert_eq!(made["createStudents"][11], json!({ "id": 12 }));
    assert_eq!(made["createCourse"], json!({ "id": 1 }));
}

/// Returns a change of the course's students.
fn enrol(how: &str, students: &BTreeSet<usize>) -> String {
    let keys: Vec<String> = students.iter().map(|student| format!("{{ id: {student} }}")).collect();
    format!(
        "mutation {{ updateCourse(id: 1, input: {{ students: {{ {how}: [{}] }} }}) {{ students {{ id }} }} }}",
        keys.join(", ")
    )
}

async fn enrolled(client: &Client) -> BTreeSet<usize> {
    let course = client.data("{ course(id: 1) { students { id } } }").await;
    let students: Vec<usize> = course["course"]["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|student| student["id"].as_u64().unwrap() as usize)
        .collect();
    let different: BTreeSet<usize> = students.iter().copied().collect();
    assert_eq!(different.len(), students.len(), "{students:?}");
    different
}

/// Returns five students, different for each number.
fn some_students(number: usize) -> BTreeSet<usize> {
    (0..5).map(|place| 1 + (number * 5 + place * (1 + number % 3)) % 12).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_many_clients_make_are_all_there_once() {
    for database in support::databases().await {
        let client = Client::new(&database, 8).await;
        enrolment(&client).await;
        for round in 0..6 {
            client.data(&enrol("set", &BTreeSet::new())).await;
            let asked: Vec<BTreeSet<usize>> =
                (0..16).map(|number| some_students(number * 7 + round)).collect();
            let questions = asked.iter().map(|students| enrol("connect", students)).collect();
            let answers = ask_all(&client, questions).await;
            let mut expected = BTreeSet::new();
            for (students, answer) in asked.iter().zip(&answers) {
                assert_done_or_conflict(answer);
                if code(answer).is_none() {
                    expected.extend(students);
                }
            }
            assert!(!expected.is_empty(), "nobody was heard: {answers:#?}");
            assert_eq!(enrolled(&client).await, expected, "{answers:#?}");
        }
        client.close().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_lists_set_at_once_one_is_there_whole() {
    for database in support::databases().await {
        let client = Client::new(&database, 8).await;
        enrolment(&client).await;
        for round in 0..10 {
            let asked: Vec<BTreeSet<usize>> =
                (0..8).map(|number| some_students(number * 5 + round)).collect();
            let questions = asked.iter().map(|students| enrol("set", students)).collect();
            let answers = ask_all(&client, questions).await;
            answers.iter().for_each(assert_done_or_conflict);
            let last = enrolled(&client).await;
            assert!(asked.contains(&last), "{last:?} is none of {asked:?}");
        }
        client.close().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_upserts_of_one_key_one_row_is_there() {
    for database in support::databases().await {
        let client = Client::new(&database, 20).await;
        client.data("mutation { createUser(input: { username: \"ada\" }) { id } }").await;
        for round in 1..=5 {
            let upserts = (0..20).map(|number| {
                format!(
                    "mutation {{
                        upsertBadge(input: {{ code: \"b{round}\" }}, onConflict: CODE) {{ code }}
                        upsertProfile(input: {{ bio: \"{round} {number}\", user: {{ id: 1 }} }}, onConflict: USER_ID) {{ bio }}
                    }}"
                )
            });
            for (number, answer) in ask_all(&client, upserts.collect()).await.iter().enumerate() {
                assert_eq!(code(answer), None, "{answer:#}");
                assert_eq!(answer["data"]["upsertBadge"]["code"], format!("b{round}"));
                assert_eq!(answer["data"]["upsertProfile"]["bio"], format!("{round} {number}"));
            }
            assert_eq!(client.number("SELECT count(*) FROM badges").await, round);
            assert_eq!(client.number("SELECT count(*) FROM profiles").await, 1);
        }
        client.close().await;
        database.drop().await;
    }
}

/// Tasks load the rows that an operation reads back; its end waits for no remaining task.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_operation_that_reads_lists_back_ends_well_on_many_threads() {
    for database in support::databases().await {
        let client = Client::new(&database, 4).await;
        for round in 0..25 {
            let create = |number: usize| {
                format!(
                    "mutation {{ createUser(input: {{ username: \"u{round}-{number}\", profile: {{ create: {{}} }},
                        userInfos: {{ create: [{{ phoneNumber: \"1\" }}] }} }}) {{
                        profile {{ user {{ userInfos {{ phoneNumber }} }} }} userInfos {{ user {{ profile {{ bio }} }} }}
                    }} }}"
                )
            };
            for answer in ask_all(&client, (0..4).map(create).collect()).await {
                assert_eq!(
                    answer,
                    json!({ "data": { "createUser": {
                        "profile": { "user": { "userInfos": [{ "phoneNumber": "1" }] } },
                        "userInfos": [{ "user": { "profile": { "bio": "" } } }],
                    } } })
                );
            }
        }
        client.close().await;
        database.drop().await;
    }
}

/// Creates two users, with ids 1 and 2.
async fn two_users(client: &Client) {
    let made =
        client.data("mutation { createUsers(input: [{ username: \"a\" }, { username: \"b\" }]) { id } }");
    assert_eq!(made.await, json!({ "createUsers": [{ "id": 1 }, { "id": 2 }] }));
}

/// Renames both users, in this order.
fn rename(tag: &str, order: [usize; 2]) -> String {
    let field =
        |user| format!("u{user}: updateUser(id: {user}, input: {{ username: \"{tag} {user}\" }}) {{ id }}");
    format!("mutation {{ {} {} }}", field(order[0]), field(order[1]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_is_caught_in_a_deadlock_is_tried_again() {
    // SQLite's writers wait for each other before their first statement, so they cannot deadlock.
    let Some(database) = support::postgres().await else { return };
    let client = Client::new(&database, 2).await;
    two_users(&client).await;
    let other = database.connection.begin().await.unwrap();
    // PostgreSQL cancels the first session that detects the deadlock, so this session must not detect it.
    other.execute_unprepared("SET LOCAL deadlock_timeout = '1h'").await.unwrap();
    other.execute_unprepared("UPDATE users SET username = 'other 2' WHERE id = 2").await.unwrap();

    let asked = tokio::spawn({
        let client = client.clone();
        async move { client.ask(&rename("mine", [1, 2]), Json::Null).await }
    });
    until(async || client.number(WAITING).await > 0).await;
    within(other.execute_unprepared("UPDATE users SET username = 'other 1' WHERE id = 1")).await.unwrap();
    other.commit().await.unwrap();

    let (answer, statements) = within(asked).await.unwrap();
    assert_eq!(answer, json!({ "data": { "u1": { "id": 1 }, "u2": { "id": 2 } } }));
    let updates = statements.iter().filter(|record| record.sql.starts_with("UPDATE")).count();
    assert!(updates > 2, "no second attempt: {updates}");
    let users = client.data("{ users { username } }").await;
    assert_eq!(users, json!({ "users": [{ "username": "mine 1" }, { "username": "mine 2" }] }));
    client.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_waits_for_a_lock_on_a_connection_whose_single_statements_do_not() {
    let Some(database) = support::postgres().await else { return };
    let client = Client::new(&database, 1).await;
    two_users(&client).await;
    let rename = |name: &str| {
        format!("mutation {{ updateUser(id: 1, input: {{ username: \"{name}\" }}) {{ username }} }}")
    };
    for name in ["first", "second"] {
        client.data(&rename(name)).await;
    }
    let other = database.connection.begin().await.unwrap();
    other.execute_unprepared("UPDATE users SET username = 'other' WHERE id = 1").await.unwrap();
    let asked = tokio::spawn({
        let (client, query) = (client.clone(), rename("mine"));
        async move { client.ask(&query, Json::Null).await }
    });
    until(async || client.number(WAITING).await > 0).await;
    // Several times as long as a single statement waits.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!asked.is_finished());
    other.commit().await.unwrap();
    let (answer, statements) = within(asked).await.unwrap();
    assert_eq!(answer, json!({ "data": { "updateUser": { "username": "mine" } } }));
    // The single statement is refused, and that of the transaction waits. One that had no time would be refused every 50 ms.
    let updates: Vec<_> = statements.iter().filter(|record| record.sql.starts_with("UPDATE")).collect();
    let [_refused, waited] = updates[..] else { panic!("{updates:?}") };
    assert!(waited.elapsed > Duration::from_millis(150), "{waited:?}");
    client.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_want_the_same_rows_in_another_order_are_done_whole_or_conflict() {
    for database in support::databases().await {
        if database.dialect == crowsfoot::internals::dialect::Dialect::Postgres {
            // Sessions detect a deadlock soon.
            let sql = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 10', current_database()); END $$";
            database.run(sql).await;
        }
        let client = Client::new(&database, 8).await;
        two_users(&client).await;
        let mut done = 0;
        for round in 0..15 {
            let order = |number: usize| if number.is_multiple_of(2) { [1, 2] } else { [2, 1] };
            let questions =
                (0..8).map(|number| rename(&format!("{round}-{number}"), order(number))).collect();
            for answer in ask_all(&client, questions).await {
                assert_done_or_conflict(&answer);
                done += usize::from(code(&answer).is_none());
            }
            let users = client.data("{ users { username } }").await;
            let tags: Vec<&str> = (0..2)
                .map(|place| users["users"][place]["username"].as_str().unwrap().split(' ').next().unwrap())
                .collect();
            assert_eq!(tags[0], tags[1], "halves of two operations");
        }
        assert!(done >= 15, "{done} of 120 operations were done");
        client.close().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_reads_all_of_an_operation_or_nothing() {
    for database in support::databases().await {
        let client = Client::new(&database, 8).await;
        let posts = vec!["{ title: \"0\", content: \"\" }"; 100].join(", ");
        client
            .data(&format!(
                "mutation {{ createAuthor(input: {{ name: \"a\", posts: {{ create: [{posts}] }} }}) {{ id }} }}"
            ))
            .await;
        let is_over = Arc::new(AtomicBool::new(false));
        let read = |is_over: Arc<AtomicBool>, client: Client| async move {
            let mut states = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                let read = client.data("{ posts { title } }").await;
                let titles: BTreeSet<&str> = read["posts"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|post| post["title"].as_str().unwrap())
                    .collect();
                assert_eq!(titles.len(), 1, "parts of several operations: {titles:?}");
                let number = read["posts"].as_array().unwrap().len();
                assert!(number.is_multiple_of(100), "a part of an operation: {number} rows");
                states.insert(format!("{titles:?} {number}"));
                // A small read completes without waiting: a loop of such reads would never yield the thread.
                tokio::task::yield_now().await;
            }
            states.len()
        };
        let readers: Vec<_> = (0..3).map(|_| tokio::spawn(read(is_over.clone(), client.clone()))).collect();
        for round in 1..=25 {
            let posts = vec![format!("{{ title: \"{round}\", content: \"\" }}"); 100].join(", ");
            client
                .data(&format!(
                    "mutation {{
                        updatePosts(where: {{ id: {{ lte: 60 }} }}, input: {{ title: \"{round}\" }}) {{ affected }}
                        updatePosts2: updatePosts(where: {{ id: {{ gt: 60 }} }}, input: {{ title: \"{round}\" }}) {{ affected }}
                        deleteAuthors(where: {{ name: {{ eq: \"b\" }} }}) {{ affected }}
                        createAuthor(input: {{ name: \"b\", posts: {{ create: [{posts}] }} }}) {{ id }}
                    }}"
                ))
                .await;
        }
        is_over.store(true, Ordering::Relaxed);
        let states: usize = within(join_all(readers)).await.into_iter().map(|states| states.unwrap()).sum();
        assert!(states > 3, "the readers saw nothing change");
        client.close().await;
        database.drop().await;
    }
}

/// The constraint's name is looked up outside the transaction, by a connection that no request must wait for.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_needs_no_second_connection() {
    for database in support::databases().await {
        let client = Client::new(&database, 1).await;
        two_users(&client).await;
        let refused = json!({ "code": "UNIQUE_VIOLATION", "entity": "User", "fields": ["username"] });
        let create = "mutation { createUser(input: { username: \"a\" }) { id } }";
        for answer in ask_all(&client, vec![create.to_owned(); 4]).await {
            assert_eq!(answer["errors"][0]["extensions"], refused, "{answer:#}");
        }
        let create = "mutation { createProfile(input: { user: { id: 9 } }) { id } }";
        let (answer, _) = client.ask(create, Json::Null).await;
        let refused = json!({ "code": "FOREIGN_KEY_VIOLATION", "entity": "Profile", "field": "user" });
        assert_eq!(answer["errors"][0]["extensions"], refused, "{answer:#}");
        assert_eq!(client.number("SELECT count(*) FROM users").await, 2);
        client.close().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_below_a_row_makes_one_or_changes_what_another_client_has_made() {
    for database in support::databases().await {
        let client = Client::new(&database, 16).await;
        for user in 1..=10 {
            let create = format!("mutation {{ createUser(input: {{ username: \"u{user}\" }}) {{ id }} }}");
            client.data(&create).await;
            let upsert = |number: usize| {
                format!(
                    "mutation {{ updateUser(id: {user}, input: {{ profile: {{ upsert: {{
                        create: {{ bio: \"{number}\" }}, update: {{ bio: \"{number}\" }}
                    }} }} }}) {{ profile {{ bio }} }} }}"
                )
            };
            // Takes another path, and does not wait for the user.
            let create =
                format!("mutation {{ createProfile(input: {{ user: {{ id: {user} }} }}) {{ id }} }}");
            let questions = (0..12).map(upsert).chain([create.clone(), create]).collect();
            let answers = ask_all(&client, questions).await;
            for (number, answer) in answers.iter().enumerate().take(12) {
                let expected =
                    json!({ "data": { "updateUser": { "profile": { "bio": number.to_string() } } } });
                assert_eq!(*answer, expected);
            }
            let made = answers[12..].iter().filter(|answer| code(answer).is_none()).count();
            assert!(made <= 1, "{answers:#?}");
            assert_eq!(client.number("SELECT count(*) FROM profiles").await, user);
        }
        client.close().await;
        database.drop().await;
    }
}
