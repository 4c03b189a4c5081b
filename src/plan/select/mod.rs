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
mod template;
mod templates;

pub use builder::Select;
pub(super) use condition::depth_of_balanced;
pub use last_run::LastRun;
pub use query::{Join, Key, Query};
pub use templates::Templates;
