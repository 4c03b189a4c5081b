//! Typed settings: the only reader of the command line and the environment.

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use crowsfoot::policy::RequestRate;
use crowsfoot::{DocumentLimits, ExecutionLimits};

/// GraphQL service over SeaORM entities, with typed to-one and to-many relations.
///
/// Without a command the program runs `serve`: it opens or creates the database, migrates its tables, inserts the
/// example data into an empty database, and prints the address of GraphiQL.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// Command to run; `serve` if omitted.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`.
    #[command(flatten)]
    pub serve: Serve,
}

/// Commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve GraphQL over HTTP
    Serve(Box<Serve>),
    /// Migrate the tables of the database
    Migrate {
        /// Migration command
        #[command(subcommand)]
        direction: Migrate,
    },
    /// Insert the example data into an empty database
    Seed {
        /// Number of copies of the example data; copies after the first are generated
        #[arg(long, default_value_t = 1)]
        scale: u32,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print the schema in the schema definition language
    Schema {
        /// File to compare with the schema; nothing is printed, a difference is an error
        #[arg(long, num_args = 0..=1, default_missing_value = "schema.graphql", value_name = "FILE")]
        check: Option<std::path::PathBuf>,
        /// Role of the options file whose schema is printed
        #[arg(long, requires = "options", conflicts_with = "check")]
        role: Option<String>,
        /// Older schema, in a file or of the database with this URL: print what has changed; a change that breaks clients
        /// is an error
        #[arg(long, conflicts_with_all = ["check", "role"], value_name = "FILE|URL")]
        diff: Option<String>,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print the plan of a query: levels, relations, columns and SQL statements
    Explain {
        /// GraphQL query to plan
        query: String,
        /// Variables of the query, as a JSON object
        #[arg(long)]
        variables: Option<String>,
        /// SQL dialect of the printed statements [default: sqlite, or that of --from-database]
        #[arg(long, value_enum)]
        dialect: Option<DialectName>,
        /// Role of the options file under whose rules the query is planned
        #[arg(long, requires = "options")]
        role: Option<String>,
        /// Values of the viewer's variables, as a JSON object
        #[arg(long, requires = "role")]
        viewer: Option<String>,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Check or print the policies of an options file
    Policies {
        /// Command about policies
        #[command(subcommand)]
        command: PoliciesCommand,
    },
    /// Draw the model as an entity-relationship diagram with crow's feet
    Model {
        /// Output format of the diagram
        #[arg(long, value_enum, default_value_t = DiagramFormat::Svg)]
        format: DiagramFormat,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Write an options file for --from-database, with every default as a comment
    Init {
        /// File to write; an existing file is left unchanged
        #[arg(long, default_value = "crowsfoot.toml", value_name = "FILE")]
        output: std::path::PathBuf,
        /// Database schema to read; may be repeated [default: the schema of the connection]
        #[arg(long, env = "CROWSFOOT_SCHEMA", value_name = "NAME", value_delimiter = ',')]
        schema: Vec<String>,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Write a Rust project with the entities of a live database, which serves the schema of --from-database
    ///
    /// For those who want fields or code of their own. The folder must be empty or missing.
    Generate {
        /// Folder of the project
        #[arg(long, value_name = "DIR")]
        output: std::path::PathBuf,
        /// Folder of Crowsfoot's source, for the project's dependency on it [default: the published version]
        #[arg(long, value_name = "DIR")]
        library: Option<std::path::PathBuf>,
        /// Options file whose options the project registers
        #[arg(long, env = "CROWSFOOT_OPTIONS", value_name = "FILE")]
        options: Option<std::path::PathBuf>,
        /// Database schema to read; may be repeated [default: the schema of the connection]
        #[arg(long, env = "CROWSFOOT_SCHEMA", value_name = "NAME", value_delimiter = ',')]
        schema: Vec<String>,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print the settings with which a client library fits the schema: keys of its cache, pages, scalars
    Client {
        /// Client library
        #[arg(value_enum)]
        client: ClientName,
        /// Role of the options file for whose schema the settings are
        #[arg(long, requires = "options")]
        role: Option<String>,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Ask a running service if it is alive; the exit code is 1 if it is not
    Health {
        /// Ask if it is ready to answer, instead of alive
        #[arg(long)]
        ready: bool,
        /// Address of the service
        #[arg(long, env = "CROWSFOOT_LISTEN", default_value = "127.0.0.1:8000")]
        listen: String,
    },
    /// Compare the entities with each other and with the live database
    ///
    /// The exit code is 0 if they match, and 1 if a promise of the schema is not kept by the database. Each finding names the
    /// option or the change of the database that mends it. Notes do not change the exit code.
    Check {
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
}

/// Commands about policies.
#[derive(Debug, Subcommand)]
pub enum PoliciesCommand {
    /// Check the policies against the model and the limits of the database; all faults are printed at once
    Check {
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print what a role may read and write
    Print {
        /// Role of the options file
        #[arg(long)]
        role: String,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
}

/// Migration commands.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Apply all pending migrations
    Up(DatabaseOptions),
    /// Revert all applied migrations
    Down(DatabaseOptions),
    /// Print the status of each migration
    Status(DatabaseOptions),
}

/// SQL dialect.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DialectName {
    /// SQLite
    Sqlite,
    /// PostgreSQL
    Postgres,
}

/// Client library.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ClientName {
    /// Apollo Client 3 and 4: type policies, in TypeScript
    Apollo,
    /// Relay: `relay.config.json`
    Relay,
    /// urql with Graphcache: keys and resolvers, in TypeScript
    Urql,
}

/// Output format of a diagram.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DiagramFormat {
    /// Image for browsers
    Svg,
    /// Mermaid `erDiagram` for Markdown
    Mermaid,
    /// Graph for Graphviz
    Dot,
}

/// Source of the model: the example's entities, or the tables of a live database.
#[derive(Clone, Debug, Args)]
pub struct ModelSource {
    /// Read the model from the tables of the database, which is neither migrated nor seeded
    ///
    /// Foreign keys become relations. Parts of the database that are left out, and names that clash with others, are
    /// printed.
    #[arg(long, env = "CROWSFOOT_FROM_DATABASE")]
    pub from_database: bool,
    /// Database schema to read; may be repeated [default: the schema of the connection]
    #[arg(
        long,
        env = "CROWSFOOT_SCHEMA",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "from_database"
    )]
    pub schema: Vec<String>,
    /// File of options in TOML: entities of a live database, policies and sign-in
    #[arg(long, env = "CROWSFOOT_OPTIONS", value_name = "FILE")]
    pub options: Option<std::path::PathBuf>,
}

/// Connection to the database.
#[derive(Clone, Debug, Args)]
pub struct DatabaseOptions {
    /// URL of the database: sqlite://FILE?mode=rwc or postgres://USER@HOST/NAME
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://crowsfoot.db?mode=rwc"
    )]
    pub database_url: String,
    /// Maximum number of connections for transactions
    ///
    /// Read-only queries have a second pool of the same size, and each worker thread has one further connection for
    /// short statements.
    #[arg(long, env = "CROWSFOOT_POOL_SIZE", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub pool_size: u32,
    /// Pooler between the service and PostgreSQL
    #[arg(long, env = "CROWSFOOT_POSTGRES_POOLER", value_enum, default_value_t = PostgresPooler::Auto, value_name = "POOLER")]
    pub postgres_pooler: PostgresPooler,
}

/// Pooler between the service and PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PostgresPooler {
    /// Detect a pooler at start, and treat it as one in transaction mode
    Auto,
    /// No pooler, or a pooler in session mode
    None,
    /// Pooler in transaction mode, such as PgBouncer with pool_mode = transaction
    Transaction,
}

impl From<PostgresPooler> for crowsfoot::Pooler {
    fn from(pooler: PostgresPooler) -> Self {
        match pooler {
            PostgresPooler::Auto => Self::Auto,
            PostgresPooler::None => Self::None,
            PostgresPooler::Transaction => Self::Transaction,
        }
    }
}

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

/// Changes by other processes, which live queries follow.
#[derive(Clone, Debug, Args)]
pub struct LiveOptions {
    /// Source of changes by other processes, for live queries
    #[arg(long, env = "CROWSFOOT_LIVE_CHANGES", value_enum, default_value_t = LiveChanges::Auto, value_name = "SOURCE")]
    pub live_changes: LiveChanges,
    /// URL of the PostgreSQL server itself, for --live-changes, where --database-url names a pooler
    #[arg(long, env = "CROWSFOOT_DIRECT_URL", hide_env_values = true, value_name = "URL")]
    pub direct_url: Option<String>,
    /// Publication that --live-changes replication reads
    #[arg(long, env = "CROWSFOOT_PUBLICATION", default_value = "crowsfoot", value_name = "NAME")]
    pub publication: String,
}

/// Replicas of the database.
#[derive(Clone, Debug, Args)]
pub struct ReplicaOptions {
    /// URL of a replica of the PostgreSQL database, which then serves queries and live queries; may be repeated
    ///
    /// A replica is a standby server with streaming replication. In the environment URLs are separated by blanks.
    #[arg(
        long,
        env = "CROWSFOOT_REPLICA_URL",
        hide_env_values = true,
        value_name = "URL",
        value_delimiter = ' '
    )]
    pub replica_url: Vec<String>,
    /// Maximum age in seconds of the state that a query may read on a replica
    ///
    /// A replica that is further behind the primary, or cannot be reached, serves nothing until it has caught up.
    #[arg(long, env = "CROWSFOOT_REPLICA_MAX_LAG", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub replica_max_lag: u64,
    /// Maximum time in milliseconds to wait until a replica has the state of a request's consistency token
    ///
    /// The query then runs on the primary.
    #[arg(long, env = "CROWSFOOT_REPLICA_WAIT_MS", default_value_t = 200, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub replica_wait_ms: u64,
}

/// Source of changes by other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LiveChanges {
    /// Notify on PostgreSQL where a connection can listen, otherwise none
    Auto,
    /// None: live queries follow the commits of this process
    None,
    /// Other processes of the service, by NOTIFY of PostgreSQL
    Notify,
    /// Every writer, by logical replication of PostgreSQL
    Replication,
}

/// Limits of documents. A fragment counts at each of its spreads.
#[derive(Clone, Debug, Args)]
pub struct Guard {
    /// Maximum size of a document in bytes
    #[arg(long, env = "CROWSFOOT_MAX_BYTES", default_value_t = DocumentLimits::DEFAULT.bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_bytes: usize,
    /// Maximum number of tokens in a document (names, numbers, strings, punctuators)
    #[arg(long, env = "CROWSFOOT_MAX_TOKENS", default_value_t = DocumentLimits::DEFAULT.tokens, value_parser = at_least_one)]
    max_tokens: usize,
    /// Maximum size of a name in a document in bytes
    #[arg(long, env = "CROWSFOOT_MAX_NAME_BYTES", default_value_t = DocumentLimits::DEFAULT.name_bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_name_bytes: usize,
    /// Maximum nesting depth of a document
    ///
    /// The limit applies to brackets, and to selection sets after fragments are expanded.
    #[arg(long, env = "CROWSFOOT_MAX_DEPTH", default_value_t = DocumentLimits::DEFAULT.depth, value_parser = depth())]
    max_depth: usize,
    /// Maximum number of aliases in a document
    #[arg(long, env = "CROWSFOOT_MAX_ALIASES", default_value_t = DocumentLimits::DEFAULT.aliases)]
    max_aliases: usize,
    /// Maximum number of root fields in an operation
    #[arg(long, env = "CROWSFOOT_MAX_ROOT_FIELDS", default_value_t = DocumentLimits::DEFAULT.root_fields, value_parser = at_least_one)]
    max_root_fields: usize,
    /// Maximum number of directives in a document
    #[arg(long, env = "CROWSFOOT_MAX_DIRECTIVES", default_value_t = DocumentLimits::DEFAULT.directives)]
    max_directives: usize,
    /// Maximum number of operations in a document
    #[arg(long, env = "CROWSFOOT_MAX_OPERATIONS", default_value_t = DocumentLimits::DEFAULT.operations, value_parser = at_least_one)]
    max_operations: usize,
    /// Maximum number of variables in a document
    #[arg(long, env = "CROWSFOOT_MAX_VARIABLES", default_value_t = DocumentLimits::DEFAULT.variables)]
    max_variables: usize,
    /// Maximum number of fields, spreads and inline fragments in a document
    #[arg(long, env = "CROWSFOOT_MAX_SELECTIONS", default_value_t = DocumentLimits::DEFAULT.selections, value_parser = at_least_one)]
    max_selections: usize,
    /// Maximum number of values in arguments and variables
    ///
    /// Scalars, lists and objects count. A variable counts at each use.
    #[arg(long, env = "CROWSFOOT_MAX_VALUES", default_value_t = DocumentLimits::DEFAULT.values, value_parser = at_least_one)]
    max_values: usize,
    /// Maximum size of text in arguments and variables in bytes
    ///
    /// A variable counts at each use.
    #[arg(long, env = "CROWSFOOT_MAX_VALUE_BYTES", default_value_t = DocumentLimits::DEFAULT.value_bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_value_bytes: usize,
    /// Maximum number of items in a list of an argument or variable
    #[arg(long, env = "CROWSFOOT_MAX_LIST_ITEMS", default_value_t = DocumentLimits::DEFAULT.list_items, value_parser = at_least_one)]
    max_list_items: usize,
}

impl Guard {
    /// Converts the settings into the limits of the library.
    pub fn limits(&self) -> DocumentLimits {
        let mut limits = DocumentLimits::DEFAULT;
        limits.bytes = self.max_bytes;
        limits.tokens = self.max_tokens;
        limits.name_bytes = self.max_name_bytes;
        limits.depth = self.max_depth;
        limits.aliases = self.max_aliases;
        limits.root_fields = self.max_root_fields;
        limits.directives = self.max_directives;
        limits.operations = self.max_operations;
        limits.variables = self.max_variables;
        limits.selections = self.max_selections;
        limits.values = self.max_values;
        limits.value_bytes = self.max_value_bytes;
        limits.list_items = self.max_list_items;
        limits
    }
}

fn depth() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=DocumentLimits::DEEPEST as u64)
}

/// Parses a number greater than 0, because a limit of 0 would refuse every request.
fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "expected a number greater than 0".to_owned())
}

/// Reaction to differences between the schema and the database at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DatabaseCheck {
    /// Refuse to serve if answers would be wrong or fail, and log other differences
    Strict,
    /// Log all differences
    Warn,
    /// Compare only the types without which no row can be read
    Off,
}

/// Amount of detail in responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// SQL statements with the header `Crowsfoot-Explain: 1`, and suggestions in errors
    Development,
    /// No internal detail; needs policies or --public
    Production,
}

/// Durability of SQLite commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqliteSynchronous {
    /// Sync at every commit: an acknowledged mutation survives a power cut
    Full,
    /// Sync at checkpoints: about twice as many commits per second, but a power cut may lose the last mutations
    Normal,
}

/// Database state that the SQL statements of a query see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConsistencyLevel {
    /// All statements see one snapshot, in a read-only transaction
    Snapshot,
    /// Each statement sees what was committed before it
    Statement,
}

impl From<ConsistencyLevel> for crowsfoot::ReadConsistency {
    fn from(consistency: ConsistencyLevel) -> Self {
        match consistency {
            ConsistencyLevel::Snapshot => Self::Snapshot,
            ConsistencyLevel::Statement => Self::Statement,
        }
    }
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Plain text
    Text,
    /// JSON, an object per line
    Json,
}
