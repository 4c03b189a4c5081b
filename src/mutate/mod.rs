//! Writing: create, update, delete and links; one transaction for each operation; read back through a plan.

mod below;
mod change;
mod constraint;
mod create;
mod delete;
mod free_key;
mod links;
mod operation;
mod statement;
mod touched;
mod unfit;
mod update;
mod writer;

pub use operation::mutate;
