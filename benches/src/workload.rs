//! What is measured: a GraphQL query for the service, and the path of the same answer for the floor.

use serde_json::{Value as Json, json};

use crate::dataset;

/// What is asked under one name.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What the command line and the tables call it.
    pub name: &'static str,
    /// Asked in turn, again and again; most workloads have one.
    pub questions: Vec<Question>,
}

/// The same question to both servers.
#[derive(Clone, Debug)]
pub struct Question {
    /// As the service is asked.
    pub query: String,
    /// The query's variables.
    pub variables: Json,
    /// As the floor is asked.
    pub path: String,
    /// How many objects the answer holds: a check that it is not empty by mistake.
    pub objects: usize,
}

/// The names of [`all`].
pub const NAMES: [&str; 9] = ["flat", "o2o", "fk", "fk_fwd", "m2m", "deep", "filter", "point", "by_id"];

/// Those that are compared.
pub fn all() -> Vec<Workload> {
    vec![flat(100), o2o(), fk(50), fk_fwd(), m2m(), deep(), filter(), point(), by_id()]
}

/// A workload of one question without variables.
fn one(name: &'static str, query: impl Into<String>, path: impl Into<String>, objects: usize) -> Workload {
    let question = Question { query: query.into(), variables: Json::Null, path: path.into(), objects };
    Workload { name, questions: vec![question] }
}

/// Rows of one table.
pub fn flat(users: usize) -> Workload {
    one("flat", format!("{{ users(limit: {users}) {{ id username }} }}"), format!("/flat?n={users}"), users)
}

/// The reverse side of a one-to-one: rows with at most one other each.
fn o2o() -> Workload {
    let profiles = (1..=100).filter(|user| dataset::has_profile(*user)).count();
    one(
        "o2o",
        "{ users(limit: 100) { id username profile { id bio birthdate } } }",
        "/o2o?n=100",
        100 + profiles,
    )
}

/// The reverse side of a foreign key: rows with a list each.
pub fn fk(authors: usize) -> Workload {
    one(
        "fk",
        format!("{{ authors(limit: {authors}) {{ id name posts {{ id title }} }} }}"),
        format!("/fk?n={authors}"),
        authors * (1 + dataset::POSTS_EACH),
    )
}

/// The forward side of a foreign key: rows with exactly one other each.
fn fk_fwd() -> Workload {
    one("fk_fwd", "{ posts(limit: 200) { id title author { id name } } }", "/fk_fwd?n=200", 400)
}

/// Many-to-many: rows with a list each, over a junction.
fn m2m() -> Workload {
    one(
        "m2m",
        "{ students(limit: 100) { id name courses { id title } } }",
        "/m2m?n=100",
        100 * (1 + dataset::COURSES_EACH),
    )
}

/// Three levels: a shared key, and a list on it.
fn deep() -> Workload {
    let restaurants = (1..=50).filter(|place| dataset::is_restaurant(*place)).count();
    one(
        "deep",
        "{ places(limit: 50) { id name address \
                restaurant { servesHotDogs servesPizza waiters { id name } } } }",
        "/deep?n=50",
        50 + restaurants * (1 + dataset::WAITERS_EACH),
    )
}

/// Rows chosen by the row that they point at.
fn filter() -> Workload {
    let start = "Silverfox";
    let found = (1..=dataset::PLACES)
        .filter(|place| dataset::is_restaurant(*place) && dataset::place_name(*place).starts_with(start));
    one(
        "filter",
        format!(
            "{{ restaurants(where: {{ place: {{ name: {{ startsWith: \"{start}\" }} }} }}) \
             {{ servesHotDogs servesPizza place {{ id name address }} }} }}"
        ),
        format!("/filter?n={start}"),
        2 * found.count(),
    )
}

/// One row and its one-to-one.
pub fn point() -> Workload {
    one("point", "{ user(id: 5001) { id username profile { id bio birthdate } } }", "/point?n=5001", 2)
}

/// One row and its one-to-one, by a variable: another row in every request, until all were asked for.
fn by_id() -> Workload {
    let query = "query ($id: Int!) { user(id: $id) { id username profile { id bio birthdate } } }";
    let question = |nth| {
        // The stride has no factor in common with the number of users.
        let id = 1 + nth * 7_919 % dataset::USERS;
        Question {
            query: query.into(),
            variables: json!({ "id": id }),
            path: format!("/point?n={id}"),
            objects: 1 + usize::from(dataset::has_profile(id)),
        }
    };
    Workload { name: "by_id", questions: (0..dataset::USERS).map(question).collect() }
}

/// A walk along a one-to-one, to and fro: as many rows on each of its `depth` levels.
pub fn chain(depth: usize) -> Workload {
    let mut selection = String::new();
    for level in (1..=depth).rev() {
        selection = if level == 1 {
            format!("{{ users(limit: 100) {{ id username {selection} }} }}")
        } else if level % 2 == 0 {
            format!("profile {{ id bio {selection} }}")
        } else {
            format!("user {{ id username {selection} }}")
        };
    }
    let profiles = (1..=100).filter(|user| dataset::has_profile(*user)).count();
    one("chain", selection, format!("/chain?n={depth}"), 100 + (depth - 1) * profiles)
}
