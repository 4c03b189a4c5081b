//! Relay of changes between processes over PostgreSQL: the live queries of each process follow the commits of all.
//!
//! A process reports its commits by NOTIFY after the commit, from a connection of its own. NOTIFY inside the transaction
//! takes a lock that all notifying commits share, and halves the number of commits per second. The same connection
//! listens. Logical decoding, the other source, hears every writer: the connection has a temporary slot, which the server
//! drops with the connection, and polls it for the names of the touched tables.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::connection::Connection;
use super::fault::Fault;
use super::startup::PgConfig;
use crate::database::changes::{ChangeNotifier, ChangeSource, OwnChanges, Touched};
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::settings::ACQUIRE_TIMEOUT;
use crate::model::{ColumnType, Table};

/// Minimum time between two reports to other processes; a report covers all commits in between.
const PAUSE: Duration = Duration::from_millis(20);

/// Time between two polls of the replication slot.
const POLL: Duration = Duration::from_millis(50);

/// Time between two statements on an idle connection, which detect a lost path.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Time after which all live queries run again: a process that was killed between a commit and its report is not heard.
const REFRESH: Duration = Duration::from_secs(60);

/// Time between two attempts to connect again.
const RECONNECT: Duration = Duration::from_millis(200);

/// Maximum time to report the last commits at the end.
const LAST_REPORT: Duration = Duration::from_secs(1);

/// Maximum size of a payload (PostgreSQL's documentation, NOTIFY: shorter than 8000 bytes).
const LARGEST_PAYLOAD: usize = 7_999;

const LISTEN: &str = "LISTEN crowsfoot_changes";

const NOTIFY: &str = "SELECT pg_notify('crowsfoot_changes', $1)";

const CREATE_SLOT: &str =
    "SELECT pg_create_logical_replication_slot('crowsfoot_' || pg_backend_pid(), 'pgoutput', true)";

const HAS_PUBLICATION: &str = "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)";

/// Names of the touched tables. A relation message, tag R, precedes the first change of each table (PostgreSQL's
/// documentation, section 55.9): tag, four bytes of the table's id, its schema and its name, each ended by a zero byte. The
/// schema `pg_catalog` is left empty.
const TOUCHED: &str = "WITH relation AS (
    SELECT substring(data FROM 6) AS names FROM pg_logical_slot_get_binary_changes(
        'crowsfoot_' || pg_backend_pid(), NULL, NULL, 'proto_version', '1', 'publication_names', quote_ident($1))
    WHERE get_byte(data, 0) = 82
), cut AS (
    SELECT names, position('\\x00'::bytea IN names) AS at FROM relation
), parts AS (
    SELECT substring(names FROM 1 FOR at - 1) AS schema, substring(names FROM at + 1) AS rest FROM cut
)
SELECT DISTINCT convert_from(schema, 'UTF8'),
    convert_from(substring(rest FROM 1 FOR position('\\x00'::bytea IN rest) - 1), 'UTF8') FROM parts";

/// Relay of a process.
pub(in crate::database) struct PostgresRelay {
    place: Arc<PgConfig>,
    source: ChangeSource,
    changes: ChangeNotifier,
    own: OwnChanges,
    /// Own changes that are not reported yet.
    unreported: Option<Touched>,
}

/// Connection that hears changes, and reports them.
struct RelaySession {
    connection: Connection,
    notifications: mpsc::UnboundedReceiver<String>,
    /// Schema of tables that are named without one.
    schema: String,
}

impl PostgresRelay {
    pub fn new(place: Arc<PgConfig>, source: ChangeSource, changes: &ChangeNotifier) -> Self {
        Self { place, source, own: changes.own_changes(), changes: changes.clone(), unreported: None }
    }

    /// Starts to listen, and continues in a task until `closing`, or its sender's drop.
    ///
    /// # Errors
    /// Fails if the server does not let this connection listen.
    pub async fn start(self, closing: oneshot::Receiver<()>) -> Result<tokio::task::JoinHandle<()>, Fault> {
        let session = self.open().await?;
        Ok(tokio::spawn(self.run(session, closing)))
    }

    async fn run(mut self, mut session: RelaySession, mut closing: oneshot::Receiver<()>) {
        loop {
            let fault = tokio::select! {
                fault = self.follow(&mut session) => fault,
                _ = &mut closing => break,
            };
            tracing::warn!(%fault, "changes by other processes are not heard until the connection is back");
            session = tokio::select! {
                session = self.reopen() => session,
                _ = &mut closing => return,
            };
            tracing::info!("changes by other processes are heard again");
            self.changes.notify_received(Touched::Any);
        }
        let _ = timeout(LAST_REPORT, self.report(&session)).await;
    }

    async fn reopen(&self) -> RelaySession {
        loop {
            sleep(RECONNECT).await;
            match self.open().await {
                Ok(session) => return session,
                Err(fault) => tracing::debug!(%fault, "cannot listen to changes"),
            }
        }
    }

    async fn open(&self) -> Result<RelaySession, Fault> {
        let (sender, notifications) = mpsc::unbounded_channel();
        let opened = timeout(ACQUIRE_TIMEOUT, Connection::open_listening(&self.place, sender)).await;
        let connection = opened.unwrap_or(Err(Fault::Slow(ACQUIRE_TIMEOUT)))?;
        let mut session = RelaySession { connection, notifications, schema: String::new() };
        let found = session.ask("SELECT current_schema()", &[], [ColumnType::Text].into()).await?;
        session.schema = text(&found, 0, 0);
        match &self.source {
            ChangeSource::Notify => {
                session.ask(LISTEN, &[], [].into()).await?;
            }
            ChangeSource::Replication { publication } => {
                let found =
                    session.ask(HAS_PUBLICATION, &[publication], [ColumnType::Boolean].into()).await?;
                if found.row(0).value(0) != Value::Bool(Some(true)) {
                    return Err(Fault::Settings(format!(
                        "there is no publication \"{publication}\"; create it with CREATE PUBLICATION \"{publication}\" FOR \
                         ALL TABLES"
                    )));
                }
                session.ask(CREATE_SLOT, &[], [].into()).await?;
            }
        }
        Ok(session)
    }

    /// Hears and reports changes until the connection fails.
    async fn follow(&mut self, session: &mut RelaySession) -> Fault {
        let followed = match self.source.clone() {
            ChangeSource::Notify => self.listen(session).await,
            ChangeSource::Replication { publication } => self.poll(session, &publication).await,
        };
        let Err(fault) = followed;
        fault
    }

    async fn listen(&mut self, session: &mut RelaySession) -> Result<std::convert::Infallible, Fault> {
        let mut pause = interval(PAUSE);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heartbeat = interval(HEARTBEAT);
        let mut refresh = interval(REFRESH);
        refresh.reset();
        loop {
            tokio::select! {
                touched = self.own.next() => self.note(touched),
                payload = session.notifications.recv() => {
                    let payload = payload.ok_or(Fault::Closed)?;
                    self.changes.notify_received(session.read(&payload));
                }
                _ = pause.tick(), if self.unreported.is_some() => self.report(session).await?,
                _ = heartbeat.tick() => drop(session.ask("SELECT 1", &[], [].into()).await?),
                _ = refresh.tick() => self.changes.notify_received(Touched::Any),
            }
        }
    }

    async fn poll(
        &self,
        session: &RelaySession,
        publication: &str,
    ) -> Result<std::convert::Infallible, Fault> {
        let mut pause = interval(POLL);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pause.tick().await;
            let columns = [ColumnType::Text, ColumnType::Text].into();
            let rows = session.ask(TOUCHED, &[publication], columns).await?;
            if !rows.is_empty() {
                let names = (0..rows.len()).map(|row| (text(&rows, row, 0), text(&rows, row, 1)));
                self.changes.notify_received(session.tables(names));
            }
        }
    }

    /// Adds a change to those that are not reported yet.
    fn note(&mut self, touched: Touched) {
        self.unreported = Some(match (self.unreported.take(), touched) {
            (None, touched) => touched,
            (Some(Touched::Tables(known)), Touched::Tables(new)) => {
                Touched::Tables(Arc::new(known.union(&new).cloned().collect()))
            }
            _ => Touched::Any,
        });
    }

    /// Reports the own changes to other processes.
    async fn report(&mut self, session: &RelaySession) -> Result<(), Fault> {
        if let Some(touched) = &self.unreported {
            session.ask(NOTIFY, &[&session.write(touched)], [].into()).await?;
            self.unreported = None;
        }
        Ok(())
    }
}

impl RelaySession {
    async fn ask(&self, sql: &str, values: &[&str], columns: Arc<[ColumnType]>) -> Result<RowSet, Fault> {
        let values = values.iter().map(|value| Value::from(*value)).collect();
        Ok(self.connection.read(sql.into(), values, None, RowSetBuilder::new(columns)).await?.rows)
    }

    /// Serializes a change: the schema and name of each table, or `null` for any table.
    fn write(&self, touched: &Touched) -> String {
        const ANY: &str = "null";
        let Touched::Tables(tables) = touched else { return ANY.to_owned() };
        let names: Vec<(&str, &str)> = tables
            .iter()
            .map(|table| (table.schema.as_deref().unwrap_or(&self.schema), table.name.as_str()))
            .collect();
        let written = serde_json::to_string(&names).ok();
        written.filter(|written| written.len() <= LARGEST_PAYLOAD).unwrap_or_else(|| ANY.to_owned())
    }

    /// Parses a change. A payload of another form counts as a change of any table.
    fn read(&self, payload: &str) -> Touched {
        match serde_json::from_str::<Vec<(String, String)>>(payload) {
            Ok(names) => self.tables(names),
            Err(_) => Touched::Any,
        }
    }

    /// Returns the tables as any model may name them.
    fn tables(&self, names: impl IntoIterator<Item = (String, String)>) -> Touched {
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

fn text(rows: &RowSet, row: usize, column: usize) -> String {
    match rows.row(row).value(column) {
        Value::String(Some(text)) => text,
        _ => String::new(),
    }
}
