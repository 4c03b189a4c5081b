//! The database as requests use it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Value};

use super::catalog::KnownCatalog;
#[cfg(feature = "sqlite")]
use super::connect;
use super::foreign_keys::ForeignKeys;
#[cfg(feature = "postgres")]
use super::postgres::PostgresReader;
use super::presence::{PoolUse, reach};
use super::row::RowSet;
use super::sql_error::SqlError;
#[cfg(feature = "sqlite")]
use super::sqlite::{FileIdentity, SqliteReader};
use crate::error::Result;
use crate::plan::{Catalog, Query};

/// How many were opened so far.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// SeaORM's pool, which everything can go through, and beside it connections for what is only read.
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
    catalog: Arc<KnownCatalog>,
}

/// Sends what is only read, outside transactions, over connections of its own.
#[derive(Debug)]
pub(super) enum Reader {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteReader),
    #[cfg(feature = "postgres")]
    Postgres(PostgresReader),
}

impl Database {
    /// The pool that was opened at `url`, with connections for reading that are made as it makes its own.
    ///
    /// # Errors
    /// When the reading connections cannot follow its settings.
    pub(super) fn with_reader(
        #[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "only SQLite's opens files"))]
        url: &str,
        connection: DatabaseConnection,
    ) -> Result<Self, DbErr> {
        let reader = match connection.get_database_backend() {
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => {
                SqliteReader::new(url, connection.get_sqlite_connection_pool()).map(Reader::Sqlite)
            }
            #[cfg(feature = "postgres")]
            DbBackend::Postgres => {
                Some(Reader::Postgres(PostgresReader::new(connection.get_postgres_connection_pool())?))
            }
            _ => None,
        };
        #[cfg(feature = "sqlite")]
        let file = match connection.get_database_backend() {
            DbBackend::Sqlite if !connect::is_in_memory(url) => {
                let options = connection.get_sqlite_connection_pool().connect_options();
                Some(FileIdentity::of_opened(options.get_filename(), reader.is_some()))
            }
            _ => None,
        };
        let opened = Opened {
            id: OPENED.fetch_add(1, Ordering::Relaxed),
            connection,
            reader,
            #[cfg(feature = "sqlite")]
            file,
            catalog: Arc::default(),
        };
        Ok(Self(Arc::new(opened)))
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
    pub(super) fn check_file_lately(&self) -> Result<(), SqlError> {
        #[cfg(feature = "sqlite")]
        if let Some(file) = &self.0.file {
            return file.check_lately().map_err(|error| SqlError::Unavailable(error.to_string()));
        }
        Ok(())
    }

    /// Whether the database can be reached at this moment, over a new connection: the pool may be busy, or hold connections
    /// that are broken.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn reach(&self) -> Result<(), SqlError> {
        self.check_file()?;
        Ok(reach(&self.0.connection).await?)
    }

    /// Its connections at this moment: the pool's, and those that only read.
    pub fn pool_use(&self) -> PoolUse {
        let pool = PoolUse::of(&self.0.connection);
        let (idle, busy) = self.reader().map_or((0, 0), Reader::idle_and_busy);
        PoolUse { idle: pool.idle + idle, busy: pool.busy + busy, ..pool }
    }

    /// Tells it from every other that this process has opened; clones are the same.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// What it tells of itself.
    pub async fn catalog(&self) -> Option<Arc<Catalog>> {
        self.0.catalog.current(&self.0.connection).await
    }

    /// The same without asking.
    pub(super) fn known_catalog(&self) -> Option<Arc<Catalog>> {
        self.0.catalog.known()
    }

    /// Returns the foreign keys that are known, without asking.
    pub(super) fn known_keys(&self) -> Option<Arc<ForeignKeys>> {
        self.0.catalog.keys()
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
        let opened = Opened {
            id: OPENED.fetch_add(1, Ordering::Relaxed),
            connection,
            reader: None,
            #[cfg(feature = "sqlite")]
            file: None,
            catalog: Arc::default(),
        };
        Self(Arc::new(opened))
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
