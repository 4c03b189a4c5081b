//! Relay of changes between the processes that serve one database.

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::changes::ChangeSource;
#[cfg(feature = "postgres")]
use super::connect::postgres_config;
use super::handle::Database;
#[cfg(feature = "postgres")]
use super::postgres::{PositionReader, PostgresRelay};

/// Error at the start of a relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The database has no notifications.
    #[error("only PostgreSQL reports changes to other processes")]
    NotSupported,
    /// A pooler in transaction mode has no connection that listens.
    #[error(
        "behind a pooler in transaction mode no connection can listen; expected the URL of the server itself"
    )]
    BehindPooler,
    /// The URL names another database than the one that is served.
    #[error("the URL for changes names {found}, expected {expected}")]
    OtherDatabase {
        /// Database that is served, and its cluster.
        expected: String,
        /// Database at the URL.
        found: String,
    },
    /// The server does not let the relay listen.
    #[error("cannot listen to changes by other processes: {0}")]
    Refused(String),
}

/// Relay of changes, until it is closed or dropped.
///
/// ```no_run
/// use crowsfoot::{ChangeSource, Database};
///
/// # async fn serve(database: Database) -> Result<(), Box<dyn std::error::Error>> {
/// let relay = database.relay(ChangeSource::Notify, None).await?;
/// // Live queries of this process now follow the commits of others, and the other way round.
/// relay.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ChangeRelay {
    closing: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ChangeRelay {
    /// Reports the last changes, and ends the relay.
    pub async fn close(self) {
        let Self { closing, task } = self;
        drop(closing);
        // A task that panicked has ended, too.
        let _ = task.await;
    }
}

impl Database {
    /// Relays changes between this process and others that serve the database. `url` names the server where the
    /// connections of this database lead to a pooler or a standby, which let nobody listen.
    ///
    /// After a lost connection, and once a minute, every live query runs again: a change in between may have been missed.
    ///
    /// # Errors
    /// Fails if the database has no notifications, or the server refuses the relay.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "only PostgreSQL has notifications")
    )]
    pub async fn relay(&self, source: ChangeSource, url: Option<&str>) -> Result<ChangeRelay, RelayError> {
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.postgres() {
            let place = match url {
                Some(url) => postgres_config(url).map(Into::into).map_err(refused)?,
                None if self.is_behind_pooler() => return Err(RelayError::BehindPooler),
                None => connections.place().clone(),
            };
            let (closing, closed) = oneshot::channel();
            if url.is_some() {
                let found = PositionReader::open(&place).await.map_err(refused)?.identity;
                let expected = PositionReader::open(connections.place()).await.map_err(refused)?.identity;
                if found != expected {
                    let (expected, found) = (expected.to_string(), found.to_string());
                    return Err(RelayError::OtherDatabase { expected, found });
                }
            }
            let relay = PostgresRelay::new(place, source, self.changes());
            let task = relay.start(closed).await.map_err(refused)?;
            return Ok(ChangeRelay { closing, task });
        }
        Err(RelayError::NotSupported)
    }
}

#[cfg(feature = "postgres")]
fn refused(error: impl std::fmt::Display) -> RelayError {
    RelayError::Refused(error.to_string())
}
