//! Transactions, for writes and for reads of one snapshot.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::{RwLock, RwLockReadGuard};

use super::availability::Availability;
use super::handle::{Database, Driver, no_settings};
#[cfg(feature = "postgres")]
use super::postgres::{PostgresTransaction, TransactionMode, viewer_settings};
use super::row::RowSet;
use super::row_builder::RowSetBuilder;
use super::seaorm;
use super::sql_error::SqlError;
#[cfg(feature = "sqlite")]
use super::sqlite::{SqliteSnapshot, SqliteTransaction};
use super::uninterrupted::Uninterrupted;
use crate::model::Table;
use crate::policy::{Isolation, SessionSettings};

/// Function that runs after a commit; its argument is false if the outcome is unknown.
pub(crate) type CommitNotice = Box<dyn FnOnce(bool) -> BoxFuture<'static, ()> + Send>;

/// Open transaction. A drop rolls it back.
#[derive(Debug)]
pub struct Transaction {
    running: Arc<Running>,
    database: Database,
}

/// Shared sender of a transaction's statements.
///
/// The tasks that load relations share it, and may outlive their request slightly. They send nothing more,
/// and the transaction's end does not wait for them.
#[derive(Debug)]
pub(crate) struct Running {
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
    Sqlite(Box<SqliteTransaction>),
    #[cfg(feature = "sqlite")]
    SqliteSnapshot(Box<SqliteSnapshot>),
}

impl Begun {
    async fn reading(
        database: &Database,
        availability: &Availability,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self, SqlError> {
        database.check_file_lately(Instant::now())?;
        match database.driver() {
            #[cfg(feature = "postgres")]
            Some(Driver::Postgres(connections)) => Ok(Self::Postgres(Box::new(
                PostgresTransaction::begin(connections, TransactionMode::Snapshot, settings).await?,
            ))),
            _ if settings.is_some() => Err(no_settings()),
            #[cfg(feature = "sqlite")]
            Some(Driver::Sqlite(reader)) => {
                Ok(Self::SqliteSnapshot(Box::new(reader.begin_snapshot().await?)))
            }
            None => {
                // SQLite knows one isolation level, in which a transaction reads one snapshot.
                let is_postgres = database.get_database_backend() == DbBackend::Postgres;
                let options = TransactionOptions {
                    isolation_level: is_postgres.then_some(IsolationLevel::RepeatableRead),
                    access_mode: is_postgres.then_some(AccessMode::ReadOnly),
                    ..TransactionOptions::default()
                };
                let begin = || database.begin_with_options(options);
                Ok(Self::SeaOrm(availability.attempt(database, begin).await?))
            }
        }
    }

    async fn writing(
        database: &Database,
        availability: &Availability,
        isolation: Isolation,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self, SqlError> {
        #[cfg(feature = "postgres")]
        if let Some(connections) = database.postgres() {
            return Ok(Self::Postgres(Box::new(
                PostgresTransaction::begin(connections, TransactionMode::Write(isolation), settings).await?,
            )));
        }
        #[cfg(feature = "sqlite")]
        if let (Some(Driver::Sqlite(reader)), None) = (database.driver(), &settings) {
            database.check_writable()?;
            // A constraint that is checked at the commit would not tell which transaction violated it.
            let may_share = database.known_keys().is_some_and(|keys| !keys.has_deferred());
            let begun = SqliteTransaction::begin(reader.writer(), may_share).await?;
            return Ok(Self::Sqlite(Box::new(begun)));
        }
        Self::pooled(database, availability, isolation, settings).await
    }

    /// Begins a transaction over SeaORM's pool, which the application's own code can use.
    async fn pooled(
        database: &Database,
        availability: &Availability,
        isolation: Isolation,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self, SqlError> {
        let is_repeatable =
            database.get_database_backend() == DbBackend::Postgres && isolation == Isolation::RepeatableRead;
        let options = TransactionOptions {
            isolation_level: is_repeatable.then_some(IsolationLevel::RepeatableRead),
            sqlite_transaction_mode: (database.get_database_backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        database.check_writable()?;
        let begin = || database.begin_with_options(options);
        let transaction = availability.attempt(database, begin).await?;
        if let Some(settings) = settings {
            set(&transaction, &settings).await?;
        }
        Ok(Self::SeaOrm(transaction))
    }
}

/// Gives a transaction over SeaORM's pool the settings of a viewer.
async fn set(transaction: &DatabaseTransaction, settings: &SessionSettings) -> Result<(), SqlError> {
    #[cfg(feature = "postgres")]
    if transaction.get_database_backend() == DbBackend::Postgres {
        let (sql, values) = viewer_settings::statement(settings);
        let statement = seaorm::statement(DbBackend::Postgres, &sql, &values);
        transaction.query_all_raw(statement).await?;
        return Ok(());
    }
    let _ = (transaction, settings);
    Err(no_settings())
}

impl Running {
    fn new(begun: Begun) -> Arc<Self> {
        Arc::new(Self { begun: RwLock::new(Some(begun)), touched: Mutex::default() })
    }

    /// Records that the transaction touched these tables; its commit notifies the subscribers.
    pub fn touch(&self, tables: impl IntoIterator<Item = Table>) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).extend(tables);
    }

    /// Sends a statement, and decodes the returned rows.
    pub async fn send(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        rows: &(impl Fn() -> RowSetBuilder + Sync),
    ) -> Result<RowSet, SqlError> {
        match &*self.begun.read().await {
            Some(Begun::SeaOrm(transaction)) => {
                let backend = transaction.get_database_backend();
                let send = |sql: &str| transaction.query_all_raw(seaorm::statement(backend, sql, &values));
                let mut results = send(sql).await;
                if let Err(error) = &results
                    && let Some(checking) = seaorm::checking_text(sql, error)
                {
                    results = send(&checking).await;
                }
                Ok(seaorm::read(&results?, rows()))
            }
            #[cfg(feature = "postgres")]
            Some(Begun::Postgres(transaction)) => transaction.send(sql, values, rows).await,
            #[cfg(feature = "sqlite")]
            Some(Begun::Sqlite(transaction)) => transaction.send(sql, values, rows).await,
            #[cfg(feature = "sqlite")]
            Some(Begun::SqliteSnapshot(snapshot)) => snapshot.read(sql, values, rows).await,
            None => Err(is_over()),
        }
    }

    /// Returns the transaction for statements of the application.
    ///
    /// # Errors
    /// If the transaction has ended, or runs over another driver.
    pub async fn pooled(&self) -> Result<RwLockReadGuard<'_, DatabaseTransaction>, SqlError> {
        let begun = self.begun.read().await;
        if begun.is_none() {
            return Err(is_over());
        }
        RwLockReadGuard::try_map(begun, |begun| match begun {
            Some(Begun::SeaOrm(transaction)) => Some(transaction),
            _ => None,
        })
        .map_err(|_| is_of_another_driver())
    }

    async fn commit(&self) -> Result<(), SqlError> {
        match self.begun.write().await.take().ok_or_else(is_over)? {
            Begun::SeaOrm(transaction) => {
                transaction.commit().await.map_err(|error| SqlError::from(error).of_commit())
            }
            #[cfg(feature = "postgres")]
            Begun::Postgres(transaction) => transaction.commit().await,
            #[cfg(feature = "sqlite")]
            Begun::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "sqlite")]
            Begun::SqliteSnapshot(_) => Ok(()),
        }
    }

    /// Rolls back, unless the transaction has ended.
    ///
    /// # Errors
    /// Fails if the connection is lost, and the transaction with it.
    pub async fn rollback(&self) -> Result<(), SqlError> {
        match self.begun.write().await.take() {
            Some(Begun::SeaOrm(transaction)) => Ok(transaction.rollback().await?),
            #[cfg(feature = "postgres")]
            Some(Begun::Postgres(transaction)) => transaction.rollback().await,
            #[cfg(feature = "sqlite")]
            Some(Begun::Sqlite(transaction)) => {
                transaction.rollback().await;
                Ok(())
            }
            #[cfg(feature = "sqlite")]
            Some(Begun::SqliteSnapshot(_)) => Ok(()),
            None => Ok(()),
        }
    }

    fn touched(&self) -> BTreeSet<Table> {
        std::mem::take(&mut self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transaction {
    /// Begins a transaction. On SQLite it takes the write lock at once: a later upgrade could fail because
    /// another transaction wrote in between.
    pub(crate) async fn begin(
        database: &Database,
        availability: &Availability,
        isolation: Isolation,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self, SqlError> {
        Ok(Self::over(Begun::writing(database, availability, isolation, settings).await?, database))
    }

    /// Begins a transaction over SeaORM's pool, whatever the driver of other transactions.
    pub(crate) async fn begin_pooled(
        database: &Database,
        availability: &Availability,
        isolation: Isolation,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self, SqlError> {
        Ok(Self::over(Begun::pooled(database, availability, isolation, settings).await?, database))
    }

    /// Begins a transaction that reads one snapshot of the database: every statement sees the commits before
    /// the first.
    pub(crate) async fn begin_snapshot(
        database: &Database,
        availability: &Availability,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<Self, SqlError> {
        Ok(Self::over(Begun::reading(database, availability, settings).await?, database))
    }

    fn over(begun: Begun, database: &Database) -> Self {
        Self { running: Running::new(begun), database: database.clone() }
    }

    /// Returns the sender of the transaction's statements.
    pub(crate) fn running(&self) -> Arc<Running> {
        self.running.clone()
    }

    /// Commits, publishes the touched tables, and then runs `notice`. A dropped caller stops nothing of it.
    ///
    /// # Errors
    /// [`SqlError::Refused`] if the database refuses the commit: nothing was written.
    /// [`SqlError::OutcomeUnknown`] if the connection is lost meanwhile. Such a transaction must not be
    /// retried.
    pub async fn commit(&self, notice: Option<CommitNotice>) -> Result<(), SqlError> {
        self.database.check_file()?;
        let (running, database) = (self.running.clone(), self.database.clone());
        Uninterrupted::new(async move {
            let done = running.commit().await;
            if SqlError::may_have_written(&done) {
                database.changes().notify(running.touched());
                if let Some(notice) = notice {
                    notice(done.is_ok()).await;
                }
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
            Some(Begun::Sqlite(_) | Begun::SqliteSnapshot(_)) => {}
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

fn is_of_another_driver() -> SqlError {
    SqlError::Internal("only fields of mutations have a transaction".to_owned())
}

fn is_over() -> SqlError {
    SqlError::Internal("the transaction is over".to_owned())
}
