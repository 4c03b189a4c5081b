//! Statements of one request; the only code that sends any.

use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sea_orm::{DatabaseConnection, DatabaseTransaction, Statement, Value};
use tracing::{Instrument, Span};

use super::explain::StatementRecord;
use super::shared::Shared;
use crate::database::{
    AloneWrite, Database, FOREIGN_KEY_COLUMNS, ForeignKeys, RowSet, RowSetBuilder, Running, SqlError,
    TrackedStatement, Transaction, WrittenAlone, no_settings,
};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::model::{ColumnType, Table};
use crate::plan::Catalog;
use crate::policy::{Isolation, SessionSettings};

/// Sender and record of statements.
#[derive(Debug)]
pub struct Statements {
    database: Database,
    /// Transaction of a request that writes or reads one snapshot; all its statements go through it.
    transaction: Option<Arc<Running>>,
    shared: Arc<Shared>,
    /// Settings of the viewer, which go with every statement of a request.
    settings: Option<Arc<SessionSettings>>,
    rows: AtomicU64,
    records: Arc<Mutex<Vec<StatementRecord>>>,
}

impl Statements {
    pub(super) fn new(
        database: Database,
        shared: Arc<Shared>,
        settings: Option<Arc<SessionSettings>>,
    ) -> Self {
        Self {
            database,
            transaction: None,
            shared,
            settings,
            rows: AtomicU64::new(0),
            records: Arc::default(),
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<(Self, Transaction)> {
        let Shared { availability, isolation, .. } = &*self.shared;
        let settings = self.settings.clone();
        Ok(self.inside(Transaction::begin(&self.database, availability, *isolation, settings).await?))
    }

    /// Begins a transaction that reads one snapshot of the database.
    pub(super) async fn begin_snapshot(&self) -> Result<(Self, Transaction)> {
        Ok(self.inside(
            Transaction::begin_snapshot(&self.database, &self.shared.availability, self.settings.clone())
                .await?,
        ))
    }

    /// Begins a transaction over SeaORM's pool.
    pub(super) async fn begin_pooled(&self) -> Result<(Self, Transaction)> {
        let Shared { availability, isolation, .. } = &*self.shared;
        let settings = self.settings.clone();
        Ok(self.inside(Transaction::begin_pooled(&self.database, availability, *isolation, settings).await?))
    }

    /// Returns the open transaction over SeaORM's pool.
    pub(super) async fn pooled_transaction(&self) -> Result<impl Deref<Target = DatabaseTransaction>> {
        match &self.transaction {
            Some(running) => Ok(running.pooled().await?),
            None => Err(Error::internal("only fields of mutations have a transaction")),
        }
    }

    /// Returns statements of the same request, outside any transaction, whose rows are counted anew.
    pub(super) fn renewed(&self) -> Self {
        Self::new(self.database.clone(), self.shared.clone(), self.settings.clone())
    }

    fn inside(&self, transaction: Transaction) -> (Self, Transaction) {
        let statements = Self {
            database: self.database.clone(),
            transaction: Some(transaction.running()),
            shared: self.shared.clone(),
            settings: self.settings.clone(),
            rows: AtomicU64::new(0),
            records: self.records.clone(),
        };
        (statements, transaction)
    }

    /// Returns a sender for the same request, outside any transaction.
    pub(super) fn outside(&self) -> Self {
        let (database, shared, records) = (self.database.clone(), self.shared.clone(), self.records.clone());
        let settings = self.settings.clone();
        Self { database, transaction: None, shared, settings, rows: AtomicU64::new(0), records }
    }

    /// Returns the database, outside any transaction.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Returns the database for statements of the application, outside any transaction. They have the connection's own role,
    /// and no claims: administrators alone have fields of the application, and their statements have no settings of a viewer.
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
            transaction.touch(tables);
        }
    }

    /// Returns the record of every sent statement.
    pub fn records(&self) -> Vec<StatementRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a statement that reads, with these values, and decodes its rows.
    pub async fn query(&self, query: &TrackedStatement, values: Arc<[Value]>) -> Result<RowSet> {
        let started = Instant::now();
        if self.transaction.is_none() {
            self.database.check_file_lately(started)?;
        }
        let (None, Some(reader)) = (&self.transaction, self.database.reader()) else {
            let rows = || RowSetBuilder::of(query);
            // Boxed, so that driver futures do not enlarge every future above.
            let rows = Box::pin(self.hand_over(&query.statement.sql, values, &rows)).await?;
            rows.note_size(&query.last_run);
            return Ok(rows);
        };
        let rows = reader
            .read(query, values, self.settings.clone())
            .instrument(self.span(&query.statement.sql))
            .await;
        if let Ok(rows) = &rows {
            rows.note_size(&query.last_run);
        }
        self.record(query.statement.sql.clone(), rows.as_ref().map_or(0, RowSet::len), started);
        rows
    }

    /// Returns the catalog. Inside a transaction only the cached one, because the transaction may hold the
    /// only connection.
    pub async fn catalog(&self) -> Arc<Catalog> {
        match &self.transaction {
            Some(_) => self.known_catalog(),
            None => self.database.catalog().await.unwrap_or_default(),
        }
    }

    /// Returns the cached catalog, for the statements of a transaction.
    pub fn known_catalog(&self) -> Arc<Catalog> {
        self.database.known_catalog().unwrap_or_default()
    }

    /// Returns the cached foreign keys; [`Statements::catalog`] loads them.
    pub fn foreign_keys(&self) -> Option<Arc<ForeignKeys>> {
        self.database.known_keys()
    }

    /// Reads the foreign keys again, inside the transaction if one is open: the known keys may be older than a key
    /// that refused a statement.
    ///
    /// # Errors
    /// Errors of the statement.
    pub async fn renew_foreign_keys(&self) -> Result<()> {
        let backend = self.database.get_database_backend();
        let dialect = Dialect::of(backend)?;
        let statement = Statement::from_string(backend, ForeignKeys::sql(dialect));
        let rows = self.write(statement, FOREIGN_KEY_COLUMNS.into()).await?;
        self.database.keep_keys(ForeignKeys::of(dialect, &rows));
        Ok(())
    }

    /// Counts rows towards the request's limit.
    ///
    /// # Errors
    /// `TOO_MANY_ROWS` if the request's total exceeds the ceiling.
    pub fn count_rows(&self, rows: usize) -> Result<()> {
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
        Box::pin(self.hand_over(&statement.sql.into(), values.into(), &rows)).await
    }

    /// Returns true if a statement can write as a transaction of its own: with its default isolation, and without settings of a
    /// viewer.
    pub fn write_alone_is_possible(&self) -> bool {
        self.transaction.is_none()
            && self.settings.is_none()
            && self.shared.isolation == Isolation::ReadCommitted
            && self.database.writes_alone()
    }

    /// Sends a statement that writes, as a transaction of its own, and gives the returned rows to `answer`. Rows
    /// that cannot be answered take the statement back, if the database still can.
    ///
    /// # Errors
    /// [`SqlError::Refused`] if the database refuses: nothing was written.
    pub async fn write_alone<A: Send + 'static>(
        &self,
        write: AloneWrite<'_>,
        answer: impl FnOnce(RowSet) -> Result<A, A> + Send + 'static,
    ) -> Result<WrittenAlone<A>, SqlError> {
        let written = self.database.write_alone(write, answer);
        self.recorded(write.sql, pin!(written), |written| written.rows).await
    }

    /// Queries the database about itself, outside any transaction and without a record.
    ///
    /// # Errors
    /// Fails as the statement does.
    pub async fn ask(&self, sql: &str, values: Vec<Value>, columns: Arc<[ColumnType]>) -> Result<RowSet> {
        self.database.ask(sql, values, columns).await
    }

    /// Sends a statement to the open transaction, or to the pool, and records it.
    async fn hand_over(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: &(impl Fn() -> RowSetBuilder + Sync),
    ) -> Result<RowSet, SqlError> {
        let sent = async {
            if let Some(running) = &self.transaction {
                return running.send(sql, values, rows).await;
            }
            if self.settings.is_some() {
                return Err(no_settings());
            }
            // Outside a transaction all statements are reads.
            self.database.read_pooled(&self.shared.availability, sql, &values, rows).await
        };
        self.recorded(sql, pin!(sent), RowSet::len).await
    }

    /// Waits for the result of a statement, and records it.
    async fn recorded<T>(
        &self,
        sql: &Arc<str>,
        // Pinned by the caller: a future that is passed by value exists twice in the future of its receiver.
        sent: Pin<&mut impl Future<Output = Result<T, SqlError>>>,
        rows: fn(&T) -> usize,
    ) -> Result<T, SqlError> {
        let started = Instant::now();
        let result = sent.instrument(self.span(sql)).await;
        self.record(sql.clone(), result.as_ref().map_or(0, rows), started);
        result
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

    fn system(&self) -> &'static str {
        let dialect = Dialect::of(self.database.get_database_backend());
        dialect.map_or("other_sql", |dialect| dialect.features().telemetry_name)
    }
}
