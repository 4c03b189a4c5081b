//! Typed settings: the only reader of the command line and the environment.

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use crowsfoot::{execute, guard};

/// A GraphQL service over SeaORM entities that knows one from many.
///
/// Without a command it serves: it opens (or makes) the database, migrates its tables, puts the example data into
/// an empty database, and prints the address of GraphiQL.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`.
    #[command(flatten)]
    pub serve: Serve,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve GraphQL over HTTP
    Serve(Box<Serve>),
    /// Change the tables of the database
    Migrate {
        /// Which way
        #[command(subcommand)]
        direction: Migrate,
    },
    /// Put the example data into an empty database
    Seed {
        /// How many times over; beyond 1 the rows are generated, the same at every run
        #[arg(long, default_value_t = 1)]
        scale: u32,
        /// Which database
        #[command(flatten)]
        database: Database,
    },
    /// Print the schema in the schema definition language
    Schema {
        /// Print nothing and fail when the file differs
        #[arg(long, num_args = 0..=1, default_missing_value = "schema.graphql", value_name = "FILE")]
        check: Option<std::path::PathBuf>,
    },
    /// Print the plan of a query: level, relation, columns, and the text of each statement
    Explain {
        /// The query
        query: String,
        /// Its variables, as a JSON object
        #[arg(long)]
        variables: Option<String>,
        /// The database whose SQL is printed
        #[arg(long, value_enum, default_value_t = Dialect::Sqlite)]
        dialect: Dialect,
    },
    /// Draw the model as an entity diagram with crow's feet
    Model {
        /// What the drawing is written in
        #[arg(long, value_enum, default_value_t = DiagramFormat::Svg)]
        format: DiagramFormat,
    },
    /// Compare the entities with each other and with the live database
    Check {
        /// Which database
        #[command(flatten)]
        database: Database,
    },
}

/// Which way to migrate.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Apply what is pending
    Up(Database),
    /// Take everything back
    Down(Database),
    /// Say what is applied and what is pending
    Status(Database),
}

/// A database's SQL.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Dialect {
    /// SQLite
    Sqlite,
    /// PostgreSQL
    Postgres,
}

/// What a diagram is written in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DiagramFormat {
    /// A picture for browsers
    Svg,
    /// An `erDiagram` for Markdown
    Mermaid,
    /// A graph for Graphviz
    Dot,
}

/// The database.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// Where the database is: sqlite://FILE?mode=rwc, or postgres://USER@HOST/NAME
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://crowsfoot.db?mode=rwc"
    )]
    pub database_url: String,
    /// The most connections that transactions take, and as many that only read; one a thread more for its short statements
    #[arg(long, env = "CROWSFOOT_POOL_SIZE", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub pool_size: u32,
    /// Pooler between the service and PostgreSQL
    #[arg(long, env = "CROWSFOOT_POSTGRES_POOLER", value_enum, default_value_t = PostgresPooler::Auto, value_name = "POOLER")]
    pub postgres_pooler: PostgresPooler,
}

/// Pooler between the service and PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PostgresPooler {
    /// Find out at start whether there is one, and treat it as one in transaction mode
    Auto,
    /// None, or one that keeps a server connection for each client
    None,
    /// One that gives each transaction to any server connection, such as PgBouncer with pool_mode = transaction
    Transaction,
}

impl From<PostgresPooler> for execute::Pooler {
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
    /// Which database
    #[command(flatten)]
    pub database: Database,
    /// Address and port
    #[arg(long, env = "CROWSFOOT_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: String,
    /// Leave the database's tables and rows as they are
    #[arg(long)]
    pub no_migrate: bool,
    /// Threads that answer requests [default: one per core]
    #[arg(long, env = "CROWSFOOT_WORKERS")]
    pub workers: Option<std::num::NonZeroUsize>,
    /// The most rows that one request may load; a request for more is refused
    #[arg(long, env = "CROWSFOOT_MAX_ROWS", default_value_t = execute::Limits::DEFAULT.rows, value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)))]
    pub max_rows: u64,
    /// The most rows that a query may ask for by its limits, multiplied along its levels; one that asks for more is
    /// refused before anything is sent. A list without a limit counts as 100 rows at the root and 10 below
    #[arg(long, env = "CROWSFOOT_MAX_COST", default_value_t = execute::Limits::DEFAULT.cost, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_cost: u64,
    /// What a document may be made of
    #[command(flatten)]
    pub guard: Guard,
    /// Seconds in which a request must be there, and then again be answered
    #[arg(long, env = "CROWSFOOT_TIMEOUT", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// The most requests that are answered at once; further ones are refused
    #[arg(long, env = "CROWSFOOT_MAX_CONCURRENT", default_value_t = 1_000, value_parser = at_least_one)]
    pub max_concurrent: usize,
    /// The most bytes of a request's body
    #[arg(long, env = "CROWSFOOT_MAX_BODY", default_value_t = 1 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_body: usize,
    /// The most requests in one list of them; with 0 lists are refused
    #[arg(long, env = "CROWSFOOT_MAX_BATCH", default_value_t = 0)]
    pub max_batch: usize,
    /// Seconds that a new socket has to begin (`connection_init`)
    #[arg(long, env = "CROWSFOOT_SOCKET_INIT_TIMEOUT", default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub socket_init_timeout: u64,
    /// The most sockets and streams of events at once; further ones are refused
    #[arg(long, env = "CROWSFOOT_MAX_SOCKETS", default_value_t = 1_000, value_parser = at_least_one)]
    pub max_sockets: usize,
    /// The most operations at once on one socket; further ones are refused
    #[arg(long, env = "CROWSFOOT_MAX_SUBSCRIPTIONS", default_value_t = 100, value_parser = at_least_one)]
    pub max_subscriptions: usize,
    /// The most bytes of one message on a socket
    #[arg(long, env = "CROWSFOOT_MAX_FRAME", default_value_t = 1 << 20, value_name = "BYTES", value_parser = at_least_one)]
    pub max_frame: usize,
    /// An origin whose pages may ask, read and open sockets, such as https://shop.example; may be given several times
    #[arg(long, env = "CROWSFOOT_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,
    /// Run the documents of this file alone, a JSON object of documents by their ids
    #[arg(long, env = "CROWSFOOT_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<std::path::PathBuf>,
    /// Do not answer questions about the schema, nor hint at it in errors
    #[arg(long, env = "CROWSFOOT_NO_INTROSPECTION")]
    pub no_introspection: bool,
    /// Seconds that PostgreSQL works on one statement; 0 for as long as it takes (SQLite has no such limit)
    #[arg(long, env = "CROWSFOOT_STATEMENT_TIMEOUT", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub statement_timeout: u64,
    /// State of the database that the statements of one query see
    #[arg(long, env = "CROWSFOOT_READ_CONSISTENCY", value_enum, default_value_t = ReadConsistency::Snapshot)]
    pub read_consistency: ReadConsistency,
    /// When SQLite waits for the disk
    #[arg(long, env = "CROWSFOOT_SQLITE_SYNCHRONOUS", value_enum, default_value_t = SqliteSynchronous::Full)]
    pub sqlite_synchronous: SqliteSynchronous,
    /// Milliseconds after which a statement is named in the log; 0 for none
    #[arg(long, env = "CROWSFOOT_SLOW_QUERY_MS", value_name = "MILLISECONDS", default_value_t = 500)]
    pub slow_query_ms: u64,
    /// Production hides how answers come about
    #[arg(long, env = "CROWSFOOT_MODE", value_enum, default_value_t = Mode::Development)]
    pub mode: Mode,
    /// How log lines look
    #[arg(long, env = "CROWSFOOT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged, such as `info` or `crowsfoot=debug`
    #[arg(long, env = "CROWSFOOT_LOG", default_value = "info")]
    pub log: String,
}

/// What a document may be made of. Fragments count as often as they are spread.
#[derive(Clone, Debug, Args)]
pub struct Guard {
    /// The most bytes of a document
    #[arg(long, env = "CROWSFOOT_MAX_BYTES", default_value_t = guard::Limits::DEFAULT.bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_bytes: usize,
    /// The most tokens of a document: names, numbers, strings and punctuators
    #[arg(long, env = "CROWSFOOT_MAX_TOKENS", default_value_t = guard::Limits::DEFAULT.tokens, value_parser = at_least_one)]
    max_tokens: usize,
    /// The most bytes of a name in a document
    #[arg(long, env = "CROWSFOOT_MAX_NAME_BYTES", default_value_t = guard::Limits::DEFAULT.name_bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_name_bytes: usize,
    /// The most brackets of a document inside each other, and selection sets once its fragments are expanded
    #[arg(long, env = "CROWSFOOT_MAX_DEPTH", default_value_t = guard::Limits::DEFAULT.depth, value_parser = depth())]
    max_depth: usize,
    /// The most aliases of a document
    #[arg(long, env = "CROWSFOOT_MAX_ALIASES", default_value_t = guard::Limits::DEFAULT.aliases)]
    max_aliases: usize,
    /// The most fields at the root of an operation
    #[arg(long, env = "CROWSFOOT_MAX_ROOT_FIELDS", default_value_t = guard::Limits::DEFAULT.root_fields, value_parser = at_least_one)]
    max_root_fields: usize,
    /// The most directives of a document
    #[arg(long, env = "CROWSFOOT_MAX_DIRECTIVES", default_value_t = guard::Limits::DEFAULT.directives)]
    max_directives: usize,
    /// The most operations of a document
    #[arg(long, env = "CROWSFOOT_MAX_OPERATIONS", default_value_t = guard::Limits::DEFAULT.operations, value_parser = at_least_one)]
    max_operations: usize,
    /// The most variables that a document declares
    #[arg(long, env = "CROWSFOOT_MAX_VARIABLES", default_value_t = guard::Limits::DEFAULT.variables)]
    max_variables: usize,
    /// The most fields, spreads and inline fragments of a document
    #[arg(long, env = "CROWSFOOT_MAX_SELECTIONS", default_value_t = guard::Limits::DEFAULT.selections, value_parser = at_least_one)]
    max_selections: usize,
    /// The most values in arguments and variables: scalars, lists and objects, a variable counted wherever it is used
    #[arg(long, env = "CROWSFOOT_MAX_VALUES", default_value_t = guard::Limits::DEFAULT.values, value_parser = at_least_one)]
    max_values: usize,
    /// The most bytes of text in arguments and variables, a variable counted wherever it is used
    #[arg(long, env = "CROWSFOOT_MAX_VALUE_BYTES", default_value_t = guard::Limits::DEFAULT.value_bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_value_bytes: usize,
    /// The most items of one list in an argument or a variable
    #[arg(long, env = "CROWSFOOT_MAX_LIST_ITEMS", default_value_t = guard::Limits::DEFAULT.list_items, value_parser = at_least_one)]
    max_list_items: usize,
}

impl Guard {
    /// As the library has them.
    pub fn limits(&self) -> guard::Limits {
        guard::Limits {
            bytes: self.max_bytes,
            tokens: self.max_tokens,
            name_bytes: self.max_name_bytes,
            depth: self.max_depth,
            aliases: self.max_aliases,
            root_fields: self.max_root_fields,
            directives: self.max_directives,
            operations: self.max_operations,
            variables: self.max_variables,
            selections: self.max_selections,
            values: self.max_values,
            value_bytes: self.max_value_bytes,
            list_items: self.max_list_items,
        }
    }
}

fn depth() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=guard::Limits::DEEPEST as u64)
}

/// Zero would let nothing through.
fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a number above 0".to_owned())
}

/// Who may look behind the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The header `Crowsfoot-Explain: 1` adds the statements to the answer, and errors say what may have been meant
    Development,
    /// Neither
    Production,
}

/// When SQLite waits until what it has written is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqliteSynchronous {
    /// At every mutation: none that was acknowledged is lost at a power cut
    Full,
    /// Now and then: mutations take less time, and a power cut may take the last of them
    Normal,
}

/// State of the database that the statements of one query see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReadConsistency {
    /// One snapshot: a query of several statements takes a transaction that reads
    Snapshot,
    /// Whatever was committed before each statement
    Statement,
}

impl From<ReadConsistency> for execute::ReadConsistency {
    fn from(consistency: ReadConsistency) -> Self {
        match consistency {
            ReadConsistency::Snapshot => Self::Snapshot,
            ReadConsistency::Statement => Self::Statement,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For programs: a JSON object a line
    Json,
}
