//! The database as requests use it.

use std::ops::Deref;
#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, Value};

use super::catalog::KnownCatalog;
#[cfg(feature = "sqlite")]
use super::connect;
use super::foreign_keys::ForeignKeys;
#[cfg(feature = "postgres")]
use super::postgres::{Place, PostgresConnections};
use super::presence::{PoolUse, reach_pool};
use super::row::RowSet;
use super::sql_error::SqlError;
#[cfg(feature = "sqlite")]
use super::sqlite::{self, FileIdentity, SqliteReader};
use crate::error::Result;
use crate::model::ColumnType;
use crate::plan::{Catalog, Query};

/// How many were opened so far.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// SeaORM's pool, which everything can go through, and beside it connections of our own: for what is only read, and on
/// PostgreSQL for transactions, too.
#[derive(Clone, Debug)]
pub struct Database(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    id: u64,
    connection: DatabaseConnection,
    reader: Option<Reader>,
    /// The file of SQLite, where it was opened here.
    #[cfg(feature = "sqlite")]
    file: Option<FileIdentity>,
    /// The file of SQLite that is to be written; none where the URL says `mode=ro`.
    #[cfg(feature = "sqlite")]
    written: Option<PathBuf>,
    catalog: Arc<KnownCatalog>,
}

/// Sends statements over connections of its own.
#[derive(Debug)]
pub(super) enum Reader {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteReader),
    #[cfg(feature = "postgres")]
    Postgres(Arc<PostgresConnections>),
}

impl Opened {
    fn over(connection: DatabaseConnection, reader: Option<Reader>) -> Self {
        Self {
            id: OPENED.fetch_add(1, Ordering::Relaxed),
            connection,
            reader,
            #[cfg(feature = "sqlite")]
            file: None,
            #[cfg(feature = "sqlite")]
            written: None,
            catalog: Arc::default(),
        }
    }
}

impl Database {
    /// The pool of SQLite's that was opened at `url`, with connections for reading that are made as it makes its own.
    #[cfg(feature = "sqlite")]
    pub(super) fn of_sqlite(url: &str, connection: DatabaseConnection) -> Self {
        let pool = connection.get_sqlite_connection_pool();
        let reader = SqliteReader::new(url, pool);
        let options = pool.connect_options();
        let path = (!connect::is_in_memory(url)).then(|| options.get_filename());
        let file = path.map(|path| FileIdentity::of_opened(path, reader.is_some()));
        let written = path.filter(|_| !url.contains("mode=ro")).map(Path::to_owned);
        let opened = Opened::over(connection, reader.map(Reader::Sqlite));
        Self(Arc::new(Opened { file, written, ..opened }))
    }

    /// The server at `place`, with as many connections for transactions as `connection`, a pool for everything else, may have.
    #[cfg(feature = "postgres")]
    pub(super) fn of_postgres(place: Place, connection: DatabaseConnection) -> Self {
        let limit = connection.get_postgres_connection_pool().options().get_max_connections();
        let connections = PostgresConnections::new(Arc::new(place), limit as usize);
        Self(Arc::new(Opened::over(connection, Some(Reader::Postgres(connections)))))
    }

    /// Whether the database is still the one that was opened: a file of SQLite may have been deleted or replaced.
    ///
    /// # Errors
    /// Says so where it is not.
    pub(super) fn check_file(&self) -> Result<(), SqlError> {
        #[cfg(feature = "sqlite")]
        if let Some(file) = &self.0.file {
            return file.check().map_err(|error| SqlError::Unavailable(error.to_string()));
        }
        Ok(())
    }

    /// The same without looking, where somebody has just looked.
    ///
    /// # Errors
    /// Those of [`Database::check_file`].
    #[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "only SQLite has a file"))]
    pub(super) fn check_file_lately(&self, now: Instant) -> Result<(), SqlError> {
        #[cfg(feature = "sqlite")]
        if let Some(file) = &self.0.file {
            return file.check_lately(now).map_err(|error| SqlError::Unavailable(error.to_string()));
        }
        Ok(())
    }

    /// Checks over a new connection that the database can be reached and takes writes: the pool may be busy, or hold connections
    /// that are broken. A database whose URL says that the service only reads is not asked for writes.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn reach(&self) -> Result<(), SqlError> {
        self.check_file()?;
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.postgres() {
            return connections.reach().await;
        }
        reach_pool(&self.0.connection).await?;
        #[cfg(feature = "sqlite")]
        if let Some(file) = self.0.written.clone() {
            return sqlite::check_writable(file).await;
        }
        Ok(())
    }

    /// Its connections at this moment: the pool's, and our own.
    pub fn pool_use(&self) -> PoolUse {
        let pool = PoolUse::of(&self.0.connection);
        let (idle, busy) = self.reader().map_or((0, 0), Reader::idle_and_busy);
        let room = match self.reader() {
            #[cfg(feature = "postgres")]
            Some(Reader::Postgres(connections)) => u32::try_from(connections.room()).unwrap_or(u32::MAX),
            _ => pool.room,
        };
        PoolUse { idle: pool.idle + idle, busy: pool.busy + busy, room }
    }

    /// Our own connections to PostgreSQL.
    #[cfg(feature = "postgres")]
    pub(super) fn postgres(&self) -> Option<&Arc<PostgresConnections>> {
        match self.reader()? {
            Reader::Postgres(connections) => Some(connections),
            #[cfg(feature = "sqlite")]
            Reader::Sqlite(_) => None,
        }
    }

    /// Whether a pooler gives each transaction to any connection of the server: nothing may outlast a transaction then.
    pub fn is_behind_pooler(&self) -> bool {
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.postgres() {
            return connections.is_pooled();
        }
        false
    }

    /// Asks the database about itself, outside any transaction.
    ///
    /// # Errors
    /// Those of the statement.
    pub(super) async fn ask(
        &self,
        sql: &str,
        values: Vec<Value>,
        columns: Arc<[ColumnType]>,
    ) -> Result<RowSet> {
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.postgres() {
            return connections.ask(sql, values.into(), columns).await;
        }
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, values);
        let results = self.0.connection.query_all_raw(statement).await.map_err(SqlError::from)?;
        Ok(RowSet::read(&results, columns))
    }

    /// Tells it from every other that this process has opened; clones are the same.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// What it tells of itself.
    pub async fn catalog(&self) -> Option<Arc<Catalog>> {
        self.0.catalog.current(self).await
    }

    /// The same without asking.
    pub(super) fn known_catalog(&self) -> Option<Arc<Catalog>> {
        self.0.catalog.known()
    }

    /// Returns the foreign keys that are known, without asking.
    pub(super) fn known_keys(&self) -> Option<Arc<ForeignKeys>> {
        self.0.catalog.keys()
    }

    /// Keeps foreign keys that were read within a transaction.
    pub(super) fn keep_keys(&self, keys: ForeignKeys) {
        self.0.catalog.keep_keys(keys);
    }

    pub(super) fn reader(&self) -> Option<&Reader> {
        self.0.reader.as_ref()
    }

    /// Closes every connection. Whoever asks later is told that the database cannot be reached.
    ///
    /// SQLite's write-ahead log is folded into the file before.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn close(self) -> Result<(), DbErr> {
        if let Some(reader) = self.reader() {
            reader.close();
        }
        if self.0.connection.get_database_backend() == DbBackend::Sqlite {
            // Whoever else still reads keeps a part of it; the last connection of all folds in what is left.
            let _ = self.0.connection.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        self.0.connection.close_by_ref().await
    }
}

/// A pool that was opened elsewhere. Whatever was arranged for its connections is not known here: reading goes over
/// them, too.
impl From<DatabaseConnection> for Database {
    fn from(connection: DatabaseConnection) -> Self {
        Self(Arc::new(Opened::over(connection, None)))
    }
}

impl Deref for Database {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.0.connection
    }
}

impl Reader {
    /// Sends a statement that reads, and decodes its rows. Boxed: what a driver does would else be a part of every future
    /// above.
    pub fn read<'a>(&'a self, query: &'a Query, values: Arc<[Value]>) -> BoxFuture<'a, Result<RowSet>> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(reader) => Box::pin(reader.read(query, values)),
            #[cfg(feature = "postgres")]
            Self::Postgres(reader) => Box::pin(reader.read(query, values)),
        }
    }

    fn idle_and_busy(&self) -> (u32, u32) {
        let (idle, busy) = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(reader) => reader.idle_and_busy(),
            #[cfg(feature = "postgres")]
            Self::Postgres(reader) => reader.idle_and_busy(),
        };
        (u32::try_from(idle).unwrap_or(u32::MAX), u32::try_from(busy).unwrap_or(u32::MAX))
    }

    fn close(&self) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(reader) => reader.close(),
            #[cfg(feature = "postgres")]
            Self::Postgres(reader) => reader.close(),
        }
    }
}
