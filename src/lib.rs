#![doc = include_str!("../README.md")]
//! # The modules
//!
//! [`Registry`] reflects entities into a checked [`Model`]; [`Schema`] serves the model as GraphQL. `server` puts the schema behind
//! HTTP; [`diagram`] draws the model. Items that this documentation does not show are internals: tests and benchmarks use them,
//! and they may change in any release.
//!
//! # Other crates in the interface
//!
//! [`sea_orm`] and [`async_graphql`] are part of the interface: entities are SeaORM's, and requests and fields of the application
//! are async-graphql's. Both crates are re-exported, so that an application uses the versions that Crowsfoot was built with. A
//! new major version of either is a new major version of Crowsfoot.

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("crowsfoot needs a database: enable the feature `sqlite` or `postgres`");

pub mod database;
pub mod diagram;
#[doc(hidden)]
pub mod dialect;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod execute;
#[doc(hidden)]
pub mod guard;
pub mod model;
mod mutate;
#[doc(hidden)]
pub mod plan;
pub mod policy;
pub mod schema;
#[cfg(feature = "server")]
pub mod server;

pub use async_graphql;
pub use error::{Code, Error, LocatedError, Result};
pub use model::{EntityOptions, Model, Registry};
pub use schema::{Schema, SchemaBuilder};
pub use sea_orm;
