//! The entities of `tables.sql` in SeaORM's dense format: `#[sea_orm::model]` with relations as fields.

pub mod grid;
pub mod links;
pub mod sport;
pub mod trees;

crate::cardinality::registry!();
