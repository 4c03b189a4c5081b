//! Statement that waits for its answer, and the rare messages around it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::Message;

use super::request::{Request, StatementResult, WriteNotice};
use crate::database::postgres::decoder::CellDecoder;
use crate::database::postgres::fault::Fault;
use crate::database::postgres::inbox::{HEAD_BYTES, LENGTH_BYTES};
use crate::database::postgres::prepared::PreparedStatement;

/// Statement with an incomplete answer.
pub(super) struct PendingStatement {
    pub(super) request: Request,
    pub(super) prepared: Arc<PreparedStatement>,
    /// Number of incomplete statements sent ahead of it.
    pub(super) ahead: u8,
    pub(super) fault: Option<Fault>,
    pub(super) is_rollback: bool,
    pub(super) sent: Instant,
    /// Notice of a statement that shares its commit.
    pub(super) on_written: Option<WriteNotice>,
}

impl PendingStatement {
    pub(super) fn take_row(&mut self, body: &[u8]) -> Result<(), Fault> {
        // Other rows are skipped, which keeps the connection usable.
        if self.ahead > 0 || self.fault.is_some() || self.request.reply.is_closed() {
            return Ok(());
        }
        let forms = self.prepared.forms.get();
        let forms =
            forms.ok_or_else(|| Fault::Protocol("a row arrived before its description".to_owned()))?;
        let mut body = body;
        let count = body.try_get_u16().map_err(|_| truncated())?;
        // The page position, a last column for sorting, is not read.
        if usize::from(count) < forms.len() {
            return Err(Fault::Protocol(format!("received {count} columns, expected {}", forms.len())));
        }
        for form in forms {
            let length = body.try_get_i32().map_err(|_| truncated())?;
            // -1 for NULL.
            let bytes = match usize::try_from(length) {
                Ok(length) => Some(body.split_off(..length).ok_or_else(truncated)?),
                Err(_) => None,
            };
            form.decode(bytes, &mut self.request.rows);
        }
        Ok(())
    }

    /// Answers that nothing was written, because the statement was not sent.
    pub(super) fn send_back(self) {
        self.answer(Some(Fault::NotTogether { has_conflict: false }), Duration::ZERO);
    }

    pub(super) fn answer(self, fault: Option<Fault>, worked: Duration) {
        let Request { rows, reply, .. } = self.request;
        let answer = match fault {
            Some(fault) => Err(fault),
            None => Ok(StatementResult { rows: rows.finish(), worked, is_rollback: self.is_rollback }),
        };
        if let Some(on_written) = self.on_written.filter(|_| Fault::may_have_written(&answer)) {
            on_written();
        }
        // The receiver may have been dropped.
        let _ = reply.send(answer);
    }
}

fn truncated() -> Fault {
    Fault::Protocol("a row ends too early".to_owned())
}

/// Handles rare messages.
pub(super) fn handle_other_message(
    tag: u8,
    body: &[u8],
    waiting: Option<&mut PendingStatement>,
) -> Result<(), Fault> {
    let unexpected = || Fault::Protocol(format!("unexpected message {:?}", char::from(tag)));
    // The library reads whole messages, including the head.
    let mut message = BytesMut::with_capacity(HEAD_BYTES + body.len());
    message.extend_from_slice(&[tag]);
    let length = u32::try_from(body.len() + LENGTH_BYTES).map_err(|_| unexpected())?;
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(body);
    match (Message::parse(&mut message)?, waiting) {
        (Some(Message::RowDescription(description)), Some(waiting)) => {
            let mut forms = Vec::new();
            let mut fields = description.fields();
            for column_type in waiting.prepared.columns.iter() {
                let field = fallible_iterator::FallibleIterator::next(&mut fields)?;
                let field = field.ok_or_else(|| Fault::Protocol("a column is missing".to_owned()))?;
                forms.push(CellDecoder::of(column_type, field.type_oid()));
            }
            waiting.prepared.forms.get_or_init(|| forms);
        }
        (Some(Message::NoData), Some(waiting)) => {
            waiting.prepared.forms.get_or_init(Vec::new);
        }
        (Some(Message::ErrorResponse(error)), Some(waiting)) => waiting.fault = Some(Fault::from(&error)),
        // Without a pending statement, an error ends the connection.
        (Some(Message::ErrorResponse(error)), None) => return Err(Fault::from(&error)),
        (
            Some(Message::ParameterDescription(_) | Message::ParameterStatus(_) | Message::NoticeResponse(_)),
            _,
        ) => {}
        _ => return Err(unexpected()),
    }
    Ok(())
}
