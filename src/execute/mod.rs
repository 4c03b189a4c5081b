//! Executes plans: statements level by level, then the tree of rows written to the response.

mod answer;
mod computed;
mod explain;
mod field_batch;
mod groups;
mod loader;
mod prepared_plan;
mod session;
mod shared;
mod statements;
mod tree;

pub use answer::{Json, ModelResponse, json, object};
pub use explain::StatementRecord;
pub use field_batch::{FieldBatch, FieldResolver, FieldResolvers};
pub use prepared_plan::PreparedPlan;
pub use session::Session;
pub use shared::{ExecutionLimits, ReadConsistency, Shared};
pub use tree::{Child, Tree, is_joined};
