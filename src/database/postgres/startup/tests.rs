use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::config::Pem;
use super::*;

/// Variable of `tests/support`; without it no PostgreSQL test runs.
const POSTGRES: &str = "CROWSFOOT_TEST_POSTGRES";

fn place(url: &str) -> PgConfig {
    PgConfig::new(url).unwrap()
}

#[test]
fn url_is_parsed_into_parameters() {
    let place = place(
        "postgres://us%40er:p%40%2Fss%25%20%C3%A9@[::1]:5433/my%20da%2Fta%3F?sslmode=verify-full\
         &sslrootcert=/a%20b.crt&sslcert=c&sslkey=d&application_name=app&options=-c%20x=y&options[z]=a%20b",
    );
    assert_eq!(*place.hosts.chosen(), Address::Tcp { host: "::1".to_owned(), address: None, port: 5433 });
    assert_eq!((place.user.as_str(), place.password.as_str()), ("us@er", "p@/ss% é"));
    assert_eq!(place.database.as_deref(), Some("my da/ta?"));
    assert_eq!(place.application_name.as_deref(), Some("app"));
    assert_eq!(settings::write(&place.settings).as_deref(), Some(r"-c x=y -c z=a\ b"));
    let encryption = &place.encryption;
    assert!(encryption.is_required());
    let files = [&encryption.roots, &encryption.certificate, &encryption.key];
    assert!(files == ["/a b.crt", "c", "d"].map(|path| Some(Pem::File(path.into()))).each_ref());
    assert!(!format!("{place:?} {place}").contains("ss%"), "{place:?}");
}

#[test]
fn libpq_s_names_are_known() {
    let url = "postgres://u@h/?keepalives_idle=7&keepalives_interval=3&keepalives_count=2&tcp_user_timeout=900\
               &connect_timeout=9&hostaddr=127.0.0.1&port=6&dbname=d&user=x&password=y&statement-cache-capacity=0";
    let place = place(url);
    let seconds = std::time::Duration::from_secs;
    assert_eq!((place.keep_alive.idle, place.keep_alive.interval), (Some(seconds(7)), seconds(3)));
    assert_eq!(place.keep_alive.user_timeout.as_millis(), 900);
    assert_eq!(place.connect_timeout(), seconds(9));
    let address = Some("127.0.0.1".to_owned());
    assert_eq!(*place.hosts.chosen(), Address::Tcp { host: "h".to_owned(), address, port: 6 });
    assert_eq!((place.user.as_str(), place.password.as_str()), ("x", "y"));
    assert!(!place.names_statements());
}

#[test]
fn lists_of_hosts_are_read_in_the_authority_and_as_parameters() {
    let tcp = |host: &str, port| Address::Tcp { host: host.to_owned(), address: None, port };
    let all = |url| place(url).hosts.in_turn().map(|(_, address)| address.clone()).collect::<Vec<_>>();
    for url in [
        "postgres://u:p,@a:1,b,[::1]:3/x?sslmode=disable",
        "postgres:///x?host=a,b,::1&port=1,5432,3",
        "postgres://u@hidden/x?host=a,b,::1&port=1,5432,3",
    ] {
        assert_eq!(all(url), [tcp("a", 1), tcp("b", 5432), tcp("::1", 3)], "{url}");
    }
    assert_eq!(all("postgres://a,b/x?port=7"), [tcp("a", 7), tcp("b", 7)]);
    let shown = place("postgres://u:geheim@a,b:6/x").to_string();
    assert_eq!(shown, "PostgreSQL's x at a:5432, b:6");
    for (url, message) in [
        ("postgres://a,b,c/x?port=1,2", "host, hostaddr and port are lists of different lengths"),
        ("postgres://a,b/x?hostaddr=127.0.0.1", "host, hostaddr and port are lists of different lengths"),
        ("postgres://a/x?target_session_attrs=master", "target_session_attrs is not a name that libpq knows"),
        ("postgres://a/x?channel_binding=maybe", "channel_binding is not disable, prefer or require"),
        ("postgres://a:1,b:many/x", "port is not a number"),
    ] {
        assert_eq!(PgConfig::new(url).err().unwrap().to_string(), format!("database URL: {message}"));
    }
}

#[tokio::test]
async fn connects_to_the_first_host_that_answers_and_is_of_the_wanted_kind() {
    let Ok(url) = std::env::var(POSTGRES) else { return };
    let host = place(&url).hosts.to_string();
    let refusing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    // The system accepts its connections, and nobody answers them.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = (silent.local_addr().unwrap(), silent);
    let hosts = format!("{refusing},{},{host}", silent.0);
    let url = url.replacen(&host, &hosts, 1);
    let at = |parameters: &str| place(&format!("{url}?connect_timeout=1&{parameters}"));
    for parameters in [
        "",
        "target_session_attrs=any",
        "target_session_attrs=read-write",
        "target_session_attrs=primary",
        "target_session_attrs=prefer-standby",
        "target_session_attrs=read-only&options=-c%20default_transaction_read_only%3Don",
    ] {
        let place = at(parameters);
        open(&place).await.unwrap();
        assert_eq!(place.hosts.chosen().to_string(), host, "{parameters}");
        open(&place).await.unwrap();
    }
    for wanted in ["standby", "read-only"] {
        let fault = open(&at(&format!("target_session_attrs={wanted}"))).await.unwrap_err().to_string();
        assert!(fault.contains(&format!("{host} is not of the wanted kind")), "{fault}");
    }
}

#[test]
fn url_errors_never_contain_values() {
    for url in ["postgres://u:geheim@h/?port=geheim", "postgres://u:geheim%ff@h/", "postgres://u:geheim@h:x/"]
    {
        let fault = PgConfig::new(url).err().unwrap().to_string();
        assert!(!fault.contains("geheim"), "{fault}");
    }
}

#[test]
fn settings_of_the_url_override_defaults() {
    let defaults = [("jit", "off".to_owned()), ("statement_timeout", "5s".to_owned())];
    let named = place("postgres://u@h/?options=-c%20JIT=on").with_defaults("app", &defaults);
    assert_eq!(settings::write(&named.settings).as_deref(), Some("-c JIT=on -c statement_timeout=5s"));
    assert_eq!((named.preamble(), named.names_statements()), (None, true));
    let pooled = named.behind(Pooler::Transaction);
    let preamble = "SELECT set_config('JIT', 'on', true), set_config('statement_timeout', '5s', true)";
    assert_eq!((pooled.preamble(), pooled.names_statements()), (Some(preamble), false));
    assert!(parameters(&pooled).iter().all(|(name, _)| !["options", "extra_float_digits"].contains(name)));
}

#[test]
fn a_socket_is_a_folder_and_a_port() {
    for url in ["postgres://%2Fa%20b:5433/x", "postgres:///x?host=/a%20b&port=5433"] {
        assert_eq!(*place(url).hosts.chosen(), Address::Unix("/a b/.s.PGSQL.5433".into()));
    }
}

#[test]
fn sqlx_gets_equal_parameters() {
    let options = place("postgres://u:p@h:7/d?sslmode=require&options[a]=b%20c").sqlx_options();
    assert_eq!((options.get_host(), options.get_port(), options.get_username()), ("h", 7, "u"));
    assert_eq!((options.get_database(), options.get_options()), (Some("d"), Some(r"-c a=b\ c")));
    let socket = place("postgres://u@%2Fa:5433/x").sqlx_options();
    assert_eq!((socket.get_socket().map(|path| path.to_str()), socket.get_port()), (Some(Some("/a")), 5433));
}

#[test]
fn certificate_may_be_inline_pem() {
    let text = "-----BEGIN CERTIFICATE-----\n+/=\n-----END CERTIFICATE-----\n";
    let mut url = url::Url::parse("postgres://u@h/").unwrap();
    url.query_pairs_mut().append_pair("sslrootcert", text);
    assert!(place(url.as_str()).encryption.roots == Some(Pem::Inline(text.to_owned())));
}

/// Returns the error of a connection to a server that answers with these bytes.
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

/// Sends answers made of messages with random tags, lengths and bodies.
#[tokio::test]
async fn any_answer_is_accepted_or_refused_in_time() {
    let body = (prop_oneof![0..13_u32, any::<u32>()], prop::collection::vec(any::<u8>(), 0..30))
        .prop_map(|(kind, rest)| [&kind.to_be_bytes()[..], &rest].concat());
    let message = (select(b"RRRSKZENv".to_vec()), body, prop_oneof![8 => Just(0), 1 => any::<u32>()])
        .prop_map(|(tag, body, error)| {
            let length = (body.len() as u32 + 4).wrapping_add(error);
            [&[tag][..], &length.to_be_bytes(), &body].concat()
        });
    let answers = prop::collection::vec(message, 0..6);
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let answer = answers.new_tree(&mut runner).unwrap().current().concat();
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            // The client may have closed the connection already.
            let _ = socket.write_all(&answer).await;
        };
        let place = place(&format!("postgres://a:b@127.0.0.1:{port}/c?sslmode=disable"));
        let both = async { tokio::join!(server, open(&place)) };
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(10), both).await;
        assert!(in_time.is_ok(), "no end after {answer:?}");
    }
}

#[tokio::test]
async fn malformed_or_unauthenticated_answers_are_refused() {
    let fault = fault_of("sslmode=disable", b"R\x7f\xff\xff\xff").await;
    assert!(matches!(&fault, Fault::Protocol(message) if message.contains("too long")), "{fault}");
    let fault = fault_of("sslmode=disable", b"R\0\0\0\x01").await;
    assert!(matches!(fault, Fault::Protocol(_)), "{fault}");
    let fault = fault_of("sslmode=disable", b"E\0\0\0\x0fC08P01\0M\xff\0\0").await;
    assert!(matches!(&fault, Fault::Server(refusal) if refusal.code == "08P01"), "{fault}");
    // Requests SCRAM, and then skips the proof.
    let without_proof = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let fault = fault_of("sslmode=disable", without_proof).await;
    assert!(matches!(&fault, Fault::Protocol(message) if message.contains("not continued")), "{fault}");
    let fault = fault_of("sslmode=require", b"N").await;
    assert!(
        matches!(&fault, Fault::Tls(message) if message.contains("not offered by the server")),
        "{fault}"
    );
    let fault = fault_of("sslmode=prefer", b"E").await;
    assert!(matches!(fault, Fault::Protocol(_)), "{fault}");
    // Accepts TLS, and continues in plain text.
    let fault = fault_of("sslmode=prefer", b"SR\0\0\0\x08\0\0\0\0").await;
    assert!(matches!(fault, Fault::Tls(_)), "{fault}");
}

/// PostgreSQL server started by the test.
struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Returns `None` on a machine without the necessary programs.
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
        // A socket path must be short.
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

    /// Returns the URL of this user and password, over TCP, with these parameters.
    fn url(&self, user: &str, password: &str, parameters: &[(&str, &str)]) -> String {
        let mut url =
            url::Url::parse(&format!("postgres://{user}@localhost:{}/postgres", self.port)).unwrap();
        url.set_password(Some(password)).unwrap();
        url.query_pairs_mut().append_pair("sslmode", "disable").extend_pairs(parameters);
        url.into()
    }

    /// Returns the path of a generated certificate or key.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The test itself reports a server that did not start.
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

async fn try_to_open(url: &str) -> Result<Conversation, Fault> {
    let opened = open(&PgConfig::new(url)?).await?;
    assert!(opened.received.is_empty());
    assert_ne!(opened.process_id, 0);
    Ok(Conversation { stream: opened.stream, received: opened.received })
}

#[tokio::test]
async fn all_authentication_methods_and_transports_connect() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = cluster.folder.to_str().unwrap();
    let local = cluster.url("postgres", "", &[("host", folder)]);
    let mut admin = place(&local).sqlx_options().connect().await.unwrap();
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
    try_to_open(&cluster.url("trusted", "", &[])).await.unwrap();
    for mode in ["disable", "prefer"] {
        for user in ["cleartext", "hashed", "salted"] {
            let parameters = [
                ("sslmode", mode),
                ("application_name", "an app"),
                ("options[statement_timeout]", "4321ms"),
                ("options[search_path]", "a, b"),
            ];
            let mut conversation = try_to_open(&cluster.url(user, "p@ss: é", &parameters)).await.unwrap();
            let settings = "SELECT concat_ws('|', current_user, current_setting('application_name'), \
                            current_setting('statement_timeout'), current_setting('search_path'), \
                            current_setting('TimeZone'), current_setting('DateStyle'), \
                            current_setting('client_encoding'), current_setting('extra_float_digits'))";
            let expected = format!("{user}|an app|4321ms|a, b|UTC|ISO, MDY|UTF8|2");
            assert_eq!(conversation.ask(settings).await.unwrap(), expected);

            let wrong = try_to_open(&cluster.url(user, "wrong", &[("sslmode", mode)])).await;
            let fault = wrong.err().unwrap();
            assert!(matches!(&fault, Fault::Server(refusal) if refusal.code == "28P01"), "{user}: {fault}");
        }
    }
    try_to_open(&cluster.url("salted", "p@ss: é", &[("channel_binding", "disable")])).await.unwrap();
    for user in ["trusted", "cleartext", "hashed", "salted"] {
        let bound = cluster.url(user, "p@ss: é", &[("channel_binding", "require")]);
        let fault = try_to_open(&bound).await.err().unwrap().to_string();
        assert!(fault.contains("channel binding is required"), "{user}: {fault}");
    }
    let fault = try_to_open(&cluster.url("trusted", "", &[("dbname", "nowhere")])).await.err().unwrap();
    assert!(matches!(&fault, Fault::Server(refusal) if refusal.code == "3D000"), "{fault}");
    // The server answers without a pooler.
    let explored = explore(place(&cluster.url("trusted", "", &[]))).await.unwrap();
    assert_eq!(explored.pooler, Pooler::None);
}

async fn over_tls(cluster: &Cluster) {
    let salted = |parameters: &[(&str, &str)]| cluster.url("salted", "p@ss: é", parameters);
    let is_encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for (mode, expected) in [("disable", "f"), ("allow", "f"), ("prefer", "t"), ("require", "t")] {
        let mut conversation = try_to_open(&salted(&[("sslmode", mode)])).await.unwrap();
        assert_eq!(conversation.ask(is_encrypted).await.unwrap(), expected);
        // Hash that SCRAM is bound to.
        assert_eq!(
            tls::end_point(&conversation.stream).map(|hash| hash.len() * 8),
            (expected == "t").then_some(384)
        );
    }

    for binding in ["disable", "prefer", "require"] {
        try_to_open(&salted(&[("sslmode", "require"), ("channel_binding", binding)])).await.unwrap();
    }
    let file = |name: &str| cluster.file(name).to_str().unwrap().to_owned();
    let (authority, stranger) = (file("authority.crt"), file("stranger.crt"));
    for (what, roots, host, mode, is_let_in) in [
        ("known, right name", &authority, "localhost", "verify-full", true),
        ("known, right name elsewhere", &authority, "localhost&127.0.0.1", "verify-full", true),
        ("known, wrong name", &authority, "127.0.0.1", "verify-full", false),
        ("known, any name", &authority, "127.0.0.1", "verify-ca", true),
        ("unknown, right name", &stranger, "localhost", "verify-full", false),
        ("unknown, any name", &stranger, "localhost", "verify-ca", false),
        ("unknown, not asked", &stranger, "localhost", "require", true),
    ] {
        let (host, address) = host.split_once('&').unwrap_or((host, "127.0.0.1"));
        let url = salted(&[("sslrootcert", roots), ("host", host), ("hostaddr", address), ("sslmode", mode)]);
        match try_to_open(&url).await {
            Ok(_) => assert!(is_let_in, "{what}"),
            Err(fault) => assert!(!is_let_in && matches!(fault, Fault::Tls(_)), "{what}: {fault}"),
        }
    }

    let certified = |parameters: &[(&str, &str)]| {
        let verified = [("sslmode", "verify-full"), ("sslrootcert", authority.as_str())];
        cluster.url("certified", "", &[&verified, parameters].concat())
    };
    let with = |name: &str| {
        let (certificate, key) = (file(&format!("{name}.crt")), file(&format!("{name}.key")));
        certified(&[("sslcert", &certificate), ("sslkey", &key)])
    };
    try_to_open(&with("certified")).await.unwrap();
    assert!(try_to_open(&with("server")).await.is_err());
    assert!(try_to_open(&certified(&[])).await.is_err());
    let lonely = certified(&[("sslcert", &file("certified.crt"))]);
    assert!(matches!(try_to_open(&lonely).await, Err(Fault::Settings(_))));
}

async fn over_a_socket(cluster: &Cluster) {
    let at = |folder: &str, mode| cluster.url("salted", "p@ss: é", &[("host", folder), ("sslmode", mode)]);
    let folder = cluster.folder.to_str().unwrap();
    let mut conversation = try_to_open(&at(folder, "prefer")).await.unwrap();
    assert_eq!(conversation.ask("SELECT inet_server_addr() IS NULL").await.unwrap(), "t");
    let required = try_to_open(&at(folder, "require")).await;
    assert!(matches!(required, Err(Fault::Tls(_))));
    let elsewhere = try_to_open(&at("/nowhere", "prefer")).await;
    assert!(matches!(elsewhere, Err(Fault::Io(_))));
}

async fn queries_are_cancelled(cluster: &Cluster) {
    let folder = cluster.folder.to_str().unwrap();
    for parameters in [&[][..], &[("sslmode", "require")], &[("host", folder)]] {
        let place = place(&cluster.url("salted", "p@ss: é", parameters));
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
        // A cancel request before its query has no effect, so it is repeated.
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
