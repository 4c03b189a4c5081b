//! Responses that last: WebSockets, event streams, their permits, and their end at a shutdown.

pub(super) mod events;
pub(super) mod permits;
pub(super) mod shutdown;
pub(super) mod socket;
