//! Whether the database is there.
//!
//! The pool alone would find out late: its connections break while they lie idle, and where a new one is refused it
//! goes on trying for seconds, with every request that comes meanwhile waiting beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnAcquireErr, DatabaseConnection, DbBackend, DbErr, RuntimeErr};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use super::sql_error::ends_connection;

/// How long the database may take to let a connection in.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Opens a connection of its own, whatever the pool is busy with, and closes it again.
///
/// # Errors
/// What keeps the database from being used, within a second.
pub(super) async fn reach_pool(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let reached = tokio::time::timeout(PATIENCE, async {
        match connection.get_database_backend() {
            #[cfg(feature = "postgres")]
            DbBackend::Postgres => {
                connection.get_postgres_connection_pool().connect_options().connect().await?.close().await
            }
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => {
                let options = connection.get_sqlite_connection_pool().connect_options();
                // A file that has gone is not made anew: it would be empty.
                let options = options.as_ref().clone().create_if_missing(false);
                options.connect().await?.close().await
            }
            _ => Ok(()),
        }
    });
    match reached.await {
        Ok(reached) => reached.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into()))),
        Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
    }
}

/// The connections of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Those that wait for work.
    pub idle: u32,
    /// Those that are at work, or being opened.
    pub busy: u32,
    /// How many more there may be.
    pub room: u32,
}

impl PoolUse {
    /// Of this pool, at this moment.
    pub fn of(connection: &DatabaseConnection) -> Self {
        let (idle, size, limit) = match connection.get_database_backend() {
            #[cfg(feature = "postgres")]
            DbBackend::Postgres => {
                let pool = connection.get_postgres_connection_pool();
                (pool.num_idle(), pool.size(), pool.options().get_max_connections())
            }
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => {
                let pool = connection.get_sqlite_connection_pool();
                (pool.num_idle(), pool.size(), pool.options().get_max_connections())
            }
            _ => (0, 0, 0),
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Self { idle, busy: size.saturating_sub(idle), room: limit.saturating_sub(size) }
    }
}

/// What is known of the database's presence, by all requests together.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    is_lost: AtomicBool,
    /// Held by the one that looks: whether the database was there at the last look.
    looking: Mutex<bool>,
}

impl Presence {
    /// Sends something that may be sent twice: once more where the first went over a connection that had broken while
    /// it lay idle.
    pub(super) async fn attempt<T, Sent>(
        &self,
        connection: &DatabaseConnection,
        send: impl Fn() -> Sent,
    ) -> Result<T, DbErr>
    where
        Sent: Future<Output = Result<T, DbErr>>,
    {
        self.look_if_in_doubt(connection).await?;
        let first = send().await;
        let Err(error) = &first else { return first };
        if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) {
            self.0.is_lost.store(true, Ordering::Relaxed);
        }
        if !is_connection_fault(error) {
            return first;
        }
        tracing::info!(%error, "lost a connection to the database");
        self.0.is_lost.store(true, Ordering::Relaxed);
        self.look_if_in_doubt(connection).await?;
        // Each is tried, and thrown away where it is broken.
        for _ in 0..PoolUse::of(connection).idle {
            let _ = connection.ping().await;
        }
        send().await
    }

    async fn look_if_in_doubt(&self, connection: &DatabaseConnection) -> Result<(), DbErr> {
        let is_lost = || self.0.is_lost.load(Ordering::Relaxed);
        // SQLite's file refuses nobody.
        let is_growing = || {
            connection.get_database_backend() == DbBackend::Postgres
                && matches!(PoolUse::of(connection), PoolUse { idle: 0, room: 1.., .. })
        };
        if !is_lost() && !is_growing() {
            return Ok(());
        }
        let Ok(mut was_there) = self.0.looking.try_lock() else {
            // What the one that looks will find is good for all.
            let is_there = !is_lost() || *self.0.looking.lock().await;
            return if is_there { Ok(()) } else { Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) };
        };
        let reached = reach_pool(connection).await;
        *was_there = reached.is_ok();
        self.0.is_lost.store(reached.is_err(), Ordering::Relaxed);
        reached
    }
}

/// Whether the connection is gone, and with it whatever was sent over it.
fn is_connection_fault(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    match &**source {
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => ends_connection(&database.code().unwrap_or_default()),
        _ => false,
    }
}
