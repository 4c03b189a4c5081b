//! Buffer of received server messages.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::fault::Fault;
use super::stream::Stream;

/// Message tags of the server (PostgreSQL's documentation, section 55.7).
pub(super) const DATA_ROW: u8 = b'D';
pub(super) const READY_FOR_QUERY: u8 = b'Z';
pub(super) const PARSE_COMPLETE: u8 = b'1';
pub(super) const BIND_COMPLETE: u8 = b'2';
pub(super) const CLOSE_COMPLETE: u8 = b'3';
pub(super) const COMMAND_COMPLETE: u8 = b'C';
pub(super) const NOTIFICATION: u8 = b'A';

/// Buffer size of a read. A larger message grows the buffer.
const READ_BYTES: usize = 64 << 10;

/// Maximum message size of PostgreSQL (`utils/memutils.h`, MaxAllocSize).
const LARGEST_MESSAGE: usize = 1 << 30;

/// Bytes of a message's tag and length.
pub(super) const HEAD_BYTES: usize = 5;

/// Bytes of the head that the length itself includes.
pub(super) const LENGTH_BYTES: usize = 4;

/// Received bytes that were not consumed.
pub(super) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub fn new(received: &[u8]) -> Self {
        let mut bytes = received.to_vec();
        bytes.resize(READ_BYTES.max(received.len()), 0);
        Self { bytes, start: 0, end: received.len() }
    }

    /// Reads available bytes.
    pub fn poll_read(&mut self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(Pin::new(stream).poll_read(context, &mut room))?;
        match room.filled().len() {
            0 => Poll::Ready(Err(Fault::Closed)),
            read => {
                self.end += read;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Returns the next complete message: its tag, and its body. Without one, makes room for the rest of the
    /// message.
    pub fn next(&mut self) -> Result<Option<(u8, &[u8])>, Fault> {
        let here = self.end - self.start;
        let mut needed = HEAD_BYTES;
        if here >= HEAD_BYTES {
            let head = &self.bytes[self.start..self.start + HEAD_BYTES];
            let length = head[1..].try_into().map_or(0, u32::from_be_bytes) as usize;
            if !(LENGTH_BYTES..=LARGEST_MESSAGE).contains(&length) {
                return Err(Fault::Protocol(format!("invalid message length of {length} bytes")));
            }
            needed = 1 + length;
            if here >= needed {
                let start = self.start;
                self.start += needed;
                return Ok(Some((self.bytes[start], &self.bytes[start + HEAD_BYTES..self.start])));
            }
        }
        self.make_room(needed);
        Ok(None)
    }

    fn make_room(&mut self, needed: usize) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if needed > self.bytes.len() {
            self.bytes.resize(needed, 0);
        } else if self.end == 0 && self.bytes.len() > READ_BYTES {
            // A large message was consumed.
            self.bytes.truncate(READ_BYTES);
            self.bytes.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Inbox {
        /// Returns the length in the head of the next message; 0 without a whole head.
        fn claimed(&self) -> u32 {
            let head = self.bytes[self.start..self.end].first_chunk::<HEAD_BYTES>();
            head.map_or(0, |[_, length @ ..]| u32::from_be_bytes(*length))
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_messages_or_a_fault(
            parts in prop::collection::vec((any::<u8>(), 0..40_u32, prop::collection::vec(any::<u8>(), 0..40)), 0..10)
        ) {
            // A length that does not fit its body moves the heads of all later messages.
            let received: Vec<u8> = parts
                .into_iter()
                .flat_map(|(tag, length, body)| [&[tag][..], &length.to_be_bytes(), &body].concat())
                .collect();
            let mut inbox = Inbox::new(&received);
            let mut consumed = Vec::new();
            // Claims of up to a gigabyte are legal, and reserve as much.
            while inbox.claimed() < 1 << 20
                && let Ok(Some((tag, body))) = inbox.next()
            {
                consumed.push(tag);
                consumed.extend((body.len() as u32 + LENGTH_BYTES as u32).to_be_bytes());
                consumed.extend(body);
                prop_assert!(received.starts_with(&consumed));
            }
        }
    }
}
