//! Mutations: create, update, delete and links; one transaction per operation; results are read back through
//! a plan.

mod change;
mod collected;
mod constraint;
mod create;
mod delete;
mod free_key;
mod links;
mod naming;
mod nested;
mod operation;
mod outside;
mod reference;
mod statement;
mod touched;
mod trial;
mod unfit;
mod unlink;
mod update;
mod writer;

pub use operation::mutate;
