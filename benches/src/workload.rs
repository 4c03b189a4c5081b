//! What is measured: a GraphQL query for the service, and the path of the same answer for the floor.

use crate::dataset;

/// The same question to both servers.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What the command line and the tables call it.
    pub name: &'static str,
    /// The question as the service is asked.
    pub query: String,
    /// The question as the floor is asked.
    pub path: String,
    /// How many objects the answer holds: a check that it is not empty by mistake.
    pub objects: usize,
}

/// The names of [`all`].
pub const NAMES: [&str; 8] = ["flat", "o2o", "fk", "fk_fwd", "m2m", "deep", "filter", "point"];

/// Those that are compared.
pub fn all() -> Vec<Workload> {
    vec![flat(100), o2o(), fk(50), fk_fwd(), m2m(), deep(), filter(), point()]
}

/// Rows of one table.
pub fn flat(users: usize) -> Workload {
    Workload {
        name: "flat",
        query: format!("{{ users(limit: {users}) {{ id username }} }}"),
        path: format!("/flat?n={users}"),
        objects: users,
    }
}

/// The reverse side of a one-to-one: rows with at most one other each.
fn o2o() -> Workload {
    let profiles = (1..=100).filter(|user| dataset::has_profile(*user)).count();
    Workload {
        name: "o2o",
        query: "{ users(limit: 100) { id username profile { id bio birthdate } } }".into(),
        path: "/o2o?n=100".into(),
        objects: 100 + profiles,
    }
}

/// The reverse side of a foreign key: rows with a list each.
pub fn fk(authors: usize) -> Workload {
    Workload {
        name: "fk",
        query: format!("{{ authors(limit: {authors}) {{ id name posts {{ id title }} }} }}"),
        path: format!("/fk?n={authors}"),
        objects: authors * (1 + dataset::POSTS_EACH),
    }
}

/// The forward side of a foreign key: rows with exactly one other each.
fn fk_fwd() -> Workload {
    Workload {
        name: "fk_fwd",
        query: "{ posts(limit: 200) { id title author { id name } } }".into(),
        path: "/fk_fwd?n=200".into(),
        objects: 400,
    }
}

/// Many-to-many: rows with a list each, over a junction.
fn m2m() -> Workload {
    Workload {
        name: "m2m",
        query: "{ students(limit: 100) { id name courses { id title } } }".into(),
        path: "/m2m?n=100".into(),
        objects: 100 * (1 + dataset::COURSES_EACH),
    }
}

/// Three levels: a shared key, and a list on it.
fn deep() -> Workload {
    let restaurants = (1..=50).filter(|place| dataset::is_restaurant(*place)).count();
    Workload {
        name: "deep",
        query: "{ places(limit: 50) { id name address \
                restaurant { servesHotDogs servesPizza waiters { id name } } } }"
            .into(),
        path: "/deep?n=50".into(),
        objects: 50 + restaurants * (1 + dataset::WAITERS_EACH),
    }
}

/// Rows chosen by the row that they point at.
fn filter() -> Workload {
    let start = "Silverfox";
    let found = (1..=dataset::PLACES)
        .filter(|place| dataset::is_restaurant(*place) && dataset::place_name(*place).starts_with(start));
    Workload {
        name: "filter",
        query: format!(
            "{{ restaurants(where: {{ place: {{ name: {{ startsWith: \"{start}\" }} }} }}) \
             {{ servesHotDogs servesPizza place {{ id name address }} }} }}"
        ),
        path: format!("/filter?n={start}"),
        objects: 2 * found.count(),
    }
}

/// One row and its one-to-one.
pub fn point() -> Workload {
    Workload {
        name: "point",
        query: "{ user(id: 5001) { id username profile { id bio birthdate } } }".into(),
        path: "/point?n=5001".into(),
        objects: 2,
    }
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
    Workload {
        name: "chain",
        query: selection,
        path: format!("/chain?n={depth}"),
        objects: 100 + (depth - 1) * profiles,
    }
}
