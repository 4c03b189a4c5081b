//! The guide: every request is sent and has the answer of its page, every command runs or is named below, and tables that
//! repeat the program are those of the program. Documentation tests run its Rust (`src/lib.rs`).
//!
//! A page is read from top to bottom, against a fresh service in a folder of its own:
//!
//! | block | action |
//! | --- | --- |
//! | `sql` | Runs in the database `app.db` |
//! | `toml` | Is appended to `crowsfoot.toml` |
//! | `sh` | Runs, with the output of the following `text`, if any; `crowsfoot serve …` starts the service of the page |
//! | `http` | Headers of the requests below |
//! | `graphql` | Is sent, with the variables of a following `json variables`; its answer is the following `json` |
//! | `sql statements` | The statements that this request has sent |
//! | `json event` | The next result of the last subscription |
//! | `rust example` | Lines of `examples/rust-clients` |
//! | `rust`, `ts`, `python`, `json config`, `toml config` | Compiled or run by other tests |
//! | `text drawing` | Nothing |
//!
//! Without `crowsfoot serve`, the page's tables are served if it has any, and the example otherwise. An intended change of the
//! answers:
//!
//! ```sh
//! UPDATE_GOLDEN=1 cargo test --workspace --test service guide
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sea_orm::{ConnectionTrait, Iterable};
use serde_json::{Value as Json, json};
use tokio::process::Command;

use crate::events::Events;
use crate::page::{Block, blocks, layout};
use crate::process::{Folder, PROGRAM, Service, remove_settings, run, within};
use crate::support;

/// Address that the commands of the guide have.
const ADDRESS: &str = "127.0.0.1:8000";

/// Files of the clients in Rust, which a test of their own runs.
const RUST_CLIENTS: [&str; 4] = [
    include_str!("../../examples/rust-clients/build.rs"),
    include_str!("../../examples/rust-clients/src/lib.rs"),
    include_str!("../../examples/rust-clients/src/with_cynic.rs"),
    include_str!("../../examples/rust-clients/src/with_graphql_client.rs"),
];

/// Beginnings of commands that do not run here, with the reason.
const ELSEWHERE: [(&str, &str); 16] = [
    ("cargo install --path cli", "takes minutes; CI builds the same program"),
    ("docker ", "needs a daemon, and minutes"),
    ("cargo deb", "needs cargo-deb"),
    ("cargo run --release -p benches", "measures for minutes"),
    ("npm install", "the tests of clients have the packages"),
    ("npx gql.tada", "runs in tests/clients/guide.test.mjs"),
    ("pip install ", "the tests of clients and of Django have the packages"),
    ("ariadne-codegen", "runs in tests/clients/python"),
    ("sgqlc-codegen", "as above"),
    ("python -m sgqlc", "as above"),
    ("python manage.py ", "runs in the tests of integrations/django, with the following"),
    ("DJANGO_SUPERUSER_PASSWORD", "as above"),
    ("cd examples/django", "as above"),
    (
        "crowsfoot serve --from-database --options crowsfoot.toml --database-url sqlite://db.sqlite3",
        "as above",
    ),
    (
        "crowsfoot serve --from-database --options crowsfoot.toml --database-url postgres://user@host/name",
        "as above",
    ),
    (
        "crowsfoot generate --database-url postgres://user@host/name",
        "needs such a database; the tests of generate run it",
    ),
];

/// Commands that refuse to serve, which end by themselves.
const REFUSED: [&str; 7] = [
    "crowsfoot serve --mode production",
    "crowsfoot serve --max-row 5",
    "crowsfoot serve --drain-time 4000",
    "crowsfoot serve --pool-size 0",
    "crowsfoot serve --replica-url postgres://b/name",
    "crowsfoot serve --database-url postgres://user@host/name --redis-url http://127.0.0.1:6379",
    "crowsfoot serve --database-url mysql://user@host/name",
];

macro_rules! pages {
    ($($test:ident $path:literal)*) => {
        $(#[tokio::test] async fn $test() { follow($path).await; })*
        const PAGES: &[&str] = &[$($path),*];
    };
}

pages! {
    first_look "first-look"
    relationships "relationships"
    one_to_one "relationships/one-to-one"
    foreign_key "relationships/foreign-key"
    many_to_many "relationships/many-to-many"
    of_itself "relationships/self"
    composite_key "relationships/composite-key"
    shared_key "relationships/shared-key"
    filters "filters"
    order_and_pages "pages"
    aggregates "aggregates"
    writing "writing"
    errors "errors"
    live "live"
    clients "clients"
    apollo "clients/apollo"
    apollo_3 "clients/apollo-3"
    relay "clients/relay"
    urql "clients/urql"
    graphql_request "clients/graphql-request"
    gql_tada "clients/gql-tada"
    rust "clients/rust"
    python "clients/python"
    swift_and_kotlin "clients/swift-kotlin"
    database "database"
    django "django"
    entities "entities"
    policies "policies"
    operation "operation"
    settings "settings"
    sqlite "sqlite"
    postgresql_url "postgresql-url"
    machines "machines"
    processes "machines/processes"
    replicas_and_fail_over "machines/replicas"
    poolers "machines/poolers"
    tenants "machines/tenants"
    systems "machines/systems"
    durability "durability"
    speed "speed"
    versions "versions"
    postgraphile "moving/postgraphile"
    hasura "moving/hasura"
    strawberry_django "moving/strawberry-django"
    seaography "moving/seaography"
}

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/src")
}

#[test]
fn every_page_is_followed() {
    let summary = std::fs::read_to_string(book().join("SUMMARY.md")).unwrap();
    let listed: Vec<&str> =
        summary.split("](").skip(1).map(|rest| rest.split(".md)").next().unwrap()).collect();
    assert_eq!(listed, PAGES);
    // Pages with Rust are documentation tests of the library.
    let library = include_str!("../../src/lib.rs");
    for page in PAGES {
        let text = std::fs::read_to_string(book().join(format!("{page}.md"))).unwrap();
        let has_rust =
            blocks(&text).iter().any(|block| block.language.starts_with("rust") && block.kind.is_empty());
        let is_tested = library.contains(&format!("docs/guide/src/{page}.md"));
        assert_eq!(has_rust, is_tested, "{page}: a documentation test in src/lib.rs, if it has Rust");
        let faults = ["\"errors\":", "\ncrowsfoot: ", "\nerror: ", ".unwrap_err()"];
        assert!(faults.iter().any(|fault| text.contains(fault)), "{page}: no error that a mistake gives");
    }
}

/// Relative links of all documents of the repository; those of the guide lead to pages and anchors of the guide, as a test of
/// the served pages checks.
#[test]
fn links_of_documents_lead_to_files_and_headings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root];
    let (mut count, mut faults) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str())
            {
                folders.push(path);
            } else if name.ends_with(".md") {
                let text = std::fs::read_to_string(&path).unwrap();
                for target in relative_links(&text) {
                    count += 1;
                    if !leads_somewhere(&path, &text, target) {
                        faults.push(format!("{}: {target}", path.display()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(count > 50, "{count} links were found");
}

/// Returns the targets of links outside of code.
fn relative_links(text: &str) -> Vec<&str> {
    let outside = text.split("\n```").step_by(2);
    let targets =
        outside.flat_map(|text| text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()));
    targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace)).collect()
}

fn leads_somewhere(page: &Path, text: &str, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let linked = page.parent().unwrap().join(file);
    if !file.is_empty() && !linked.exists() {
        return false;
    }
    let text = if file.is_empty() || anchor.is_empty() {
        text.to_owned()
    } else {
        std::fs::read_to_string(linked).unwrap()
    };
    let anchor_of = |heading: &str| -> String {
        let lower = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = lower.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    anchor.is_empty() || text.lines().any(|line| line.starts_with('#') && anchor_of(line) == anchor)
}

#[test]
fn the_table_of_errors_has_every_code() {
    let text = std::fs::read_to_string(book().join("errors.md")).unwrap();
    let table = text.split("\n## Codes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let codes: Vec<&str> = crowsfoot::Code::iter().map(crowsfoot::Code::as_str).collect();
    assert_eq!(rows.collect::<Vec<_>>(), codes, "a row for each code, in the order of src/error/code.rs");
}

#[tokio::test]
async fn the_table_of_metrics_has_every_metric() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let metrics = service.get("/metrics").send().await.unwrap().text().await.unwrap();
    let served: BTreeSet<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    let text = std::fs::read_to_string(book().join("operation.md")).unwrap();
    let table = text.split("\n## Metrics\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows =
        table.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    let listed: BTreeSet<&str> = rows.flat_map(|names| names.split('`').skip(1).step_by(2)).collect();
    assert_eq!(listed, served);
    service.stop().await;
}

#[tokio::test]
async fn production_has_no_guide() {
    for (mode, status) in [("development", 200), ("production", 404)] {
        let folder = Folder::new();
        let service = Service::start(&folder, &["--mode", mode, "--public"]).await;
        for path in ["/guide/", "/guide/filters.html"] {
            assert_eq!(service.get(path).send().await.unwrap().status(), status, "{mode} {path}");
        }
        service.stop().await;
    }
}

/// Names and values.
type Pairs = Vec<(String, String)>;

/// Reader of a page, who does what it says.
struct Reader<'a> {
    folder: &'a Folder,
    service: Option<Service<'a>>,
    /// Arguments and environment of the last `crowsfoot serve`.
    serve: Option<(Vec<String>, Pairs)>,
    has_tables: bool,
    has_options: bool,
    headers: Pairs,
    events: Option<Events>,
}

async fn follow(path: &str) {
    let file = book().join(format!("{path}.md"));
    let page = std::fs::read_to_string(&file).unwrap();
    let folder = Folder::new();
    let mut reader = Reader {
        folder: &folder,
        service: None,
        serve: None,
        has_tables: false,
        has_options: false,
        headers: Vec::new(),
        events: None,
    };
    let mut found = Vec::new();
    let all = blocks(&page);
    let mut rest = all.as_slice();
    while let Some((block, after)) = rest.split_first() {
        let used = reader.take(block, after, &mut found).await;
        rest = &after[used..];
    }
    if let Some(name) = path.strip_prefix("relationships/") {
        reader.check_drawing(name).await;
    }
    drop(reader.events.take());
    if let Some(service) = reader.service {
        service.stop().await;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let mut updated = page.clone();
        for (block, text) in found.into_iter().rev() {
            updated.replace_range(block.place.clone(), &text);
        }
        std::fs::write(file, updated).unwrap();
    } else if let Some((block, text)) = found.first() {
        let line = page[..block.place.start].lines().count() + 1;
        panic!("{path}.md, line {line}:\n{}\n\nit is:\n{text}", block.text);
    }
}

type Found<'a, 'p> = Vec<(&'a Block<'p>, String)>;

impl<'a> Reader<'a> {
    /// Does what a block says; returns the number of following blocks that belong to it. Answers that differ are `found`.
    async fn take<'b, 'p>(
        &mut self,
        block: &'b Block<'p>,
        after: &'b [Block<'p>],
        found: &mut Found<'b, 'p>,
    ) -> usize {
        let following =
            |index: usize, language, kind| after.get(index).filter(|next| next.is(language, kind));
        match (block.language, block.kind) {
            ("sql", "") => self.make_tables(block.text).await,
            ("toml", "") => self.add_options(block.text).await,
            ("http", "") => {
                let header =
                    |line: &str| line.split_once(": ").map(|(name, value)| (name.into(), value.into()));
                self.headers = block.text.lines().map(|line| header(line).unwrap()).collect();
            }
            ("sh", "") => {
                let output = self.run_commands(block.text).await;
                let Some(expected) = following(0, "text", "") else { return 0 };
                let output = output.expect("a command that does not run here has no output");
                if output != expected.text {
                    found.push((expected, output));
                }
                return 1;
            }
            ("graphql", "") => {
                let variables = following(0, "json", "variables");
                let answer = usize::from(variables.is_some());
                let expected = following(answer, "json", "").expect("a request has an answer");
                let statements = following(answer + 1, "sql", "statements");
                let (got, sent) = self.ask(block.text, variables.map(|block| block.text)).await;
                compare(expected, &got, found);
                if let Some(expected) = statements {
                    compare_statements(expected, &sent, found);
                }
                return answer + 1 + usize::from(statements.is_some());
            }
            ("json", "event") => {
                let events = self.events.as_mut().expect("a subscription came before");
                compare(block, &events.next().await, found);
            }
            ("rust", "example") => {
                let is_shown = RUST_CLIENTS.iter().any(|file| file.contains(block.text));
                assert!(is_shown, "examples/rust-clients has no such lines:\n{}", block.text);
            }
            // Documentation tests, `tests/clients/guide.test.mjs`, and `tests/clients/python`.
            ("rust" | "rust,no_run" | "ts" | "python", "")
            | ("json" | "toml", "config")
            | ("text", "drawing") => {}
            (language, kind) => panic!("nothing checks a block of {language:?} {kind:?}: {}", block.text),
        }
        0
    }

    async fn make_tables(&mut self, sql: &str) {
        self.stop_service().await;
        let file = self.folder.path().join("app.db");
        let database = crowsfoot::connect(&format!("sqlite://{}?mode=rwc", file.display()), 1).await.unwrap();
        database.execute_unprepared(sql).await.unwrap();
        database.close().await.unwrap();
        self.has_tables = true;
    }

    async fn add_options(&mut self, toml: &str) {
        self.stop_service().await;
        let file = self.folder.path().join("crowsfoot.toml");
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(file, format!("{before}{toml}\n")).unwrap();
        self.has_options = true;
    }

    async fn stop_service(&mut self) {
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
    }

    async fn service(&mut self) -> &Service<'a> {
        if self.service.is_none() {
            let mut chosen: Vec<&str> = Vec::new();
            let mut environment: Vec<(&str, &str)> = Vec::new();
            match &self.serve {
                Some((arguments, variables)) => {
                    chosen.extend(arguments.iter().map(String::as_str));
                    environment.extend(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                }
                None => {
                    if self.has_tables {
                        chosen.extend(TABLES);
                    }
                    if self.has_options {
                        chosen.extend(OPTIONS);
                    }
                }
            }
            self.service = Some(Service::start_in(self.folder, &chosen, &environment).await);
        }
        self.service.as_ref().unwrap()
    }

    /// Sends a request; returns its answer, or the first event of a subscription, and the statements.
    async fn ask(&mut self, query: &str, variables: Option<&str>) -> (Json, Vec<String>) {
        let variables: Json = variables.map_or(Json::Null, |text| serde_json::from_str(text).unwrap());
        let headers = self.headers.clone();
        let request =
            self.service().await.post("/graphql").json(&json!({ "query": query, "variables": variables }));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        if query.starts_with("subscription") {
            let mut events = Events::open(request.header("accept", "text/event-stream")).await;
            let first = events.next().await;
            self.events = Some(events);
            return (first, Vec::new());
        }
        let request = request.header("crowsfoot-explain", "1");
        let mut answer: Json = within(within(request.send()).await.unwrap().json()).await.unwrap();
        let extensions = answer.as_object_mut().unwrap().remove("extensions").unwrap_or_default();
        let sent = extensions["explain"]["statements"].as_array().cloned().unwrap_or_default();
        (answer, sent.iter().map(|statement| statement["sql"].as_str().unwrap().to_owned()).collect())
    }

    /// Runs the lines of a block, and returns their output; `None` if nothing ran.
    async fn run_commands(&mut self, commands: &str) -> Option<String> {
        let mut output = None;
        for command in commands.lines() {
            if ELSEWHERE.iter().any(|(begin, _)| command.starts_with(begin)) {
                continue;
            }
            let (variables, words) = split_command(command);
            let is_refused = REFUSED.contains(&command);
            if words[0] == "crowsfoot" && words.get(1).is_none_or(|word| word == "serve") && !is_refused {
                self.stop_service().await;
                self.serve = Some((words.into_iter().skip(2).collect(), variables));
                self.service().await;
                continue;
            }
            let command = if command.contains(ADDRESS) {
                command.replace(ADDRESS, &self.service().await.address.to_string())
            } else {
                command.to_owned()
            };
            let printed = self.shell(&command).await;
            let address = self.service.as_ref().map(|service| service.address.to_string());
            let printed = address.map_or(printed.clone(), |address| printed.replace(&address, ADDRESS));
            output.get_or_insert_with(String::new).push_str(&printed);
        }
        output.map(|output| output.trim_end().to_owned())
    }

    /// Runs a command; returns what it prints, the errors last.
    async fn shell(&self, command: &str) -> String {
        let mut shell = Command::new("sh");
        remove_settings(&mut shell);
        let folder = Path::new(PROGRAM).parent().unwrap().display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let shell = shell.args(["-c", command]).env("PATH", format!("{folder}:{path}")).stdin(Stdio::null());
        let ended = within(shell.current_dir(self.folder.path()).output()).await.unwrap();
        assert_ne!(ended.status.code(), Some(127), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap()
    }

    /// Compares the drawing of a page's tables with the program's.
    async fn check_drawing(&self, name: &str) {
        let options = if self.has_options { OPTIONS.as_slice() } else { &[] };
        // The log of the service stays in its own file.
        let drawing = run(self.folder, &[&["model"], TABLES.as_slice(), options].concat()).await.out;
        let file = book().join(format!("drawings/{name}.svg"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &drawing).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), drawing, "{name}");
    }
}

const TABLES: [&str; 3] = ["--from-database", "--database-url", "sqlite://app.db"];
const OPTIONS: [&str; 2] = ["--options", "crowsfoot.toml"];

/// Splits a command into the variables before it and its words. The guide quotes no word of a command that serves.
fn split_command(command: &str) -> (Pairs, Vec<String>) {
    let mut words = command.split(' ').map(str::to_owned).peekable();
    let mut variables = Vec::new();
    let is_variable = |word: &String| {
        word.split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
    };
    while let Some(word) = words.next_if(is_variable) {
        let (name, value) = word.split_once('=').unwrap();
        variables.push((name.to_owned(), value.to_owned()));
    }
    (variables, words.collect())
}

fn compare<'b, 'p>(expected: &'b Block<'p>, got: &Json, found: &mut Found<'b, 'p>) {
    if serde_json::from_str::<Json>(expected.text).ok().as_ref() != Some(got) {
        found.push((expected, layout(got, 0, 0)));
    }
}

/// Returns true if these statements are listed, whatever their order and line breaks: those of one level are sent side by
/// side.
fn are_listed(text: &str, sent: &[String]) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let mut listed: Vec<String> = text.split_terminator(';').map(plain).collect();
    let mut sent: Vec<String> = sent.iter().map(|statement| plain(statement)).collect();
    listed.sort_unstable();
    sent.sort_unstable();
    listed == sent
}

fn compare_statements<'b, 'p>(expected: &'b Block<'p>, sent: &[String], found: &mut Found<'b, 'p>) {
    if !are_listed(expected.text, sent) {
        let laid_out = sent.iter().map(|statement| support::layout::of_plan(statement).trim_end().to_owned());
        found.push((expected, format!("{};", laid_out.collect::<Vec<_>>().join(";\n\n"))));
    }
}
