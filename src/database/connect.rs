//! Opens the database with the settings that Crowsfoot relies on.

#[cfg(feature = "sqlite")]
use std::time::{Duration, Instant};

#[cfg(feature = "postgres")]
use sea_orm::SqlxPostgresConnector;
#[cfg(feature = "sqlite")]
use sea_orm::{ConnectOptions, DatabaseConnection};
use sea_orm::{DbErr, RuntimeErr};
#[cfg(feature = "postgres")]
use sqlx::{ConnectOptions as _, postgres::PgPoolOptions};

use super::handle::Database;
#[cfg(feature = "postgres")]
use super::postgres::{Fault, PgConfig, explore};
use super::settings::{ACQUIRE_TIMEOUT, ConnectSettings};
#[cfg(feature = "sqlite")]
use super::settings::{SQLITE_CACHE, SQLITE_JOURNAL_BYTES, Synchronous, is_in_memory};
#[cfg(feature = "sqlite")]
use super::sql_error::is_locked;

/// Error while opening the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no database that this build supports.
    #[error("\"{scheme}\" is not a database that this build supports; expected one of {expected}")]
    UnknownScheme {
        /// Scheme of the URL.
        scheme: String,
        /// Supported schemes.
        expected: String,
    },
    /// The database cannot be reached.
    #[error("the database cannot be opened: {place}: {cause}")]
    Unreachable {
        /// Address of the database, without the password.
        place: String,
        /// Message of the system or the database.
        cause: String,
    },
    /// The database cannot be used.
    #[error("the database cannot be opened: {0}")]
    Unusable(#[from] DbErr),
}

/// Name that PostgreSQL shows in its lists of connections.
#[cfg(feature = "postgres")]
const APPLICATION_NAME: &str = "crowsfoot";

/// Interval between tries to open a locked SQLite file.
#[cfg(feature = "sqlite")]
const SQLITE_LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// Opens the database at `url` with `pool_size` connections. Statements have no time
/// limit.
///
/// # Errors
/// Fails if this build has no driver for the URL's scheme, or the database cannot be reached.
pub async fn connect(url: &str, pool_size: u32) -> Result<Database, ConnectError> {
    connect_with(url, &ConnectSettings::new(pool_size)).await
}

/// Opens the database at `url`.
///
/// # Errors
/// Fails if this build has no driver for the URL's scheme, or the database cannot be reached.
pub async fn connect_with(url: &str, settings: &ConnectSettings) -> Result<Database, ConnectError> {
    // Other text, such as libpq's `host=… password=…`, may contain a secret.
    let is_scheme =
        |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let scheme = url.split(':').next().filter(is_scheme).unwrap_or_default().to_owned();
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
        return Box::pin(connect_postgres(url, settings)).await;
    }
    #[cfg(feature = "sqlite")]
    return connect_sqlite(url, settings).await;
    #[cfg(not(feature = "sqlite"))]
    Err(ConnectError::UnknownScheme { scheme, expected: expected.join(", ") })
}

#[cfg(feature = "sqlite")]
async fn connect_sqlite(url: &str, settings: &ConnectSettings) -> Result<Database, ConnectError> {
    let mut options = ConnectOptions::new(url);
    // Every connection to an in-memory database is a separate database.
    let pool_size = if is_in_memory(url) { 1 } else { settings.pool_size };
    options.max_connections(pool_size).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
    // The pool would ping the database before each use: a round trip per statement.
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
            .pragma("cache_size", SQLITE_CACHE)
            .with_regexp()
    });
    let connection = open_waiting(options).await?;
    // A deleted file must not be created again, because it would be empty.
    let pool = connection.get_sqlite_connection_pool();
    pool.set_connect_options(pool.connect_options().as_ref().clone().create_if_missing(false));
    Ok(Database::of_sqlite(url, connection, settings.sqlite_synchronous))
}

/// Opens an SQLite file, and waits while another connection has a lock on the file.
///
/// The first connection changes a file to write-ahead logging, and needs an exclusive lock for the change. SQLite waits for a lock
/// only where no read transaction is open, and a read transaction precedes this change: concurrent first connections would fail at once.
#[cfg(feature = "sqlite")]
async fn open_waiting(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let deadline = Instant::now() + ACQUIRE_TIMEOUT;
    loop {
        match Box::pin(sea_orm::Database::connect(options.clone())).await {
            Err(error) if meets_lock(&error) && Instant::now() < deadline => {
                tokio::time::sleep(SQLITE_LOCK_INTERVAL).await;
            }
            result => return result,
        }
    }
}

/// Returns true if another connection has a lock on the file that was to be opened.
#[cfg(feature = "sqlite")]
fn meets_lock(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(source)) = error else { return false };
    source.as_database_error().and_then(|refusal| refusal.code()).is_some_and(|code| is_locked(&code))
}

/// Returns the parameters of connections to the server at `url`.
#[cfg(feature = "postgres")]
pub(super) fn postgres_config(url: &str) -> Result<PgConfig, Fault> {
    Ok(PgConfig::new(url)?.with_defaults(APPLICATION_NAME, &[("jit", "off".to_owned())]))
}

/// Adds the time limits and the pooler of the settings.
#[cfg(feature = "postgres")]
pub(super) fn with_limits(mut place: PgConfig, settings: &ConnectSettings) -> PgConfig {
    if let Some(limit) = settings.statement_timeout {
        let limit = format!("{}ms", limit.as_millis());
        let limits = [("statement_timeout", limit.clone()), ("idle_in_transaction_session_timeout", limit)];
        place = place.with_defaults(APPLICATION_NAME, &limits);
    }
    place.behind(settings.pooler)
}

/// Returns the database at a server that was reached. Nothing is sent.
#[cfg(feature = "postgres")]
pub(super) fn over_postgres(place: PgConfig, settings: &ConnectSettings) -> Database {
    let pool = PgPoolOptions::new()
        .max_connections(settings.pool_size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_lazy_with(place.sqlx_options().disable_statement_logging());
    Database::of_postgres(place, SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// Connects to the server once, and names address and cause if the connection fails.
#[cfg(feature = "postgres")]
async fn connect_postgres(url: &str, settings: &ConnectSettings) -> Result<Database, ConnectError> {
    let place = postgres_config(url).map_err(|fault| DbErr::Conn(RuntimeErr::Internal(fault.to_string())))?;
    let place = with_limits(place, settings);
    let name = place.to_string();
    let cause = match tokio::time::timeout(ACQUIRE_TIMEOUT, explore(place)).await {
        Ok(Ok(place)) => return Ok(over_postgres(place, settings)),
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => format!("no answer within {} seconds", ACQUIRE_TIMEOUT.as_secs()),
    };
    Err(ConnectError::Unreachable { place: name, cause })
}
