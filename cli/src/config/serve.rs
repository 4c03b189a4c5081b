//! Settings of `serve`.

use clap::{Args, ValueEnum};
use crowsfoot::ExecutionLimits;
use crowsfoot::policy::RequestRate;

use super::database::{
    ConsistencyLevel, DatabaseCheck, DatabaseOptions, LiveOptions, ModelSource, ReplicaOptions,
    SqliteSynchronous,
};
use super::guard::{Guard, at_least_one};

/// Settings of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Connection to the database
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Source of the model
    #[command(flatten)]
    pub source: ModelSource,
    /// Look every two seconds for changes of the options file and of the tables, and serve the changed schema
    ///
    /// SIGHUP does so at once, with or without this option. Running requests end with the previous schema; WebSockets and
    /// event streams with live queries are closed, and their clients connect again. If the change has a fault, the fault
    /// is logged, and the previous schema is served on.
    #[arg(long, env = "CROWSFOOT_WATCH")]
    pub watch: bool,
    /// Address and port to listen on
    #[arg(long, env = "CROWSFOOT_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: String,
    /// Address and port of their own for /metrics, /model, explanations and the health checks, without sign-in
    ///
    /// The first three then leave the address of --listen.
    #[arg(long, env = "CROWSFOOT_LISTEN_OPERATIONS", value_name = "ADDRESS")]
    pub listen_operations: Option<String>,
    /// Audit log
    #[command(flatten)]
    pub audit: AuditOptions,
    /// Disable migrations and example data; the database is left unchanged
    #[arg(long)]
    pub no_migrate: bool,
    /// Reaction to differences between the schema and the database at start
    ///
    /// Answers would be wrong, for example, if a relation to one row has a key that the database does not keep unique. The
    /// command `check` prints the same differences.
    #[arg(long, env = "CROWSFOOT_CHECK", value_enum, default_value_t = DatabaseCheck::Strict)]
    pub check: DatabaseCheck,
    /// Number of worker threads [default: one per core]
    #[arg(long, env = "CROWSFOOT_WORKERS")]
    pub workers: Option<std::num::NonZeroUsize>,
    /// Maximum number of rows that a request may load; a larger request is refused
    #[arg(long, env = "CROWSFOOT_MAX_ROWS", default_value_t = ExecutionLimits::DEFAULT.rows, value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)))]
    pub max_rows: u64,
    /// Maximum cost of a query in rows; a larger query is refused
    ///
    /// The cost is the product of the limits along the levels of the query, and is checked before any SQL statement is
    /// sent. A list without a limit counts as 100 rows at the root and 10 rows below.
    #[arg(long, env = "CROWSFOOT_MAX_COST", default_value_t = ExecutionLimits::DEFAULT.cost, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_cost: u64,
    /// Limits of documents
    #[command(flatten)]
    pub guard: Guard,
    /// Time limit in seconds to receive a request, and again to answer the request
    #[arg(long, env = "CROWSFOOT_TIMEOUT", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Time in seconds between SIGTERM and the end of the address, in which all requests are still served
    ///
    /// From the signal on /readyz is 503, and answers close their connections, so that balancers and clients turn to other
    /// processes. A second signal ends the time.
    #[arg(long, env = "CROWSFOOT_DRAIN_TIME", default_value_t = 0, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub drain_time: u64,
    /// Maximum number of concurrent requests; further requests are refused
    #[arg(long, env = "CROWSFOOT_MAX_CONCURRENT", default_value_t = 1_000, value_parser = at_least_one)]
    pub max_concurrent: usize,
    /// Maximum number of operations of each viewer, such as 600/min; further ones are refused [default: none]
    ///
    /// Viewers without values are counted by their network. Without policies every caller is.
    #[arg(long, env = "CROWSFOOT_MAX_VIEWER_RATE", value_name = "NUMBER/s|min|h")]
    pub max_viewer_rate: Option<RequestRate>,
    /// Maximum size of a request body in bytes
    #[arg(long, env = "CROWSFOOT_MAX_BODY", default_value_t = 1 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_body: usize,
    /// Maximum number of requests in a batch; 0 disables batches
    #[arg(long, env = "CROWSFOOT_MAX_BATCH", default_value_t = 0)]
    pub max_batch: usize,
    /// Time limit in seconds for `connection_init` on a new WebSocket
    #[arg(long, env = "CROWSFOOT_SOCKET_INIT_TIMEOUT", default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub socket_init_timeout: u64,
    /// Maximum number of open WebSockets and event streams; further ones are refused
    #[arg(long, env = "CROWSFOOT_MAX_SOCKETS", default_value_t = 1_000, value_parser = at_least_one)]
    pub max_sockets: usize,
    /// Maximum number of concurrent operations on a WebSocket
    #[arg(long, env = "CROWSFOOT_MAX_SUBSCRIPTIONS", default_value_t = 100, value_parser = at_least_one)]
    pub max_subscriptions: usize,
    /// Maximum size of a WebSocket message in bytes
    #[arg(long, env = "CROWSFOOT_MAX_FRAME", default_value_t = 1 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_frame: usize,
    /// Origin allowed to send requests and open WebSockets [default: none]
    ///
    /// An origin has a form such as https://shop.example. The option may be given more than once.
    #[arg(long, env = "CROWSFOOT_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,
    /// File of the only documents to execute: a JSON object from id to document
    #[arg(long, env = "CROWSFOOT_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<std::path::PathBuf>,
    /// Disable introspection, and suggestions of schema names in errors
    #[arg(long, env = "CROWSFOOT_NO_INTROSPECTION")]
    pub no_introspection: bool,
    /// Time limit in seconds for a PostgreSQL statement; 0 for none
    ///
    /// SQLite has no such limit.
    #[arg(long, env = "CROWSFOOT_STATEMENT_TIMEOUT", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub statement_timeout: u64,
    /// Database state that the SQL statements of a query see
    #[arg(long, env = "CROWSFOOT_READ_CONSISTENCY", value_enum, default_value_t = ConsistencyLevel::Statement)]
    pub read_consistency: ConsistencyLevel,
    /// Durability of SQLite commits
    #[arg(long, env = "CROWSFOOT_SQLITE_SYNCHRONOUS", value_enum, default_value_t = SqliteSynchronous::Full)]
    pub sqlite_synchronous: SqliteSynchronous,
    /// Changes by other processes
    #[command(flatten)]
    pub live: LiveOptions,
    /// Replicas of the database
    #[command(flatten)]
    pub replicas: ReplicaOptions,
    /// Duration in milliseconds after which a statement is logged as slow; 0 for never
    #[arg(long, env = "CROWSFOOT_SLOW_QUERY_MS", value_name = "MILLISECONDS", default_value_t = 500)]
    pub slow_query_ms: u64,
    /// Amount of detail in responses
    #[arg(long, env = "CROWSFOOT_MODE", value_enum, default_value_t = Mode::Development)]
    pub mode: Mode,
    /// Secret of administrators, sent in the header `Crowsfoot-Admin-Secret`
    ///
    /// Several secrets are separated by commas, so that one can replace another. An environment variable is safer than an
    /// argument, which other users of the host can see.
    #[arg(
        long,
        env = "CROWSFOOT_ADMIN_SECRET",
        hide_env_values = true,
        value_name = "SECRET",
        value_delimiter = ','
    )]
    pub admin_secret: Vec<String>,
    /// Secret of a proxy whose headers `Crowsfoot-Role` and `Crowsfoot-Viewer` name the viewer
    ///
    /// The proxy verifies the caller, removes these headers from the requests that it receives, and sends the secret in the
    /// header `Crowsfoot-Proxy-Secret`. Several secrets are separated by commas.
    #[arg(
        long,
        env = "CROWSFOOT_TRUST_HEADERS",
        hide_env_values = true,
        value_name = "SECRET",
        value_delimiter = ','
    )]
    pub trust_headers: Vec<String>,
    /// Serve everything to everybody, in production mode too
    #[arg(long, env = "CROWSFOOT_PUBLIC")]
    pub public: bool,
    /// Format of log lines
    #[arg(long, env = "CROWSFOOT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Log filter, such as `info` or `crowsfoot=debug`
    #[arg(long, env = "CROWSFOOT_LOG", default_value = "info")]
    pub log: String,
}

/// Audit log of operations.
#[derive(Clone, Debug, Args)]
pub struct AuditOptions {
    /// File to which a JSON line is appended for each mutation: sender, written rows, outcome; `-` for the standard output
    ///
    /// The line is written after the commit and before the answer. While it cannot be written, mutations are refused.
    /// SIGHUP opens the file again.
    #[arg(long, env = "CROWSFOOT_AUDIT_LOG", value_name = "FILE")]
    pub audit_log: Option<std::path::PathBuf>,
    /// Operations that the audit log includes
    #[arg(long, env = "CROWSFOOT_AUDIT_OPERATIONS", value_enum, default_value_t = AuditedOperations::Mutations, requires = "audit_log")]
    pub audit_operations: AuditedOperations,
    /// Variable of the viewer whose value names the viewer in the audit log
    #[arg(long, env = "CROWSFOOT_AUDIT_VIEWER", value_name = "VARIABLE", requires = "audit_log")]
    pub audit_viewer: Option<String>,
}

/// Operations of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditedOperations {
    /// Mutations
    Mutations,
    /// Queries and subscriptions too
    All,
}

/// Amount of detail in responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// SQL statements with the header `Crowsfoot-Explain: 1`, and suggestions in errors
    Development,
    /// No internal detail; needs policies or --public
    Production,
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Plain text
    Text,
    /// JSON, an object per line
    Json,
}
