//! Relay of changes between the processes that serve one database.

use sea_orm::{DbBackend, Value};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::carrier::{self, CarrierLink, ChangeCarrier, ChangeLink, QualifiedNames};
use super::changes::ChangeSource;
#[cfg(feature = "postgres")]
use super::connect::postgres_config;
use super::handle::Database;
#[cfg(feature = "postgres")]
use super::postgres::{LogicalDecoding, NotifyCarrier, PositionReader};
use crate::model::ColumnType;

/// Error at the start of a relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// Database that only one process serves.
    #[error("only PostgreSQL is served by several processes, which report changes to each other")]
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
    /// The URL does not name a server of the carrier.
    #[error("the URL for changes is wrong: {0}")]
    WrongUrl(String),
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
            if url.is_some() {
                let found = PositionReader::open(&place).await.map_err(refused)?.identity;
                let expected = PositionReader::open(connections.place()).await.map_err(refused)?.identity;
                if found != expected {
                    let (expected, found) = (expected.to_string(), found.to_string());
                    return Err(RelayError::OtherDatabase { expected, found });
                }
            }
            return match source {
                ChangeSource::Notify => self.relay_over(NotifyCarrier::new(place)).await,
                ChangeSource::Replication { publication } => {
                    let (_, names) = self.names().await?;
                    self.keep(LogicalDecoding::new(place, publication, names, self.changes())).await
                }
            };
        }
        Err(RelayError::NotSupported)
    }

    /// Relays changes as [`relay`](Self::relay) does, over another carrier. The channel has the name of the database, so all
    /// processes that serve the database hear each other.
    ///
    /// # Errors
    /// Fails if the database cannot be served by several processes, or the carrier cannot be opened.
    pub async fn relay_over(&self, carrier: impl ChangeCarrier) -> Result<ChangeRelay, RelayError> {
        let (database, names) = self.names().await?;
        let channel = format!("crowsfoot:{database}");
        self.keep(CarrierLink::new(carrier, channel, names, self.changes())).await
    }

    async fn keep(&self, link: impl ChangeLink) -> Result<ChangeRelay, RelayError> {
        let (closing, closed) = oneshot::channel();
        let task = carrier::start(link, self.changes().clone(), closed).await.map_err(refused)?;
        Ok(ChangeRelay { closing, task })
    }

    /// Returns the name of the database, and the schema of tables that are named without one.
    async fn names(&self) -> Result<(String, QualifiedNames), RelayError> {
        if self.get_database_backend() != DbBackend::Postgres {
            return Err(RelayError::NotSupported);
        }
        const NAMES: &str = "SELECT current_database()::text, current_schema()::text";
        let found = self.ask(NAMES, Vec::new(), [ColumnType::Text, ColumnType::Text].into()).await;
        let found = found.map_err(refused)?;
        let [database, schema] = [0, 1].map(|column| match found.row(0).value(column) {
            Value::String(Some(name)) => name,
            // No schema of the search path exists.
            _ => String::new(),
        });
        Ok((database, QualifiedNames { schema }))
    }
}

fn refused(error: impl std::fmt::Display) -> RelayError {
    RelayError::Refused(error.to_string())
}
