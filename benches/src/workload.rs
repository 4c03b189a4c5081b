//! Workloads: a GraphQL query for the service, and the floor's path with the same response.

use serde_json::{Value as Json, json};

use crate::dataset;

/// Named workload.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Name on the command line and in tables.
    pub name: &'static str,
    /// Questions, sent in turn; most workloads have one.
    pub questions: Vec<Question>,
}

/// Same question for both servers.
#[derive(Clone, Debug)]
pub struct Question {
    /// Query for the service.
    pub query: String,
    /// Variables of the query.
    pub variables: Json,
    /// Path for the floor.
    pub path: String,
    /// Number of objects in the response: a check that it is not empty by mistake.
    pub objects: usize,
}

/// Names of [`all`].
pub const NAMES: [&str; 9] = ["flat", "o2o", "fk", "fk_fwd", "m2m", "deep", "filter", "point", "by_id"];

/// Returns the compared workloads.
pub fn all() -> Vec<Workload> {
    vec![flat(100), o2o(), fk(50), fk_fwd(), m2m(), deep(), filter(), point(), by_id()]
}

/// Creates a workload of a single question without variables.
fn one(name: &'static str, query: impl Into<String>, path: impl Into<String>, objects: usize) -> Workload {
    let question = Question { query: query.into(), variables: Json::Null, path: path.into(), objects };
    Workload { name, questions: vec![question] }
}

/// Rows of one table.
pub fn flat(users: usize) -> Workload {
    one("flat", format!("{{ users(limit: {users}) {{ id username }} }}"), format!("/flat?n={users}"), users)
}

/// Reads the reverse side of a one-to-one relation: rows with at most one related row each.
fn o2o() -> Workload {
    let profiles = (1..=100).filter(|user| dataset::has_profile(*user)).count();
    one(
        "o2o",
        "{ users(limit: 100) { id username profile { id bio birthdate } } }",
        "/o2o?n=100",
        100 + profiles,
    )
}

/// Reads the reverse side of a foreign key: rows with a list each.
pub fn fk(authors: usize) -> Workload {
    one(
        "fk",
        format!("{{ authors(limit: {authors}) {{ id name posts {{ id title }} }} }}"),
        format!("/fk?n={authors}"),
        authors * (1 + dataset::POSTS_EACH),
    )
}

/// Reads the forward side of a foreign key: rows with exactly one related row each.
fn fk_fwd() -> Workload {
    one("fk_fwd", "{ posts(limit: 200) { id title author { id name } } }", "/fk_fwd?n=200", 400)
}

/// Reads many-to-many relations: rows with a list each, over a junction.
fn m2m() -> Workload {
    one(
        "m2m",
        "{ students(limit: 100) { id name courses { id title } } }",
        "/m2m?n=100",
        100 * (1 + dataset::COURSES_EACH),
    )
}

/// Reads three levels: a shared key, and a list on it.
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

/// Rows filtered by the row that they reference.
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

/// Reads a single row and its one-to-one row.
pub fn point() -> Workload {
    one("point", "{ user(id: 5001) { id username profile { id bio birthdate } } }", "/point?n=5001", 2)
}

/// Single row and its one-to-one row, by a variable: another row in every request, until all were requested.
fn by_id() -> Workload {
    let query = "query ($id: Int!) { user(id: $id) { id username profile { id bio birthdate } } }";
    let question = |nth| {
        // The stride is coprime to the number of users.
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

/// Reads a chain along a one-to-one relation, back and forth, with the same number of rows on each of its
/// `depth` levels.
/// levels.
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
