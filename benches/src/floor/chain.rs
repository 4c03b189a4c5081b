//! The workload of depth: from users to their profiles and back, to and fro, two columns a level, all joined.

use std::sync::LazyLock;

/// The deepest.
const DEPTH: usize = 6;

/// The statement of each depth on PostgreSQL.
pub static POSTGRES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=DEPTH).map(|depth| sql(depth, "$1")).collect());

/// The statement of each depth on SQLite.
pub static SQLITE: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=DEPTH).map(|depth| sql(depth, "?1")).collect());

fn sql(depth: usize, limit: &str) -> String {
    let mut columns = String::from("t1.id, t1.username");
    let mut tables = String::from("users t1");
    for level in 2..=depth {
        let above = level - 1;
        let (table, text, on) = if level.is_multiple_of(2) {
            ("profiles", "bio", format!("t{level}.user_id = t{above}.id"))
        } else {
            ("users", "username", format!("t{level}.id = t{above}.user_id"))
        };
        columns += &format!(", t{level}.id, t{level}.{text}");
        tables += &format!(" LEFT JOIN {table} t{level} ON {on}");
    }
    format!("SELECT {columns} FROM {tables} ORDER BY t1.id LIMIT {limit}")
}

/// What a level is called, and its text.
pub fn names(level: usize) -> (&'static str, &'static str) {
    if level.is_multiple_of(2) { (",\"profile\":", ",\"bio\":") } else { (",\"user\":", ",\"username\":") }
}
