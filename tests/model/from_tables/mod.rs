//! Models of tables: relations and names from keys, and the parts that are left out.

pub mod describe;
mod example;
mod names;
mod random;
mod relations;
