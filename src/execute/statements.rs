//! The statements of one request: the only code that sends any.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::RwLock;
use tracing::{Instrument, Span};

use super::changes::Changes;
use super::database::Database;
use super::explain::StatementRecord;
use super::foreign_keys::ForeignKeys;
use super::row::RowSet;
use super::session::Shared;
use super::sql_error::SqlError;
use super::uninterrupted::Uninterrupted;
use crate::error::{Error, Result};
use crate::model::{ColumnType, Table};
use crate::plan::{Catalog, Query, sqlite_time};

/// Sends statements and keeps a record of them.
#[derive(Debug)]
pub struct Statements {
    database: Database,
    /// Where a request writes, everything it sends goes through its transaction.
    transaction: Option<Transaction>,
    shared: Arc<Shared>,
    rows: AtomicU64,
    records: Arc<Mutex<Vec<StatementRecord>>>,
}

impl Statements {
    pub(super) fn new(database: Database, shared: Arc<Shared>) -> Self {
        Self { database, transaction: None, shared, rows: AtomicU64::new(0), records: Arc::default() }
    }

    /// The same inside a transaction. On SQLite it takes the lock for writing at once: one that reads first and
    /// writes later could find that another has written in between, and fail.
    pub(super) async fn begin(&self) -> Result<(Self, Transaction)> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.database.get_database_backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.database.check_file()?;
        let begin = || self.database.begin_with_options(options);
        let begun = self.shared.presence.attempt(&self.database, begin).await;
        let transaction = begun.map_err(SqlError::from)?;
        let transaction = Transaction {
            inner: Arc::new(RwLock::new(Some(transaction))),
            database: self.database.clone(),
            touched: Arc::default(),
            changes: self.shared.changes.clone(),
        };
        let statements = Self {
            database: self.database.clone(),
            transaction: Some(transaction.clone()),
            shared: self.shared.clone(),
            rows: AtomicU64::new(0),
            records: self.records.clone(),
        };
        Ok((statements, transaction))
    }

    /// The database, outside any transaction.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.database
    }

    /// Gives the transaction up, where there is one: its connection is free for others then.
    ///
    /// # Errors
    /// When the connection is lost, and the transaction with it.
    pub async fn rollback(&self) -> Result<()> {
        match &self.transaction {
            Some(transaction) => Ok(transaction.rollback().await?),
            None => Ok(()),
        }
    }

    /// Remembers that the transaction has touched these tables: its commit tells those who listen for them.
    pub fn touch(&self, tables: impl IntoIterator<Item = Table>) {
        if let Some(transaction) = &self.transaction {
            transaction.touched.lock().unwrap_or_else(PoisonError::into_inner).extend(tables);
        }
    }

    /// Every statement that was sent so far.
    pub fn records(&self) -> Vec<StatementRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a statement that reads, with these values, and decodes its rows.
    pub async fn query(&self, query: &Query, values: Arc<[Value]>) -> Result<RowSet> {
        if self.transaction.is_none() {
            self.database.check_file_lately()?;
        }
        let (None, Some(reader)) = (&self.transaction, self.database.reader()) else {
            let backend = self.database.get_database_backend();
            let statement = Statement::from_sql_and_values(backend, &*query.sql, values.iter().cloned());
            // Boxed: what the pool does would be a part of every future above, and be moved with it.
            return Ok(Box::pin(self.write(statement, query.columns.clone())).await?);
        };
        let started = Instant::now();
        let rows = reader.read(query, values).instrument(self.span(&query.sql)).await;
        if let Ok(rows) = &rows {
            query.last_run.cells.note(rows.cells.len());
            query.last_run.text.note(rows.text.len());
        }
        self.record(query.sql.clone(), rows.as_ref().map_or(0, RowSet::len), started);
        rows
    }

    /// What the database tells of itself. Inside a transaction nobody is asked: it may have the only connection.
    pub async fn catalog(&self) -> Option<Arc<Catalog>> {
        match &self.transaction {
            Some(_) => self.database.known_catalog(),
            None => self.database.catalog().await,
        }
    }

    /// Returns the database's foreign keys where they are known: [`Statements::catalog`] asks for them.
    pub fn foreign_keys(&self) -> Option<Arc<ForeignKeys>> {
        self.database.known_keys()
    }

    /// Takes rows into the answer, as long as the request may have them.
    ///
    /// # Errors
    /// `TOO_MANY_ROWS` when all that the request has taken passes the ceiling.
    pub fn admit(&self, rows: usize) -> Result<()> {
        let rows = rows as u64;
        let total = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        if total > self.shared.limits.rows {
            Err(Error::too_many_rows(self.shared.limits.rows, total))
        } else {
            Ok(())
        }
    }

    /// Sends a statement, inside the transaction where there is one, and decodes the rows that it returns. The caller
    /// decides what a refusal of the database means.
    pub async fn write(
        &self,
        mut statement: Statement,
        columns: Arc<[ColumnType]>,
    ) -> Result<RowSet, SqlError> {
        let started = Instant::now();
        if self.database.get_database_backend() == DbBackend::Sqlite {
            // Else sqlx would write times in a form of its own.
            for value in statement.values.iter_mut().flat_map(|values| &mut values.0) {
                if let Some(text) = sqlite_time::stored(value) {
                    *value = Value::String(Some(text));
                }
            }
        }
        let sql: Arc<str> = Arc::from(statement.sql.as_str());
        let rows = self.hand_over(statement, columns).instrument(self.span(&sql)).await;
        self.record(sql, rows.as_ref().map_or(0, RowSet::len), started);
        rows
    }

    /// Asks the database about itself, outside any transaction and without a record.
    ///
    /// # Errors
    /// Those of the statement.
    pub async fn ask(&self, sql: &str, values: Vec<Value>, columns: Arc<[ColumnType]>) -> Result<RowSet> {
        let statement = Statement::from_sql_and_values(self.database.get_database_backend(), sql, values);
        let results = self.database.query_all_raw(statement).await.map_err(SqlError::from)?;
        Ok(RowSet::read(&results, columns))
    }

    fn record(&self, sql: Arc<str>, rows: usize, started: Instant) {
        let elapsed = started.elapsed();
        tracing::debug!(sql = &*sql, rows, ?elapsed, "statement");
        let record = StatementRecord { sql, rows, elapsed };
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// Named as OpenTelemetry names such things. Values are the client's and told to nobody.
    fn span(&self, sql: &str) -> Span {
        tracing::debug_span!(
            "statement",
            otel.kind = "client",
            db.system.name = self.system(),
            db.query.text = sql,
        )
    }

    async fn hand_over(&self, statement: Statement, columns: Arc<[ColumnType]>) -> Result<RowSet, SqlError> {
        match &self.transaction {
            Some(transaction) => transaction.send(statement, columns).await,
            // Outside a transaction there is only reading.
            None => {
                let send = || self.database.query_all_raw(statement.clone());
                let results = self.shared.presence.attempt(&self.database, send).await?;
                Ok(RowSet::read(&results, columns))
            }
        }
    }

    fn system(&self) -> &'static str {
        match self.database.get_database_backend() {
            DbBackend::Postgres => "postgresql",
            DbBackend::Sqlite => "sqlite",
            _ => "other_sql",
        }
    }
}

/// A transaction under way. Dropping it takes everything back.
///
/// The tasks that load relations share it and may be there a little longer than what they were asked for: they send
/// nothing more, and its end does not wait until they are gone.
#[derive(Clone, Debug)]
pub struct Transaction {
    inner: Arc<RwLock<Option<DatabaseTransaction>>>,
    database: Database,
    touched: Arc<Mutex<BTreeSet<Table>>>,
    changes: Changes,
}

impl Transaction {
    async fn send(&self, statement: Statement, columns: Arc<[ColumnType]>) -> Result<RowSet, SqlError> {
        match &*self.inner.read().await {
            Some(transaction) => {
                let results = transaction.query_all_raw(statement).await?;
                Ok(RowSet::read(&results, columns))
            }
            None => Err(is_over()),
        }
    }

    /// Keeps what it has written, and tells which tables that touched. A caller that leaves half-way stops neither.
    ///
    /// # Errors
    /// [`SqlError::Refused`] when the database refuses it at the end: nothing has been written then.
    /// [`SqlError::OutcomeUnknown`] when the connection is lost meanwhile. It must not be tried again.
    pub async fn commit(&self) -> Result<(), SqlError> {
        let transaction = self.inner.write().await.take().ok_or_else(is_over)?;
        let touched = std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner));
        let changes = self.changes.clone();
        self.database.check_file()?;
        let database = self.database.clone();
        Uninterrupted::new(async move {
            let done = transaction.commit().await.map_err(|error| SqlError::from(error).of_commit());
            // Whatever was not refused may be there.
            if !matches!(done, Err(SqlError::Refused(_))) {
                changes.tell(touched);
            }
            done?;
            // Nobody will find what a file has taken that is gone.
            database.check_file().map_err(SqlError::of_commit)
        })
        .await
    }

    /// Takes back what it has written. Its locks are gone then, while a dropped one has them a little longer.
    ///
    /// # Errors
    /// When the connection is lost, and the transaction with it.
    pub async fn rollback(&self) -> Result<(), SqlError> {
        let transaction = self.inner.write().await.take();
        match transaction {
            Some(transaction) => Ok(transaction.rollback().await?),
            None => Ok(()),
        }
    }
}

fn is_over() -> SqlError {
    SqlError::Internal("the transaction is over".to_owned())
}
