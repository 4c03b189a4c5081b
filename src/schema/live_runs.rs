//! Shared runs of live queries, by the identity of their subscriptions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::executed::Executed;

/// Identity of a subscription; equal keys share a run.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct LiveKey {
    pub database: u64,
    pub text: String,
    pub operation: Option<String>,
    pub variables: String,
    /// Values of the viewer's variables that the rules of the read entities take.
    pub viewer: String,
}

/// Newest result of a run; `None` before the first.
pub(super) type Newest = watch::Sender<Option<Arc<Executed>>>;

/// Live queries with subscribers.
#[derive(Clone, Default)]
pub(super) struct LiveRuns {
    pub runs: Arc<Mutex<HashMap<LiveKey, Arc<Newest>>>>,
}
