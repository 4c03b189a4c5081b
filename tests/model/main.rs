//! Building a model from entities: fields of relations, faults, and names.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bare;
mod cardinality;
mod compact;
mod dense;
mod describe;
mod diagram;
mod entity;
mod example;
mod extended;
mod faults;
mod from_tables;
mod generated;
mod introspection;
mod junctions;
mod live;
mod mounted;
mod names;
mod options;
mod own;
mod places;
#[path = "../support/mod.rs"]
mod support;
mod text;
