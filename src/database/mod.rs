//! Databases: connection, availability, introspection, change notification, and rows as the drivers read them.

mod availability;
mod capacity_hint;
mod carrier;
mod changes;
mod conflict_queue;
mod connect;
mod consistency;
mod handle;
pub(crate) mod impersonation;
mod introspect;
mod plain_text;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod relay;
#[cfg_attr(
    not(all(feature = "postgres", feature = "server")),
    expect(dead_code, reason = "only PostgreSQL has replicas, and only the service shows them")
)]
mod replicas;
mod replication;
mod row;
mod row_builder;
mod seaorm;
mod settings;
mod sql_error;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tracked_statement;
mod transaction;
mod uninterrupted;
mod written_alone;

#[cfg(feature = "redis")]
pub use self::redis::RedisCarrier;
pub use availability::{Availability, PoolUse};
pub use capacity_hint::CapacityHint;
pub use carrier::{CarriedMessages, CarrierError, ChangeCarrier};
pub use changes::{ChangeNotifier, ChangeSource, Listener, OwnChanges, Touched};
pub(crate) use conflict_queue::ConflictQueue;
pub use connect::{ConnectError, connect, connect_with};
pub use consistency::{ConsistencyToken, ConsistencyTokenError};
pub use handle::Database;
pub(crate) use handle::no_settings;
pub use introspect::column_types::unreadable_columns;
pub(crate) use introspect::describe::has_check_named;
pub use introspect::describe::{DatabaseDescription, LeftOut, describe, suggested_spellings};
pub(crate) use introspect::foreign_keys::COLUMNS as FOREIGN_KEY_COLUMNS;
pub use introspect::foreign_keys::{Checked, ForeignKey, ForeignKeys};
pub use introspect::verify::{Difference, broken_promises, verify, verify_described};
#[cfg(test)]
pub(crate) use plain_text::is_all_plain;
pub(crate) use plain_text::is_escaped;
pub use relay::{ChangeRelay, RelayError};
pub use replicas::ReplicaSettings;
#[cfg(feature = "server")]
pub(crate) use replicas::ReplicaStatus;
pub(crate) use replicas::{Replicas, TOKEN};
pub use replication::ReplicaError;
pub use row::{Cell, Row, RowSet, Unreadable};
pub(crate) use row_builder::RowSetBuilder;
pub use settings::{ConnectSettings, Pooler, Synchronous};
pub(crate) use sql_error::SQLITE_FULL;
pub use sql_error::{SqlError, SqlRefusal};
pub use tracked_statement::{ExecutionStats, TrackedStatement};
pub(crate) use transaction::CommitNotice;
pub(crate) use transaction::Running;
pub use transaction::Transaction;
pub(crate) use written_alone::{AloneWrite, CommitSharing, WrittenAlone};
