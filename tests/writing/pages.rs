//! Pages over links: a pair that is linked several times has as many edges.

use crowsfoot::Schema;
use serde_json::{Value as Json, json};

use crate::make_tables;
use crate::support::{self, TestDatabase};

/// Selection of each edge, with the page info.
const PAGE: &str =
    "{ totalCount edges { cursor note node { name } } pageInfo { hasNextPage hasPreviousPage } }";

/// Creates rooms and their links, each with a note: links to different members, and several to the same
/// member.
async fn fill(schema: &Schema, database: &TestDatabase) {
    make_tables(database).await;
    let members = "createMembers(input: [
        { email: \"ann\", name: \"Ann\" } { email: \"bob\", name: \"Bob\" } { email: \"cem\", name: \"Bob\" }
    ]) { id }";
    let rooms = "createRooms(input: [{ name: \"hall\" } { name: \"attic\" } { name: \"cellar\" }]) { id }";
    support::data(schema, database, &format!("mutation {{ {members} {rooms} }}")).await;
    let links = [(2, 1), (1, 1), (1, 1), (3, 1), (1, 2), (2, 1), (2, 2), (1, 1), (2, 2), (2, 2)];
    for (number, (member, room)) in links.into_iter().enumerate() {
        let create = format!(
            "mutation {{ createShift(input: {{ note: \"{number}\", member: {{ id: {member} }}, room: {{ id: {room} }} }}) {{ id }} }}"
        );
        support::data(schema, database, &create).await;
    }
}

fn edges(connection: &Json) -> Vec<Json> {
    connection["edges"].as_array().unwrap().clone()
}

/// Walks the pages of every room from both ends.
async fn walk(
    schema: &Schema,
    database: &TestDatabase,
    room: usize,
    order: &str,
    size: usize,
    forward: bool,
) -> Vec<Json> {
    let mut walked: Vec<Json> = Vec::new();
    loop {
        let (count, from) = if forward { ("first", "after") } else { ("last", "before") };
        let last = if forward { walked.last() } else { walked.first() };
        let from = last.map_or(String::new(), |edge| format!(", {from}: {}", edge["cursor"]));
        // Over all rooms at once, and over a single one.
        let list = format!("membersConnection({order}{count}: {size}{from}) {PAGE}");
        let all = support::data(schema, database, &format!("{{ rooms {{ {list} }} }}")).await;
        let one = support::data(schema, database, &format!("{{ room(id: {room}) {{ {list} }} }}")).await;
        let page = &one["room"]["membersConnection"];
        assert_eq!(all["rooms"][room - 1]["membersConnection"], *page);
        let found = edges(page);
        assert!(found.len() <= size);
        walked = if forward { [walked, found].concat() } else { [found, walked].concat() };
        if page["pageInfo"][if forward { "hasNextPage" } else { "hasPreviousPage" }] == false {
            return walked;
        }
        assert!(walked.len() < 100, "the pages have no end: {walked:#?}");
    }
}

#[tokio::test]
async fn pages_walk_over_every_link_once_where_pairs_repeat() {
    let schema = crate::schema();
    for database in support::databases().await {
        fill(&schema, &database).await;
        for order in ["", "orderBy: [{ name: DESC }], ", "orderBy: [{ name: ASC }, { id: DESC }], "] {
            let all = format!("{{ rooms {{ membersConnection({order}first: 100) {PAGE} }} }}");
            let all = support::data(&schema, &database, &all).await;
            for room in 1..=3 {
                let connection = &all["rooms"][room - 1]["membersConnection"];
                let whole = edges(connection);
                assert_eq!(connection["totalCount"], whole.len());
                for size in 1..=4 {
                    for forward in [true, false] {
                        let walked = walk(&schema, &database, room, order, size, forward).await;
                        assert_eq!(walked, whole, "{order} by {size} on {:?}", database.dialect);
                    }
                }
                // Two cursors select the edges between them.
                for (start, end) in
                    (0..whole.len()).flat_map(|start| (start + 1..whole.len()).map(move |end| (start, end)))
                {
                    let between = format!(
                        "{{ room(id: {room}) {{ membersConnection({order}after: {}, before: {}) {PAGE} }} }}",
                        whole[start]["cursor"], whole[end]["cursor"]
                    );
                    let between = support::data(&schema, &database, &between).await;
                    assert_eq!(edges(&between["room"]["membersConnection"]), whole[start + 1..end]);
                }
                // Slices of the list equal those of the edges.
                let names: Vec<&Json> = whole.iter().map(|edge| &edge["node"]).collect();
                for offset in 0..=whole.len() {
                    let slice =
                        format!("{{ rooms {{ members({order}limit: 2, offset: {offset}) {{ name }} }} }}");
                    let slice = support::data(&schema, &database, &slice).await;
                    let end = whole.len().min(offset + 2);
                    assert_eq!(slice["rooms"][room - 1]["members"], json!(names[offset..end]));
                }
            }
        }
        database.drop().await;
    }
}
