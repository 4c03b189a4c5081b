//! Notification of a commit.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

/// Rows that a committed operation has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedWrites {
    /// Number of written rows by type name, or by table where a table has no type. `None` if the database changed rows by
    /// itself, and did not count them.
    pub rows: BTreeMap<String, Option<usize>>,
    /// False if the connection was lost during the commit, so that its outcome is unknown.
    pub is_certain: bool,
}

/// Function that runs after the commit of a mutation: see [`PreparedOperation::on_commit`](crate::PreparedOperation::on_commit).
#[derive(Clone)]
pub struct CommitHook(Arc<dyn Fn(CommittedWrites) -> BoxFuture<'static, ()> + Send + Sync>);

impl CommitHook {
    /// Creates a hook.
    pub fn new(hook: impl Fn(CommittedWrites) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    /// Runs the hook.
    pub(super) fn run(&self, writes: CommittedWrites) -> BoxFuture<'static, ()> {
        self.0(writes)
    }
}

impl fmt::Debug for CommitHook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CommitHook")
    }
}
