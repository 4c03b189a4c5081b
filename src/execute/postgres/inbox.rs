//! Messages of the server as they arrive.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::fault::Fault;
use super::stream::Stream;

/// Messages of the server (PostgreSQL's documentation, section 55.7).
pub(super) const DATA_ROW: u8 = b'D';
pub(super) const READY_FOR_QUERY: u8 = b'Z';
pub(super) const PARSE_COMPLETE: u8 = b'1';
pub(super) const BIND_COMPLETE: u8 = b'2';
pub(super) const CLOSE_COMPLETE: u8 = b'3';
pub(super) const COMMAND_COMPLETE: u8 = b'C';

/// Bytes that are read at once. A larger message makes the room that it needs.
const READ_BYTES: usize = 64 << 10;

/// The largest message that PostgreSQL sends (`utils/memutils.h`, MaxAllocSize).
const LARGEST_MESSAGE: usize = 1 << 30;

/// A message's tag and length.
pub(super) const HEAD_BYTES: usize = 5;

/// The part of the head that is counted by the length itself.
pub(super) const LENGTH_BYTES: usize = 4;

/// What has been read and not been taken.
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

    /// Reads what is there.
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

    /// The next message that is there in full: its tag, and what follows its length. Else there is room for the rest of it.
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
            // A large message has passed.
            self.bytes.truncate(READ_BYTES);
            self.bytes.shrink_to_fit();
        }
    }
}
