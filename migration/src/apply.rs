//! Applying and reverting migrations so that neither a kill nor a second process leaves the database half-way.
//!
//! [`Migrator::up`] by itself uses no transaction on SQLite: a process that is killed between two tables leaves a migration
//! that is not recorded and cannot be applied again. Here each migration and its record are one transaction on every
//! database whose DDL is transactional, and processes that start together take turns.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    DatabaseTransaction, DbBackend, IsolationLevel, RuntimeErr, SqliteTransactionMode, SqlxError,
    TransactionOptions, TransactionTrait,
};

use crate::Migrator;

/// Key of PostgreSQL's advisory lock: the first eight letters of "crowsfoot".
const LOCK: i64 = 0x6372_6f77_7366_6f6f;

/// Primary result code `SQLITE_BUSY`: another connection holds the lock for writing.
const SQLITE_BUSY: i32 = 5;

/// Applies every pending migration, each with its record in one transaction.
///
/// Where nothing is pending this only reads: it takes no lock and needs no right to create tables.
///
/// # Errors
///
/// When the database refuses a statement; the migration that failed has changed nothing then.
pub async fn up<C>(db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    while !Migrator::get_pending_migrations_read_only(db).await?.is_empty() {
        let transaction = begin(db).await?;
        // Reads what is pending again: another process may have applied it before the lock was free.
        Migrator::up(&transaction, Some(1)).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Reverts every applied migration, the last one first, each with its record in one transaction.
///
/// # Errors
///
/// When the database refuses a statement; the migration that failed has changed nothing then.
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

/// Begins a transaction that no other process's migration or seed runs beside. It waits for as long as another has it.
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

/// Takes SQLite's lock for writing at once. A transaction that reads first and writes later could find that another process
/// has written in between, and fail.
async fn begin_on_sqlite<C: TransactionTrait>(db: &C) -> Result<C::Transaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    loop {
        match db.begin_with_options(options).await {
            // SQLite itself has waited for as long as the connection's busy timeout.
            Err(error) if is_busy(&error) => {
                tracing::info!("waiting for another process that writes to the database");
            }
            begun => return begun,
        }
    }
}

/// Takes an advisory lock that ends with the transaction: one of the session would stay with a connection that a pooler
/// gives to another client.
async fn begin_on_postgres<C: TransactionTrait>(db: &C) -> Result<C::Transaction, DbErr> {
    // Under a stricter default the snapshot would be older than the lock, and show another process's migration as pending.
    let options = TransactionOptions {
        isolation_level: Some(IsolationLevel::ReadCommitted),
        ..TransactionOptions::default()
    };
    let transaction = db.begin_with_options(options).await?;
    transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    Ok(transaction)
}

/// Begins a transaction through a pooler that gives each transaction to any connection of the server. All that a migration or a
/// seed does there must be inside one: sqlx prepares every statement under a name, and another process may have left the same
/// name on the connection.
///
/// # Errors
///
/// When the database refuses a statement.
pub async fn begin_through_pooler<C: TransactionTrait>(db: &C) -> Result<C::Transaction, DbErr> {
    let transaction = db.begin().await?;
    forget_names(&transaction).await?;
    Ok(transaction)
}

/// Commits what [`begin_through_pooler`] has begun, and leaves no names behind.
///
/// # Errors
///
/// When the database refuses a statement.
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
            // The low byte of an extended result code is its primary one.
            code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
        }
        _ => false,
    }
}
