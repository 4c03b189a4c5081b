use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::place::Pem;
use super::*;

/// As in `tests/support`: without it nothing of PostgreSQL's is tried.
const POSTGRES: &str = "CROWSFOOT_TEST_POSTGRES";

fn place(url: &str) -> Place {
    Place::new(&url.parse().unwrap()).unwrap()
}

#[test]
fn a_url_is_taken_apart() {
    let place = place(
        "postgres://us%40er:p%40%2Fss%25%20%C3%A9@[::1]:5433/my%20da%2Fta%3F?sslmode=verify-full\
         &sslrootcert=/a%20b.crt&sslcert=c&sslkey=d&application_name=app&options=-c%20x=y",
    );
    assert_eq!(place.address, Address::Tcp { host: "::1".to_owned(), port: 5433 });
    assert_eq!((place.user.as_str(), place.password.as_str()), ("us@er", "p@/ss% é"));
    assert_eq!(place.database.as_deref(), Some("my da/ta?"));
    assert_eq!(place.application_name.as_deref(), Some("app"));
    assert_eq!(place.options.as_deref(), Some("-c x=y"));
    let encryption = &place.encryption;
    assert!(encryption.is_required());
    let files = [&encryption.roots, &encryption.certificate, &encryption.key];
    assert!(files == ["/a b.crt", "c", "d"].map(|path| Some(Pem::File(path.into()))).each_ref());
    assert!(!format!("{place:?}").contains("ss%"), "{place:?}");
}

#[test]
fn a_socket_is_a_folder_and_a_port() {
    for url in ["postgres://%2Fa%20b:5433/x", "postgres:///x?host=/a%20b&port=5433"] {
        assert_eq!(place(url).address, Address::Unix("/a b/.s.PGSQL.5433".into()));
    }
}

#[test]
fn what_sqlx_makes_no_url_of_is_no_obstacle() {
    let options = PgConnectOptions::new_without_pgpass().host("::1").port(1).username("a/b#c").password("d");
    let place = Place::new(&options.database("e/f")).unwrap();
    assert_eq!(place.address, Address::Tcp { host: "::1".to_owned(), port: 1 });
    assert_eq!((place.user.as_str(), place.password.as_str()), ("a/b#c", "d"));
    assert_eq!(place.database.as_deref(), Some("e/f"));
}

#[test]
fn a_certificate_may_be_written_out() {
    let text = "-----BEGIN CERTIFICATE-----\n+/=\n-----END CERTIFICATE-----\n";
    let options = PgConnectOptions::new_without_pgpass();
    let place = Place::new(&options.clone().ssl_root_cert_from_pem(text.into())).unwrap();
    assert!(place.encryption.roots == Some(Pem::Inline(text.to_owned())));
    let place = Place::new(&options.ssl_root_cert_from_pem(b"\xff".to_vec()));
    assert!(matches!(place, Err(Fault::Settings(_))), "{place:?}");
}

/// What becomes of a connection to somebody who answers with these bytes.
async fn fault_of(query: &str, answer: &'static [u8]) -> Fault {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(answer).await.unwrap();
        socket
    };
    let place = place(&format!("postgres://a:b@127.0.0.1:{port}/c?{query}"));
    let (_socket, opened) = tokio::join!(server, open(&place));
    opened.unwrap_err()
}

#[tokio::test]
async fn whoever_answers_is_not_believed() {
    let fault = fault_of("sslmode=disable", b"R\x7f\xff\xff\xff").await;
    assert!(matches!(&fault, Fault::Protocol(message) if message.contains("too long")), "{fault}");
    let fault = fault_of("sslmode=disable", b"R\0\0\0\x01").await;
    assert!(matches!(fault, Fault::Protocol(_)), "{fault}");
    let fault = fault_of("sslmode=disable", b"E\0\0\0\x0fC08P01\0M\xff\0\0").await;
    assert!(matches!(&fault, Fault::Server(refusal) if refusal.code == "08P01"), "{fault}");
    // Asks for SCRAM, and is content without it.
    let without_proof = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let fault = fault_of("sslmode=disable", without_proof).await;
    assert!(matches!(&fault, Fault::Protocol(message) if message.contains("go on")), "{fault}");
    let fault = fault_of("sslmode=require", b"N").await;
    assert!(matches!(&fault, Fault::Tls(message) if message.contains("offers none")), "{fault}");
    let fault = fault_of("sslmode=prefer", b"E").await;
    assert!(matches!(fault, Fault::Protocol(_)), "{fault}");
    // Says yes, and goes on in plain text.
    let fault = fault_of("sslmode=prefer", b"SR\0\0\0\x08\0\0\0\0").await;
    assert!(matches!(fault, Fault::Tls(_)), "{fault}");
}

/// A PostgreSQL server of the test's own.
struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// None where the machine has not all it takes.
    fn start() -> Option<Self> {
        if std::env::var(POSTGRES).is_err() {
            eprintln!("PostgreSQL's start-up is left out: {POSTGRES} names no server");
            return None;
        }
        let Some(programs) = programs() else {
            eprintln!("PostgreSQL's start-up is left out: initdb is neither in PATH nor where Debian has it");
            return None;
        };
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("PostgreSQL's start-up is left out: there is no openssl to make certificates with");
            return None;
        }
        // The path of a socket must be short.
        let folder = std::env::temp_dir().join(format!("crowsfoot-{:x}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let cluster = Self { programs, folder, port };
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&cluster.folder).status().unwrap().success());
        }
        let output = cluster.run(include_str!("cluster.sh"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(cluster)
    }

    fn run(&self, script: &str) -> Output {
        // PostgreSQL's programs refuse to run as root.
        let mut command = Command::new(if is_root() { "runuser" } else { "env" });
        if is_root() {
            command.args(["-u", "postgres", "--"]);
        }
        command.args(["sh", "-euc", script, "sh"]).arg(&self.programs).arg(self.port.to_string());
        command.current_dir(&self.folder).output().unwrap()
    }

    /// As this user with this password, over TCP.
    fn options(&self, user: &str, password: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("localhost")
            .port(self.port)
            .username(user)
            .password(password)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
    }

    /// One of the certificates and keys that were made with it.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Where it has not even started, the test says so itself.
        self.run("\"$1/pg_ctl\" stop --mode immediate --pgdata data");
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&path)
        .chain(debian.map(|version| version.path().join("bin")))
        .find(|folder| folder.join("initdb").exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

async fn try_to_open(options: &PgConnectOptions) -> Result<Conversation, Fault> {
    let opened = open(&Place::new(options)?).await?;
    assert!(opened.received.is_empty());
    assert_ne!(opened.process_id, 0);
    Ok(Conversation { stream: opened.stream, received: opened.received })
}

/// The first value of a query.
async fn ask(conversation: &mut Conversation, sql: &str) -> Result<String, Fault> {
    conversation.send(|message| frontend::query(sql, message)).await?;
    let mut answer = String::new();
    loop {
        match conversation.receive().await? {
            Message::DataRow(row) => {
                let range = row.ranges().next().unwrap().unwrap().unwrap();
                answer = String::from_utf8(row.buffer()[range].to_vec()).unwrap();
            }
            Message::ReadyForQuery(_) => return Ok(answer),
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_way_in() {
    let Some(cluster) = Cluster::start() else { return };
    let local = cluster.options("postgres", "").socket(&cluster.folder);
    let mut admin = local.connect().await.unwrap();
    for (encryption, user) in [
        ("md5", "hashed"),
        ("scram-sha-256", "cleartext"),
        ("scram-sha-256", "salted"),
        ("md5", "certified"),
        ("md5", "trusted"),
    ] {
        let sql =
            format!("SET password_encryption = '{encryption}'; CREATE ROLE {user} LOGIN PASSWORD 'p@ss: é'");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    }

    by_password(&cluster).await;
    over_tls(&cluster).await;
    over_a_socket(&cluster).await;
    queries_are_cancelled(&cluster).await;
}

async fn by_password(cluster: &Cluster) {
    try_to_open(&cluster.options("trusted", "")).await.unwrap();
    for mode in [PgSslMode::Disable, PgSslMode::Prefer] {
        for user in ["cleartext", "hashed", "salted"] {
            let options = cluster.options(user, "p@ss: é").ssl_mode(mode).application_name("an app");
            let options = options.options([("statement_timeout", "4321ms")]);
            let mut conversation = try_to_open(&options).await.unwrap();
            let settings = "SELECT concat_ws('|', current_user, current_setting('application_name'), \
                            current_setting('statement_timeout'), current_setting('TimeZone'), \
                            current_setting('DateStyle'), current_setting('client_encoding'), \
                            current_setting('extra_float_digits'))";
            let expected = format!("{user}|an app|4321ms|UTC|ISO, MDY|UTF8|2");
            assert_eq!(ask(&mut conversation, settings).await.unwrap(), expected);

            let fault = try_to_open(&cluster.options(user, "wrong").ssl_mode(mode)).await.err().unwrap();
            assert!(matches!(&fault, Fault::Server(refusal) if refusal.code == "28P01"), "{user}: {fault}");
        }
    }
    let fault = try_to_open(&cluster.options("trusted", "").database("nowhere")).await.err().unwrap();
    assert!(matches!(&fault, Fault::Server(refusal) if refusal.code == "3D000"), "{fault}");
}

async fn over_tls(cluster: &Cluster) {
    let options = cluster.options("salted", "p@ss: é");
    let is_encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for (mode, expected) in [
        (PgSslMode::Disable, "f"),
        (PgSslMode::Allow, "f"),
        (PgSslMode::Prefer, "t"),
        (PgSslMode::Require, "t"),
    ] {
        let mut conversation = try_to_open(&options.clone().ssl_mode(mode)).await.unwrap();
        assert_eq!(ask(&mut conversation, is_encrypted).await.unwrap(), expected);
        // What SCRAM was bound to.
        assert_eq!(
            tls::end_point(&conversation.stream).map(|hash| hash.len() * 8),
            (expected == "t").then_some(384)
        );
    }

    let known = options.clone().ssl_root_cert(cluster.file("authority.crt"));
    let unknown = options.ssl_root_cert(cluster.file("stranger.crt"));
    let (by_name, by_address) = (known.clone(), known.clone().host("127.0.0.1"));
    for (what, options, mode, is_let_in) in [
        ("known, right name", &by_name, PgSslMode::VerifyFull, true),
        ("known, wrong name", &by_address, PgSslMode::VerifyFull, false),
        ("known, any name", &by_address, PgSslMode::VerifyCa, true),
        ("unknown, right name", &unknown, PgSslMode::VerifyFull, false),
        ("unknown, any name", &unknown, PgSslMode::VerifyCa, false),
        ("unknown, not asked", &unknown, PgSslMode::Require, true),
    ] {
        match try_to_open(&options.clone().ssl_mode(mode)).await {
            Ok(_) => assert!(is_let_in, "{what}"),
            Err(fault) => assert!(!is_let_in && matches!(fault, Fault::Tls(_)), "{what}: {fault}"),
        }
    }

    let certified = cluster.options("certified", "").ssl_mode(PgSslMode::VerifyFull);
    let certified = certified.ssl_root_cert(cluster.file("authority.crt"));
    let with = |name: &str| {
        let certificate = cluster.file(&format!("{name}.crt"));
        certified.clone().ssl_client_cert(certificate).ssl_client_key(cluster.file(&format!("{name}.key")))
    };
    try_to_open(&with("certified")).await.unwrap();
    assert!(try_to_open(&with("server")).await.is_err());
    assert!(try_to_open(&certified).await.is_err());
    let lonely = certified.ssl_client_cert(cluster.file("certified.crt"));
    assert!(matches!(try_to_open(&lonely).await, Err(Fault::Settings(_))));
}

async fn over_a_socket(cluster: &Cluster) {
    let options = cluster.options("salted", "p@ss: é").socket(&cluster.folder).ssl_mode(PgSslMode::Prefer);
    let mut conversation = try_to_open(&options).await.unwrap();
    assert_eq!(ask(&mut conversation, "SELECT inet_server_addr() IS NULL").await.unwrap(), "t");
    let required = try_to_open(&options.clone().ssl_mode(PgSslMode::Require)).await;
    assert!(matches!(required, Err(Fault::Tls(_))));
    let elsewhere = try_to_open(&options.socket(Path::new("/nowhere"))).await;
    assert!(matches!(elsewhere, Err(Fault::Io(_))));
}

async fn queries_are_cancelled(cluster: &Cluster) {
    let options = cluster.options("salted", "p@ss: é");
    for options in
        [options.clone(), options.clone().ssl_mode(PgSslMode::Require), options.socket(&cluster.folder)]
    {
        let place = Place::new(&options).unwrap();
        let opened = open(&place).await.unwrap();
        let (process_id, secret_key) = (opened.process_id, opened.secret_key);
        let mut conversation = Conversation { stream: opened.stream, received: opened.received };
        conversation.send(|message| frontend::query("SELECT pg_sleep(60)", message)).await.unwrap();
        let fault = async {
            loop {
                if let Err(fault) = conversation.receive().await {
                    return fault;
                }
            }
        };
        // A wish that comes before the query does is for nothing, so it is said until it is heard.
        let wish = async {
            loop {
                cancel(&place, process_id, secret_key).await;
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let fault: Fault = tokio::select! { fault = fault => fault, () = wish => continue };
        assert!(matches!(&fault, Fault::Server(refusal) if refusal.code == "57014"), "{fault}");
    }
}
