//! PostgreSQL's own policies: every statement of a viewer carries its role and claims, and no other statement does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value as Json, json};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::pooler::Pooler;
use crate::process::{Folder, Service, run, within};
use crate::socket_client::Socket;
use crate::support::{self, TestDatabase};

pub const SECRET: &str = "the secret of administrators";

pub const DOCUMENTS: &str = "{ documents { id title team { name } } }";

/// Database with row security, and roles of its own.
pub struct Guarded {
    pub database: TestDatabase,
    /// Beginning of the names of the roles.
    pub prefix: String,
}

impl Guarded {
    pub async fn create() -> Option<Self> {
        let database = support::postgres().await?;
        let prefix = format!("cf_{}", uuid::Uuid::new_v4().simple());
        database
            .run(&format!(
                "CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL);
                 CREATE TABLE documents (id int PRIMARY KEY, title text NOT NULL, team_id int NOT NULL REFERENCES teams,
                     author text DEFAULT current_user, claims text DEFAULT nullif(current_setting('request.jwt.claims', true), ''));
                 CREATE TABLE secrets (id int PRIMARY KEY, text text NOT NULL);
                 INSERT INTO teams VALUES (1, 'A'), (2, 'B');
                 INSERT INTO documents VALUES (1, 'a', 1), (2, 'b', 2), (3, 'shared', 2);
                 ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
                 ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
                 CREATE FUNCTION own_team() RETURNS int LANGUAGE sql STABLE AS
                     $$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'team')::int $$;
                 CREATE POLICY own ON teams USING (id = own_team());
                 CREATE POLICY own ON documents USING (team_id = own_team() OR title = 'shared');
                 CREATE ROLE \"{prefix}_user\";
                 CREATE ROLE \"{prefix}_it's \"\"quoted\"\"\";
                 CREATE ROLE \"{prefix}_exempt\" BYPASSRLS;
                 CREATE ROLE \"{prefix}_owner\";
                 GRANT SELECT ON teams, documents TO \"{prefix}_user\", \"{prefix}_it's \"\"quoted\"\"\";
                 GRANT INSERT, UPDATE, DELETE ON documents TO \"{prefix}_user\";
                 CREATE TABLE owned (id int PRIMARY KEY);
                 ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
                 ALTER TABLE owned OWNER TO \"{prefix}_owner\";"
            ))
            .await;
        Some(Self { database, prefix })
    }

    pub async fn drop(self) {
        let prefix = &self.prefix;
        for role in ["_user", "_it's \"\"quoted\"\"", "_exempt", "_owner"] {
            self.database
                .run(&format!("DROP OWNED BY \"{prefix}{role}\"; DROP ROLE \"{prefix}{role}\""))
                .await;
        }
        self.database.drop().await;
    }

    fn options(&self, folder: &Folder, impersonate: &str) -> String {
        let file = folder.path().join("options.toml");
        let reading = |role: &str| {
            ["Team", "Document", "Secret"]
                .map(|name| format!("[roles.{role}.{name}]\nread = \"true\"\ncolumns = [\"*\"]\n"))
                .concat()
        };
        let writing = "create = { columns = [\"id\", \"title\", \"team\"], check = \"true\" }\ndelete = \"true\"\n\
            update = { columns = [\"title\"], filter = \"true\" }\n";
        let user = reading("user").replace("[roles.user.Secret]", &format!("{writing}[roles.user.Secret]"));
        let text = format!(
            "[viewer]\nteam = \"Int\"\n{user}{}\n[database]\nclaims = \"request.jwt.claims\"\nimpersonate = {impersonate}\n",
            reading("other")
        );
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn roles(&self) -> String {
        let prefix = &self.prefix;
        format!("{{ user = \"{prefix}_user\", other = \"{prefix}_it's \\\"quoted\\\"\" }}")
    }

    pub async fn start<'a>(&self, folder: &'a Folder, url: &str, arguments: &[&str]) -> Service<'a> {
        let options = self.options(folder, &self.roles());
        let own = ["--from-database", "--options", &options, "--database-url", url, "--pool-size", "2"];
        Service::start_in(folder, &[&own, arguments].concat(), &[("CROWSFOOT_ADMIN_SECRET", SECRET)]).await
    }
}

pub fn as_role(service: &Service<'_>, role: &str, team: u32, query: &str) -> RequestBuilder {
    let request =
        service.post("/graphql").header("crowsfoot-admin-secret", SECRET).header("crowsfoot-role", role);
    request.header("crowsfoot-viewer", format!("{{\"team\":{team}}}")).json(&json!({ "query": query }))
}

pub async fn sent(request: RequestBuilder) -> Json {
    within(within(request.send()).await.unwrap().json()).await.unwrap()
}

pub async fn as_administrator(service: &Service<'_>, query: &str) -> Json {
    let request = service.post("/graphql").header("crowsfoot-admin-secret", SECRET);
    sent(request.json(&json!({ "query": query }))).await
}

/// Returns the documents that viewers of a team see.
pub fn seen(team: u32) -> Json {
    match team {
        1 => json!({ "data": { "documents": [
            { "id": 1, "title": "a", "team": { "name": "A" } }, { "id": 3, "title": "shared", "team": null },
        ] } }),
        _ => json!({ "data": { "documents": [
            { "id": 2, "title": "b", "team": { "name": "B" } }, { "id": 3, "title": "shared", "team": { "name": "B" } },
        ] } }),
    }
}

/// Attacks 96, 97, 99 and 100 over direct connections, and through a pooler in transaction mode.
#[tokio::test]
async fn each_viewer_reads_and_writes_as_its_own_role() {
    let Some(guarded) = Guarded::create().await else { return };
    let pooler = Pooler::start(&guarded.database, "").await;
    let urls = [Some(guarded.database.url.clone()), pooler.as_ref().map(|pooler| pooler.url.clone())];
    for url in urls.iter().flatten() {
        for consistency in ["statement", "snapshot"] {
            let folder = Folder::new();
            let service = guarded.start(&folder, url, &["--read-consistency", consistency]).await;
            for (role, team) in [("user", 1), ("user", 2), ("other", 1), ("other", 2)] {
                assert_eq!(sent(as_role(&service, role, team, DOCUMENTS)).await, seen(team), "{role}");
                // Attack 96: nothing survives into the next request of the same connection.
                let all = as_administrator(&service, "{ documents { id } teamsAggregate { count } }").await;
                assert_eq!(all["data"]["documents"].as_array().map(Vec::len), Some(3), "{all}");
                assert_eq!(all["data"]["teamsAggregate"]["count"], 2, "{all}");
            }
            // Counts and pages are the database's, under its policies.
            let query = "{ documentsAggregate { count } documentsConnection(first: 1) { totalCount pageInfo { hasNextPage } } }";
            let counted = sent(as_role(&service, "user", 1, query)).await;
            assert_eq!(counted["data"]["documentsAggregate"]["count"], 2, "{counted}");
            assert_eq!(counted["data"]["documentsConnection"]["totalCount"], 2, "{counted}");
            // Attack 97: an error inside the group.
            let refused = sent(as_role(&service, "user", 1, "{ secrets { id } }")).await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
            let all = as_administrator(&service, "{ secrets { id } documents { id } }").await;
            assert_eq!(all["data"]["documents"].as_array().map(Vec::len), Some(3), "{all}");
            // Attack 99: a role that is no key of the settings.
            let other =
                within(as_role(&service, "user'; RESET ROLE; --", 1, DOCUMENTS).send()).await.unwrap();
            assert_eq!(other.status(), 400);
            // Attack 100: roles and teams alternate over the same connections.
            let many = (0..200).map(|number: u32| {
                let (role, team) =
                    ([("user", 1), ("other", 2), ("user", 2), ("other", 1)])[number as usize % 4];
                let request = as_role(&service, role, team, DOCUMENTS);
                async move { assert_eq!(sent(request).await, seen(team), "{role} {number}") }
            });
            join_all(many).await;
            service.stop().await;
        }
    }
    // Writing: the database sees who writes, and its policies check it.
    for (number, url) in (0..).zip(urls.iter().flatten()) {
        let folder = Folder::new();
        let service = guarded.start(&folder, url, &[]).await;
        let (own, foreign) = (10 + 10 * number, 11 + 10 * number);
        let create = |id: u32, team: u32| {
            format!(
                "mutation {{ createDocument(input: {{ id: {id}, title: \"new\", team: {{ id: {team} }} }}) {{ id author claims }} }}"
            )
        };
        let created = sent(as_role(&service, "user", 1, &create(own, 1))).await;
        let document = &created["data"]["createDocument"];
        assert_eq!(document["author"], json!(format!("{}_user", guarded.prefix)), "{created}");
        let claims: Json = serde_json::from_str(document["claims"].as_str().unwrap()).unwrap();
        assert_eq!(claims, json!({ "role": "user", "team": 1 }));
        let refused = sent(as_role(&service, "user", 1, &create(foreign, 2))).await;
        assert!(refused["errors"].is_array(), "{refused}");
        let rename = "mutation { updateDocument(id: 2, input: { title: \"mine\" }) { id } }";
        let missed = sent(as_role(&service, "user", 1, rename)).await;
        assert_eq!(missed["errors"][0]["extensions"]["code"], "NOT_FOUND", "{missed}");
        let all = as_administrator(&service, "{ documents { id title } }").await;
        assert!(
            !all.to_string().contains("mine") && !all.to_string().contains(&foreign.to_string()),
            "{all}"
        );
        let deleted =
            sent(as_role(&service, "user", 1, &format!("mutation {{ deleteDocument(id: {own}) {{ id }} }}")))
                .await;
        assert_eq!(deleted["data"]["deleteDocument"]["id"], own, "{deleted}");
        service.stop().await;
    }
    drop(pooler);
    guarded.drop().await;
}

/// A relation to a row that the database may hide is nullable; equal live queries of different claims are apart.
#[tokio::test]
async fn a_viewer_gets_what_its_claims_show() {
    let Some(guarded) = Guarded::create().await else { return };
    let folder = Folder::new();
    let service = guarded.start(&folder, &guarded.database.url, &[]).await;
    let query = "{ __type(name: \"Document\") { fields { name type { kind } } } }";
    let kind = |answer: &Json| {
        let fields = answer["data"]["__type"]["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == "team").unwrap()["type"]["kind"].clone()
    };
    assert_eq!(kind(&sent(as_role(&service, "user", 1, query)).await), "OBJECT");
    assert_eq!(kind(&as_administrator(&service, query).await), "NON_NULL");
    let mut sockets = Vec::new();
    for team in [1, 2] {
        let mut socket = Socket::new(&service).await;
        let headers = json!({
            "crowsfoot-admin-secret": SECRET, "crowsfoot-role": "user", "crowsfoot-viewer": format!("{{\"team\":{team}}}"),
        });
        socket.say(json!({ "type": "connection_init", "payload": { "headers": headers } })).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket.subscribe("s", &format!("subscription {DOCUMENTS}")).await;
        assert_eq!(socket.next("s").await, seen(team));
        sockets.push(socket);
    }
    drop(sockets);
    service.stop().await;
    guarded.drop().await;
}

/// Attack 98: a role that no policy binds.
#[tokio::test]
async fn roles_that_no_policy_binds_are_refused() {
    let Some(guarded) = Guarded::create().await else { return };
    let prefix = &guarded.prefix;
    let folder = Folder::new();
    for (impersonate, expected) in [
        (format!("{{ user = \"{prefix}_exempt\", other = \"{prefix}_user\" }}"), "BYPASSRLS"),
        (format!("{{ user = \"{prefix}_owner\", other = \"{prefix}_user\" }}"), "FORCE ROW LEVEL SECURITY"),
        (format!("{{ user = \"{prefix}_missing\", other = \"{prefix}_user\" }}"), "has no role"),
        ("{ user = \"none\", other = \"none\" }".to_owned(), "has no role"),
        (format!("{{ user = \"{prefix}_user\" }}"), "the role other has no role of the database"),
        (
            format!("{{ user = \"{prefix}_user\", other = \"{prefix}_user\", third = \"x\" }}"),
            "no role has the name third",
        ),
        ("\"role\"".to_owned(), "has no role \"other\""),
    ] {
        let options = guarded.options(&folder, &impersonate);
        let arguments = [
            "--from-database",
            "--options",
            &options,
            "--database-url",
            &guarded.database.url,
            "--admin-secret",
            SECRET,
        ];
        let ended = run(&folder, &arguments).await;
        assert!(ended.code == Some(1) && ended.log.contains(expected), "{impersonate}: {}", ended.log);
    }
    // The connection's own role is a superuser in tests, and no viewer takes it.
    let options = guarded.options(&folder, &guarded.roles());
    let ended = run(&folder, &["--options", &options, "--admin-secret", SECRET]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    guarded.drop().await;
}

/// Path to PostgreSQL that keeps what clients send.
struct Wire {
    url: String,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
    running: JoinHandle<()>,
}

impl Wire {
    async fn open(database: &TestDatabase) -> Self {
        let options: PgConnectOptions = database.url.parse().unwrap();
        let behind = format!("{}:{}", options.get_host(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = sent.clone();
        let running = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(&behind).await.unwrap();
                let place = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(Vec::new());
                    kept.len() - 1
                };
                let kept = kept.clone();
                let ((mut near_in, mut near_out), (mut far_in, mut far_out)) =
                    (near.into_split(), far.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut far_in, &mut near_out).await });
                tokio::spawn(async move {
                    let mut bytes = vec![0; 65_536];
                    while let Ok(length @ 1..) = near_in.read(&mut bytes).await {
                        kept.lock().unwrap()[place].extend_from_slice(&bytes[..length]);
                        if far_out.write_all(&bytes[..length]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let user = options.get_username();
        let name = options.get_database().unwrap();
        let url = format!("postgres://{user}@{address}/{name}?sslmode=disable");
        Self { url, sent, running }
    }

    /// Returns the executed statements of each connection, in groups that end with a Sync.
    fn groups(&self) -> Vec<Vec<Vec<String>>> {
        self.sent.lock().unwrap().iter().map(|bytes| groups(bytes)).collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn groups(bytes: &[u8]) -> Vec<Vec<String>> {
    let length = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    // Startup, or a request to cancel.
    let mut at = if bytes.len() < 4 { bytes.len() } else { length(0) };
    let mut texts: HashMap<String, String> = HashMap::new();
    let (mut all, mut group) = (Vec::new(), Vec::new());
    while at + 5 <= bytes.len() {
        let body = &bytes[at + 5..(at + 1 + length(at + 1)).min(bytes.len())];
        let mut words = body.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match bytes[at] {
            b'P' => drop(texts.insert(first, second)),
            b'B' => group.push(texts[&second].clone()),
            b'Q' => group.push(first),
            b'S' => all.push(std::mem::take(&mut group)),
            _ => {}
        }
        at += 1 + length(at + 1);
    }
    all
}

/// Attack 98: no statement of a viewer goes out without its settings, counted at the wire.
#[tokio::test]
async fn no_statement_of_a_viewer_goes_out_without_its_settings() {
    let Some(guarded) = Guarded::create().await else { return };
    let wire = Wire::open(&guarded.database).await;
    for consistency in ["statement", "snapshot"] {
        let folder = Folder::new();
        let service = guarded.start(&folder, &wire.url, &["--read-consistency", consistency]).await;
        for round in 0..6 {
            for (role, team) in [("user", 1), ("other", 2)] {
                assert_eq!(sent(as_role(&service, role, team, DOCUMENTS)).await, seen(team), "{round}");
                sent(as_role(
                    &service,
                    role,
                    team,
                    "{ teams { documents(limit: 1) { id } documentsAggregate { count } } secrets { id } }",
                ))
                .await;
            }
            let create = format!(
                "mutation {{ createDocument(input: {{ id: {}, title: \"new\", team: {{ id: 1 }} }}) {{ id team {{ name }} }} }}",
                100 + round
            );
            sent(as_role(&service, "user", 1, &create)).await;
            sent(as_role(
                &service,
                "user",
                1,
                "mutation { updateDocument(id: 2, input: { title: \"x\" }) { id } }",
            ))
            .await;
            sent(as_role(&service, "user", 1, "mutation { deleteDocument(id: 1) { id title } updateDocument(id: 2, input: { title: \"x\" }) { id } }")).await;
            sent(as_role(
                &service,
                "user",
                1,
                &format!("mutation {{ deleteDocument(id: {}) {{ id }} }}", 100 + round),
            ))
            .await;
        }
        let mut socket = Socket::new(&service).await;
        let headers = json!({ "crowsfoot-admin-secret": SECRET, "crowsfoot-role": "user", "crowsfoot-viewer": "{\"team\":1}" });
        socket.say(json!({ "type": "connection_init", "payload": { "headers": headers } })).await;
        socket.hear().await;
        socket.subscribe("s", &format!("subscription {DOCUMENTS}")).await;
        assert_eq!(socket.next("s").await, seen(1));
        service.stop().await;
    }
    let mut counted = 0;
    for connection in wire.groups() {
        let mut has_settings = false;
        for group in connection {
            let mut is_set = has_settings;
            let begins = group.iter().any(|sql| sql.starts_with("BEGIN"));
            for sql in &group {
                is_set |= sql.contains("set_config('role', ");
                let is_of_viewer =
                    ["\"documents\"", "\"teams\"", "\"secrets\""].iter().any(|table| sql.contains(table));
                assert!(!is_of_viewer || is_set, "without settings: {sql}");
                counted += usize::from(is_of_viewer);
            }
            let ends = group.iter().any(|sql| sql == "COMMIT" || sql == "ROLLBACK");
            has_settings = (has_settings || begins && is_set) && !ends;
        }
    }
    assert!(counted > 100, "{counted}");
    guarded.drop().await;
}
