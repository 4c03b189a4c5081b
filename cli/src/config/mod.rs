//! Typed settings: the only reader of the command line and the environment.

mod command;
mod database;
mod guard;
mod serve;

pub use command::{ClientName, Command, CommandLine, DiagramFormat, DialectName, Migrate, PoliciesCommand};
pub use database::{
    DatabaseCheck, DatabaseOptions, LiveChanges, LiveOptions, ModelSource, ReplicaOptions, SqliteSynchronous,
};
pub use serve::{AuditOptions, AuditedOperations, LogFormat, Mode, Serve};
