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
pub(super) fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// Opens the database at `url` with as many connections as [`ConnectSettings::pool_size`] says. A statement may take as long
/// as it wants.
///
/// # Errors
/// When this build has no driver for the URL's scheme, or the database cannot be reached.
pub async fn connect(url: &str, pool_size: u32) -> Result<Database, ConnectError> {
    let settings =
        ConnectSettings { pool_size, statement_timeout: None, sqlite_synchronous: Synchronous::default() };
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
        knock(url).await?;
    }
    let mut options = ConnectOptions::new(url);
    // Every connection of an in-memory database is a database of its own.
    let pool_size = if is_in_memory(url) { 1 } else { settings.pool_size };
    options.max_connections(pool_size).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
    // The pool would ask the database whether it is there before each use: a round trip per statement.
    options.test_before_acquire(false);
    #[cfg(feature = "sqlite")]
    let synchronous = match settings.sqlite_synchronous {
        Synchronous::Full => sqlx::sqlite::SqliteSynchronous::Full,
        Synchronous::Normal => sqlx::sqlite::SqliteSynchronous::Normal,
    };
    #[cfg(feature = "sqlite")]
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
    #[cfg(feature = "postgres")]
    {
        let limit = settings.statement_timeout.map(|limit| format!("{}ms", limit.as_millis()));
        options.map_sqlx_postgres_opts(move |options| {
            let options = match options.get_application_name() {
                Some(_) => options,
                None => options.application_name(APPLICATION_NAME),
            };
            match &limit {
                Some(limit) => options
                    .options([("statement_timeout", limit), ("idle_in_transaction_session_timeout", limit)]),
                None => options,
            }
        });
    }
    let connection = sea_orm::Database::connect(options).await?;
    #[cfg(feature = "sqlite")]
    if connection.get_database_backend() == sea_orm::DbBackend::Sqlite {
        // A file that goes away later is not made anew: it would be empty.
        let pool = connection.get_sqlite_connection_pool();
        pool.set_connect_options(pool.connect_options().as_ref().clone().create_if_missing(false));
    }
    Ok(Database::with_reader(url, connection)?)
}

/// Sees whether anybody is there, and says who is not: the pool goes on trying where a connection is refused, and what
/// it says in the end names neither place nor cause.
#[cfg(feature = "postgres")]
async fn knock(url: &str) -> Result<(), ConnectError> {
    use sqlx::postgres::PgConnectOptions;
    use sqlx::{ConnectOptions, Connection};

    let options: PgConnectOptions = url
        .parse()
        .map_err(|error: sqlx::Error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))?;
    let cause = match tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await {
        Ok(Ok(connection)) => {
            // That it was there is all there is to know.
            let _ = connection.close().await;
            return Ok(());
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} seconds", ACQUIRE_TIMEOUT.as_secs()),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    let place = match options.get_socket() {
        Some(socket) => format!("PostgreSQL's {database} at {}", socket.display()),
        None => format!("PostgreSQL's {database} at {}:{}", options.get_host(), options.get_port()),
    };
    Err(ConnectError::Unreachable { place, cause })
}
