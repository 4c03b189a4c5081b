//! Carriers of messages between processes: the live queries of each process follow the commits of all.
//!
//! A process reports its commits after the commit, at most 50 times a second; a message covers all commits in between.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use super::changes::{ChangeNotifier, OwnChanges, Touched};
use super::settings::ACQUIRE_TIMEOUT;
use crate::model::Table;

/// Minimum time between two messages to other processes.
const PAUSE: Duration = Duration::from_millis(20);

/// Time between two checks of an idle connection, which detect a lost path.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Time after which all live queries run again: a process that was killed between a commit and its report is not heard.
const REFRESH: Duration = Duration::from_secs(60);

/// Time between two attempts to connect again.
const RECONNECT: Duration = Duration::from_millis(200);

/// Maximum time to report the last commits at the end.
const LAST_REPORT: Duration = Duration::from_secs(1);

/// Error of a carrier. Its text is logged, so it contains no secret.
pub type CarrierError = Box<dyn std::error::Error + Send + Sync>;

/// Carrier of messages between the processes that serve one database, such as a message broker.
///
/// A message may arrive twice, in any order, and at its own sender. It may be lost only together with a connection: after
/// each [`open`](Self::open) every live query runs again.
///
/// ```
/// use crowsfoot::{CarriedMessages, CarrierError, ChangeCarrier};
/// use tokio::sync::broadcast;
///
/// /// Carries messages between the databases of one process.
/// struct Local(broadcast::Sender<String>);
///
/// #[async_trait::async_trait]
/// impl ChangeCarrier for Local {
///     async fn open(&mut self, _channel: &str, messages: CarriedMessages) -> Result<(), CarrierError> {
///         let mut heard = self.0.subscribe();
///         tokio::spawn(async move {
///             while let Ok(message) = heard.recv().await {
///                 messages.deliver(message);
///             }
///         });
///         Ok(())
///     }
///
///     async fn publish(&mut self, _channel: &str, message: &str) -> Result<(), CarrierError> {
///         self.0.send(message.to_owned())?;
///         Ok(())
///     }
///
///     async fn check(&mut self) -> Result<(), CarrierError> {
///         Ok(())
///     }
/// }
///
/// # async fn relay(database: crowsfoot::Database) -> Result<(), Box<dyn std::error::Error>> {
/// let relay = database.relay_over(Local(broadcast::Sender::new(100))).await?;
/// # relay.close().await;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait ChangeCarrier: Send + 'static {
    /// Opens a connection, in place of an earlier one, and subscribes to the channel. From the return on, messages of all
    /// processes are delivered. The drop of `messages` reports the loss of the connection.
    ///
    /// # Errors
    /// If the connection cannot be opened, or not subscribe.
    async fn open(&mut self, channel: &str, messages: CarriedMessages) -> Result<(), CarrierError>;

    /// Sends a message to the subscribers of the channel.
    ///
    /// # Errors
    /// If the message may not have been sent. It is sent again over the next connection.
    async fn publish(&mut self, channel: &str, message: &str) -> Result<(), CarrierError>;

    /// Checks that the connection still carries messages; called every five seconds.
    ///
    /// # Errors
    /// If the connection is lost.
    async fn check(&mut self) -> Result<(), CarrierError>;
}

/// Receiver of a carrier's messages, for the relay.
#[derive(Debug)]
pub struct CarriedMessages(pub(super) mpsc::UnboundedSender<String>);

impl CarriedMessages {
    /// Delivers a message.
    pub fn deliver(&self, message: String) {
        // The relay may have ended.
        let _ = self.0.send(message);
    }
}

/// Link to other writers of the database, which is opened again after each loss.
#[async_trait]
pub(super) trait ChangeLink: Send + 'static {
    /// Opens the link, in place of an earlier one.
    async fn open(&mut self) -> Result<(), CarrierError>;

    /// Publishes the changes of others, and reports the own ones, until the link fails.
    async fn follow(&mut self) -> CarrierError;

    /// Reports the own changes that are not reported yet.
    async fn finish(&mut self) -> Result<(), CarrierError>;
}

/// Opens a link, and keeps it in a task until `closing`, or its sender's drop.
///
/// # Errors
/// If the link cannot be opened now.
pub(super) async fn start(
    mut link: impl ChangeLink,
    changes: ChangeNotifier,
    closing: oneshot::Receiver<()>,
) -> Result<JoinHandle<()>, CarrierError> {
    open(&mut link).await?;
    Ok(tokio::spawn(keep(link, changes, closing)))
}

async fn open(link: &mut impl ChangeLink) -> Result<(), CarrierError> {
    let opened = timeout(ACQUIRE_TIMEOUT, link.open()).await;
    opened.unwrap_or_else(|_| Err(format!("no answer within {} seconds", ACQUIRE_TIMEOUT.as_secs()).into()))
}

async fn keep(mut link: impl ChangeLink, changes: ChangeNotifier, mut closing: oneshot::Receiver<()>) {
    loop {
        let fault = tokio::select! {
            fault = link.follow() => fault,
            _ = &mut closing => break,
        };
        tracing::warn!(%fault, "changes by other processes are not heard until the connection is back");
        tokio::select! {
            () = reopen(&mut link) => {}
            _ = &mut closing => return,
        };
        tracing::info!("changes by other processes are heard again");
        changes.notify_received(Touched::Any);
    }
    let _ = timeout(LAST_REPORT, link.finish()).await;
}

async fn reopen(link: &mut impl ChangeLink) {
    loop {
        sleep(RECONNECT).await;
        match open(link).await {
            Ok(()) => return,
            Err(fault) => tracing::debug!(%fault, "cannot listen to changes"),
        }
    }
}

/// Link over a carrier.
pub(super) struct CarrierLink<C> {
    carrier: C,
    channel: String,
    names: QualifiedNames,
    /// Sender of this process's messages.
    id: String,
    changes: ChangeNotifier,
    own: OwnChanges,
    /// Own changes that are not reported yet.
    unreported: Option<Touched>,
    messages: mpsc::UnboundedReceiver<String>,
}

/// Message about changes.
#[derive(Debug, Serialize, Deserialize)]
struct ChangeMessage<'a> {
    /// Id of the sender.
    from: &'a str,
    /// Schema and name of each touched table; `None` for any table.
    tables: Option<Vec<(String, String)>>,
}

impl<C: ChangeCarrier> CarrierLink<C> {
    pub fn new(carrier: C, channel: String, names: QualifiedNames, changes: &ChangeNotifier) -> Self {
        let (_, messages) = mpsc::unbounded_channel();
        let id = Uuid::new_v4().to_string();
        let (own, changes) = (changes.own_changes(), changes.clone());
        Self { carrier, channel, names, id, changes, own, unreported: None, messages }
    }

    async fn carry(&mut self) -> Result<std::convert::Infallible, CarrierError> {
        let mut pause = interval(PAUSE);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heartbeat = interval(HEARTBEAT);
        let mut refresh = interval(REFRESH);
        refresh.reset();
        loop {
            tokio::select! {
                // Later changes are collected by the report: a commit then wakes nobody.
                touched = self.own.next(), if self.unreported.is_none() => self.note(touched),
                message = self.messages.recv() => {
                    let message = message.ok_or("the connection was closed")?;
                    if let Some(touched) = self.read(&message) {
                        self.changes.notify_received(touched);
                    }
                }
                _ = pause.tick(), if self.unreported.is_some() => self.report().await?,
                _ = heartbeat.tick() => self.carrier.check().await?,
                _ = refresh.tick() => self.changes.notify_received(Touched::Any),
            }
        }
    }

    /// Adds a change to those that are not reported yet.
    fn note(&mut self, touched: Touched) {
        self.unreported = Some(match (self.unreported.take(), touched) {
            (None, touched) => touched,
            (Some(Touched::Tables(known)), Touched::Tables(new)) if new.is_subset(&known) => {
                Touched::Tables(known)
            }
            (Some(Touched::Tables(known)), Touched::Tables(new)) => {
                Touched::Tables(Arc::new(known.union(&new).cloned().collect()))
            }
            _ => Touched::Any,
        });
    }

    /// Reports all own changes up to now.
    async fn report(&mut self) -> Result<(), CarrierError> {
        while let Some(touched) = self.own.next().now_or_never() {
            self.note(touched);
        }
        if let Some(touched) = &self.unreported {
            let message = ChangeMessage { from: &self.id, tables: self.names.write(touched) };
            self.carrier.publish(&self.channel, &serde_json::to_string(&message)?).await?;
            self.unreported = None;
        }
        Ok(())
    }

    /// Parses a message; `None` for an own one. A text of another form counts as a change of any table.
    fn read(&self, message: &str) -> Option<Touched> {
        match serde_json::from_str::<ChangeMessage>(message) {
            Ok(message) if message.from == self.id => None,
            Ok(ChangeMessage { tables: Some(names), .. }) => Some(self.names.read(names)),
            _ => Some(Touched::Any),
        }
    }
}

#[async_trait]
impl<C: ChangeCarrier> ChangeLink for CarrierLink<C> {
    async fn open(&mut self) -> Result<(), CarrierError> {
        let (sender, messages) = mpsc::unbounded_channel();
        self.carrier.open(&self.channel, CarriedMessages(sender)).await?;
        self.messages = messages;
        Ok(())
    }

    async fn follow(&mut self) -> CarrierError {
        let Err(fault) = self.carry().await;
        fault
    }

    async fn finish(&mut self) -> Result<(), CarrierError> {
        self.report().await
    }
}

/// Names of tables with their schemas, as processes exchange them.
#[derive(Clone, Debug)]
pub(super) struct QualifiedNames {
    /// Schema of tables that the model names without one.
    pub schema: String,
}

impl QualifiedNames {
    fn write(&self, touched: &Touched) -> Option<Vec<(String, String)>> {
        let Touched::Tables(tables) = touched else { return None };
        let schema = |table: &Table| table.schema.clone().unwrap_or_else(|| self.schema.clone());
        Some(tables.iter().map(|table| (schema(table), table.name.clone())).collect())
    }

    /// Returns the tables as any model may name them.
    pub fn read(&self, names: impl IntoIterator<Item = (String, String)>) -> Touched {
        let mut tables = BTreeSet::new();
        for (schema, name) in names {
            if schema == self.schema {
                tables.insert(Table { schema: None, name: name.clone() });
            }
            tables.insert(Table { schema: Some(schema), name });
        }
        Touched::Tables(Arc::new(tables))
    }
}
