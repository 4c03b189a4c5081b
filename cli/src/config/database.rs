//! Settings of the database and of its replicas, which several commands share.

use clap::{Args, ValueEnum};

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
    /// Column of the tenant, by which joins compare rows besides the keys [default: tenant_column of --options]
    ///
    /// Rows that reference each other must have the same value in it, in every table that has the column.
    #[arg(long, env = "CROWSFOOT_TENANT_COLUMN", value_name = "NAME")]
    pub tenant_column: Option<String>,
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

/// Changes by other processes, which live queries follow.
#[derive(Clone, Debug, Args)]
pub struct LiveOptions {
    /// Source of changes by other processes, for live queries
    #[arg(long, env = "CROWSFOOT_LIVE_CHANGES", value_enum, default_value_t = LiveChanges::Auto, value_name = "SOURCE")]
    pub live_changes: LiveChanges,
    /// URL of the PostgreSQL server itself, for --live-changes, where --database-url names a pooler
    #[arg(long, env = "CROWSFOOT_DIRECT_URL", hide_env_values = true, value_name = "URL")]
    pub direct_url: Option<String>,
    /// URL of a Redis server that carries changes between processes, in place of NOTIFY: redis://:PASSWORD@HOST:PORT/NUMBER
    ///
    /// For PostgreSQL behind a pooler, and for servers without NOTIFY. rediss:// stands for TLS. The number separates databases
    /// of one name.
    #[arg(long, env = "CROWSFOOT_REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: Option<String>,
    /// Publication that --live-changes replication reads
    #[arg(long, env = "CROWSFOOT_PUBLICATION", default_value = "crowsfoot", value_name = "NAME")]
    pub publication: String,
}

/// Source of changes by other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LiveChanges {
    /// Redis if --redis-url is given, notify on PostgreSQL where a connection can listen, otherwise none
    Auto,
    /// None: live queries follow the commits of this process
    None,
    /// Other processes of the service, by NOTIFY of PostgreSQL
    Notify,
    /// Every writer, by logical replication of PostgreSQL
    Replication,
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

/// Durability of SQLite commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqliteSynchronous {
    /// Sync at every commit: an acknowledged mutation survives a power cut
    Full,
    /// Sync at checkpoints: about twice as many commits per second, but a power cut may lose the last mutations
    Normal,
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
