//! Reader and writer of SQLite.
//!
//! sqlx has a thread per connection and copies every value from there. Here the requesting thread steps the
//! statement. Long statements must not block a worker's other requests: see `steps`.

mod alone;
mod decoder;
mod fault;
mod file;
mod header;
mod identity;
mod parameter;
mod reader;
mod snapshot;
mod steps;
mod time;
mod transaction;
mod writer;

pub(super) use alone::AloneStatement;
pub(super) use decoder::decode;
pub(super) use identity::FileIdentity;
pub(super) use reader::SqliteReader;
pub(super) use snapshot::SqliteSnapshot;
pub(super) use transaction::SqliteTransaction;
