//! Mutations: create, update, delete and links; one transaction per operation; results are read back through
//! a plan.

mod alone;
mod application;
mod attempt;
mod change;
mod checks;
mod collected;
mod committed;
mod composed;
mod concealed;
mod constraint;
mod create;
mod delete;
mod exhausted;
mod free_key;
mod insert;
mod judgement;
mod kept_write;
mod linked_update;
mod links;
mod lookup;
mod named;
mod naming;
mod nested;
mod nested_insert;
mod operation;
mod outside;
mod purpose;
mod reference;
mod returnable;
mod returned;
mod root;
mod row;
mod statement;
mod touched;
mod trial;
mod unfit;
mod unlink;
mod update;
mod upsert;
mod writer;
mod written;

pub use application::ApplicationFields;
pub use committed::{CommitHook, CommittedWrites};
pub use kept_write::KeptWrites;
pub use operation::mutate;
