//! Opens the replicas of a database, and watches how far each has followed.

#[cfg(feature = "postgres")]
use std::sync::Arc;
#[cfg(feature = "postgres")]
use std::time::Duration;

#[cfg(feature = "postgres")]
use futures_util::future::join_all;
#[cfg(feature = "postgres")]
use tokio::task::JoinSet;
#[cfg(feature = "postgres")]
use tokio::time::{Instant, sleep, timeout};

#[cfg(feature = "postgres")]
use super::connect::{over_postgres, postgres_config, with_limits};
use super::handle::Database;
#[cfg(feature = "postgres")]
use super::postgres::{Fault, PgConfig, PositionReader, PrimaryPosition, ServerIdentity, explore};
use super::replicas::ReplicaSettings;
#[cfg(feature = "postgres")]
use super::replicas::{PrimaryWatch, Replica, ReplicaState, Replicas};
#[cfg(feature = "postgres")]
use super::settings::ACQUIRE_TIMEOUT;
use super::settings::ConnectSettings;

/// Time between two attempts to connect again.
#[cfg(feature = "postgres")]
const RECONNECT: Duration = Duration::from_millis(200);

/// Error while replicas are opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The database has no replicas.
    #[error("only PostgreSQL has replicas")]
    NotSupported,
    /// Replicas were added before.
    #[error("the database has replicas already")]
    AddedBefore,
    /// The position of the primary cannot be read.
    #[error("replicas cannot be used: the position of the primary cannot be read: {0}")]
    Primary(String),
    /// The server does not let the service in.
    #[error("the replica cannot be used: {place}: {cause}")]
    Refused {
        /// Address of the server, without the password.
        place: String,
        /// Message of the server.
        cause: String,
    },
    /// The server is no replica of this database.
    #[error("the replica at {place} has {found}, expected {expected}")]
    OtherDatabase {
        /// Address of the server.
        place: String,
        /// Database that is served, and its cluster.
        expected: String,
        /// Database of the server, and its cluster.
        found: String,
    },
    /// The server is no standby.
    #[error("the replica at {place} is a primary, expected a standby server (in recovery)")]
    NotInRecovery {
        /// Address of the server.
        place: String,
    },
}

impl Database {
    /// Adds replicas of the database: standby servers with streaming replication. From then on queries and the runs of live
    /// queries go to them, and mutations, with all that belongs to them, to this database. A replica that lags too far behind
    /// or cannot be reached is left out, and used again by itself. Without a usable one this database serves all.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use crowsfoot::{ConnectSettings, ReplicaSettings};
    ///
    /// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
    /// let settings = ConnectSettings::new(8);
    /// let database = crowsfoot::connect_with("postgres://app@primary/shop", &settings).await?;
    /// let replicas = ["postgres://app@second/shop".to_owned(), "postgres://app@third/shop".to_owned()];
    /// let lag = ReplicaSettings::default().max_lag(Duration::from_secs(5));
    /// database.add_replicas(&replicas, &settings, lag).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a server is no replica of the database or does not let the service in. A server that cannot be reached is no error.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, clippy::unused_async, reason = "only PostgreSQL has replicas")
    )]
    pub async fn add_replicas(
        &self,
        urls: &[String],
        connect: &ConnectSettings,
        settings: ReplicaSettings,
    ) -> Result<(), ReplicaError> {
        #[cfg(feature = "postgres")]
        if let Some(connections) = self.postgres() {
            let place = match &settings.direct_url {
                Some(url) => postgres_config(url).map(Arc::new).map_err(of_primary)?,
                None => connections.place().clone(),
            };
            let reader = PositionReader::open(&place).await.map_err(of_primary)?;
            let primary = Arc::new(PrimaryWatch::default());
            note_primary(&reader, &primary, settings.max_lag).await.map_err(ReplicaError::Primary)?;
            let (mut nodes, mut tasks) = (Vec::new(), JoinSet::new());
            let origin = |url: &String| ReplicaOrigin::new(url, connect, &reader.identity);
            let origins = urls.iter().map(origin).collect::<Result<Vec<_>, _>>()?;
            let reached = join_all(origins.iter().map(|origin| origin.reach(None))).await;
            for (origin, reached) in origins.into_iter().zip(reached) {
                let replica = Arc::new(Replica::new(origin.name.clone()));
                let reader = match reached {
                    Ok((database, reader)) => {
                        replica.node.get_or_init(|| database);
                        Some(reader)
                    }
                    Err(Unreached::Away(cause)) => {
                        tracing::warn!(replica = origin.name, cause, "a replica cannot be reached");
                        None
                    }
                    Err(Unreached::Wrong(error)) => return Err(error),
                };
                let watch = ReplicaTask { origin, replica: replica.clone(), primary: primary.clone() };
                tasks.spawn(watch.run(reader, settings.max_lag));
                nodes.push(replica);
            }
            let cluster = reader.identity.cluster;
            tasks.spawn(watch_primary(place, reader, primary.clone(), settings.max_lag));
            let replicas = Replicas::new(cluster, primary, nodes, settings, tasks);
            return self.set_replicas(replicas).map_err(|_| ReplicaError::AddedBefore);
        }
        Err(ReplicaError::NotSupported)
    }
}

#[cfg(feature = "postgres")]
fn of_primary(fault: Fault) -> ReplicaError {
    ReplicaError::Primary(fault.to_string())
}

/// Asks the primary for its position once, and publishes the answer.
#[cfg(feature = "postgres")]
async fn note_primary(reader: &PositionReader, watch: &PrimaryWatch, kept: Duration) -> Result<(), String> {
    let asked = Instant::now();
    match reader.primary().await {
        Ok(Some(PrimaryPosition { at, flushed })) => {
            watch.note(asked, at, flushed, kept);
            Ok(())
        }
        Ok(None) => Err("the server is a standby".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

/// Publishes the position of the primary, whichever host of its URL that is.
#[cfg(feature = "postgres")]
async fn watch_primary(
    place: Arc<PgConfig>,
    mut reader: PositionReader,
    watch: Arc<PrimaryWatch>,
    kept: Duration,
) {
    loop {
        let cause = loop {
            watch.until_due().await;
            if let Err(cause) = note_primary(&reader, &watch, kept).await {
                break cause;
            }
        };
        watch.lose();
        tracing::warn!(cause, "the position of the primary is not known until the connection is back");
        reader = loop {
            sleep(RECONNECT).await;
            match PositionReader::open(&place).await {
                Ok(opened) if opened.identity != reader.identity => {
                    tracing::error!(found = %opened.identity, "the URL of the primary names another database");
                }
                Ok(opened) => match note_primary(&opened, &watch, kept).await {
                    Ok(()) => break opened,
                    Err(cause) => tracing::debug!(cause, "the primary does not tell its position"),
                },
                Err(fault) => tracing::debug!(%fault, "the primary cannot be reached"),
            }
        };
        tracing::info!("the position of the primary is known again");
    }
}

/// Source of a replica's connections.
#[cfg(feature = "postgres")]
struct ReplicaOrigin {
    url: String,
    /// Address of the server.
    name: String,
    connect: ConnectSettings,
    expected: ServerIdentity,
}

/// Reason why a replica was not reached.
#[cfg(feature = "postgres")]
enum Unreached {
    /// The server may come back.
    Away(String),
    /// The server is none of the database's replicas, or does not let the service in.
    Wrong(ReplicaError),
}

#[cfg(feature = "postgres")]
impl ReplicaOrigin {
    fn new(url: &str, connect: &ConnectSettings, expected: &ServerIdentity) -> Result<Self, ReplicaError> {
        let name = match postgres_config(url) {
            Ok(place) => place.server(),
            // The URL may contain a password.
            Err(fault) => {
                let place = "URL of a replica".to_owned();
                return Err(ReplicaError::Refused { place, cause: fault.to_string() });
            }
        };
        Ok(Self { url: url.to_owned(), name, connect: connect.clone(), expected: expected.clone() })
    }

    /// Connects to the server, and checks that it is a replica.
    async fn reach(&self, known: Option<&Database>) -> Result<(Database, PositionReader), Unreached> {
        let database = match known {
            Some(known) => known.clone(),
            None => {
                let place = postgres_config(&self.url).map_err(|fault| self.unreached(&fault))?;
                let explored = timeout(ACQUIRE_TIMEOUT, explore(with_limits(place, &self.connect))).await;
                let place = explored.unwrap_or(Err(Fault::Slow(ACQUIRE_TIMEOUT)));
                over_postgres(place.map_err(|fault| self.unreached(&fault))?, &self.connect)
            }
        };
        let Some(connections) = database.postgres() else {
            return Err(Unreached::Wrong(ReplicaError::NotSupported));
        };
        let opened = PositionReader::open(connections.place()).await;
        let reader = opened.map_err(|fault| self.unreached(&fault))?;
        let place = self.name.clone();
        if reader.identity != self.expected {
            let (expected, found) = (self.expected.to_string(), reader.identity.to_string());
            return Err(Unreached::Wrong(ReplicaError::OtherDatabase { place, expected, found }));
        }
        match reader.standby().await {
            Ok(Some(_)) => Ok((database, reader)),
            Ok(None) => Err(Unreached::Wrong(ReplicaError::NotInRecovery { place })),
            Err(fault) => Err(self.unreached(&fault)),
        }
    }

    fn unreached(&self, fault: &Fault) -> Unreached {
        let cause = fault.to_string();
        match fault.is_of_host() || fault.is_of_all() {
            true => Unreached::Away(cause),
            false => Unreached::Wrong(ReplicaError::Refused { place: self.name.clone(), cause }),
        }
    }
}

/// Task that watches a replica.
#[cfg(feature = "postgres")]
struct ReplicaTask {
    origin: ReplicaOrigin,
    replica: Arc<Replica<Database>>,
    primary: Arc<PrimaryWatch>,
}

#[cfg(feature = "postgres")]
impl ReplicaTask {
    async fn run(self, mut reader: Option<PositionReader>, max_lag: Duration) {
        let name = self.replica.name.as_str();
        loop {
            if let Some(reader) = &reader {
                let cause = self.follow(reader, max_lag).await;
                tracing::warn!(replica = name, cause, "a replica is left out until it answers again");
            }
            reader = match self.origin.reach(self.replica.node.get()).await {
                Ok((database, reader)) => {
                    self.replica.node.get_or_init(|| database);
                    tracing::info!(replica = name, "a replica answers");
                    Some(reader)
                }
                Err(unreached) => {
                    let (state, cause) = match unreached {
                        Unreached::Away(cause) => (ReplicaState::Away, cause),
                        Unreached::Wrong(ReplicaError::NotInRecovery { .. }) => {
                            (ReplicaState::Promoted, "it is a primary".to_owned())
                        }
                        Unreached::Wrong(error) => (ReplicaState::Away, error.to_string()),
                    };
                    tracing::debug!(replica = name, cause, "a replica is left out");
                    self.replica.leave(state);
                    sleep(RECONNECT).await;
                    None
                }
            };
        }
    }

    /// Publishes the position of the replica until the connection fails, or the replica is promoted.
    async fn follow(&self, reader: &PositionReader, max_lag: Duration) -> String {
        let mut was_near = true;
        loop {
            let (state, cause) = match reader.standby().await {
                Ok(Some(at)) => {
                    let as_of = self.replica.note(at, &self.primary);
                    let is_near = as_of.is_some_and(|as_of| as_of.elapsed() <= max_lag);
                    if is_near != was_near {
                        was_near = is_near;
                        let name = self.replica.name.as_str();
                        tracing::info!(replica = name, is_near, "the lag of a replica crosses the limit");
                    }
                    self.replica.until_due().await;
                    continue;
                }
                Ok(None) => (ReplicaState::Promoted, "it is a primary".to_owned()),
                Err(fault) => (ReplicaState::Away, fault.to_string()),
            };
            self.replica.leave(state);
            return cause;
        }
    }
}
