//! Queries and their responses, case by case.
//!
//! A case is a folder here. Its input:
//!
//! - `query.graphql`, and if needed `variables.json` (an object) and `operation.txt` (the operation's name).
//!
//! Its expected results, on the example domain seeded at scale 1:
//!
//! - `response.json`: the response, its fields in order, the same on every database;
//! - `plan.sqlite.txt` and `plan.postgres.txt`: the plan with the text of its statements, one clause a line;
//!   absent for a refused request, or one with a field that cannot be planned;
//! - `statements.txt`: the number of planned statements, and of sent ones. Fewer are sent if a level is empty;
//!   every sent statement must be in the plan.
//!
//! Each folder is a test of its own, with the folder's name: `cargo test --test cases filter-in-lists`. Cases
//! run in parallel over shared databases, which no case changes.
//!
//! A new case is a new folder with a query. This command updates the expected results of all cases, and
//! `schema.graphql`:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test --test cases
//! ```
//!
//! Review the difference as a change of the API: the files define the correct behaviour.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use async_graphql::{Request, Value, Variables};
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::internals::plan::{Load, Plan, SqlBuilder};
use crowsfoot::{Registry, Schema, StatementRecord, TableOptions};
use libtest_mimic::{Arguments, Failed, Trial};
use support::{TestDatabase, layout};
use tokio::runtime::Runtime;

const QUERY: &str = "query.graphql";
const VARIABLES: &str = "variables.json";
const OPERATION: &str = "operation.txt";
const RESPONSE: &str = "response.json";
const STATEMENTS: &str = "statements.txt";
const PLANS: [(&str, Dialect); 2] =
    [("plan.sqlite.txt", Dialect::Sqlite), ("plan.postgres.txt", Dialect::Postgres)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let world = Arc::new(OnceLock::new());
    let cases = Case::all();
    assert!(!cases.is_empty(), "there are no cases");
    let mut trials: Vec<Trial> = cases.into_iter().map(|case| case.trial(&world)).collect();
    trials.push(Trial::test("the_schema_is_the_one_in_the_file", the_schema_is_the_one_in_the_file));
    trials.push(Trial::test("a_tenant_column_changes_no_answer", a_tenant_column_changes_no_answer));
    trials.push(Trial::test("breaks_statements_at_clauses", || {
        layout::breaks_statements_at_clauses();
        Ok(())
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // A failing test leaves the databases for inspection.
    if !conclusion.has_failed()
        && let Some(world) = Arc::into_inner(world).and_then(OnceLock::into_inner)
    {
        world.drop();
    }
    conclusion.exit_code()
}

fn the_schema_is_the_one_in_the_file() -> Result<(), Failed> {
    let mut failures = Vec::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    compare(&file, Some(&schema().sdl()), true, &mut failures);
    report(&failures)
}

/// Asks every case of the tables with a tenant column: its answer is that without the option.
fn a_tenant_column_changes_no_answer() -> Result<(), Failed> {
    Runtime::new().unwrap().block_on(async {
        let mut failures = Vec::new();
        for database in support::databases().await {
            database.seed(1).await;
            let tables = || crowsfoot::describe(&database.connection, &[]);
            for table in tables().await.unwrap().tables {
                let add = "ADD COLUMN tenant_of_row INTEGER NOT NULL DEFAULT 7";
                database.run(&format!("ALTER TABLE {} {add}", table.table)).await;
            }
            let tables = tables().await.unwrap().tables;
            let options = tables.iter().fold(TableOptions::new(), |options, table| {
                options.entity(table.table.to_string(), |entity| entity.hide("tenantOfRow"))
            });
            let without = Registry::from_tables(&tables, &options);
            let with = without.clone().tenant_column("tenant_of_row");
            let [without, with] =
                [without, with].map(|registry| Schema::new(registry.model().unwrap()).unwrap());
            assert_eq!(without.sdl(), with.sdl());
            let (mut answered, mut joined) = (0, 0);
            for case in Case::all() {
                let expected = without.execute(case.request(), &database.connection).await;
                let found = with.execute(case.request(), &database.connection).await;
                if found.to_json() != expected.to_json() {
                    let found = String::from_utf8_lossy(&found.to_json()).into_owned();
                    failures.push(format!("{:?}, {}: {found}", database.dialect, case.folder.display()));
                }
                answered += usize::from(found.errors.is_empty());
                joined +=
                    found.statements.iter().filter(|sent| sent.sql.contains("\"tenant_of_row\"")).count();
            }
            assert!(answered > 60 && joined > 60, "{answered} cases, {joined} statements with the column");
            if failures.is_empty() {
                database.drop().await;
            }
        }
        report(&failures)
    })
}

/// Schema and databases that all cases share.
struct World {
    runtime: Runtime,
    schema: Schema,
    databases: Vec<TestDatabase>,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let databases = runtime.block_on(async {
            let databases = support::databases().await;
            for database in &databases {
                database.seed(1).await;
                // Before the cases run in parallel: while one request reads the catalog, others do without.
                database.connection.catalog().await.unwrap();
            }
            databases
        });
        Self { runtime, schema: schema(), databases }
    }

    fn drop(self) {
        self.runtime.block_on(async {
            for database in self.databases {
                database.drop().await;
            }
        });
    }
}

fn schema() -> Schema {
    Schema::new(support::example::registry().model().unwrap()).unwrap()
}

fn report(failures: &[String]) -> Result<(), Failed> {
    match failures {
        [] => Ok(()),
        _ => Err(failures.join("\n").into()),
    }
}

struct Case {
    folder: PathBuf,
}

impl Case {
    /// Returns every folder beside this file, by name.
    fn all() -> Vec<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        let entries = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.into_iter().map(|folder| Self { folder }).collect()
    }

    /// Returns the test of the case; the first test that runs makes the databases.
    fn trial(self, world: &Arc<OnceLock<World>>) -> Trial {
        let world = world.clone();
        let name = self.folder.file_name().unwrap().to_string_lossy().into_owned();
        Trial::test(name, move || {
            let mut failures = Vec::new();
            let World { runtime, schema, databases } = world.get_or_init(World::new);
            runtime.block_on(self.run(schema, databases, &mut failures));
            report(&failures)
        })
    }

    async fn run(&self, schema: &Schema, databases: &[TestDatabase], failures: &mut Vec<String>) {
        self.refuse_strays(failures);
        let mut plans = PLANS.map(|_| None);
        // For the plan files: all databases have the same catalog before ANALYZE.
        let catalog = databases[0].connection.catalog().await.unwrap();
        for (number, database) in databases.iter().enumerate() {
            // Files are updated from the first database; the others must agree.
            let may_update = number == 0;
            let executed = schema.execute(self.request(), &database.connection).await;
            let plan = schema.plan(&self.request()).ok().filter(|_| !executed.is_request_error());
            let sent = &executed.statements;
            // The second run uses cached documents and plans, the third also cached statements.
            for _ in 0..2 {
                let again = schema.execute(self.request(), &database.connection).await;
                assert_eq!(again.to_json(), executed.to_json(), "{}", self.folder.display());
                assert_eq!(sorted(&again.statements), sorted(sent), "{}", self.folder.display());
            }
            let before = failures.len();

            let answer: Value = serde_json::from_slice(&executed.to_json()).unwrap();
            let answer = serde_json::to_string_pretty(&answer).unwrap() + "\n";
            compare(&self.folder.join(RESPONSE), Some(&answer), may_update, failures);
            let planned = plan.as_ref().map_or("none".to_owned(), |plan| plan.statements().to_string());
            let counts = format!("planned: {planned}\nsent: {}\n", sent.len());
            compare(&self.folder.join(STATEMENTS), Some(&counts), may_update, failures);
            if let Some(plan) = &plan {
                let own = database.connection.catalog().await.unwrap_or_default();
                self.refuse_unplanned(&schema.select(database.dialect, &own), plan, sent, failures);
                plans = PLANS.map(|(_, dialect)| {
                    Some(layout::of_plan(&plan.print(&schema.select(dialect, &catalog))))
                });
            }

            if failures.len() > before {
                failures.push(format!("{:?} was sent:\n{}", database.dialect, texts(sent)));
            }
        }
        for ((file, _), plan) in PLANS.iter().zip(plans) {
            compare(&self.folder.join(file), plan.as_deref(), true, failures);
        }
    }

    fn request(&self) -> Request {
        let request = Request::new(self.read(QUERY).unwrap_or_default());
        let request = match self.read(OPERATION) {
            Some(name) => request.operation_name(name.trim()),
            None => request,
        };
        match self.read(VARIABLES) {
            Some(json) => {
                let json = serde_json::from_str(&json).unwrap_or_else(|error| {
                    panic!("{}: {error}", self.folder.join(VARIABLES).display());
                });
                request.variables(Variables::from_json(json))
            }
            None => request,
        }
    }

    fn read(&self, file: &str) -> Option<String> {
        read(&self.folder.join(file))
    }

    /// Refuses a file whose name has no meaning: it would not be read, but look as if it were.
    fn refuse_strays(&self, failures: &mut Vec<String>) {
        let known = [QUERY, VARIABLES, OPERATION, RESPONSE, STATEMENTS, PLANS[0].0, PLANS[1].0];
        for entry in fs::read_dir(&self.folder).unwrap() {
            let path = entry.unwrap().path();
            if !known.iter().any(|name| path.file_name().is_some_and(|file| file == *name)) {
                failures.push(format!("{}: a case has no such file\n", path.display()));
            }
        }
        if self.read(QUERY).is_none() {
            failures.push(format!("{}: there is no {QUERY}\n", self.folder.display()));
        }
    }

    /// Checks that each statement of the plan is sent at most once, and no other statement.
    fn refuse_unplanned(
        &self,
        select: &SqlBuilder,
        plan: &Plan,
        sent: &[StatementRecord],
        failures: &mut Vec<String>,
    ) {
        let mut planned = Vec::new();
        planned_texts(&plan.loads, select, &mut planned);
        for statement in sent {
            match planned.iter().position(|texts| texts.iter().any(|text| **text == *statement.sql)) {
                Some(index) => drop(planned.swap_remove(index)),
                None => failures.push(format!(
                    "{}: {:?} got a statement that is not in the plan, or once more than it is there:\n{}\n",
                    self.folder.display(),
                    select.dialect,
                    statement.sql
                )),
            }
        }
    }
}

/// Adds the texts of the planned statements, each for several keys of parents and for a single one.
fn planned_texts(loads: &[Load], select: &SqlBuilder, texts: &mut Vec<[String; 2]>) {
    for load in loads {
        if !load.joined {
            let text = |keys: &[Vec<sea_orm::Value>]| select.build(load, keys).sql.to_string();
            // More values than any key has columns.
            texts.push([text(&[]), text(&[vec![sea_orm::Value::Int(None); 8]])]);
        }
        planned_texts(load.children(), select, texts);
    }
}

/// Sorts statements, because siblings are sent concurrently.
fn sorted(statements: &[StatementRecord]) -> Vec<&str> {
    let mut texts: Vec<&str> = statements.iter().map(|statement| &*statement.sql).collect();
    texts.sort_unstable();
    texts
}

fn texts(statements: &[StatementRecord]) -> String {
    statements.iter().fold(String::new(), |mut text, statement| {
        let _ = writeln!(text, "  {} row(s): {}", statement.rows, statement.sql);
        text
    })
}

/// Compares a file with its current content; with `UPDATE_GOLDEN` the file may be updated. `None` means no
/// file.
fn compare(file: &Path, current: Option<&str>, may_update: bool, failures: &mut Vec<String>) {
    let golden = read(file);
    if golden.as_deref() == current {
        return;
    }
    if may_update && std::env::var_os("UPDATE_GOLDEN").is_some() {
        match current {
            Some(text) => fs::write(file, text).unwrap(),
            None => fs::remove_file(file).unwrap(),
        }
        return;
    }
    failures.push(match (golden, current) {
        (Some(golden), Some(current)) => {
            format!("{} differs {}\n", file.display(), first_difference(&golden, current))
        }
        (None, current) => format!("{} is missing; there is now:\n{}", file.display(), current.unwrap_or("")),
        (Some(_), None) => format!("{} is there, but there is nothing to compare it with\n", file.display()),
    });
}

fn first_difference(golden: &str, current: &str) -> String {
    let count = golden.lines().count().max(current.lines().count());
    let line = |text: &str, number: usize| text.lines().nth(number).unwrap_or("(no line)").to_owned();
    let differs = |number: &usize| line(golden, *number) != line(current, *number);
    match (0..count).find(differs) {
        Some(number) => format!(
            "at line {}\n  expected {}\n  is now   {}",
            number + 1,
            line(golden, number),
            line(current, number)
        ),
        None => "in the end of its last line".to_owned(),
    }
}

fn read(file: &Path) -> Option<String> {
    match fs::read_to_string(file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{}: {error}", file.display()),
    }
}
