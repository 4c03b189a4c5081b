//! All connections to one database, and the choice between them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::Value;
use tokio::runtime::{Handle, Id};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::connection::{Connection, GroupMember, Stage, StatementResult, WriteNotice, answer_of};
use super::fault::Fault;
use super::pool::{Lease, Pool};
use super::startup::PgConfig;
use crate::database::availability::PATIENCE;
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::sql_error::SqlError;
use crate::database::tracked_statement::TrackedStatement;
use crate::database::written_alone::{AloneWrite, CommitSharing};
use crate::error::Result;
use crate::model::ColumnType;
use crate::policy::SessionSettings;

/// Server time up to which an execution is short. Statements that are short on average share a connection.
const SHORT: Duration = Duration::from_millis(5);

/// Time up to which a write with its commit is short. Writes that are short on average may share a commit.
const SHORT_WRITE: Duration = Duration::from_millis(50);

/// Time as which a refused write counts. After two of them a write shares no commit, because a refusal sends all of its group anew.
const REFUSED: Duration = Duration::from_millis(100);

/// Returns true where a transaction of a new connection only reads, as at a standby server, unless the settings
/// of the connection (`options` in the URL) request that.
const ONLY_READS: &str = "SELECT current_setting('transaction_read_only') = 'on' AND NOT EXISTS (
    SELECT FROM pg_settings
    WHERE name = 'default_transaction_read_only' AND setting = 'on' AND source IN ('client', 'session'))";

/// All connections to one database.
#[derive(Debug)]
pub(in crate::database) struct PostgresConnections {
    place: Arc<PgConfig>,
    /// Connection that the short statements of a thread (precisely, of a runtime) share.
    shared: Mutex<Vec<(Id, Arc<OnceCell<Connection>>)>>,
    /// Pool for single reads.
    reading: Arc<Pool>,
    /// Pool for transactions.
    writing: Arc<Pool>,
}

impl PostgresConnections {
    /// Creates lazily opened connections to `place`: one per thread for short statements, up to `limit` for
    /// other reads, and up to `limit` for transactions.
    pub fn new(place: Arc<PgConfig>, limit: usize) -> Arc<Self> {
        let (reading, writing) = (Pool::new(limit), Pool::new(limit));
        Arc::new(Self { place, shared: Mutex::default(), reading, writing })
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(
        &self,
        query: &TrackedStatement,
        values: Arc<[Value]>,
        settings: Option<Arc<SessionSettings>>,
    ) -> Result<RowSet> {
        let note = |answer: &Result<StatementResult, Fault>| match answer {
            Ok(StatementResult { worked, .. }) => query.last_run.note_time(*worked, SHORT),
            Err(Fault::Silent) => query.last_run.note_time(Duration::MAX, SHORT),
            Err(_) => {}
        };
        if query.last_run.is_short() {
            let shared = self.shared().await?;
            if let Some(connection) = shared.get() {
                let rows = RowSetBuilder::of(query);
                let (sql, values) = (query.statement.sql.clone(), values.clone());
                let answer = connection.read(sql, values, settings.clone(), rows).await;
                note(&answer);
                match answer {
                    Err(fault) if fault.is_stale() => self.forget(&fault),
                    answer => return Ok(answer?.rows),
                }
            }
        }
        let answer =
            self.read_alone(&query.statement.sql, values, settings, || RowSetBuilder::of(query)).await;
        note(&answer);
        Ok(answer?.rows)
    }

    /// Sends a statement without statistics that reads, and decodes its rows.
    pub async fn ask(&self, sql: &str, values: Arc<[Value]>, columns: Arc<[ColumnType]>) -> Result<RowSet> {
        let rows = || RowSetBuilder::new(columns.clone());
        Ok(self.read_alone(&sql.into(), values, None, rows).await?.rows)
    }

    /// Sends a statement that writes, as a transaction of its own, or together with those of other requests if all connections are
    /// busy, and decodes the returned rows. It is refused if it must wait for a lock. `on_written` runs once the statement may have
    /// written, whether or not the caller is still there.
    ///
    /// # Errors
    /// [`SqlError::Refused`] if nothing was written. [`SqlError::OutcomeUnknown`] if the connection is lost after the statement
    /// was sent.
    pub async fn write_alone(
        &self,
        write: AloneWrite<'_>,
        on_written: WriteNotice,
    ) -> Result<RowSet, SqlError> {
        let answer = match self.write_together(write, &on_written).await? {
            Some(answer) => answer,
            None => self.write_without_others(write, on_written).await?,
        };
        if let Some(sharing) = write.sharing {
            let time = answer.as_ref().map_or(REFUSED, |result| result.worked);
            sharing.last_run.note_time(time, SHORT_WRITE);
        }
        match self.noted(answer) {
            Ok(result) => Ok(result.rows),
            Err(Fault::Server(refusal)) => Err(SqlError::Refused(refusal).of_commit()),
            Err(Fault::Parameter(cause)) => Err(SqlError::Internal(cause)),
            Err(fault) => Err(SqlError::OutcomeUnknown(fault.to_string())),
        }
    }

    /// Sends a statement together with those of other requests. `None` if it must be sent alone: it may not share its commit, a
    /// connection is free, or the statements were not written together.
    async fn write_together(
        &self,
        write: AloneWrite<'_>,
        on_written: &WriteNotice,
    ) -> Result<Option<Result<StatementResult, Fault>>, Fault> {
        let Some(CommitSharing { last_run, lock_order }) = write.sharing else { return Ok(None) };
        if !last_run.is_short() || self.place.is_pooled() {
            return Ok(None);
        }
        let AloneWrite { sql, values, columns, .. } = write;
        let member = || {
            let rows = RowSetBuilder::new(columns.clone());
            GroupMember::new(sql.clone(), values.clone(), rows, lock_order, on_written.clone())
        };
        let Some(waiting) = self.writing.join(member) else { return Ok(None) };
        match self.writing.answer_of(waiting).await? {
            Err(Fault::NotTogether { has_conflict }) => {
                if has_conflict {
                    self.writing.pause_groups();
                }
                Ok(None)
            }
            answer => Ok(Some(answer)),
        }
    }

    /// Sends a statement over a connection of its own. If the caller leaves, the statement is ended at the server.
    async fn write_without_others(
        &self,
        write: AloneWrite<'_>,
        on_written: WriteNotice,
    ) -> Result<Result<StatementResult, Fault>, Fault> {
        let AloneWrite { sql, values, columns, .. } = write;
        let mut lease = self.lease_writing().await?;
        let send = |lease: &Lease| {
            let connection = lease.connection().ok_or(Fault::Closed)?;
            let rows = RowSetBuilder::new(columns.clone());
            connection.send(Stage::AloneWithoutWait, sql.clone(), values.clone(), None, rows)
        };
        let reply = match send(&lease) {
            // Nothing was sent: the connection broke while it was idle.
            Err(Fault::Closed) => {
                lease.put(self.open(false).await?);
                send(&lease)?
            }
            sent => sent?,
        };
        lease.set_busy(true);
        lease.set_on_end(on_written.clone());
        let answer = answer_of(reply).await;
        lease.set_busy(false);
        if Fault::may_have_written(&answer) {
            on_written();
        }
        Ok(answer)
    }

    /// Returns an open connection for a transaction that writes.
    pub(super) async fn lease_writing(&self) -> Result<Lease, Fault> {
        self.lease(&self.writing).await
    }

    /// Returns an open connection for a transaction that only reads.
    pub(super) async fn lease_reading(&self) -> Result<Lease, Fault> {
        self.lease(&self.reading).await
    }

    async fn lease(&self, pool: &Arc<Pool>) -> Result<Lease, Fault> {
        let mut lease = pool.take().await?;
        if lease.connection().is_none() {
            lease.put(self.open(false).await?);
        }
        Ok(lease)
    }

    /// Opens a connection, asks whether the server takes writes, and closes the connection again. A server that does not
    /// answer the question may be behind a pooler that is busy: that is no refusal.
    ///
    /// # Errors
    /// Returns the reason why the server cannot be used, within a second; [`SqlError::ReadOnly`] if the server
    /// accepts no writes.
    pub async fn reach(&self) -> Result<(), SqlError> {
        let opened = timeout(PATIENCE, self.open(false)).await.map_err(|_| Fault::Slow(PATIENCE))?;
        let rows = RowSetBuilder::new([ColumnType::Boolean].into());
        let connection = opened?;
        let asked = connection.read(ONLY_READS.into(), [].into(), None, rows);
        let Ok(answer) = timeout(PATIENCE, asked).await else { return Ok(()) };
        match answer?.rows.row(0).value(0) {
            Value::Bool(Some(true)) => Err(SqlError::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Returns the parameters of the connections.
    pub fn place(&self) -> &Arc<PgConfig> {
        &self.place
    }

    /// Returns true behind a pooler in transaction mode.
    pub fn is_pooled(&self) -> bool {
        self.place.is_pooled()
    }

    /// Returns the numbers of idle connections, and of connections in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        let shared = self.connections();
        let busy = shared.iter().filter(|(_, connection)| Arc::strong_count(connection) > 1).count();
        let pools = [&self.reading, &self.writing].map(|pool| pool.idle_and_busy());
        let idle: usize = pools.iter().map(|(idle, _)| idle).sum();
        let alone: usize = pools.iter().map(|(_, busy)| busy).sum();
        (idle + shared.len() - busy, alone + busy)
    }

    /// Returns the number of further connections that transactions may open.
    pub fn room(&self) -> usize {
        let (idle, busy) = self.writing.idle_and_busy();
        self.writing.limit().saturating_sub(idle + busy)
    }

    /// Closes idle connections, and refuses new users.
    pub fn close(&self) {
        self.reading.close();
        self.writing.close();
        self.connections().clear();
    }

    async fn read_alone(
        &self,
        sql: &Arc<str>,
        values: Arc<[Value]>,
        settings: Option<Arc<SessionSettings>>,
        rows: impl Fn() -> RowSetBuilder,
    ) -> Result<StatementResult, Fault> {
        let mut lease = self.reading.take().await?;
        if lease.connection().is_some() {
            match lease.read(sql.clone(), values.clone(), settings.clone(), rows()).await {
                Err(fault) if fault.is_stale() => self.forget(&fault),
                answer => return self.noted(answer),
            }
        }
        lease.put(self.open(false).await?);
        let answer = lease.read(sql.clone(), values, settings, rows()).await;
        self.noted(answer)
    }

    /// Returns the connection that the short statements of this thread share.
    async fn shared(&self) -> Result<Arc<OnceCell<Connection>>> {
        let home = Handle::current().id();
        let shared = {
            let mut connections = self.connections();
            connections.retain(|(_, connection)| connection.get().is_none_or(Connection::is_good));
            match connections.iter().find(|(known, _)| *known == home) {
                Some((_, connection)) => connection.clone(),
                None if self.reading.is_closed() => return Err(Fault::Closed.into()),
                None => {
                    let connection = Arc::new(OnceCell::new());
                    connections.push((home, connection.clone()));
                    connection
                }
            }
        };
        shared.get_or_try_init(|| self.open(true)).await?;
        Ok(shared)
    }

    pub(super) async fn open(&self, is_shared: bool) -> Result<Connection, Fault> {
        let patience = self.place.connect_timeout();
        // Boxed: it is rare, and would be most of every statement's future.
        let opened = Box::pin(timeout(patience, Connection::open(&self.place, is_shared))).await;
        let opened = opened.unwrap_or(Err(Fault::Slow(patience)));
        opened.map_err(|fault| Fault::Refused(fault.to_string()))
    }

    fn noted(&self, answer: Result<StatementResult, Fault>) -> Result<StatementResult, Fault> {
        if let Err(fault) = &answer
            && fault.is_of_all()
        {
            self.forget(fault);
        }
        answer
    }

    /// Drops all idle connections: the cause that ended one has most likely ended the others.
    pub(super) fn forget(&self, fault: &Fault) {
        tracing::info!(%fault, "lost a connection to the database");
        self.reading.forget();
        self.writing.forget();
    }

    fn connections(&self) -> MutexGuard<'_, Vec<(Id, Arc<OnceCell<Connection>>)>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
