//! Detects an unreachable database without waiting for the pool.
//!
//! The pool alone detects it late: its connections break while idle. When a new connection is refused, the
//! pool retries for seconds, and every request waits with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnAcquireErr, DatabaseConnection, DbBackend, DbErr, RuntimeErr};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use super::sql_error::ends_connection;

/// Timeout for a new connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Opens a separate connection, even if the pool is busy, and closes it again.
///
/// # Errors
/// Returns the reason why the database cannot be used, within a second.
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
                // A deleted file must not be created again, because it would be empty.
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

/// Connection counts of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Idle connections.
    pub idle: u32,
    /// Connections in use, or being opened.
    pub busy: u32,
    /// Number of further connections allowed.
    pub room: u32,
}

impl PoolUse {
    /// Returns the current counts of a pool.
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

/// Availability of the database, shared by all requests.
#[derive(Clone, Debug, Default)]
pub struct Availability(Arc<ProbeState>);

#[derive(Debug, Default)]
struct ProbeState {
    is_lost: AtomicBool,
    /// Lock of the probing request; holds the result of the last probe.
    looking: Mutex<bool>,
}

impl Availability {
    /// Sends a repeatable statement, and retries once if its connection broke while idle.
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
        // A ping discards each broken connection.
        for _ in 0..PoolUse::of(connection).idle {
            let _ = Box::pin(connection.ping()).await;
        }
        send().await
    }

    async fn look_if_in_doubt(&self, connection: &DatabaseConnection) -> Result<(), DbErr> {
        let is_lost = || self.0.is_lost.load(Ordering::Relaxed);
        // SQLite's file refuses no connection.
        let is_growing = || {
            connection.get_database_backend() == DbBackend::Postgres
                && matches!(PoolUse::of(connection), PoolUse { idle: 0, room: 1.., .. })
        };
        if !is_lost() && !is_growing() {
            return Ok(());
        }
        let Ok(mut was_there) = self.0.looking.try_lock() else {
            // The result of the running probe serves all requests.
            let is_there = !is_lost() || *self.0.looking.lock().await;
            return if is_there { Ok(()) } else { Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) };
        };
        // Boxed: it is rare, and would be most of every statement's future.
        let reached = Box::pin(reach_pool(connection)).await;
        *was_there = reached.is_ok();
        self.0.is_lost.store(reached.is_err(), Ordering::Relaxed);
        reached
    }
}

/// Returns true if the connection is lost, with every statement sent over it.
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
