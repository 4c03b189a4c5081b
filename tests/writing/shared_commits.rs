//! Mutations on SQLite that wait for each other share one commit.

use std::time::Duration;

use async_graphql::Request;
use crowsfoot::Schema;
use futures_util::future::join_all;
use serde_json::Value as Json;
use tokio::time::timeout;

use crate::support::{self, TestDatabase};
use crate::{make_tables, schema};

/// Number of concurrent mutations.
const MUTATIONS: usize = 60;

async fn database() -> TestDatabase {
    let database = support::sqlite().await;
    make_tables(&database).await;
    // Reads the catalog: a commit is shared only if no key is known to be checked at its end.
    support::ask(&schema(), &database, "{ members { id } }", Json::Null).await;
    database.connection.catalog().await;
    database
}

fn create(number: usize, card: usize) -> String {
    format!(
        "mutation {{ createMember(input: {{
            email: \"{number}\", name: \"Ada\", card: {{ create: {{ number: \"{card}\" }} }}
        }}) {{ email card {{ number }} }} }}"
    )
}

async fn count(schema: &Schema, database: &TestDatabase, members: &str) -> Json {
    let (answer, _) =
        support::ask(schema, database, &format!("{{ {members} {{ count }} }}"), Json::Null).await;
    answer["data"][members.split('(').next().unwrap_or_default()]["count"].clone()
}

/// Returns the number of commits in the write-ahead log: a frame that ends one holds the size of the file, others zero
/// (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>).
fn commits(database: &TestDatabase) -> usize {
    let file = database.url.trim_start_matches("sqlite://").split('?').next().unwrap_or_default();
    let log = std::fs::read(format!("{file}-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salts) = (number(8) as usize, &log[16..24]);
    let frames = (32..log.len()).step_by(24 + page);
    frames.filter(|at| log[at + 8..at + 16] == *salts && number(at + 4) > 0).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_mutations_share_commits_and_a_refused_one_leaves_nothing() {
    let (database, schema) = (database().await, schema());
    let before = commits(&database);
    // Each third takes the card of the first.
    let card = |number: usize| if number % 3 == 2 { 0 } else { number };
    let answers = join_all((0..MUTATIONS).map(async |number| {
        let executed = schema.execute(Request::new(create(number, card(number))), &database.connection).await;
        executed.errors.is_empty()
    }))
    .await;
    let accepted = answers.iter().filter(|accepted| **accepted).count();
    // One mutation gets card 0, whichever comes first.
    assert_eq!(accepted, MUTATIONS - MUTATIONS / 3);
    assert_eq!(count(&schema, &database, "membersAggregate").await, accepted);
    assert_eq!(count(&schema, &database, "membersAggregate(where: { card: {} })").await, accepted);
    let commits = commits(&database) - before;
    assert!((1..accepted).contains(&commits), "{commits} commits of {accepted} mutations");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_leave_hold_up_no_other_mutation() {
    let (database, schema) = (database().await, schema());
    let answers = join_all((0..MUTATIONS).map(async |number| {
        let request = Request::new(create(number, number));
        let executed = schema.execute(request, &database.connection);
        match number % 2 {
            0 => timeout(Duration::from_micros(300 * number as u64), executed).await.ok(),
            _ => Some(executed.await),
        }
    }))
    .await;
    for (number, executed) in answers.iter().enumerate() {
        let errors = executed.iter().flat_map(|executed| &executed.errors).count();
        assert_eq!(errors, 0, "{number}");
        assert!(number % 2 == 0 || executed.is_some());
    }
    let answered = answers.iter().flatten().count();
    let members = count(&schema, &database, "membersAggregate").await.as_u64().unwrap_or_default() as usize;
    assert!((answered..=MUTATIONS).contains(&members), "{members} rows after {answered} answers");
    assert_eq!(count(&schema, &database, "membersAggregate(where: { card: {} })").await, members);
    database.drop().await;
}
