//! Settings and fixed limits of connections.

use std::time::Duration;

/// Settings of the database connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSettings {
    pub(super) pool_size: u32,
    pub(super) statement_timeout: Option<Duration>,
    pub(super) sqlite_synchronous: Synchronous,
    pub(super) pooler: Pooler,
}

impl ConnectSettings {
    /// Creates settings with the maximum number of connections for transactions, and the same number for
    /// reads. On PostgreSQL, short statements share one further connection per thread.
    pub fn new(pool_size: u32) -> Self {
        Self {
            pool_size,
            statement_timeout: None,
            sqlite_synchronous: Synchronous::default(),
            pooler: Pooler::default(),
        }
    }

    /// Sets the time limit of PostgreSQL for a statement, and for idle time within a transaction; by default
    /// there is none. SQLite has no such limit.
    pub fn statement_timeout(mut self, limit: Option<Duration>) -> Self {
        self.statement_timeout = limit;
        self
    }

    /// Sets the durability of SQLite's commits.
    pub fn sqlite_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.sqlite_synchronous = synchronous;
        self
    }

    /// Sets the pooler, such as PgBouncer, between the service and PostgreSQL.
    pub fn pooler(mut self, pooler: Pooler) -> Self {
        self.pooler = pooler;
        self
    }
}

/// Point at which SQLite waits until its writes are on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// At every commit: an acknowledged commit survives a power cut.
    #[default]
    Full,
    /// At each checkpoint of the write-ahead log: a power cut may lose the last commits, and leaves the file
    /// intact. A killed process loses nothing.
    Normal,
}

#[cfg(feature = "sqlite")]
impl Synchronous {
    /// Value of SQLite's pragma.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// Pooler between the service and PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pooler {
    /// Detected at opening: a pooler reports another process id than the server, or refuses start-up
    /// parameters.
    #[default]
    Auto,
    /// No pooler, or a pooler in session mode.
    None,
    /// A pooler in transaction mode. Statements have no names, and settings hold for one transaction.
    Transaction,
}

/// Timeout for a connection, after which the database counts as unavailable.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout for a new connection to PostgreSQL: a reachable server needs far less.
#[cfg(feature = "postgres")]
pub(super) const POSTGRES_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Page cache of each SQLite connection, in KiB after the minus.
///
/// The file itself is not mapped into memory. A program that shortens a mapped file ends the process (SIGBUS),
/// and a mapped page costs more to find than a cached one (4 % more instructions for reads by key, twice the time after
/// each commit of another connection).
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_CACHE: &str = "-65536";

/// Size to which SQLite truncates its write-ahead log after a full checkpoint.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_JOURNAL_BYTES: &str = "67108864";

/// Returns true if the SQLite database at `url` is in memory.
#[cfg(feature = "sqlite")]
pub(super) fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}
