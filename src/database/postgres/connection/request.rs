//! Statement on its way to the server, and its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::time::Duration;

use sea_orm::Value;
use tokio::sync::oneshot;

use crate::database::postgres::fault::Fault;
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::policy::SessionSettings;

/// Server states between statements (ReadyForQuery).
pub(super) const IDLE: u8 = b'I';
pub(super) const IN_TRANSACTION: u8 = b'T';

/// State shared by the connection's task and its users.
#[derive(Debug)]
pub(super) struct ConnectionState {
    /// Server state after the last answer.
    pub(super) status: AtomicU8,
    /// Set when pending receivers get no answer any more.
    pub(super) is_given_up: AtomicBool,
}

/// Position of a statement relative to transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::database::postgres) enum Stage {
    /// Outside any transaction.
    Alone,
    /// Outside any transaction, and written: it commits as soon as it is done. It must not wait for a lock, since what waits may be
    /// given up, and then be carried out before its cancellation arrives.
    AloneWithoutWait,
    /// First statement of a transaction; this BEGIN is sent ahead in the same message.
    Begin(&'static str),
    /// Inside an open transaction.
    Inside,
    /// End of a transaction, sent even without a receiver for the answer.
    End,
}

/// Result of a statement.
#[derive(Debug)]
pub(in crate::database::postgres) struct StatementResult {
    pub rows: RowSet,
    /// Time that the server worked on the statement, without the statements before it.
    pub worked: Duration,
    /// True if the server reports a rollback.
    pub is_rollback: bool,
}

/// Receiver of a pending statement's result.
pub(in crate::database::postgres) type Reply = oneshot::Receiver<Result<StatementResult, Fault>>;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) stage: Stage,
    pub(super) sql: Arc<str>,
    pub(super) values: Arc<[Value]>,
    pub(super) settings: Option<Arc<SessionSettings>>,
    /// Builder of the result rows; empty at first.
    pub(super) rows: RowSetBuilder,
    pub(super) sendings: u8,
    pub(super) reply: oneshot::Sender<Result<StatementResult, Fault>>,
}

/// Waits for a result.
pub(in crate::database::postgres) async fn answer_of(reply: Reply) -> Result<StatementResult, Fault> {
    reply.await.map_err(|_| Fault::Closed)?
}
