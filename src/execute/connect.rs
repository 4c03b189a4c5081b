//! Opening the database with the settings that Crowsfoot counts on.

use std::time::Duration;

use sea_orm::{ConnectOptions, DbErr};

use super::database::Database;

/// The database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL names no database that this build can use.
    #[error("\"{scheme}\" is not a database that this build can use; expected one of {expected}")]
    UnknownScheme {
        /// The URL's scheme.
        scheme: String,
        /// What this build can use.
        expected: String,
    },
    /// The database cannot be reached.
    #[error("the database cannot be opened: {0}")]
    Unreachable(#[from] DbErr),
}

/// How long a request waits for a connection before it is told that the database is away.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLite maps this much of the file into memory: a statement then reads pages without copying them.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_MAPPED_BYTES: &str = "268435456";

/// SQLite's cache of pages for each connection, in KiB after the minus: for what is not in the mapped part, which is what
/// the write-ahead log holds.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_CACHE: &str = "-65536";

/// Opens the database at `url` with at most `pool_size` connections for transactions, and as many for what is only read.
///
/// # Errors
/// When this build has no driver for the URL's scheme, or the database cannot be reached.
pub async fn connect(url: &str, pool_size: u32) -> Result<Database, ConnectError> {
    let scheme = url.split(':').next().unwrap_or_default().to_owned();
    let expected: Vec<&str> = [
        #[cfg(feature = "sqlite")]
        "sqlite",
        #[cfg(feature = "postgres")]
        "postgres",
    ]
    .into();
    if !expected.contains(&scheme.trim_end_matches("ql")) && !expected.contains(&scheme.as_str()) {
        return Err(ConnectError::UnknownScheme { scheme, expected: expected.join(", ") });
    }
    let mut options = ConnectOptions::new(url);
    // Every connection of an in-memory database is a database of its own.
    let pool_size = if url.contains(":memory:") || url.contains("mode=memory") { 1 } else { pool_size };
    options.max_connections(pool_size).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
    // The pool would ask the database whether it is there before each use: a round trip per statement.
    options.test_before_acquire(false);
    #[cfg(feature = "sqlite")]
    options.map_sqlx_sqlite_opts(|options| {
        use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
        options
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(ACQUIRE_TIMEOUT)
            .pragma("mmap_size", SQLITE_MAPPED_BYTES)
            .pragma("cache_size", SQLITE_CACHE)
            .with_regexp()
    });
    Ok(Database::with_reader(url, sea_orm::Database::connect(options).await?))
}
