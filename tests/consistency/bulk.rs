//! Bulk updates and deletions by a filter: the filter holds at the moment of the write.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::choices::{self, Choices};
use crate::client::{Client, WAITING, code};
use crate::concurrency::ask_all;
use crate::process::{until, within};
use crate::support;

/// Creates authors without posts, numbered from one.
async fn authors(client: &Client, count: usize) {
    let inputs = vec!["{ name: \"free\" }"; count].join(", ");
    client.data(&format!("mutation {{ createAuthors(input: [{inputs}]) {{ id }} }}")).await;
}

/// Returns the number of responses whose operation changed a row.
fn winners(answers: &[Json], field: &str) -> usize {
    answers.iter().filter(|answer| answer["data"][field]["affected"] == 1).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_many_clients_claim_by_its_state_is_one_clients() {
    const CLIENTS: usize = 16;
    for database in support::databases().await {
        let client = Client::new(&database, CLIENTS as u32).await;
        authors(&client, 25).await;
        for author in 1..=25 {
            let claim = |number: usize| {
                format!(
                    "mutation {{ updateAuthors(
                        where: {{ id: {{ eq: {author} }}, name: {{ eq: \"free\" }} }}, input: {{ name: \"mine {number}\" }}
                    ) {{ affected nodes {{ name }} }} }}"
                )
            };
            let answers = ask_all(&client, (0..CLIENTS).map(claim).collect()).await;
            answers.iter().for_each(|answer| assert_eq!(code(answer), None, "{answer:#}"));
            assert_eq!(winners(&answers, "updateAuthors"), 1, "{answers:#?}");
            let winner = answers.iter().position(|answer| answer["data"]["updateAuthors"]["affected"] == 1);
            let author = client.data(&format!("{{ author(id: {author}) {{ name }} }}")).await;
            assert_eq!(author["author"]["name"], format!("mine {}", winner.unwrap()));
        }
        client.close().await;
        database.drop().await;
    }
}

/// The filter is about rows of another table, which PostgreSQL reads in their state before the lock wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_claimed_by_many_clients_through_related_rows_goes_to_one() {
    const CLIENTS: usize = 16;
    for database in support::databases().await {
        let client = Client::new(&database, CLIENTS as u32).await;
        authors(&client, 25).await;
        for author in 1..=25 {
            let claim = |number: usize| {
                format!(
                    "mutation {{ updateAuthors(
                        where: {{ id: {{ eq: {author} }}, posts: {{ none: {{}} }} }},
                        input: {{ posts: {{ create: {{ title: \"{number}\", content: \"\" }} }} }}
                    ) {{ affected }} }}"
                )
            };
            let answers = ask_all(&client, (0..CLIENTS).map(claim).collect()).await;
            answers.iter().for_each(|answer| assert_eq!(code(answer), None, "{answer:#}"));
            assert_eq!(winners(&answers, "updateAuthors"), 1, "{answers:#?}");
            assert_eq!(client.number("SELECT count(*) FROM posts").await, author);
        }
        client.close().await;
        database.drop().await;
    }
}

/// Another session has changed the row, and commits only after the operation meets it.
#[tokio::test(flavor = "multi_thread")]
async fn skips_a_row_that_no_longer_matches_after_the_lock_wait() {
    // SQLite's writers wait for each other before their first statement.
    let Some(database) = support::postgres().await else { return };
    let client = Client::new(&database, 2).await;
    authors(&client, 1).await;
    for (operation, expected) in [
        (
            "mutation { deleteAuthors(where: { name: { eq: \"free\" } }) { affected } }",
            json!({ "deleteAuthors": { "affected": 0 } }),
        ),
        (
            "mutation { updateAuthors(where: { name: { eq: \"free\" } }, input: { name: \"mine\" }) { affected } }",
            json!({ "updateAuthors": { "affected": 0 } }),
        ),
        ("mutation { deleteAuthor(id: 1) { name } }", json!({ "deleteAuthor": { "name": "taken" } })),
    ] {
        let other = database.connection.begin().await.unwrap();
        other.execute_unprepared("UPDATE authors SET name = 'taken'").await.unwrap();
        let asked = tokio::spawn({
            let client = client.clone();
            async move { client.data(operation).await }
        });
        until(async || client.number(WAITING).await > 0).await;
        other.commit().await.unwrap();
        assert_eq!(within(asked).await.unwrap(), expected, "{operation}");
        database.run("UPDATE authors SET name = 'free'").await;
    }
    client.close().await;
    database.drop().await;
}

/// Update of the authors whose names begin with certain letters.
struct Rename {
    letters: Vec<char>,
    /// True for all other letters.
    is_negated: bool,
    name: String,
}

impl Rename {
    fn random(choices: &mut Choices, number: usize) -> Self {
        let letters: Vec<char> = ('a'..='e').filter(|_| choices.once_in(2)).collect();
        let name = format!("{}{number}", choices.pick(&['a', 'b', 'c', 'd', 'e']));
        Self { letters, is_negated: choices.once_in(3), name }
    }

    fn mutation(&self) -> String {
        let begins: Vec<String> =
            self.letters.iter().map(|letter| format!("{{ name: {{ startsWith: \"{letter}\" }} }}")).collect();
        let filter = format!("{{ or: [{}] }}", begins.join(" "));
        let filter = if self.is_negated { format!("{{ not: {filter} }}") } else { filter };
        format!(
            "mutation {{ updateAuthors(where: {filter}, all: true, input: {{ name: {:?} }}) {{ nodes {{ id }} }} }}",
            self.name
        )
    }

    /// Evaluates the same condition in memory.
    fn takes(&self, name: &str) -> bool {
        self.letters.iter().any(|letter| name.starts_with(*letter)) != self.is_negated
    }
}

/// Returns true if some order of the changes explains the result, each with its condition satisfied at its
/// turn.
fn is_explained(name: &str, left: &[&Rename], end: &str) -> bool {
    if left.is_empty() {
        return name == end;
    }
    (0..left.len()).any(|next| {
        let rest: Vec<&Rename> =
            left.iter().enumerate().filter(|(place, _)| *place != next).map(|(_, one)| *one).collect();
        left[next].takes(name) && is_explained(&left[next].name, &rest, end)
    })
}

async fn names(client: &Client) -> BTreeMap<i64, String> {
    let authors = client.data("{ authors { id name } }").await;
    let author = |row: &Json| (row["id"].as_i64().unwrap(), row["name"].as_str().unwrap().to_owned());
    authors["authors"].as_array().unwrap().iter().map(author).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bulk_changes_at_once_each_found_rows_that_their_filter_holds_for() {
    for database in support::databases().await {
        let client = Client::new(&database, 6).await;
        authors(&client, 3).await;
        let numbers = choices::fixed(4_000);
        let mut choices = Choices::new(&numbers);
        let mut changed = 0;
        for round in 0..40 {
            let before = names(&client).await;
            let renames: Vec<Rename> =
                (0..6).map(|number| Rename::random(&mut choices, round * 6 + number)).collect();
            let answers = ask_all(&client, renames.iter().map(Rename::mutation).collect()).await;
            let after = names(&client).await;
            for (author, name) in &before {
                let has_changed = |(_, answer): &(&Rename, &Json)| {
                    assert_eq!(code(answer), None, "{answer:#}");
                    let nodes = answer["data"]["updateAuthors"]["nodes"].as_array().unwrap();
                    nodes.iter().any(|node| node["id"] == *author)
                };
                let changes: Vec<&Rename> =
                    renames.iter().zip(&answers).filter(has_changed).map(|(rename, _)| rename).collect();
                changed += changes.len();
                assert!(
                    is_explained(name, &changes, &after[author]),
                    "{name} became {} by {:?}",
                    after[author],
                    changes.iter().map(|change| change.mutation()).collect::<Vec<_>>()
                );
            }
        }
        assert!(changed > 100, "{changed} rows were changed");
        client.close().await;
        database.drop().await;
    }
}
