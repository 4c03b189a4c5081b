//! Queries of several statements, while others commit between the statements.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::Request;
use crowsfoot::{ReadConsistency, Schema};
use futures_util::StreamExt;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use serde_json::Value as Json;

use crate::process::{Folder, Service, within};
use crate::support::{self, TestDatabase, example};

/// One root field with a level below, and two root fields side by side.
const QUESTIONS: [&str; 2] = [
    "{ authors(where: { id: { eq: 1 } }) { name posts(limit: 1) { title } } }",
    "{ author(id: 1) { name } posts(where: { authorId: { eq: 1 } }, limit: 1) { title } }",
];

/// Names the author and all posts of the author alike, in one transaction.
async fn rename(connection: &DatabaseConnection, name: &str) {
    let transaction = connection.begin().await.unwrap();
    for change in ["UPDATE authors SET name = ", "UPDATE posts SET title = "] {
        let key = if change.contains("authors") { "id" } else { "author_id" };
        transaction.execute_unprepared(&format!("{change}'{name}' WHERE {key} = 1")).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// The names of the author and of a post in an answer to one of [`QUESTIONS`].
fn names(answer: &Json) -> [String; 2] {
    let data = &answer["data"];
    let [author, post] = match &data["authors"][0] {
        Json::Null => [&data["author"]["name"], &data["posts"][0]["title"]],
        author => [&author["name"], &author["posts"][0]["title"]],
    };
    [author, post].map(|name| name.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

/// Asks while another session holds the table of the second statement, changes both tables and commits.
async fn ask_across_a_commit(
    database: &TestDatabase,
    ask: impl Future<Output = Json>,
    watch: &DatabaseConnection,
) -> [String; 2] {
    let other = sea_orm::Database::connect(&database.url).await.unwrap();
    rename(&other, "before").await;
    let transaction = other.begin().await.unwrap();
    transaction.execute_unprepared("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let commit = async {
        let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'posts'::regclass";
        let waiting = Statement::from_string(watch.get_database_backend(), waiting);
        while watch.query_one_raw(waiting.clone()).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        transaction
            .execute_unprepared(
                "UPDATE authors SET name = 'after' WHERE id = 1; UPDATE posts SET title = 'after' WHERE author_id = 1",
            )
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    };
    let (answer, ()) = within(async { tokio::join!(ask, commit) }).await;
    names(&answer)
}

async fn answers_across_a_commit(consistency: &str) -> Option<Vec<[String; 2]>> {
    let database = support::postgres().await?;
    database.seed(1).await;
    let folder = Folder::new();
    let arguments = ["--database-url", &database.url, "--read-consistency", consistency];
    let service = Service::start(&folder, &arguments).await;
    let watch = sea_orm::Database::connect(&database.url).await.unwrap();
    let mut answers = Vec::new();
    for question in QUESTIONS {
        answers.push(ask_across_a_commit(&database, service.ask(question), &watch).await);
    }
    let ended = service.stop().await;
    assert!(!ended.log.contains("ERROR"), "{}", ended.log);
    watch.close().await.unwrap();
    database.drop().await;
    Some(answers)
}

#[tokio::test]
async fn all_statements_of_a_query_see_what_was_committed_before_the_first() {
    let Some(answers) = answers_across_a_commit("snapshot").await else { return };
    assert_eq!(answers, [["before", "before"], ["before", "before"]]);
}

#[tokio::test]
async fn each_statement_sees_what_was_committed_before_it_where_that_is_chosen() {
    let Some(answers) = answers_across_a_commit("statement").await else { return };
    assert_eq!(answers, [["before", "after"], ["before", "after"]]);
}

#[tokio::test]
async fn results_of_a_subscription_are_snapshots_where_queries_are_not() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let model = example::registry().model().unwrap();
    let schema = Schema::builder(model).read_consistency(ReadConsistency::Statement).finish().unwrap();
    let watch = sea_orm::Database::connect(&database.url).await.unwrap();
    let connected = crowsfoot::connect(&database.url, 2).await.unwrap();
    // A subscription has one root field.
    let prepared = schema.prepare(Request::new(format!("subscription {}", QUESTIONS[0]))).unwrap();
    let first = async {
        let result = schema.subscribe(prepared, &connected).next().await.unwrap();
        serde_json::from_slice(&result.to_json()).unwrap()
    };
    assert_eq!(ask_across_a_commit(&database, first, &watch).await, ["before", "before"]);
    connected.close().await.unwrap();
    watch.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn no_answer_is_torn_by_commits_under_load() {
    for database in support::databases().await {
        database.seed(1).await;
        let writer = sea_orm::Database::connect(&database.url).await.unwrap();
        rename(&writer, "0").await;
        let folder = Folder::new();
        // Fewer connections than clients.
        let service = Service::start(
            &folder,
            &["--database-url", &database.url, "--pool-size", "2", "--read-consistency", "snapshot"],
        )
        .await;
        let is_over = AtomicBool::new(false);
        let write = async {
            let mut time = 0;
            while !is_over.load(Ordering::Relaxed) {
                time += 1;
                rename(&writer, &time.to_string()).await;
            }
            time
        };
        let read = async {
            let clients = (0..8).map(async |client: usize| {
                for time in 0..100 {
                    let answer = service.ask(QUESTIONS[(client + time) % QUESTIONS.len()]).await;
                    let [author, post] = names(&answer);
                    assert_eq!(author, post);
                }
            });
            join_all(clients).await;
            is_over.store(true, Ordering::Relaxed);
        };
        let (written, ()) = within(async { tokio::join!(write, read) }).await;
        assert!(written > 10, "{written} commits");
        let ended = service.stop().await;
        assert!(!ended.log.contains("ERROR"), "{}", ended.log);
        writer.close().await.unwrap();
        database.drop().await;
    }
}

#[tokio::test]
async fn a_query_of_several_statements_outlives_connections_that_broke_while_idle() {
    let Some(database) = support::postgres().await else { return };
    database.seed(1).await;
    let folder = Folder::new();
    let service =
        Service::start(&folder, &["--database-url", &database.url, "--read-consistency", "snapshot"]).await;
    let other = sea_orm::Database::connect(&database.url).await.unwrap();
    rename(&other, "here").await;
    for time in 0..10 {
        let question = QUESTIONS[time % QUESTIONS.len()];
        assert_eq!(names(&within(service.ask(question)).await), ["here", "here"]);
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        other.execute_unprepared(end).await.unwrap();
        assert_eq!(names(&within(service.ask(question)).await), ["here", "here"]);
    }
    let ended = service.stop().await;
    assert!(!ended.log.contains("ERROR"), "{}", ended.log);
    other.close().await.unwrap();
    database.drop().await;
}
