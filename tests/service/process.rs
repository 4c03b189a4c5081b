//! Runs the program, in a folder of its own.

use std::ffi::OsStr;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Maximum wait for any action of the program: far longer than needed, so that reaching it means a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// Media types of responses.
pub const JSON: &str = "application/json; charset=utf-8";
pub const GRAPHQL_RESPONSE: &str = "application/graphql-response+json; charset=utf-8";

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_crowsfoot");

/// Log file of the program, in its folder.
const LOG: &str = "log.txt";

/// Temporary folder, removed with its content on drop.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("crowsfoot-test-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the whole log of the program.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.0.join(LOG)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Exit status and output of the program.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub log: String,
}

/// Runs the program to its end.
pub async fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut child = spawn(folder, arguments, &[]);
    let mut out = String::new();
    let mut stdout = child.stdout.take().unwrap();
    within(stdout.read_to_string(&mut out)).await.unwrap();
    let code = within(child.wait()).await.unwrap().code();
    Ended { code, out, log: folder.log() }
}

/// Starts the program without waiting.
pub fn spawn(folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    let mut command = Command::new(PROGRAM);
    remove_settings(&mut command);
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // A file instead of a pipe: a full pipe would block the program, because no reader empties it.
        .stderr(File::create(folder.path().join(LOG)).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Excludes settings from the environment of the test run.
pub fn remove_settings(command: &mut Command) {
    let is_setting =
        |name: &OsStr| name == "DATABASE_URL" || name.to_string_lossy().starts_with("CROWSFOOT_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(name)) {
        command.env_remove(name);
    }
}

/// Running service.
pub struct Service<'a> {
    pub address: SocketAddr,
    pub greeting: String,
    folder: &'a Folder,
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    client: Client,
}

impl<'a> Service<'a> {
    /// Starts the service on a free port and waits for the line with its address.
    pub async fn start(folder: &'a Folder, arguments: &[&str]) -> Self {
        Self::start_in(folder, arguments, &[]).await
    }

    /// Starts the service with environment variables, and with one worker unless the arguments say otherwise.
    pub async fn start_in(folder: &'a Folder, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let workers: &[&str] = if arguments.contains(&"--workers") { &[] } else { &["--workers", "1"] };
        let arguments = [&["--listen", "127.0.0.1:0"], workers, arguments].concat();
        let mut child = spawn(folder, &arguments, environment);
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(greeting) = within(out.next_line()).await.unwrap() else {
            panic!("the service ended without an address:\n{}", folder.log());
        };
        let address = greeting.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address =
            address.unwrap_or_default().parse().unwrap_or_else(|_| panic!("no address: {greeting}"));
        Self { address, greeting, folder, child, out, client: Client::new() }
    }

    /// Returns the next line of the greeting.
    pub async fn line(&mut self) -> String {
        within(self.out.next_line()).await.unwrap().unwrap_or_default()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address))
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// Returns the response to a query.
    pub async fn ask(&self, query: &str) -> Json {
        let response = self.post("/graphql").json(&json!({ "query": query })).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn stop(mut self) -> Ended {
        self.signal("TERM").await;
        self.end().await
    }

    /// Sends a signal.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status();
        assert!(within(sent).await.unwrap().success(), "{name} could not be sent");
    }

    /// Waits for the end.
    pub async fn end(&mut self) -> Ended {
        let mut out = String::new();
        while let Some(line) = within(self.out.next_line()).await.unwrap() {
            out.push_str(&line);
        }
        let code = within(self.child.wait()).await.unwrap().code();
        Ended { code, out, log: self.folder.log() }
    }
}

/// Finds a program in PATH, or in further folders.
pub fn find_program(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(folders);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Returns true if the tests run as root, as which some servers refuse to run.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|of_self| std::os::unix::fs::MetadataExt::uid(&of_self) == 0)
}

/// Returns status, content type and body of a response.
pub async fn answer(request: RequestBuilder) -> (u16, String, Json) {
    let response = within(request.send()).await.unwrap();
    let content_type = header(&response, CONTENT_TYPE.as_str());
    (response.status().as_u16(), content_type, response.json().await.unwrap())
}

/// Returns a header of a response; several values joined.
pub fn header(response: &Response, name: &str) -> String {
    let values: Vec<&str> =
        response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
    values.join(", ")
}

/// Checks the refusal of a malformed request, and its message.
pub fn assert_bad(
    (status, content_type, body): (u16, String, Json),
    expected: u16,
    what: impl std::fmt::Debug,
) {
    assert_eq!((status, content_type.as_str()), (expected, JSON), "{what:?}: {body}");
    assert_eq!(body.get("data"), None, "{what:?}: {body}");
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_REQUEST", "{what:?}: {body}");
    let message = error["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains("struct"), "{what:?}: {message}");
}

/// Waits with a time limit.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("nothing came of it")
}

/// Polls a condition until it holds, with a time limit.
pub async fn until(is_so: impl AsyncFn() -> bool) {
    within(async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
