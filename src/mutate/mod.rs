//! Mutations: create, update, delete and links; one transaction per operation; results are read back through
//! a plan.

mod attempt;
mod change;
mod collected;
mod constraint;
mod create;
mod delete;
mod exhausted;
mod free_key;
mod judgement;
mod links;
mod lookup;
mod naming;
mod nested;
mod operation;
mod outside;
mod reference;
mod row;
mod statement;
mod touched;
mod trial;
mod unfit;
mod unlink;
mod update;
mod writer;

pub use operation::mutate;
