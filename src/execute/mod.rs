//! Executes plans: statements level by level, then the tree of rows written to the response.

mod answer;
mod catalog;
mod changes;
mod column_types;
mod connect;
mod database;
mod described;
mod explain;
mod foreign_keys;
mod groups;
mod loader;
#[cfg(feature = "postgres")]
mod postgres;
mod presence;
mod row;
mod row_builder;
mod session;
mod sql_error;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod tree;
mod uninterrupted;
mod verify;

pub use answer::{Answer, Json, json, object};
pub use changes::{Changes, Listener};
pub use column_types::unreadable_columns;
pub use connect::{ConnectError, ConnectSettings, Pooler, Synchronous, connect, connect_with};
pub use database::Database;
pub use explain::StatementRecord;
pub use foreign_keys::{Checked, ForeignKey, ForeignKeys};
pub use groups::Groups;
pub use loader::{Batch, RelationLoader};
pub use presence::{PoolUse, Presence};
pub use row::{Cell, Row, RowSet, Unreadable};
pub use session::{Limits, ReadConsistency, Session, Shared};
pub(crate) use sql_error::SQLITE_FULL;
pub use sql_error::{Refusal, SqlError};
pub use statements::Statements;
pub use tree::{Child, Loaded, Tree};
pub use verify::{Difference, verify};
