//! Case: its steps, and their expected results.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use async_graphql::{Request, Value, Variables};
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Schema, StatementRecord};
use serde::Serialize;

use crate::support::TestDatabase;

const ANSWERS: &str = "answers.json";

/// Folder with steps.
pub struct Case {
    folder: PathBuf,
}

/// Result of a step.
#[derive(Serialize)]
struct ModelResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    statements: Option<usize>,
    #[serde(flatten)]
    response: Value,
}

impl Case {
    /// Returns every folder in `folder`, by name.
    pub fn all(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.into_iter().map(Self::at).collect()
    }

    /// Returns the case in `folder`.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the numbers of the steps.
    pub fn steps(&self) -> impl Iterator<Item = usize> {
        (1..).take_while(|step| self.read(&format!("{step}.graphql")).is_some())
    }

    /// Sends all steps and compares the results. Files are updated from the database that `may_update`; the
    /// others must agree.
    pub async fn run(
        &self,
        schema: &Schema,
        database: &TestDatabase,
        may_update: bool,
        failures: &mut Vec<String>,
    ) {
        let (answers, sent) = self.answers(schema, database, true).await;
        let before = failures.len();
        compare(&self.folder.join(ANSWERS), &answers, database.dialect, may_update, failures);
        if failures.len() > before {
            failures.push(format!("{:?} was sent:\n{sent}", database.dialect));
        }
    }

    /// Runs the case over other tables, which may need other statements for the same responses.
    pub async fn run_uncounted(&self, schema: &Schema, database: &TestDatabase, failures: &mut Vec<String>) {
        let (answers, sent) = self.answers(schema, database, false).await;
        let mut golden: serde_json::Value =
            serde_json::from_str(&self.read(ANSWERS).unwrap_or_default()).unwrap_or_default();
        for answer in golden.as_array_mut().into_iter().flatten().filter_map(|answer| answer.as_object_mut())
        {
            answer.remove("statements");
        }
        let golden = serde_json::to_string_pretty(&golden).unwrap();
        let answers: serde_json::Value = serde_json::from_str(&answers).unwrap();
        let answers = serde_json::to_string_pretty(&answers).unwrap();
        if golden != answers {
            let file = self.folder.join(ANSWERS);
            let difference = first_difference(&golden, &answers);
            failures.push(format!(
                "{} differs {difference}\n{answers}\n{:?} was sent:\n{sent}",
                file.display(),
                database.dialect
            ));
        }
    }

    async fn answers(&self, schema: &Schema, database: &TestDatabase, counted: bool) -> (String, String) {
        let mut answers = Vec::new();
        let mut sent = String::new();
        for step in self.steps() {
            let executed = schema.execute(self.request(step), &database.connection).await;
            let _ = writeln!(sent, "step {step}\n{}", texts(&executed.statements));
            let is_refused = !executed.errors.is_empty();
            let response = serde_json::from_slice(&executed.to_json()).unwrap();
            let statements = (counted && !is_refused).then_some(executed.statements.len());
            answers.push(ModelResponse { statements, response });
        }
        (serde_json::to_string_pretty(&answers).unwrap() + "\n", sent)
    }

    fn request(&self, step: usize) -> Request {
        let request = Request::new(self.read(&format!("{step}.graphql")).unwrap_or_default());
        match self.read(&format!("{step}.json")) {
            Some(json) => request.variables(Variables::from_json(serde_json::from_str(&json).unwrap())),
            None => request,
        }
    }

    /// Refuses a file whose name has no meaning: it would not be read, but look as if it were.
    pub fn refuse_strays(&self, further: &[&str], failures: &mut Vec<String>) {
        let steps: Vec<usize> = self.steps().collect();
        let is_known = |name: &str| {
            let of_step = |step: &usize| name == format!("{step}.graphql") || name == format!("{step}.json");
            name == ANSWERS || further.contains(&name) || steps.iter().any(of_step)
        };
        for entry in fs::read_dir(&self.folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.file_name().and_then(|name| name.to_str()).is_some_and(is_known) {
                failures.push(format!("{}: a case has no such file\n", path.display()));
            }
        }
        if steps.is_empty() {
            failures.push(format!("{}: there is no step\n", self.folder.display()));
        }
    }

    fn read(&self, file: &str) -> Option<String> {
        read(&self.folder.join(file))
    }
}

/// Fails the test with all failures.
pub fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{} failure(s)\n\n{}", failures.len(), failures.join("\n"));
}

/// Formats statements for failures.
pub fn texts(statements: &[StatementRecord]) -> String {
    statements.iter().fold(String::new(), |mut text, statement| {
        let _ = writeln!(text, "  {} row(s): {}", statement.rows, statement.sql);
        text
    })
}

fn compare(file: &Path, current: &str, dialect: Dialect, may_update: bool, failures: &mut Vec<String>) {
    let written = read(file);
    let golden = written.as_ref().map(|golden| of_dialect(golden, dialect));
    if golden.as_deref() == Some(current) {
        return;
    }
    if may_update && std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, current).unwrap();
        return;
    }
    if let Some(both) = written.and_then(|written| with_counts(&written, current, dialect))
        && std::env::var_os("UPDATE_GOLDEN").is_some()
    {
        fs::write(file, both).unwrap();
        return;
    }
    failures.push(match golden {
        Some(golden) => format!("{} differs {}\n", file.display(), first_difference(&golden, current)),
        None => format!("{} is missing; there is now:\n{current}", file.display()),
    });
}

/// Returns the golden text of a database, if databases differ in the number of statements: `"statements": {
/// "sqlite": 2, "postgres": 3 }`, in one line.
fn of_dialect(golden: &str, dialect: Dialect) -> String {
    let name = match dialect {
        Dialect::Sqlite => "\"sqlite\": ",
        Dialect::Postgres => "\"postgres\": ",
    };
    let line = |line: &str| match line.split_once("\"statements\": {") {
        Some((indent, counts)) => {
            let count = counts.split(name).nth(1).unwrap_or_default();
            let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
            format!("{indent}\"statements\": {digits},\n")
        }
        None => format!("{line}\n"),
    };
    golden.lines().map(line).collect()
}

/// Returns the golden text with the counts of this database beside those of SQLite, if only counts differ.
fn with_counts(written: &str, current: &str, dialect: Dialect) -> Option<String> {
    if dialect == Dialect::Sqlite || written.lines().count() != current.lines().count() {
        return None;
    }
    let sqlite = of_dialect(written, Dialect::Sqlite);
    let line = |(sqlite, current): (&str, &str)| match (sqlite.split_once(": "), current.split_once(": ")) {
        _ if sqlite == current => Some(format!("{sqlite}\n")),
        (Some((name, one)), Some((same, other))) if name == same && name.trim() == "\"statements\"" => {
            let (one, other) = (one.trim_end_matches(','), other.trim_end_matches(','));
            Some(format!("{name}: {{ \"sqlite\": {one}, \"postgres\": {other} }},\n"))
        }
        _ => None,
    };
    sqlite.lines().zip(current.lines()).map(line).collect()
}

fn first_difference(golden: &str, current: &str) -> String {
    let count = golden.lines().count().max(current.lines().count());
    let line = |text: &str, number: usize| text.lines().nth(number).unwrap_or("(no line)").to_owned();
    match (0..count).find(|number| line(golden, *number) != line(current, *number)) {
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
