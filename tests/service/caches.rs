//! Everything that outlasts a request or is shared by several, with what keeps viewers apart in it.

use std::collections::BTreeMap;

use crate::architecture::sources;

/// Types that keep values. Each of their declarations is listed in [`KEPT`].
const KEEPERS: [&str; 10] = [
    "LruCache<",
    "OnceLock<",
    "OnceCell<",
    "LazyLock<",
    "ThreadLocal<",
    "Mutex<HashMap",
    "Mutex<BTreeMap",
    "Mutex<BTreeSet",
    "thread_local!",
    "DashMap<",
];

/// Declarations that keep values, by file: their number, and why no viewer gets what another one's role or values decided.
/// A new one belongs here with its reason.
const KEPT: &[(&str, usize, &str)] = &[
    ("src/database/handle.rs", 1, "replicas of the database"),
    ("src/database/postgres/connections.rs", 1, "connections; statements carry the viewer's values"),
    ("src/database/postgres/prepared.rs", 2, "by statement text; the viewer's values are parameters"),
    ("src/database/replicas/replica.rs", 1, "connections to a replica"),
    ("src/database/sqlite/file.rs", 1, "connections"),
    ("src/database/sqlite/header.rs", 1, "descriptor of the database file"),
    ("src/database/sqlite/identity.rs", 1, "identity of the database file"),
    ("src/database/transaction.rs", 1, "tables of one transaction"),
    ("src/execute/prepared_plan.rs", 1, "statement texts of a plan, which belongs to a role's schema"),
    ("src/execute/session.rs", 1, "dataloader of one request"),
    ("src/mutate/written.rs", 2, "rows of one operation"),
    ("src/plan/input.rs", 1, "path of one input value"),
    (
        "src/schema/compiled.rs",
        4,
        "documents, verdicts and plans of a role's schema; the viewer's values are parameters",
    ),
    ("src/schema/executed.rs", 1, "text of a result, which all its subscribers may see"),
    (
        "src/schema/impersonation.rs",
        1,
        "databases where policies bind all roles; settings of a viewer are not kept",
    ),
    ("src/schema/introspection.rs", 1, "of a role's schema"),
    ("src/schema/live_runs.rs", 1, "of a role's schema, by the viewer's values that its rules take"),
    ("src/schema/definition.rs", 1, "by role and missing variables"),
    ("src/server/http/documents.rs", 1, "texts by hash; each role validates them"),
    ("src/server/pages/drawings.rs", 1, "drawings of the whole model, for administrators"),
    ("src/server/operations/request_rate.rs", 1, "rates by viewer"),
    ("src/server/sign_in/tokens/jwt/verified.rs", 1, "by hash of the token"),
    ("src/server/sign_in/tokens/webhook.rs", 1, "by hash of the token"),
];

#[test]
fn everything_that_is_kept_separates_viewers() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources("src") {
        let is_declared = |line: &&str| {
            let is_code = !["//", "use ", "pub use "].iter().any(|start| line.starts_with(start));
            is_code && !line.contains("fn ") && KEEPERS.iter().any(|keeper| line.contains(keeper))
        };
        let lines: Vec<String> = text.lines().map(str::trim).filter(is_declared).map(str::to_owned).collect();
        if !lines.is_empty() {
            found.insert(file.display().to_string(), lines);
        }
    }
    let listed = |file: &str| KEPT.iter().find(|(known, ..)| file.ends_with(known));
    let mut faults: Vec<String> = found
        .iter()
        .filter(|(file, lines)| listed(file).is_none_or(|(_, count, _)| *count != lines.len()))
        .map(|(file, lines)| format!("{file}:\n  {}", lines.join("\n  ")))
        .collect();
    let is_found = |known: &str| found.keys().any(|file| file.ends_with(known));
    faults.extend(
        KEPT.iter()
            .filter(|(known, ..)| !is_found(known))
            .map(|(known, ..)| format!("{known}: nothing is kept")),
    );
    assert!(faults.is_empty(), "list with a reason in KEPT:\n{}", faults.join("\n"));
}
