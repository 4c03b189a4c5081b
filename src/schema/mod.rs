//! Dynamic async-graphql schema, built once from the model.

mod additions;
mod application;
mod assembly;
mod build;
mod column_types;
mod compiled;
mod definition;
mod delegation;
mod executed;
mod executor;
mod field;
mod impersonation;
mod input_type;
mod inputs;
mod introspection;
mod introspection_depth;
mod live;
mod live_runs;
mod mutation_inputs;
mod mutations;
mod objects;
mod planning;
mod possible;
mod prepared;
mod reading;
mod resolver_error;
mod roles;
mod roots;
mod rows;
mod type_system;
mod validate;
mod variables;
mod writable;

pub use additions::EntityField;
pub use build::SchemaBuilder;
pub use definition::Schema;
pub use executed::Executed;
pub use prepared::{OperationKind, PreparedOperation};
pub use rows::rows;

pub use crate::execute::{ExecutionLimits, FieldBatch, ReadConsistency, Session, StatementRecord};
pub use crate::guard::DocumentLimits;
pub use crate::mutate::{CommitHook, CommittedWrites};
