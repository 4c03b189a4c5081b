//! Audit log: one line for each mutation, written before its answer, and without values or secrets.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, run, until, within};
use crate::socket_client::Socket;

const SECRET: &str = "the secret of administrators";

const ROLES: &str = r#"
    [viewer]
    userId = "Int!"
    [roles.user.User]
    read = "true"
    columns = ["*"]
    update = { columns = ["username"], filter = "{ id: { eq: $userId } }" }
    [roles.user.Author]
    read = "true"
    columns = ["*"]
"#;

async fn start<'a>(folder: &'a Folder, log: &str, arguments: &[&str]) -> Service<'a> {
    let options = folder.path().join("options.toml");
    std::fs::write(&options, ROLES).unwrap();
    let own = ["--options", options.to_str().unwrap(), "--audit-log", log, "--audit-viewer", "userId"];
    Service::start_in(folder, &[&own, arguments].concat(), &[("CROWSFOOT_ADMIN_SECRET", SECRET)]).await
}

fn entries(file: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn ask(service: &Service<'_>, query: &str, viewer: Option<u32>) -> Json {
    let mut request = service.post("/graphql").header("crowsfoot-admin-secret", SECRET);
    if let Some(id) = viewer {
        request = request
            .header("crowsfoot-role", "user")
            .header("crowsfoot-viewer", format!("{{\"userId\":{id}}}"));
    }
    let request = request.header("x-request-id", "r1").json(&json!({ "query": query }));
    within(within(request.send()).await.unwrap().json()).await.unwrap()
}

#[tokio::test]
async fn each_mutation_has_one_line_before_its_answer() {
    let folder = Folder::new();
    let file = folder.path().join("audit.log");
    let service = start(&folder, "audit.log", &[]).await;
    let rename = "mutation Rename { updateUser(id: 1, input: { username: \"a private name\" }) { id } }";
    assert_eq!(ask(&service, rename, Some(1)).await["data"]["updateUser"]["id"], 1);
    let found = entries(&file);
    let [entry] = found.as_slice() else { panic!("{found:?}") };
    assert!(chrono::DateTime::parse_from_rfc3339(entry["time"].as_str().unwrap()).is_ok());
    let hash: String = ring::digest::digest(&ring::digest::SHA256, rename.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut expected = json!({
        "request": "r1", "role": "user", "viewer": 1, "administrator": true, "operation": "mutation", "name": "Rename",
        "hash": hash, "written": { "User": 1 }, "outcome": "ok", "codes": [], "time": entry["time"],
    });
    assert_eq!(*entry, expected);

    // Reads have no line; what is refused has one.
    ask(&service, "{ users { id } }", Some(1)).await;
    ask(&service, "mutation { updateUser(id: 2, input: { username: \"x\" }) { id } }", Some(1)).await;
    ask(&service, "mutation { updateUser(id: 2, input: { email: \"x\" }) { id } }", Some(1)).await;
    let found = entries(&file);
    assert_eq!(found.len(), 3, "{found:?}");
    expected = json!(["failed", ["NOT_FOUND"], {}]);
    assert_eq!(json!([found[1]["outcome"], found[1]["codes"], found[1]["written"]]), expected);
    assert_eq!(
        json!([found[2]["outcome"], found[2]["codes"]]),
        json!(["refused", ["GRAPHQL_VALIDATION_FAILED"]])
    );

    // Nested writes and cascades, by an administrator.
    let create =
        "mutation { createUser(input: { username: \"new\", profile: { create: { bio: \"b\" } } }) { id } }";
    let created = ask(&service, create, None).await;
    let id = &created["data"]["createUser"]["id"];
    ask(&service, &format!("mutation {{ deleteUser(id: {id}) {{ id }} }}"), None).await;
    let found = entries(&file);
    assert_eq!(json!([found[3]["role"], found[3]["viewer"]]), json!([null, null]));
    assert_eq!(found[3]["written"], json!({ "Profile": 1, "User": 1 }), "{created}");
    assert_eq!(found[4]["written"]["User"], 1, "{}", found[4]);
    assert!(found[4]["written"].get("Profile").is_some(), "{}", found[4]);

    // Over a socket, and with a value that no line may have.
    let mut socket = Socket::new(&service).await;
    let headers = json!({ "crowsfoot-admin-secret": SECRET, "crowsfoot-role": "user", "crowsfoot-viewer": "{\"userId\":2}" });
    socket.say(json!({ "type": "connection_init", "payload": { "headers": headers } })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    socket.subscribe("m", "mutation { updateUser(id: 2, input: { username: \"by socket\" }) { id } }").await;
    assert_eq!(socket.next("m").await["data"]["updateUser"]["id"], 2);
    let found = entries(&file);
    assert_eq!(json!([found[5]["viewer"], found[5]["outcome"]]), json!([2, "ok"]));
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in ["a private name", "by socket", SECRET] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn reads_have_lines_too_if_they_shall() {
    let folder = Folder::new();
    let service = start(&folder, "audit.log", &["--audit-operations", "all"]).await;
    ask(&service, "query Users { users { id } }", Some(2)).await;
    let found = entries(&folder.path().join("audit.log"));
    assert_eq!(
        json!([found[0]["operation"], found[0]["name"], found[0]["viewer"]]),
        json!(["query", "Users", 2])
    );
    assert_eq!(found.len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_rotated_log_goes_on_in_a_new_file_and_no_line_is_lost() {
    let folder = Folder::new();
    let (file, old) = (folder.path().join("audit.log"), folder.path().join("audit.log.1"));
    let service = start(&folder, "audit.log", &[]).await;
    let rename = async |name: &str| {
        let query = format!("mutation {{ updateUser(id: 1, input: {{ username: \"{name}\" }}) {{ id }} }}");
        assert_eq!(ask(&service, &query, Some(1)).await["data"]["updateUser"]["id"], 1);
    };
    rename("one").await;
    std::fs::rename(&file, &old).unwrap();
    rename("two").await;
    service.signal("HUP").await;
    until(async || file.exists()).await;
    rename("three").await;
    assert_eq!((entries(&old).len(), entries(&file).len()), (2, 1));
}

/// `/dev/full` has no space, as a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_stops_mutations_and_nothing_else() {
    let folder = Folder::new();
    let service = start(&folder, "/dev/full", &["--timeout", "2"]).await;
    let rename = "mutation { updateUser(id: 1, input: { username: \"late\" }) { id } }";
    // The first one is committed, and is not acknowledged.
    let first = ask(&service, rename, Some(1)).await;
    assert_eq!(first["errors"][0]["extensions"]["code"], "TIMEOUT", "{first}");
    let second =
        ask(&service, "mutation { updateUser(id: 1, input: { username: \"never\" }) { id } }", Some(1)).await;
    assert_eq!(second["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{second}");
    let read = ask(&service, "{ user(id: 1) { username } }", Some(1)).await;
    assert_eq!(read, json!({ "data": { "user": { "username": "late" } } }));
    let ready = within(service.get("/readyz").send()).await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("audit log"));
    let log = tokio::time::timeout(Duration::from_secs(30), service.stop()).await.unwrap().log;
    assert!(log.contains("the audit log cannot be written"), "{log}");
    // The lines that would be lost are on stderr: those of the committed mutation, and of nothing that was refused.
    let lost = log.lines().find(|line| line.contains("lines of the audit log are not written"));
    let lost = lost.unwrap_or_else(|| panic!("{log}"));
    assert!(lost.contains("\"written\":{\"User\":1}") && !lost.contains("UNAVAILABLE"), "{lost}");
}

#[tokio::test]
async fn an_audit_log_that_cannot_be_written_refuses_to_start() {
    let folder = Folder::new();
    for (arguments, expected) in [
        (&["--audit-log", "missing/audit.log"][..], "missing/audit.log"),
        (&["--audit-log", "audit.log", "--audit-viewer", "user"], "no variable of the viewer"),
    ] {
        let ended = run(&folder, arguments).await;
        assert!(ended.code == Some(1) && ended.log.contains(expected), "{}", ended.log);
    }
}
