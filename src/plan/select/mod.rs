//! Builder of SELECT statements; the only one.

mod body;
mod builder;
mod condition;
mod join;
mod last_run;
mod ordering;
mod output;
mod page;
mod query;
mod selected;
mod sight;
mod template;
mod templates;

pub use builder::SqlBuilder;
pub(super) use condition::depth_of_balanced;
pub use last_run::ExecutionStats;
pub use query::{Join, RelationKey, SqlStatement};
pub use templates::Templates;
