//! Builder of SELECT statements; the only one.

mod binds;
mod body;
mod build;
mod builder;
mod condition;
mod join;
mod ordering;
mod output;
mod page;
mod related;
mod ruled_table;
mod scope;
mod selected;
mod sight;
mod statement;

pub use binds::{Bind, ParameterSlot};
pub use build::Check;
pub use builder::SqlBuilder;
pub(super) use condition::depth_of_balanced;
pub use statement::{Join, OutputSlots, PageSide, RelationKey, SqlStatement};
