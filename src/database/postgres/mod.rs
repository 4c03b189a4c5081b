//! PostgreSQL, over own connections. sqlx's pool pings the server on every return, cannot cancel a statement
//! at the server, and allocates for each row.
//!
//! A read that was short at its last execution shares one pipelined connection with all others of its thread.
//! Any other read has its own connection, or later statements would wait for it. A broken connection is
//! discarded, and the statement sent once more. A transaction has its own connection too, from a separate
//! pool.

mod abandon;
mod connection;
mod connections;
mod decoder;
mod decoding;
mod duration;
mod fault;
mod inbox;
mod notify;
mod numeric;
mod parameters;
mod pool;
mod position;
mod prepared;
mod probe;
mod startup;
mod stream;
mod transaction;
pub(super) mod viewer_settings;
mod watch;

pub(super) use connections::PostgresConnections;
pub(super) use decoder::{decode, is_readable};
pub(super) use decoding::LogicalDecoding;
pub(super) use fault::Fault;
pub(super) use notify::NotifyCarrier;
pub(super) use position::{PositionReader, PrimaryPosition, ServerIdentity};
pub(super) use startup::{PgConfig, explore};
pub(super) use transaction::{PostgresTransaction, TransactionMode};
