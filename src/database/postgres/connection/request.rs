//! Statement on its way to the server, and its result.

use std::fmt;
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
    /// In a transaction that commits the statements of several requests, without a wait for a lock.
    Together,
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

/// Function that runs once a statement may have written.
pub(in crate::database) type WriteNotice = Arc<dyn Fn() + Send + Sync>;

/// Statement that may share its commit with those of other requests.
pub(in crate::database::postgres) struct GroupMember {
    pub(super) request: Request,
    /// Position among the statements of a transaction. Transactions whose statements lock the same rows in the same order do not
    /// deadlock.
    lock_order: u64,
    /// Runs whether or not the receiver of the result is still there.
    pub(super) on_written: WriteNotice,
}

impl fmt::Debug for GroupMember {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GroupMember").field("request", &self.request).finish_non_exhaustive()
    }
}

impl GroupMember {
    /// Returns a statement, and the receiver of its result.
    pub fn new(
        sql: Arc<str>,
        values: Arc<[Value]>,
        rows: RowSetBuilder,
        lock_order: u64,
        on_written: WriteNotice,
    ) -> (Self, Reply) {
        let (reply, answer) = oneshot::channel();
        let request =
            Request { stage: Stage::Together, sql, values, settings: None, rows, sendings: 0, reply };
        (Self { request, lock_order, on_written }, answer)
    }

    /// Returns true if the receiver of the result was dropped.
    pub fn is_left(&self) -> bool {
        self.request.reply.is_closed()
    }

    /// Answers that nothing was written: the statement is to be sent alone.
    pub fn send_back(self) {
        // The receiver may have been dropped.
        let _ = self.request.reply.send(Err(Fault::NotTogether { has_conflict: false }));
    }
}

/// Statements of several requests, which one transaction commits.
#[derive(Debug)]
pub(super) struct GroupTransaction {
    pub(super) members: Vec<GroupMember>,
    pub(super) commit: Request,
}

impl GroupTransaction {
    /// Returns the group of these statements, and the receiver of its end.
    pub fn new(mut members: Vec<GroupMember>) -> (Self, Reply) {
        members.sort_by_key(|member| member.lock_order);
        let (reply, answer) = oneshot::channel();
        (Self { members, commit: Request::end("COMMIT", reply) }, answer)
    }
}

impl Request {
    /// Returns the end of a transaction.
    pub(super) fn end(sql: &str, reply: oneshot::Sender<Result<StatementResult, Fault>>) -> Self {
        let (values, rows) = (Arc::default(), RowSetBuilder::new(Arc::default()));
        Self { stage: Stage::End, sql: sql.into(), values, settings: None, rows, sendings: 0, reply }
    }
}

/// Message to the task of a connection.
#[derive(Debug)]
pub(super) enum Submission {
    Statement(Request),
    Group(GroupTransaction),
}

impl Submission {
    /// Answers the members of a group that was not sent.
    pub(super) fn send_back(self) {
        if let Self::Group(group) = self {
            group.members.into_iter().for_each(GroupMember::send_back);
        }
    }
}

/// Waits for a result.
pub(in crate::database::postgres) async fn answer_of(reply: Reply) -> Result<StatementResult, Fault> {
    reply.await.map_err(|_| Fault::Closed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_a_group_lock_rows_in_one_order() {
        let member = |lock_order| {
            let rows = RowSetBuilder::new(Arc::default());
            GroupMember::new("UPDATE".into(), Arc::default(), rows, lock_order, Arc::new(|| {})).0
        };
        let (group, _) = GroupTransaction::new([7, 0, 9, 7, 1].map(member).into());
        let order: Vec<u64> = group.members.iter().map(|member| member.lock_order).collect();
        assert_eq!(order, [0, 1, 7, 7, 9]);
    }
}
