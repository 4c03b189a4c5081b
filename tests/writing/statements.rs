//! The number of statements of a change depends on its shape, never on the number of its rows.

use async_graphql::{Request, Variables};
use serde_json::{Value as Json, json};

use crate::support::{self, TestDatabase};
use crate::{case, make_tables};

/// Change of any number of rows.
struct Change {
    name: &'static str,
    /// Creates its prerequisites, for a number of rows.
    before: fn(usize) -> Vec<String>,
    query: &'static str,
    variables: fn(usize) -> Json,
    /// Expected final state: a query, and its count.
    counted: (&'static str, usize),
}

const CHANGES: &[Change] = &[
    Change {
        name: "rows alone",
        before: |_| Vec::new(),
        query: "mutation ($input: [MemberCreate!]!) { createMembers(input: $input) { id name } }",
        variables: |count| json!({ "input": rows(count, |row| member(row, json!({}))) }),
        counted: ("{ membersAggregate { count } }", 1),
    },
    Change {
        name: "rows with a one-to-one inside each",
        before: |_| Vec::new(),
        query: "mutation ($input: [MemberCreate!]!) { createMembers(input: $input) { id card { number } } }",
        variables: |count| {
            let card = |row| json!({ "card": { "create": { "number": format!("card {row}") } } });
            json!({ "input": rows(count, |row| member(row, card(row))) })
        },
        counted: ("{ membersAggregate(where: { card: {} }) { count } }", 1),
    },
    Change {
        name: "rows with their target inside each",
        before: |_| Vec::new(),
        query: "mutation ($input: [CardCreate!]!) { createCards(input: $input) { id member { name } } }",
        variables: |count| {
            let card = |row: usize| {
                json!({ "number": format!("card {row}"), "member": { "create": member(row, json!({})) } })
            };
            json!({ "input": rows(count, card) })
        },
        counted: ("{ membersAggregate(where: { card: {} }) { count } }", 1),
    },
    Change {
        name: "rows with a shared key and lists below it",
        before: |_| Vec::new(),
        query: "mutation ($input: [MemberCreate!]!) {
            createMembers(input: $input) { captain { trophies { name } songs { title } } }
        }",
        variables: |count| {
            let captain = |row: usize| {
                json!({ "captain": { "create": {
                    "trophies": { "create": [{ "name": "cup" }, { "name": "bowl" }] },
                    "songs": { "create": [{ "title": format!("song {row}") }] },
                } } })
            };
            json!({ "input": rows(count, |row| member(row, captain(row))) })
        },
        counted: ("{ trophiesAggregate { count } }", 2),
    },
    Change {
        name: "links by a key that is not the primary one",
        before: |count| vec![members(count)],
        query: "mutation ($input: [CardCreate!]!) { createCards(input: $input) { id member { name } } }",
        variables: |count| {
            let card = |row| json!({ "number": format!("card {row}"), "member": { "email": email(row) } });
            json!({ "input": rows(count, card) })
        },
        counted: ("{ membersAggregate(where: { card: {} }) { count } }", 1),
    },
    Change {
        name: "many in one list",
        before: |_| vec![members(1)],
        query: "mutation ($articles: [ArticleCreateWithoutAuthor!]!) {
            updateMember(id: 1, input: { articles: { create: $articles } }) { articles { title } }
        }",
        variables: |count| json!({ "articles": rows(count, |row| json!({ "title": format!("article {row}") })) }),
        counted: ("{ articlesAggregate { count } }", 1),
    },
    Change {
        name: "many into one list",
        before: |count| vec![members(count)],
        query: "mutation ($keys: [MemberKey!]!) {
            updateMember(id: 1, input: { pupils: { connect: $keys } }) { pupils { name } }
        }",
        variables: |count| json!({ "keys": rows(count, |row| json!({ "id": row + 1 })) }),
        counted: ("{ membersAggregate(where: { mentor: {} }) { count } }", 1),
    },
    Change {
        name: "many out of one list",
        before: |count| {
            let keys: Vec<String> = (1..=count).map(|id| format!("{{ id: {id} }}")).collect();
            let connect = keys.join(" ");
            vec![
                members(count),
                format!("mutation {{ updateMember(id: 1, input: {{ pupils: {{ connect: [{connect}] }} }}) {{ id }} }}"),
            ]
        },
        query: "mutation ($keys: [MemberKey!]!) {
            updateMember(id: 1, input: { pupils: { disconnect: $keys } }) { pupils { name } }
        }",
        variables: |count| json!({ "keys": rows(count, |row| json!({ "id": row + 1 })) }),
        counted: ("{ membersAggregate(where: { mentor: {} }) { count } }", 0),
    },
    Change {
        name: "a list set",
        before: |count| vec![members(count)],
        query: "mutation ($keys: [MemberKey!]!) {
            updateMember(id: 1, input: { pupils: { set: $keys } }) { pupils { name } }
        }",
        variables: |count| json!({ "keys": rows(count, |row| json!({ "email": email(row) })) }),
        counted: ("{ membersAggregate(where: { mentor: {} }) { count } }", 1),
    },
    Change {
        name: "links set",
        before: |count| vec![members(count)],
        query: "mutation ($keys: [MemberKey!]!) {
            createSkill(input: { name: \"rowing\" }) { id }
            updateSkill(id: 1, input: { members: { set: $keys } }) { members { name } }
        }",
        variables: |count| json!({ "keys": rows(count, |row| json!({ "email": email(row) })) }),
        counted: ("{ membersAggregate(where: { skills: { some: {} } }) { count } }", 1),
    },
    Change {
        name: "all rows changed",
        before: |count| vec![members(count)],
        query: "mutation { updateMembers(where: {}, all: true, input: { nick: \"N\" }) { affected nodes { nick } } }",
        variables: |_| json!({}),
        counted: ("{ membersAggregate(where: { nick: { eq: \"N\" } }) { count } }", 1),
    },
    Change {
        name: "all rows changed, with a list below each",
        before: |count| vec![members(count)],
        query: "mutation {
            createSkill(input: { name: \"rowing\" }) { id }
            updateMembers(where: {}, all: true, input: { skills: { connect: { id: 1 } }, visits: { create: { day: \"D\" } } }) {
                affected
            }
        }",
        variables: |_| json!({}),
        counted: ("{ membersAggregate(where: { skills: { some: {} }, visits: { some: {} } }) { count } }", 1),
    },
    Change {
        name: "the single row below each unlinked",
        before: |count| vec![members_with_lockers(count)],
        query: "mutation { updateMembers(where: {}, all: true, input: { locker: { disconnect: true } }) { affected } }",
        variables: |_| json!({}),
        counted: ("{ lockersAggregate(where: { not: { member: {} } }) { count } }", 1),
    },
    Change {
        name: "the single row below each deleted",
        before: |count| vec![members_with_lockers(count)],
        query: "mutation { updateMembers(where: {}, all: true, input: { locker: { delete: true } }) { affected } }",
        variables: |_| json!({}),
        counted: ("{ membersAggregate(where: { not: { locker: {} } }) { count } }", 1),
    },
    Change {
        name: "the single row below each changed",
        before: |count| vec![members_with_lockers(count)],
        query: "mutation {
            updateMembers(where: {}, all: true, input: { locker: { update: { floor: 9 } } }) { affected }
        }",
        variables: |_| json!({}),
        counted: ("{ lockersAggregate(where: { floor: { eq: 9 } }) { count } }", 1),
    },
    Change {
        name: "the single row below each changed, or created",
        before: |count| {
            let unlinked = "mutation { updateMember(id: 2, input: { locker: { delete: true } }) { id } }";
            vec![members_with_lockers(count), unlinked.to_owned()]
        },
        query: "mutation {
            updateMembers(where: {}, all: true, input: {
                locker: { upsert: { create: { floor: 9 }, update: { floor: 9 } } }
            }) { affected }
        }",
        variables: |_| json!({}),
        counted: ("{ membersAggregate(where: { locker: { floor: { eq: 9 } } }) { count } }", 1),
    },
    Change {
        name: "the list below each set",
        before: |count| vec![members(count), edited_articles(count)],
        query: "mutation { updateMembers(where: {}, all: true, input: { editedArticles: { set: [] } }) { affected } }",
        variables: |_| json!({}),
        counted: ("{ articlesAggregate(where: { not: { editor: {} } }) { count } }", 1),
    },
    Change {
        name: "links below each set and removed",
        before: |count| {
            vec![
                members(count),
                "mutation { createSkills(input: [{ name: \"rowing\" }, { name: \"sewing\" }]) { id } }".to_owned(),
                "mutation { updateMembers(where: {}, all: true, input: { skills: { connect: { id: 2 } } }) { affected } }"
                    .to_owned(),
            ]
        },
        query: "mutation {
            updateMembers(where: {}, all: true, input: { skills: { disconnect: { id: 2 }, set: { id: 1 } } }) { affected }
        }",
        variables: |_| json!({}),
        counted: ("{ membersAggregate(where: { skills: { some: { id: { eq: 1 } }, none: { id: { eq: 2 } } } }) { count } }", 1),
    },
    Change {
        name: "rows of a list, with another list below each",
        before: pupils_with_articles,
        query: "mutation ($rows: [MemberUpdatePupilsRow!]!) {
            updateMember(id: 1, input: { pupils: { update: $rows } }) { name }
        }",
        variables: |count| {
            let row = |row: usize| {
                let list = if row.is_multiple_of(2) { "disconnect" } else { "delete" };
                json!({
                    "where": { "id": row + 1 },
                    "input": { "nick": "N", "editedArticles": { list: { "id": row + 1 } } },
                })
            };
            json!({ "rows": rows(count, row) })
        },
        counted: ("{ membersAggregate(where: { nick: { eq: \"N\" }, editedArticles: { none: {} } }) { count } }", 1),
    },
    Change {
        name: "all rows deleted",
        before: |count| vec![members(count)],
        query: "mutation { deleteMembers(where: {}, all: true) { affected cascaded { entity count } } }",
        variables: |_| json!({}),
        counted: ("{ membersAggregate { count } }", 0),
    },
];

#[tokio::test]
async fn a_thousand_rows_take_as_many_statements_as_two() {
    const FEW: usize = 2;
    const MANY: usize = 1_000;
    let schema = crate::schema();
    for database in support::databases().await {
        make_tables(&database).await;
        for change in CHANGES {
            let mut sent = Vec::new();
            for count in [FEW, MANY] {
                crate::empty_tables(&database).await;
                for query in (change.before)(count) {
                    support::data(&schema, &database, &query).await;
                }
                let executed = schema
                    .execute(
                        Request::new(change.query).variables(Variables::from_json((change.variables)(count))),
                        &database.connection,
                    )
                    .await;
                assert!(executed.errors.is_empty(), "{}: {:?}", change.name, executed.errors);
                let (query, each) = change.counted;
                assert_eq!(counted(&schema, &database, query).await, each * count, "{}", change.name);
                sent.push(executed.statements);
            }
            assert_eq!(
                sent[0].len(),
                sent[1].len(),
                "{} on {:?}: {FEW} rows\n{}{MANY} rows\n{}",
                change.name,
                database.dialect,
                case::texts(&sent[0]),
                case::texts(&sent[1])
            );
        }
        database.drop().await;
    }
}

async fn counted(schema: &crowsfoot::Schema, database: &TestDatabase, query: &str) -> usize {
    let data = support::data(schema, database, query).await;
    let aggregate = data.as_object().unwrap().values().next().unwrap();
    aggregate["count"].as_u64().unwrap() as usize
}

fn rows(count: usize, row: impl Fn(usize) -> Json) -> Vec<Json> {
    (0..count).map(row).collect()
}

fn email(row: usize) -> String {
    format!("member {row}")
}

/// Returns the input of a member, with further fields beside its required columns.
fn member(row: usize, more: Json) -> Json {
    let mut member = json!({ "email": email(row), "name": format!("Member {row}") });
    for (field, value) in more.as_object().unwrap() {
        member[field] = value.clone();
    }
    member
}

fn members(count: usize) -> String {
    let inputs: Vec<String> =
        (0..count).map(|row| format!("{{ email: {:?}, name: \"Member\" }}", email(row))).collect();
    format!("mutation {{ createMembers(input: [{}]) {{ id }} }}", inputs.join(" "))
}

fn members_with_lockers(count: usize) -> String {
    let input = |row| {
        let email = email(row);
        format!("{{ email: {email:?}, name: \"Member\", locker: {{ create: {{ floor: 1 }} }} }}")
    };
    let inputs: Vec<String> = (0..count).map(input).collect();
    format!("mutation {{ createMembers(input: [{}]) {{ id }} }}", inputs.join(" "))
}

/// Creates an article for each member, who edits it.
fn edited_articles(count: usize) -> String {
    let input = |id| format!("{{ title: \"Article\", author: {{ id: 1 }}, editor: {{ id: {id} }} }}");
    let inputs: Vec<String> = (1..=count).map(input).collect();
    format!("mutation {{ createArticles(input: [{}]) {{ id }} }}", inputs.join(" "))
}

fn pupils_with_articles(count: usize) -> Vec<String> {
    let keys: Vec<String> = (1..=count).map(|id| format!("{{ id: {id} }}")).collect();
    let connect = keys.join(" ");
    vec![
        members(count),
        edited_articles(count),
        format!(
            "mutation {{ updateMember(id: 1, input: {{ pupils: {{ connect: [{connect}] }} }}) {{ id }} }}"
        ),
    ]
}
