//! Workload of depth: joins users and their profiles back and forth, two columns per level.

use std::sync::LazyLock;

/// Maximum depth.
const DEPTH: usize = 6;

/// Statement of each depth on PostgreSQL.
pub static POSTGRES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=DEPTH).map(|depth| sql(depth, "$1")).collect());

/// Statement of each depth on SQLite.
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

/// Returns the field name of a level, and that of its text.
pub fn names(level: usize) -> (&'static str, &'static str) {
    if level.is_multiple_of(2) { (",\"profile\":", ",\"bio\":") } else { (",\"user\":", ",\"username\":") }
}
