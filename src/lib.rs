#![doc = include_str!("../README.md")]
//! # The modules
//!
//! [`Registry`] reflects entities into a checked [`Model`]; [`Schema`] serves the model as GraphQL. `server` puts the schema behind
//! HTTP; [`diagram`] draws the model. Inside, a query becomes a [`plan::Plan`], and [`execute`] loads the plan's rows.
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
pub mod dialect;
pub mod error;
pub mod execute;
pub mod guard;
pub mod model;
pub mod mutate;
pub mod plan;
pub mod policy;
pub mod schema;
#[cfg(feature = "server")]
pub mod server;

pub use async_graphql;
pub use error::{Code, Error, Result};
pub use model::{EntityOptions, Model, Registry};
pub use schema::{Schema, SchemaBuilder};
pub use sea_orm;
