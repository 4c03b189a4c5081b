//! The database as requests use it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DbErr, Value};

use super::catalog::KnownCatalog;
use super::foreign_keys::ForeignKeys;
#[cfg(feature = "postgres")]
use super::postgres::PostgresReader;
use super::presence::PoolUse;
use super::row::RowSet;
#[cfg(feature = "sqlite")]
use super::sqlite::SqliteReader;
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
            sea_orm::DbBackend::Sqlite => {
                SqliteReader::new(url, connection.get_sqlite_connection_pool()).map(Reader::Sqlite)
            }
            #[cfg(feature = "postgres")]
            sea_orm::DbBackend::Postgres => {
                Some(Reader::Postgres(PostgresReader::new(connection.get_postgres_connection_pool())?))
            }
            _ => None,
        };
        Ok(Self::over(connection, reader))
    }

    fn over(connection: DatabaseConnection, reader: Option<Reader>) -> Self {
        let id = OPENED.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Opened { id, connection, reader, catalog: Arc::default() }))
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
    /// # Errors
    /// What the driver says.
    pub async fn close(self) -> Result<(), DbErr> {
        if let Some(reader) = self.reader() {
            reader.close();
        }
        self.0.connection.close_by_ref().await
    }
}

/// A pool that was opened elsewhere. Whatever was arranged for its connections is not known here: reading goes over
/// them, too.
impl From<DatabaseConnection> for Database {
    fn from(connection: DatabaseConnection) -> Self {
        Self::over(connection, None)
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
