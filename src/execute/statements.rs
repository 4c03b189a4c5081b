//! Statements of one request; the only code that sends any.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::RwLock;
use tracing::{Instrument, Span};

use super::changes::Changes;
use super::database::{Database, Reader};
use super::explain::StatementRecord;
use super::foreign_keys::{self, ForeignKeys};
#[cfg(feature = "postgres")]
use super::postgres::{Access, PostgresTransaction};
use super::row::RowSet;
use super::row_builder::RowSetBuilder;
use super::session::Shared;
use super::sql_error::SqlError;
#[cfg(feature = "sqlite")]
use super::sqlite::SqliteSnapshot;
use super::uninterrupted::Uninterrupted;
use crate::error::{Error, Result};
use crate::model::{ColumnType, Table};
use crate::plan::{Catalog, Dialect, Query, sqlite_time};

/// Sender and record of statements.
#[derive(Debug)]
pub struct Statements {
    database: Database,
    /// Transaction of a request that writes or reads one snapshot; all its statements go through it.
    transaction: Option<Arc<Running>>,
    shared: Arc<Shared>,
    rows: AtomicU64,
    records: Arc<Mutex<Vec<StatementRecord>>>,
}

impl Statements {
    pub(super) fn new(database: Database, shared: Arc<Shared>) -> Self {
        Self { database, transaction: None, shared, rows: AtomicU64::new(0), records: Arc::default() }
    }

    /// Begins a transaction. On SQLite it takes the write lock at once: a later upgrade could fail because
    /// another transaction wrote in between.
    pub(super) async fn begin(&self) -> Result<(Self, Transaction)> {
        Ok(self.inside(self.begin_writing().await?))
    }

    /// Begins a transaction that reads one snapshot of the database: every statement sees the commits before
    /// the first.
    pub(super) async fn begin_snapshot(&self) -> Result<(Self, Transaction)> {
        Ok(self.inside(self.begin_reading().await?))
    }

    fn inside(&self, begun: Begun) -> (Self, Transaction) {
        let begun = RwLock::new(Some(begun));
        let running = Arc::new(Running { begun, touched: Mutex::default() });
        let transaction = Transaction {
            running: running.clone(),
            database: self.database.clone(),
            changes: self.shared.changes.clone(),
        };
        let statements = Self {
            database: self.database.clone(),
            transaction: Some(running),
            shared: self.shared.clone(),
            rows: AtomicU64::new(0),
            records: self.records.clone(),
        };
        (statements, transaction)
    }

    async fn begin_reading(&self) -> Result<Begun, SqlError> {
        self.database.check_file_lately(Instant::now())?;
        match self.database.reader() {
            #[cfg(feature = "postgres")]
            Some(Reader::Postgres(connections)) => {
                Ok(Begun::Postgres(Box::new(connections.begin(Access::Snapshot).await?)))
            }
            #[cfg(feature = "sqlite")]
            Some(Reader::Sqlite(reader)) => Ok(Begun::Sqlite(Box::new(reader.begin_snapshot().await?))),
            None => {
                // SQLite knows one isolation level, in which a transaction reads one snapshot.
                let is_postgres = self.database.get_database_backend() == DbBackend::Postgres;
                let options = TransactionOptions {
                    isolation_level: is_postgres.then_some(IsolationLevel::RepeatableRead),
                    access_mode: is_postgres.then_some(AccessMode::ReadOnly),
                    ..TransactionOptions::default()
                };
                let begin = || self.database.begin_with_options(options);
                Ok(Begun::SeaOrm(self.shared.presence.attempt(&self.database, begin).await?))
            }
        }
    }

    async fn begin_writing(&self) -> Result<Begun, SqlError> {
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.database.postgres() {
            return Ok(Begun::Postgres(Box::new(connections.begin(Access::Write).await?)));
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.database.get_database_backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.database.check_file()?;
        let begin = || self.database.begin_with_options(options);
        Ok(Begun::SeaOrm(self.shared.presence.attempt(&self.database, begin).await?))
    }

    /// Returns the database, outside any transaction.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.database
    }

    /// Rolls back the transaction, if any, which frees its connection.
    ///
    /// # Errors
    /// Fails if the connection is lost, and the transaction with it.
    pub async fn rollback(&self) -> Result<()> {
        match &self.transaction {
            Some(running) => Ok(running.rollback().await?),
            None => Ok(()),
        }
    }

    /// Records that the transaction touched these tables; its commit notifies the subscribers.
    pub fn touch(&self, tables: impl IntoIterator<Item = Table>) {
        if let Some(transaction) = &self.transaction {
            transaction.touched.lock().unwrap_or_else(PoisonError::into_inner).extend(tables);
        }
    }

    /// Returns the record of every sent statement.
    pub fn records(&self) -> Vec<StatementRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a statement that reads, with these values, and decodes its rows.
    pub async fn query(&self, query: &Query, values: Arc<[Value]>) -> Result<RowSet> {
        let started = Instant::now();
        if self.transaction.is_none() {
            self.database.check_file_lately(started)?;
        }
        let (None, Some(reader)) = (&self.transaction, self.database.reader()) else {
            let rows = || RowSetBuilder::of(query);
            // Boxed, so that driver futures do not enlarge every future above.
            let rows = Box::pin(self.hand_over_recorded(&query.sql, values, &rows)).await?;
            query.last_run.note_size(rows.cells.len(), rows.text.len());
            return Ok(rows);
        };
        let rows = reader.read(query, values).instrument(self.span(&query.sql)).await;
        if let Ok(rows) = &rows {
            query.last_run.note_size(rows.cells.len(), rows.text.len());
        }
        self.record(query.sql.clone(), rows.as_ref().map_or(0, RowSet::len), started);
        rows
    }

    /// Returns the catalog. Inside a transaction only the cached one, because the transaction may hold the
    /// only connection.
    pub async fn catalog(&self) -> Option<Arc<Catalog>> {
        match &self.transaction {
            Some(_) => self.database.known_catalog(),
            None => self.database.catalog().await,
        }
    }

    /// Returns the cached foreign keys; [`Statements::catalog`] loads them.
    pub fn foreign_keys(&self) -> Option<Arc<ForeignKeys>> {
        self.database.known_keys()
    }

    /// Reads the foreign keys again, inside the transaction if one is open: the known keys may be older than a key
    /// that refused a statement.
    ///
    /// # Errors
    /// Those of the statement.
    pub async fn renew_foreign_keys(&self) -> Result<()> {
        let backend = self.database.get_database_backend();
        let dialect = Dialect::of(backend)?;
        let statement = Statement::from_string(backend, ForeignKeys::sql(dialect));
        let rows = self.write(statement, foreign_keys::COLUMNS.into()).await?;
        self.database.keep_keys(ForeignKeys::of(dialect, &rows));
        Ok(())
    }

    /// Counts rows towards the request's limit.
    ///
    /// # Errors
    /// `TOO_MANY_ROWS` if the request's total exceeds the ceiling.
    pub fn admit(&self, rows: usize) -> Result<()> {
        let rows = rows as u64;
        let total = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        if total > self.shared.limits.rows {
            Err(Error::too_many_rows(self.shared.limits.rows, total))
        } else {
            Ok(())
        }
    }

    /// Sends a statement, in the transaction if one is open, and decodes the returned rows. The caller
    /// interprets a refusal by the database.
    pub async fn write(&self, statement: Statement, columns: Arc<[ColumnType]>) -> Result<RowSet, SqlError> {
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        let rows = || RowSetBuilder::new(columns.clone());
        Box::pin(self.hand_over_recorded(&statement.sql.into(), values.into(), &rows)).await
    }

    /// Queries the database about itself, outside any transaction and without a record.
    ///
    /// # Errors
    /// Fails as the statement does.
    pub async fn ask(&self, sql: &str, values: Vec<Value>, columns: Arc<[ColumnType]>) -> Result<RowSet> {
        self.database.ask(sql, values, columns).await
    }

    async fn hand_over_recorded(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: &(impl Fn() -> RowSetBuilder + Sync),
    ) -> Result<RowSet, SqlError> {
        let started = Instant::now();
        let rows = self.hand_over(sql, values, rows).instrument(self.span(sql)).await;
        self.record(sql.clone(), rows.as_ref().map_or(0, RowSet::len), started);
        rows
    }

    fn record(&self, sql: Arc<str>, rows: usize, started: Instant) {
        let elapsed = started.elapsed();
        tracing::debug!(sql = &*sql, rows, ?elapsed, "statement");
        let record = StatementRecord { sql, rows, elapsed };
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// Builds the span, named by OpenTelemetry's conventions. Bind values belong to the client and are not
    /// recorded.
    fn span(&self, sql: &str) -> Span {
        tracing::debug_span!(
            "statement",
            otel.kind = "client",
            db.system.name = self.system(),
            db.query.text = sql,
        )
    }

    async fn hand_over(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: &(impl Fn() -> RowSetBuilder + Sync),
    ) -> Result<RowSet, SqlError> {
        if let Some(running) = &self.transaction {
            return running.send(sql, values, rows).await;
        }
        // Outside a transaction all statements are reads.
        let backend = self.database.get_database_backend();
        let send = || self.database.query_all_raw(seaorm_statement(backend, sql, &values));
        let results = self.shared.presence.attempt(&self.database, send).await?;
        Ok(rows().read(&results))
    }

    fn system(&self) -> &'static str {
        match self.database.get_database_backend() {
            DbBackend::Postgres => "postgresql",
            DbBackend::Sqlite => "sqlite",
            _ => "other_sql",
        }
    }
}

/// Open transaction. A drop rolls it back.
#[derive(Debug)]
pub struct Transaction {
    running: Arc<Running>,
    database: Database,
    changes: Changes,
}

/// Shared sender of a transaction's statements.
///
/// The tasks that load relations share it, and may outlive their request slightly. They send nothing more,
/// and the transaction's end does not wait for them.
#[derive(Debug)]
struct Running {
    /// `None` once the transaction has ended.
    begun: RwLock<Option<Begun>>,
    touched: Mutex<BTreeSet<Table>>,
}

#[derive(Debug)]
enum Begun {
    SeaOrm(DatabaseTransaction),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresTransaction>),
    #[cfg(feature = "sqlite")]
    Sqlite(Box<SqliteSnapshot>),
}

impl Running {
    async fn send(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: &(impl Fn() -> RowSetBuilder + Sync),
    ) -> Result<RowSet, SqlError> {
        match &*self.begun.read().await {
            Some(Begun::SeaOrm(transaction)) => {
                let statement = seaorm_statement(transaction.get_database_backend(), sql, &values);
                let results = transaction.query_all_raw(statement).await?;
                Ok(rows().read(&results))
            }
            #[cfg(feature = "postgres")]
            Some(Begun::Postgres(transaction)) => transaction.send(sql, values, rows).await,
            #[cfg(feature = "sqlite")]
            Some(Begun::Sqlite(snapshot)) => snapshot.read(sql, values, rows).await,
            None => Err(is_over()),
        }
    }

    async fn commit(&self) -> Result<(), SqlError> {
        match self.begun.write().await.take().ok_or_else(is_over)? {
            Begun::SeaOrm(transaction) => {
                transaction.commit().await.map_err(|error| SqlError::from(error).of_commit())
            }
            #[cfg(feature = "postgres")]
            Begun::Postgres(transaction) => transaction.commit().await,
            #[cfg(feature = "sqlite")]
            Begun::Sqlite(_) => Ok(()),
        }
    }

    async fn rollback(&self) -> Result<(), SqlError> {
        match self.begun.write().await.take() {
            Some(Begun::SeaOrm(transaction)) => Ok(transaction.rollback().await?),
            #[cfg(feature = "postgres")]
            Some(Begun::Postgres(transaction)) => transaction.rollback().await,
            #[cfg(feature = "sqlite")]
            Some(Begun::Sqlite(_)) => Ok(()),
            None => Ok(()),
        }
    }

    fn touched(&self) -> BTreeSet<Table> {
        std::mem::take(&mut self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transaction {
    /// Commits, and publishes the touched tables. A dropped caller stops neither.
    ///
    /// # Errors
    /// [`SqlError::Refused`] if the database refuses the commit: nothing was written.
    /// [`SqlError::OutcomeUnknown`] if the connection is lost meanwhile. Such a transaction must not be
    /// retried.
    pub async fn commit(&self) -> Result<(), SqlError> {
        self.database.check_file()?;
        let (running, changes) = (self.running.clone(), self.changes.clone());
        let database = self.database.clone();
        Uninterrupted::new(async move {
            let done = running.commit().await;
            // Writes that were not refused may be committed.
            if !matches!(done, Err(SqlError::Refused(_))) {
                changes.tell(running.touched());
            }
            done?;
            // Writes to a deleted file are lost.
            database.check_file().map_err(SqlError::of_commit)
        })
        .await
    }

    /// Ends a transaction that only read, which frees its connection.
    pub async fn leave(&self) {
        match self.running.begun.write().await.take() {
            Some(Begun::SeaOrm(transaction)) => {
                // The rows are complete, even if the connection fails.
                let _ = transaction.rollback().await;
            }
            #[cfg(feature = "postgres")]
            Some(Begun::Postgres(transaction)) => transaction.leave(),
            #[cfg(feature = "sqlite")]
            Some(Begun::Sqlite(_)) => {}
            None => {}
        }
    }

    /// Rolls back. The locks are released on return; a drop releases them slightly later.
    ///
    /// # Errors
    /// Fails if the connection is lost, and the transaction with it.
    pub async fn rollback(&self) -> Result<(), SqlError> {
        self.running.rollback().await
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        #[cfg(feature = "postgres")]
        if let Ok(begun) = self.running.begun.try_read()
            && let Some(Begun::Postgres(transaction)) = &*begun
        {
            // Sharing tasks may be waiting for the database.
            transaction.give_up();
            return;
        }
        if let Ok(mut begun) = self.running.begun.try_write() {
            *begun = None;
        }
    }
}

/// Builds SeaORM's statement. SQLite gets times as text, because sqlx writes other forms.
fn seaorm_statement(backend: DbBackend, sql: &str, values: &[Value]) -> Statement {
    let written = |value: &Value| match backend {
        DbBackend::Sqlite => {
            sqlite_time::stored(value).map_or_else(|| value.clone(), |text| Value::String(Some(text)))
        }
        _ => value.clone(),
    };
    Statement::from_sql_and_values(backend, sql, values.iter().map(written))
}

fn is_over() -> SqlError {
    SqlError::Internal("the transaction is over".to_owned())
}
