//! Database handle of requests.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, Value};
use tokio::time::timeout;

use super::availability::{Availability, PoolUse, reach_pool};
use super::changes::ChangeNotifier;
use super::conflict_queue::ConflictQueue;
use super::introspect::catalog::{self, KnownCatalog};
use super::introspect::foreign_keys::{self, ForeignKeys};
#[cfg(feature = "postgres")]
use super::postgres::{PgConfig, PostgresConnections};
use super::replicas::Replicas;
use super::row::RowSet;
use super::row_builder::RowSetBuilder;
use super::seaorm;
#[cfg(feature = "sqlite")]
use super::settings::{Synchronous, is_in_memory};
use super::sql_error::SqlError;
#[cfg(feature = "sqlite")]
use super::sqlite::{AloneStatement, FileIdentity, SqliteReader};
use super::tracked_statement::TrackedStatement;
#[cfg(feature = "sqlite")]
use super::uninterrupted::Uninterrupted;
use super::written_alone::{AloneWrite, WrittenAlone};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::model::ColumnType;
use crate::plan::Catalog;
use crate::policy::SessionSettings;

/// Timeout of the catalog queries.
const CATALOG_PATIENCE: Duration = Duration::from_secs(1);

/// Number of databases opened in this process.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// SeaORM's pool, which can serve everything, and own connections beside it, for reads and transactions.
#[derive(Clone, Debug)]
pub struct Database(Arc<DatabaseState>);

#[derive(Debug)]
struct DatabaseState {
    id: u64,
    connection: DatabaseConnection,
    reader: Option<Reader>,
    /// SQLite's file, if this crate opened it.
    #[cfg(feature = "sqlite")]
    file: Option<FileIdentity>,
    /// True if SQLite's URL declares a read-only service (`mode=ro`).
    #[cfg(feature = "sqlite")]
    is_read_only: bool,
    catalog: KnownCatalog,
    changes: ChangeNotifier,
    conflicts: ConflictQueue,
    replicas: OnceLock<Box<Replicas<Database>>>,
}

/// Reader with its own connections.
#[derive(Debug)]
pub(crate) struct Reader(pub(super) Driver);

/// Driver of a [`Reader`].
#[derive(Debug)]
pub(super) enum Driver {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteReader),
    #[cfg(feature = "postgres")]
    Postgres(Arc<PostgresConnections>),
}

impl DatabaseState {
    fn over(connection: DatabaseConnection, reader: Option<Reader>) -> Self {
        Self {
            id: OPENED.fetch_add(1, Ordering::Relaxed),
            connection,
            reader,
            #[cfg(feature = "sqlite")]
            file: None,
            #[cfg(feature = "sqlite")]
            is_read_only: false,
            catalog: KnownCatalog::default(),
            changes: ChangeNotifier::default(),
            conflicts: ConflictQueue::default(),
            replicas: OnceLock::new(),
        }
    }
}

impl Database {
    /// Wraps SQLite's pool for `url`, and opens read connections with the pool's options.
    #[cfg(feature = "sqlite")]
    pub(super) fn of_sqlite(url: &str, connection: DatabaseConnection, synchronous: Synchronous) -> Self {
        let pool = connection.get_sqlite_connection_pool();
        let reader = SqliteReader::new(url, pool, synchronous);
        let options = pool.connect_options();
        let file = (!is_in_memory(url)).then(|| options.get_filename());
        let file = file.map(|path| FileIdentity::of_opened(path, reader.is_some()));
        let is_read_only = url.contains("mode=ro");
        let opened = DatabaseState::over(connection, reader.map(|reader| Reader(Driver::Sqlite(reader))));
        Self(Arc::new(DatabaseState { file, is_read_only, ..opened }))
    }

    /// Wraps the server at `place`. `connection`, a pool for everything outside, also sets the number of
    /// connections for transactions.
    #[cfg(feature = "postgres")]
    pub(super) fn of_postgres(place: PgConfig, connection: DatabaseConnection) -> Self {
        let limit = connection.get_postgres_connection_pool().options().get_max_connections();
        let connections = PostgresConnections::new(Arc::new(place), limit as usize);
        Self(Arc::new(DatabaseState::over(connection, Some(Reader(Driver::Postgres(connections))))))
    }

    /// Checks that the database is still the opened one: a SQLite file may have been deleted or replaced.
    ///
    /// # Errors
    /// Fails if the file was deleted or replaced.
    pub(super) fn check_file(&self) -> Result<(), SqlError> {
        #[cfg(feature = "sqlite")]
        if let Some(file) = &self.0.file {
            return file.check().map_err(|error| SqlError::Unavailable(error.to_string()));
        }
        Ok(())
    }

    /// Checks before a transaction that the file is the opened one, and that the system permits writes to it.
    /// Open connections write on, even after the file became read-only.
    ///
    /// # Errors
    /// Fails as [`Database::check_file`], and with [`SqlError::ReadOnly`].
    pub(super) fn check_writable(&self) -> Result<(), SqlError> {
        self.check_file()?;
        #[cfg(feature = "sqlite")]
        if self.0.file.as_ref().is_some_and(|file| !file.is_writable()) {
            return Err(SqlError::ReadOnly);
        }
        Ok(())
    }

    /// Checks the file, unless a recent check exists.
    ///
    /// # Errors
    /// Fails as [`Database::check_file`].
    #[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "only SQLite has a file"))]
    pub(crate) fn check_file_lately(&self, now: Instant) -> Result<(), SqlError> {
        #[cfg(feature = "sqlite")]
        if let Some(file) = &self.0.file {
            return file.check_lately(now).map_err(|error| SqlError::Unavailable(error.to_string()));
        }
        Ok(())
    }

    /// Pings the database over a new connection, because the pool may be busy or hold broken connections.
    ///
    /// # Errors
    /// Returns the reason why the database cannot be used.
    pub async fn reach(&self) -> Result<(), SqlError> {
        self.check_file()?;
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.postgres() {
            return connections.reach().await;
        }
        Box::pin(reach_pool(&self.0.connection)).await?;
        #[cfg(feature = "sqlite")]
        if self.0.is_read_only {
            return Ok(());
        }
        self.check_writable()
    }

    /// Returns the current numbers of connections: the pool's, and the own ones.
    pub fn pool_use(&self) -> PoolUse {
        let pool = PoolUse::of(&self.0.connection);
        let (idle, busy) = self.reader().map_or((0, 0), Reader::idle_and_busy);
        let room = match self.driver() {
            #[cfg(feature = "postgres")]
            Some(Driver::Postgres(connections)) => u32::try_from(connections.room()).unwrap_or(u32::MAX),
            _ => pool.room,
        };
        PoolUse { idle: pool.idle + idle, busy: pool.busy + busy, room }
    }

    /// Returns the own connections to PostgreSQL.
    #[cfg(feature = "postgres")]
    pub(super) fn postgres(&self) -> Option<&Arc<PostgresConnections>> {
        match self.driver()? {
            Driver::Postgres(connections) => Some(connections),
            #[cfg(feature = "sqlite")]
            Driver::Sqlite(_) => None,
        }
    }

    /// Returns true behind a pooler in transaction mode: no state may outlast a transaction.
    pub fn is_behind_pooler(&self) -> bool {
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.postgres() {
            return connections.is_pooled();
        }
        false
    }

    /// Queries the database about itself, outside any transaction.
    ///
    /// # Errors
    /// Fails as the statement does.
    pub(crate) async fn ask(
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
        Ok(seaorm::read(&results, RowSetBuilder::new(columns)))
    }

    /// Sends a statement that reads through SeaORM's pool, and decodes its rows. A lost connection is replaced.
    pub(crate) async fn read_pooled(
        &self,
        availability: &Availability,
        sql: &str,
        values: &[Value],
        rows: &(impl Fn() -> RowSetBuilder + Sync),
    ) -> Result<RowSet, SqlError> {
        let backend = self.get_database_backend();
        let send = |sql: &str| self.0.connection.query_all_raw(seaorm::statement(backend, sql, values));
        let mut results = availability.attempt(&self.0.connection, || send(sql)).await;
        if let Err(error) = &results
            && let Some(checking) = seaorm::checking_text(sql, error)
        {
            results = send(&checking).await;
        }
        Ok(seaorm::read(&results?, rows()))
    }

    /// Returns true if a statement can write as a transaction of its own.
    pub(crate) fn writes_alone(&self) -> bool {
        self.driver().is_some()
    }

    /// Sends a statement that writes, as a transaction of its own, gives the returned rows to `answer`, and publishes the written
    /// tables. If the caller leaves, the statement still ends, and the tables are published.
    ///
    /// # Errors
    /// [`SqlError::Refused`] if the database refuses: nothing was written. [`SqlError::OutcomeUnknown`] if the connection is lost
    /// meanwhile.
    pub(crate) async fn write_alone<A: Send + 'static>(
        &self,
        write: AloneWrite<'_>,
        answer: impl FnOnce(RowSet) -> Result<A, A> + Send + 'static,
    ) -> Result<WrittenAlone<A>, SqlError> {
        let (database, touched) = (self.clone(), write.touches.clone());
        let publish = move || database.changes().notify(touched.clone());
        match self.driver() {
            #[cfg(feature = "postgres")]
            Some(Driver::Postgres(connections)) => {
                let rows = connections.write_alone(write, Arc::new(publish)).await?;
                let count = rows.len();
                // It is committed, whatever the answer.
                let (Ok(answer) | Err(answer)) = answer(rows);
                Ok(WrittenAlone { rows: count, answer, is_taken_back: false })
            }
            #[cfg(feature = "sqlite")]
            Some(Driver::Sqlite(reader)) => {
                let statement = AloneStatement {
                    sql: write.sql.clone(),
                    values: write.values.clone(),
                    rows: RowSetBuilder::new(write.columns.clone()),
                    // A constraint that is checked at the commit would not tell which transaction violated it.
                    may_share: self.known_keys().is_some_and(|keys| !keys.has_deferred()),
                };
                let writer = reader.writer().clone();
                let turn = writer.turn().await?;
                self.check_writable()?;
                let database = self.clone();
                Uninterrupted::new(async move {
                    let written = writer.write_alone(turn, statement, answer).await;
                    let is_taken_back = written.as_ref().is_ok_and(|written| written.is_taken_back);
                    if SqlError::may_have_written(&written) && !is_taken_back {
                        publish();
                    }
                    let written = written?;
                    // Writes to a deleted file are lost.
                    database.check_file().map_err(SqlError::of_commit)?;
                    Ok(written)
                })
                .await
            }
            None => Err(SqlError::Internal("the database writes in transactions only".to_owned())),
        }
    }

    /// Returns the change notifier that commits report touched tables to. Live queries of every schema over this
    /// database subscribe to it; code that writes to the database by other ways may report here too.
    pub fn changes(&self) -> &ChangeNotifier {
        &self.0.changes
    }

    /// Returns the queue of operations that conflicted.
    pub(crate) fn conflicts(&self) -> &ConflictQueue {
        &self.0.conflicts
    }

    /// Returns an id unique among the databases opened by this process; clones share it.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// Returns the replicas that queries go to.
    pub(crate) fn replicas(&self) -> Option<&Replicas<Self>> {
        self.0.replicas.get().map(|replicas| &**replicas)
    }

    /// Sets the replicas, once.
    ///
    /// # Errors
    /// Returns them if there are others.
    #[cfg(feature = "postgres")]
    pub(super) fn set_replicas(&self, replicas: Replicas<Self>) -> Result<(), Box<Replicas<Self>>> {
        self.0.replicas.set(Box::new(replicas))
    }

    /// Returns the catalog, and reads it first if the cache is empty. An expired catalog is read again in the
    /// background, without a wait.
    pub async fn catalog(&self) -> Option<Arc<Catalog>> {
        let (known, is_due) = self.0.catalog.current();
        if !is_due {
            return known;
        }
        if known.is_some() {
            let database = self.clone();
            tokio::spawn(async move { database.renew_catalog().await });
        } else {
            Box::pin(self.renew_catalog()).await;
        }
        self.known_catalog()
    }

    /// Reads the catalog into the cache. On failure the cache stays unchanged.
    pub(crate) async fn renew_catalog(&self) {
        let read = async { Ok((self.read_catalog().await?, self.read_keys().await?)) };
        let read: Result<Result<_>, _> = timeout(CATALOG_PATIENCE, read).await;
        match read {
            Ok(Ok((catalog, keys))) => self.0.catalog.keep(catalog, keys),
            Ok(Err(error)) => tracing::warn!(%error, "the database catalog cannot be read"),
            Err(_) => tracing::warn!("the database catalog is slow to read"),
        }
    }

    async fn read_catalog(&self) -> Result<Catalog> {
        let catalog::Queries { indexes, rows, plain } = catalog::queries(self.dialect()?);
        let indexes = self.ask(indexes, Vec::new(), catalog::INDEX_COLUMNS.into()).await?;
        let rows = match rows {
            Some(sql) => self.ask(sql, Vec::new(), catalog::ROW_COLUMNS.into()).await?,
            None => RowSet::default(),
        };
        let plain = self.ask(plain, Vec::new(), catalog::PLAIN_COLUMNS.into()).await?;
        Ok(catalog::of(&indexes, &rows, &plain))
    }

    /// Reads the foreign keys from the database's catalog.
    ///
    /// # Errors
    /// Fails if the database cannot be queried.
    pub(super) async fn read_keys(&self) -> Result<ForeignKeys> {
        let dialect = self.dialect()?;
        let rows = self.ask(ForeignKeys::sql(dialect), Vec::new(), foreign_keys::COLUMNS.into()).await?;
        Ok(ForeignKeys::of(dialect, &rows))
    }

    fn dialect(&self) -> Result<Dialect> {
        Dialect::of(self.get_database_backend())
    }

    /// Returns the cached catalog, without a query.
    pub(crate) fn known_catalog(&self) -> Option<Arc<Catalog>> {
        self.0.catalog.known()
    }

    /// Returns the cached foreign keys, without a query.
    pub(crate) fn known_keys(&self) -> Option<Arc<ForeignKeys>> {
        self.0.catalog.keys()
    }

    /// Keeps foreign keys that were read within a transaction.
    pub(crate) fn keep_keys(&self, keys: ForeignKeys) {
        self.0.catalog.keep_keys(keys);
    }

    /// Returns the reader with its own connections, if the database was opened with one.
    pub(crate) fn reader(&self) -> Option<&Reader> {
        self.0.reader.as_ref()
    }

    /// Returns the driver of the own connections.
    pub(super) fn driver(&self) -> Option<&Driver> {
        self.reader().map(|reader| &reader.0)
    }

    /// Closes every connection. Later requests fail because the database is unavailable.
    ///
    /// SQLite's write-ahead log is first checkpointed into the file.
    ///
    /// # Errors
    /// Returns the driver's error.
    pub async fn close(self) -> Result<(), DbErr> {
        for replica in self.replicas().map(Replicas::close).into_iter().flatten() {
            // The replica's own state does not matter any more.
            let _ = Box::pin(replica.close()).await;
        }
        #[cfg(feature = "sqlite")]
        if let Some(Driver::Sqlite(reader)) = self.driver() {
            reader.writer().close().await;
        }
        if let Some(reader) = self.reader() {
            reader.close();
        }
        if self.0.connection.get_database_backend() == DbBackend::Sqlite {
            // Other readers keep a part of the log; the last closed connection checkpoints the rest.
            let _ = self.0.connection.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        self.0.connection.close_by_ref().await
    }
}

/// Refuses a statement of a viewer whose settings the connection cannot carry: it would run with the rights of the connection.
pub(crate) fn no_settings() -> SqlError {
    SqlError::Internal(
        "the settings of a viewer need connections to PostgreSQL that this crate has opened".to_owned(),
    )
}

/// Wraps a pool opened by the application. Its connection options are unknown, so reads use the pool too.
impl From<DatabaseConnection> for Database {
    fn from(connection: DatabaseConnection) -> Self {
        Self(Arc::new(DatabaseState::over(connection, None)))
    }
}

impl Deref for Database {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.0.connection
    }
}

impl Reader {
    /// Sends a statement that reads, and decodes its rows. Boxed, so that driver futures do not enlarge every
    /// future above.
    pub fn read<'a>(
        &'a self,
        query: &'a TrackedStatement,
        values: Arc<[Value]>,
        settings: Option<Arc<SessionSettings>>,
    ) -> BoxFuture<'a, Result<RowSet>> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Driver::Sqlite(_) if settings.is_some() => Box::pin(async { Err(no_settings().into()) }),
            #[cfg(feature = "sqlite")]
            Driver::Sqlite(reader) => Box::pin(reader.read(query, values)),
            #[cfg(feature = "postgres")]
            Driver::Postgres(reader) => Box::pin(reader.read(query, values, settings)),
        }
    }

    fn idle_and_busy(&self) -> (u32, u32) {
        let (idle, busy) = match &self.0 {
            #[cfg(feature = "sqlite")]
            Driver::Sqlite(reader) => reader.idle_and_busy(),
            #[cfg(feature = "postgres")]
            Driver::Postgres(reader) => reader.idle_and_busy(),
        };
        (u32::try_from(idle).unwrap_or(u32::MAX), u32::try_from(busy).unwrap_or(u32::MAX))
    }

    fn close(&self) {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Driver::Sqlite(reader) => reader.close(),
            #[cfg(feature = "postgres")]
            Driver::Postgres(reader) => reader.close(),
        }
    }
}
