#![doc = include_str!("../README.md")]
//! # The modules
//!
//! [`Registry`] reflects entities into a checked [`Model`]; [`Schema`] serves the model as GraphQL, from the [`Database`] that
//! [`connect`] opens. [`server`] puts the schema behind HTTP, [`policy`] says who may read and write what, [`tables`] describes
//! tables without entities, and [`diagram`] draws the model.
//!
//! # Other crates in the interface
//!
//! [`sea_orm`] and [`async_graphql`] are part of the interface: entities are SeaORM's, and requests and fields of the application
//! are async-graphql's. Both crates are re-exported, so that an application uses the versions that Crowsfoot was built with. A
//! new major version of either is a new major version of Crowsfoot.
// A future moves into each future that waits for it, and is moved with them: a large and rare one is boxed. `clippy.toml` has the size.
#![cfg_attr(not(test), deny(clippy::large_futures))]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("crowsfoot needs a database: enable the feature `sqlite` or `postgres`");

mod database;
pub mod diagram;
mod dialect;
mod error;
mod execute;
mod guard;
mod model;
mod mutate;
mod plan;
pub mod policy;
mod schema;
#[cfg(feature = "server")]
pub mod server;

pub use async_graphql;
#[cfg(feature = "redis")]
pub use database::RedisCarrier;
pub use database::{
    CarriedMessages, CarrierError, ChangeCarrier, ChangeNotifier, ChangeRelay, ChangeSource, ConnectError,
    ConnectSettings, ConsistencyToken, ConsistencyTokenError, Database, DatabaseDescription, Difference,
    LeftOut, Pooler, RelayError, ReplicaError, ReplicaSettings, Synchronous, Touched, connect, connect_with,
    describe, verify,
};
pub use error::{Code, Error, LocatedError, Result};
pub use model::{
    Declaration, EntityOptions, Model, ModelError, ModelFault, Note, OnDelete, Registry, Spelling,
    TableOptions,
};
pub use schema::{
    CommitHook, CommittedWrites, DocumentLimits, EntityField, Executed, ExecutionLimits, FieldBatch,
    OperationKind, PreparedOperation, ReadConsistency, Schema, SchemaBuilder, Session, StatementRecord, rows,
};
pub use sea_orm;

/// Descriptions of tables, which [`Registry::from_tables`] reads in place of entities.
pub mod tables {
    pub use crate::model::{
        AcceptedWrites, ColumnDescription, DeclaredType, ForeignKeyDescription, Generation, KeyAction, Table,
        TableDescription, TableKind, UniqueKeyDescription,
    };
}

/// Internals, by room. Crowsfoot's own tests, benchmarks and command line use them; they may change in any release.
#[doc(hidden)]
pub mod internals {
    pub mod database {
        pub use crate::database::*;
    }
    pub mod dialect {
        pub use crate::dialect::*;
    }
    pub mod model {
        pub use crate::model::*;
    }
    pub mod plan {
        pub use crate::plan::*;
    }
}

/// Runs the Rust of the guide.
#[cfg(doctest)]
mod guide_pages {
    #[doc = include_str!("../docs/guide/src/relationships/one-to-one.md")]
    pub mod one_to_one {}
    #[doc = include_str!("../docs/guide/src/relationships/foreign-key.md")]
    pub mod foreign_key {}
    #[doc = include_str!("../docs/guide/src/relationships/many-to-many.md")]
    pub mod many_to_many {}
    #[doc = include_str!("../docs/guide/src/relationships/self.md")]
    pub mod of_itself {}
    #[doc = include_str!("../docs/guide/src/relationships/composite-key.md")]
    pub mod composite_key {}
    #[doc = include_str!("../docs/guide/src/relationships/shared-key.md")]
    pub mod shared_key {}
    #[doc = include_str!("../docs/guide/src/entities.md")]
    pub mod entities {}
}
