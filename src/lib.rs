//! Crowsfoot: a GraphQL service over SeaORM entities that derives cardinality from keys.
//!
//! [`Registry`] reflects entities into a checked [`Model`]; [`Schema`] serves it as GraphQL; [`server`] puts that behind
//! HTTP; [`diagram`] draws it as a diagram. Inside, a query becomes a [`plan::Plan`] and [`execute`] answers it: see `ARCHITECTURE.md`.

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

pub use error::{Code, Error, Result};
pub use model::{EntityOptions, Model, Registry};
pub use schema::{Schema, SchemaBuilder};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
