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
use super::foreign_keys::{self, ForeignKeys};
#[cfg(feature = "postgres")]
use super::postgres::PostgresTransaction;
use super::row::RowSet;
use super::session::Shared;
use super::sql_error::SqlError;
use super::uninterrupted::Uninterrupted;
use crate::error::{Error, Result};
use crate::model::{ColumnType, Table};
use crate::plan::{Catalog, Dialect, Query, sqlite_time};

/// Sends statements and keeps a record of them.
#[derive(Debug)]
pub struct Statements {
    database: Database,
    /// Where a request writes, everything it sends goes through its transaction.
    transaction: Option<Arc<Running>>,
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
        let begun = RwLock::new(Some(self.begin_one().await?));
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
        Ok((statements, transaction))
    }

    async fn begin_one(&self) -> Result<Begun, SqlError> {
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.database.postgres() {
            return Ok(Begun::Postgres(Box::new(connections.begin().await?)));
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
            Some(running) => Ok(running.rollback().await?),
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
        let started = Instant::now();
        if self.transaction.is_none() {
            self.database.check_file_lately(started)?;
        }
        let (None, Some(reader)) = (&self.transaction, self.database.reader()) else {
            let (sql, columns) = (query.sql.clone(), query.columns.clone());
            // Boxed: what a driver does would be a part of every future above, and be moved with it.
            return Ok(Box::pin(self.hand_over_recorded(sql, values, columns)).await?);
        };
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

    /// Asks for the foreign keys anew, inside the transaction where there is one: those that are known may be older than a key
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
    pub async fn write(&self, statement: Statement, columns: Arc<[ColumnType]>) -> Result<RowSet, SqlError> {
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        Box::pin(self.hand_over_recorded(statement.sql.into(), values.into(), columns)).await
    }

    /// Asks the database about itself, outside any transaction and without a record.
    ///
    /// # Errors
    /// Those of the statement.
    pub async fn ask(&self, sql: &str, values: Vec<Value>, columns: Arc<[ColumnType]>) -> Result<RowSet> {
        self.database.ask(sql, values, columns).await
    }

    async fn hand_over_recorded(
        &self,
        sql: Arc<str>,
        values: Arc<[Value]>,
        columns: Arc<[ColumnType]>,
    ) -> Result<RowSet, SqlError> {
        let started = Instant::now();
        let rows = self.hand_over(&sql, values, columns).instrument(self.span(&sql)).await;
        self.record(sql, rows.as_ref().map_or(0, RowSet::len), started);
        rows
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

    async fn hand_over(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        columns: Arc<[ColumnType]>,
    ) -> Result<RowSet, SqlError> {
        if let Some(running) = &self.transaction {
            return running.send(sql, values, columns).await;
        }
        // Outside a transaction there is only reading.
        let backend = self.database.get_database_backend();
        let send = || self.database.query_all_raw(seaorm_statement(backend, sql, &values));
        let results = self.shared.presence.attempt(&self.database, send).await?;
        Ok(RowSet::read(&results, columns))
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
#[derive(Debug)]
pub struct Transaction {
    running: Arc<Running>,
    database: Database,
    changes: Changes,
}

/// What sends the statements of a transaction.
///
/// The tasks that load relations share it and may be there a little longer than what they were asked for: they send
/// nothing more, and its end does not wait until they are gone.
#[derive(Debug)]
struct Running {
    /// None when it is over.
    begun: RwLock<Option<Begun>>,
    touched: Mutex<BTreeSet<Table>>,
}

#[derive(Debug)]
enum Begun {
    SeaOrm(DatabaseTransaction),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresTransaction>),
}

impl Running {
    async fn send(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        columns: Arc<[ColumnType]>,
    ) -> Result<RowSet, SqlError> {
        match &*self.begun.read().await {
            Some(Begun::SeaOrm(transaction)) => {
                let statement = seaorm_statement(transaction.get_database_backend(), sql, &values);
                let results = transaction.query_all_raw(statement).await?;
                Ok(RowSet::read(&results, columns))
            }
            #[cfg(feature = "postgres")]
            Some(Begun::Postgres(transaction)) => transaction.send(sql.clone(), values, columns).await,
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
        }
    }

    async fn rollback(&self) -> Result<(), SqlError> {
        match self.begun.write().await.take() {
            Some(Begun::SeaOrm(transaction)) => Ok(transaction.rollback().await?),
            #[cfg(feature = "postgres")]
            Some(Begun::Postgres(transaction)) => transaction.rollback().await,
            None => Ok(()),
        }
    }

    fn touched(&self) -> BTreeSet<Table> {
        std::mem::take(&mut self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transaction {
    /// Keeps what it has written, and tells which tables that touched. A caller that leaves half-way stops neither.
    ///
    /// # Errors
    /// [`SqlError::Refused`] when the database refuses it at the end: nothing has been written then.
    /// [`SqlError::OutcomeUnknown`] when the connection is lost meanwhile. It must not be tried again.
    pub async fn commit(&self) -> Result<(), SqlError> {
        self.database.check_file()?;
        let (running, changes) = (self.running.clone(), self.changes.clone());
        let database = self.database.clone();
        Uninterrupted::new(async move {
            let done = running.commit().await;
            // Whatever was not refused may be there.
            if !matches!(done, Err(SqlError::Refused(_))) {
                changes.tell(running.touched());
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
        self.running.rollback().await
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        #[cfg(feature = "postgres")]
        if let Ok(begun) = self.running.begun.try_read()
            && let Some(Begun::Postgres(transaction)) = &*begun
        {
            // Those who share it may be waiting for the database.
            transaction.give_up();
            return;
        }
        if let Ok(mut begun) = self.running.begun.try_write() {
            *begun = None;
        }
    }
}

/// The statement as SeaORM sends it. SQLite gets times as texts of our own, because sqlx writes them in other forms.
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
