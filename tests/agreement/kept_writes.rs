//! Statements of mutations that are kept with their document: the values of one request never stand in for those of another.

use crowsfoot::{Schema, StatementRecord};
use serde_json::{Value as Json, json};

use crate::choices::{Choices, fixed};
use crate::support::{TestDatabase, ask, example, postgres};

/// Random value.
type Random = fn(&mut Choices) -> Json;

/// Mutations of one statement, each with variables that a request may give.
const MUTATIONS: [(&str, Random); 9] = [
    (
        "mutation ($name: String!) { createAuthor(input: { name: $name }) { id name } }",
        |choices| json!({ "name": name(choices) }),
    ),
    (
        "mutation ($input: ProfileUpdate!, $id: Int!) { updateProfile(id: $id, input: $input) { id bio birthdate } }",
        |choices| json!({ "id": id(choices), "input": some_of(choices, &[("bio", text), ("birthdate", date)]) }),
    ),
    (
        "mutation ($bio: String, $id: Int!) { updateProfile(id: $id, input: { bio: $bio, birthdate: \"2024-02-29\" }) { bio birthdate } }",
        |choices| {
            let given = some_of(choices, &[("bio", text)]);
            json!({ "id": id(choices), "bio": given["bio"] })
        },
    ),
    (
        "mutation ($input: PostCreate!) { createPost(input: $input) { title author { id name } } }",
        |choices| json!({ "input": { "title": name(choices), "content": name(choices), "author": { "id": id(choices) } } }),
    ),
    (
        "mutation ($input: EmployeeUpdate!, $id: Int!) { updateEmployee(id: $id, input: $input) { id name } }",
        |choices| json!({ "id": id(choices), "input": some_of(choices, &[("name", name), ("manager", link)]) }),
    ),
    (
        "mutation ($name: String!, $bio: String) { createUser(input: { username: $name, profile: { create: { bio: $bio } } }) { username profile { bio birthdate } } }",
        |choices| json!({ "name": name(choices), "bio": text(choices) }),
    ),
    (
        "mutation ($name: String!) { upsertUser(input: { username: $name }, onConflict: USERNAME) { id username } }",
        |choices| json!({ "name": name(choices) }),
    ),
    (
        "mutation ($id: Int!, $courses: [CourseKey!]!) { updateStudent(id: $id, input: { courses: { connect: $courses } }) { id name } }",
        |choices| {
            let courses: Vec<Json> = (0..choices.below(3)).map(|_| json!({ "id": id(choices) })).collect();
            json!({ "id": id(choices), "courses": courses })
        },
    ),
    ("mutation ($id: Int!) { deletePost(id: $id) { id title } }", |choices| json!({ "id": id(choices) })),
];

/// Ids of rows, and one of none.
fn id(choices: &mut Choices) -> Json {
    json!(*choices.pick(&[1, 2, 3, 99_999]))
}

fn name(choices: &mut Choices) -> Json {
    json!(*choices.pick(&["Ada", "ada", "Grace", "it's", "", "$1"]))
}

fn text(choices: &mut Choices) -> Json {
    match choices.below(4) {
        0 => Json::Null,
        _ => name(choices),
    }
}

fn date(choices: &mut Choices) -> Json {
    choices.pick(&[Json::Null, json!("1815-12-10"), json!("2024-02-29")]).clone()
}

fn link(choices: &mut Choices) -> Json {
    match choices.below(3) {
        0 => Json::Null,
        _ => json!({ "id": id(choices) }),
    }
}

/// Returns an object with some of these fields.
fn some_of(choices: &mut Choices, fields: &[(&str, Random)]) -> Json {
    let mut given = json!({});
    for (name, value) in fields {
        if choices.below(3) > 0 {
            given[*name] = value(choices);
        }
    }
    given
}

async fn seeded() -> Option<TestDatabase> {
    let database = postgres().await?;
    database.seed(1).await;
    Some(database)
}

#[tokio::test]
async fn a_kept_statement_writes_the_values_of_its_request() {
    let (Some(one), Some(other)) = (seeded().await, seeded().await) else { return };
    let schema = || Schema::new(example::registry().model().unwrap()).unwrap();
    let (keeping, fresh) = (schema(), schema());
    let texts = |sent: Vec<StatementRecord>| -> Vec<String> {
        sent.iter().map(|statement| statement.sql.to_string()).collect()
    };
    let numbers = fixed(6_000);
    let mut choices = Choices::new(&numbers);
    for number in 0..600 {
        let (document, variables) = choices.pick(&MUTATIONS);
        let variables = variables(&mut choices);
        // Another text is another document, of which nothing is kept.
        let unique = format!("{document} # {number}");
        let (kept, sent) = ask(&keeping, &one, document, variables.clone()).await;
        let (anew, sent_anew) = ask(&fresh, &other, &unique, variables.clone()).await;
        assert_eq!(kept, anew, "{document} {variables}");
        assert_eq!(texts(sent), texts(sent_anew), "{document} {variables}");
    }
    let state = "{ authors { id name } profiles { id bio birthdate } posts { id title content author { id } }
        employees { id name manager { id } } users { id username profile { id } } students { id courses { id } } }";
    assert_eq!(
        ask(&keeping, &one, state, Json::Null).await.0,
        ask(&fresh, &other, state, Json::Null).await.0
    );
    one.drop().await;
    other.drop().await;
}
