//! Settings and fixed limits of connections.

use std::time::Duration;

/// Settings of the database connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSettings {
    /// Maximum number of connections for transactions, and the same number for reads. On PostgreSQL, short
    /// statements share one further connection per thread.
    pub pool_size: u32,
    /// Time limit of PostgreSQL for a statement, and for idle time within a transaction; none without a
    /// limit. SQLite has no such limit.
    pub statement_timeout: Option<Duration>,
    /// Durability of SQLite's commits.
    pub sqlite_synchronous: Synchronous,
    /// Pooler in transaction mode, such as PgBouncer, between the service and PostgreSQL.
    pub pooler: Pooler,
}

/// Point at which SQLite waits until its writes are on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// At every commit: an acknowledged commit survives a power cut.
    #[default]
    Full,
    /// At each checkpoint of the write-ahead log: a power cut may lose the last commits, and leaves the file
    /// intact. A killed process loses nothing.
    Normal,
}

/// Pooler between the service and PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// Bytes of the file that SQLite maps into memory, so that reads avoid a copy.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_MAPPED_BYTES: &str = "268435456";

/// Page cache of each SQLite connection, in KiB after the minus. Holds pages outside the mapped part, which
/// are those of the write-ahead log.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_CACHE: &str = "-65536";

/// Returns true if the SQLite database at `url` is in memory.
#[cfg(feature = "sqlite")]
pub(super) fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}
