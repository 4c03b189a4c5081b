//! Opening the database with the settings that Crowsfoot counts on.

use std::time::Duration;

#[cfg(feature = "sqlite")]
use sea_orm::ConnectOptions;
use sea_orm::DbErr;
#[cfg(feature = "postgres")]
use sea_orm::{RuntimeErr, SqlxPostgresConnector};
#[cfg(feature = "postgres")]
use sqlx::{ConnectOptions as _, postgres::PgPoolOptions};

use super::database::Database;
#[cfg(feature = "postgres")]
use super::postgres::{Place, explore};

/// The database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL names no database that this build can use.
    #[error("\"{scheme}\" is not a database that this build supports; expected one of {expected}")]
    UnknownScheme {
        /// The URL's scheme.
        scheme: String,
        /// What this build can use.
        expected: String,
    },
    /// The database cannot be reached.
    #[error("the database cannot be opened: {place}: {cause}")]
    Unreachable {
        /// Where it should be, without the password.
        place: String,
        /// What the system or the database says.
        cause: String,
    },
    /// The database cannot be used.
    #[error("the database cannot be opened: {0}")]
    Unusable(#[from] DbErr),
}

/// How the database is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSettings {
    /// The most connections for transactions, and as many for what is only read; on PostgreSQL one a thread more, which
    /// short statements share.
    pub pool_size: u32,
    /// How long PostgreSQL works on one statement, and waits for the next one of a transaction; none for as long as
    /// it takes. SQLite has no such limit.
    pub statement_timeout: Option<Duration>,
    /// When SQLite waits for the disk.
    pub sqlite_synchronous: Synchronous,
    /// Whether a pooler in transaction mode, such as PgBouncer, is between here and PostgreSQL.
    pub pooler: Pooler,
}

/// When SQLite waits until what it has written is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// At every commit: what was acknowledged is there after a power cut.
    #[default]
    Full,
    /// When the write-ahead log is folded into the file: a power cut may take the last commits, and leaves the file whole. A
    /// process that is killed loses nothing.
    Normal,
}

/// Pooler between the service and PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Found out when the database is opened: a pooler answers with another process id than the server, or refuses start-up
    /// parameters.
    #[default]
    Auto,
    /// None, or one that keeps a connection of the server for each of the service's.
    None,
    /// One that gives each transaction to any connection of the server. Statements then have no names, and settings hold for one
    /// transaction.
    Transaction,
}

/// How long a request waits for a connection before it is told that the database is away.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// What PostgreSQL shows in its lists of connections.
#[cfg(feature = "postgres")]
const APPLICATION_NAME: &str = "crowsfoot";

/// SQLite maps this much of the file into memory: a statement then reads pages without copying them.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_MAPPED_BYTES: &str = "268435456";

/// SQLite's cache of pages for each connection, in KiB after the minus: for what is not in the mapped part, which is what
/// the write-ahead log holds.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_CACHE: &str = "-65536";

/// SQLite cuts its write-ahead log down to this size when all of it is in the database file.
#[cfg(feature = "sqlite")]
const SQLITE_JOURNAL_BYTES: &str = "67108864";

/// Whether SQLite's database at `url` is in memory.
#[cfg(feature = "sqlite")]
pub(super) fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// Opens the database at `url` with as many connections as [`ConnectSettings::pool_size`] says. A statement may take as long
/// as it wants.
///
/// # Errors
/// When this build has no driver for the URL's scheme, or the database cannot be reached.
pub async fn connect(url: &str, pool_size: u32) -> Result<Database, ConnectError> {
    let settings = ConnectSettings {
        pool_size,
        statement_timeout: None,
        sqlite_synchronous: Synchronous::default(),
        pooler: Pooler::Auto,
    };
    connect_with(url, &settings).await
}

/// Opens the database at `url`.
///
/// # Errors
/// When this build has no driver for the URL's scheme, or the database cannot be reached.
pub async fn connect_with(url: &str, settings: &ConnectSettings) -> Result<Database, ConnectError> {
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
    #[cfg(feature = "postgres")]
    if scheme.starts_with("postgres") {
        return connect_postgres(url, settings).await;
    }
    #[cfg(feature = "sqlite")]
    return connect_sqlite(url, settings).await;
    #[cfg(not(feature = "sqlite"))]
    Err(ConnectError::UnknownScheme { scheme, expected: expected.join(", ") })
}

#[cfg(feature = "sqlite")]
async fn connect_sqlite(url: &str, settings: &ConnectSettings) -> Result<Database, ConnectError> {
    let mut options = ConnectOptions::new(url);
    // Every connection of an in-memory database is a database of its own.
    let pool_size = if is_in_memory(url) { 1 } else { settings.pool_size };
    options.max_connections(pool_size).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
    // The pool would ask the database whether it is there before each use: a round trip per statement.
    options.test_before_acquire(false);
    let synchronous = match settings.sqlite_synchronous {
        Synchronous::Full => sqlx::sqlite::SqliteSynchronous::Full,
        Synchronous::Normal => sqlx::sqlite::SqliteSynchronous::Normal,
    };
    options.map_sqlx_sqlite_opts(move |options| {
        use sqlx::sqlite::SqliteJournalMode;

        options
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(ACQUIRE_TIMEOUT)
            .pragma("journal_size_limit", SQLITE_JOURNAL_BYTES)
            .pragma("mmap_size", SQLITE_MAPPED_BYTES)
            .pragma("cache_size", SQLITE_CACHE)
            .with_regexp()
    });
    let connection = sea_orm::Database::connect(options).await?;
    // A file that goes away later is not made anew: it would be empty.
    let pool = connection.get_sqlite_connection_pool();
    pool.set_connect_options(pool.connect_options().as_ref().clone().create_if_missing(false));
    Ok(Database::of_sqlite(url, connection))
}

/// Sees whether the server is there, and names place and cause where it is not.
#[cfg(feature = "postgres")]
async fn connect_postgres(url: &str, settings: &ConnectSettings) -> Result<Database, ConnectError> {
    let mut defaults = vec![("jit", "off".to_owned())];
    if let Some(limit) = settings.statement_timeout {
        let limit = format!("{}ms", limit.as_millis());
        defaults.push(("statement_timeout", limit.clone()));
        defaults.push(("idle_in_transaction_session_timeout", limit));
    }
    let place = Place::new(url).map_err(|fault| DbErr::Conn(RuntimeErr::Internal(fault.to_string())))?;
    let place = place.with_defaults(APPLICATION_NAME, &defaults).behind(settings.pooler);
    let name = place.to_string();
    let cause = match tokio::time::timeout(ACQUIRE_TIMEOUT, explore(place)).await {
        Ok(Ok(place)) => {
            let pool = PgPoolOptions::new()
                .max_connections(settings.pool_size)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .connect_lazy_with(place.sqlx_options().disable_statement_logging());
            return Ok(Database::of_postgres(place, SqlxPostgresConnector::from_sqlx_postgres_pool(pool)));
        }
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => format!("no answer within {} seconds", ACQUIRE_TIMEOUT.as_secs()),
    };
    Err(ConnectError::Unreachable { place: name, cause })
}
