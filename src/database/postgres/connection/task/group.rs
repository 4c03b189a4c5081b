//! Transactions that commit the statements of several requests: BEGIN, each statement, and COMMIT in one message. After a fault the
//! server skips the rest, and nothing is written. Each statement is then to be sent alone.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use postgres_protocol::message::frontend;
use tokio::sync::oneshot;

use super::{SHORT_LOCK_WAIT_ONCE, Task};
use crate::database::postgres::connection::pending::PendingStatement;
use crate::database::postgres::connection::request::{GroupMember, GroupTransaction, IDLE, Request, Stage};
use crate::database::postgres::fault::Fault;
use crate::database::postgres::prepared::PreparedStatement;

impl Task {
    /// Writes the transaction of a group into the outbox.
    pub(super) fn send_group(&mut self, group: GroupTransaction) {
        let GroupTransaction { mut members, commit } = group;
        // The receiver may have been dropped.
        members.retain(|member| !member.is_left());
        if members.is_empty() {
            return;
        }
        let (start, first) = (self.outbox.len(), self.waiting.len());
        if self.write_group(members).is_err() || self.waiting.len() == first {
            self.outbox.truncate(start);
            self.waiting.drain(first..).for_each(PendingStatement::send_back);
            return;
        }
        let prepared = PreparedStatement::new(String::new(), Vec::new(), Arc::default());
        self.await_answer(commit, Arc::new(prepared), 0, None);
    }

    fn write_group(&mut self, members: Vec<GroupMember>) -> Result<(), Fault> {
        self.ask_for_echo()?;
        self.write_ahead("BEGIN")?;
        let mut ahead = 1;
        if !self.has_short_lock_wait {
            self.write_ahead(SHORT_LOCK_WAIT_ONCE)?;
            ahead += 1;
        }
        let mut evicted = Vec::new();
        for member in members {
            let before = self.outbox.len();
            match self.write_member(&member, &mut evicted) {
                Ok(prepared) => {
                    let GroupMember { request, on_written, .. } = member;
                    self.await_answer(request, prepared, mem::take(&mut ahead), Some(on_written));
                }
                Err(fault) => {
                    self.outbox.truncate(before);
                    // The receiver may have been dropped.
                    let _ = member.request.reply.send(Err(fault));
                }
            }
        }
        self.write_ahead("COMMIT")?;
        frontend::sync(&mut self.outbox);
        // After the Sync, so that a fault cannot make the server skip the Close.
        evicted.iter().try_for_each(|name| Ok(frontend::close(b'S', name, &mut self.outbox)?))
    }

    /// Writes a statement of a group, and adds the names of statements that it evicts.
    fn write_member(
        &mut self,
        member: &GroupMember,
        evicted: &mut Vec<String>,
    ) -> Result<Arc<PreparedStatement>, Fault> {
        let Request { sql, values, rows, .. } = &member.request;
        let (prepared, is_new) = self.find_or_prepare(sql, values, rows.columns(), None)?;
        self.bind_and_execute(&prepared.name, values)?;
        if is_new {
            evicted.extend(self.kept.of(None).put(sql.clone(), prepared.clone()));
        }
        Ok(prepared)
    }

    /// Answers the statements of a group whose transaction has ended. `last` is its COMMIT, or the statement with a fault.
    pub(super) fn complete_group(&mut self, last: PendingStatement, status: u8) -> Result<(), Fault> {
        let now = Instant::now();
        let worked = now.duration_since(last.sent.max(self.free_since));
        self.free_since = now;
        let mut members = mem::take(&mut self.uncommitted);
        let mut end = Some(last);
        while let Some(member) = end.take_if(|statement| statement.request.stage == Stage::Together) {
            members.push(member);
            end = self.waiting.pop_front();
        }
        for member in &members {
            self.note_preparation(member)?;
        }
        let faults = || members.iter().chain(&end).filter_map(|statement| statement.fault.as_ref());
        let is_committed = faults().next().is_none() && end.as_ref().is_some_and(|end| !end.is_rollback);
        let has_conflict = faults().any(Fault::is_conflict);
        for member in members {
            member.answer((!is_committed).then_some(Fault::NotTogether { has_conflict }), worked);
        }
        if status != IDLE {
            self.send(Request::end("ROLLBACK", oneshot::channel().0));
        }
        if let Some(end) = end {
            end.answer(None, worked);
        }
        Ok(())
    }
}
