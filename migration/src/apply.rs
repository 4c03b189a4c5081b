//! Applies and reverts migrations, safe from interruption and from concurrent processes.
//!
//! [`Migrator::up`] by itself uses no transaction on SQLite: a process killed between two tables leaves a
//! migration that is not recorded and cannot be applied again. Here each migration and its record are one
//! transaction, on every database with transactional DDL. Processes that start together take turns.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    DatabaseTransaction, DbBackend, IsolationLevel, RuntimeErr, SqliteTransactionMode, SqlxError,
    TransactionOptions, TransactionTrait,
};

use crate::Migrator;

/// Key of PostgreSQL's advisory lock: the first eight letters of "crowsfoot".
const LOCK: i64 = 0x6372_6f77_7366_6f6f;

/// Primary result code `SQLITE_BUSY`: another connection holds the write lock.
const SQLITE_BUSY: i32 = 5;

/// Applies every pending migration, each with its record in one transaction.
///
/// If no migration is pending, only reads: takes no lock and needs no right to create tables.
///
/// # Errors
///
/// If the database refuses a statement; the failed migration has then changed nothing.
pub async fn up<C>(db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    while !Migrator::get_pending_migrations_read_only(db).await?.is_empty() {
        let transaction = begin(db).await?;
        // Reads the pending migrations again: another process may have applied them before the lock was free.
        Migrator::up(&transaction, Some(1)).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Reverts every applied migration, the last one first, each with its record in one transaction.
///
/// # Errors
///
/// If the database refuses a statement; the failed migration has then changed nothing.
pub async fn down<C>(db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    while !Migrator::get_applied_migrations_read_only(db).await?.is_empty() {
        let transaction = begin(db).await?;
        Migrator::down(&transaction, Some(1)).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Begins a transaction that excludes migrations and seeds of other processes. Waits as long as another
/// process holds the lock.
pub(crate) async fn begin<C>(db: &C) -> Result<C::Transaction, DbErr>
where
    C: ConnectionTrait + TransactionTrait,
{
    match db.get_database_backend() {
        DbBackend::Sqlite => begin_on_sqlite(db).await,
        DbBackend::Postgres => begin_on_postgres(db).await,
        _ => db.begin().await,
    }
}

/// Takes SQLite's write lock at once. A transaction that reads first and writes later fails if another
/// process has written in between.
async fn begin_on_sqlite<C: TransactionTrait>(db: &C) -> Result<C::Transaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    loop {
        match db.begin_with_options(options).await {
            // SQLite itself has waited for the connection's busy timeout.
            Err(error) if is_busy(&error) => {
                tracing::info!("waiting for another process that writes to the database");
            }
            begun => return begun,
        }
    }
}

/// Takes an advisory lock that ends with the transaction: a session lock would stay with a connection that a
/// pooler gives to another client.
async fn begin_on_postgres<C: TransactionTrait>(db: &C) -> Result<C::Transaction, DbErr> {
    // Under a stricter default, the snapshot would be older than the lock, and show another process's
    // migration as pending.
    let options = TransactionOptions {
        isolation_level: Some(IsolationLevel::ReadCommitted),
        ..TransactionOptions::default()
    };
    let transaction = db.begin_with_options(options).await?;
    transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    Ok(transaction)
}

/// Begins a transaction through a pooler that assigns each transaction any server connection. All statements
/// of a migration or a seed must be inside it. sqlx prepares every statement under a name, and another
/// process may have left the same name on the connection.
///
/// # Errors
///
/// If the database refuses a statement.
pub async fn begin_through_pooler<C: TransactionTrait>(db: &C) -> Result<C::Transaction, DbErr> {
    let transaction = db.begin().await?;
    forget_names(&transaction).await?;
    Ok(transaction)
}

/// Commits a transaction of [`begin_through_pooler`], and deallocates its statement names.
///
/// # Errors
///
/// If the database refuses a statement.
pub async fn commit_through_pooler(transaction: DatabaseTransaction) -> Result<(), DbErr> {
    forget_names(&transaction).await?;
    transaction.commit().await
}

async fn forget_names(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    transaction.execute_unprepared("DEALLOCATE ALL").await.map(drop)
}

fn is_busy(error: &DbErr) -> bool {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            let SqlxError::Database(error) = &**error else { return false };
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            // The low byte of an extended result code is its primary code.
            code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
        }
        _ => false,
    }
}
