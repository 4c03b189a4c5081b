//! Introspection: the database's own catalog, and its comparison with the model.

pub(super) mod catalog;
mod catalog_row;
pub(super) mod column_types;
pub(super) mod describe;
pub(super) mod foreign_keys;
pub(super) mod verify;
