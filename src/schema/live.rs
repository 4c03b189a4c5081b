//! Live queries: a subscription is run at once, and again after every commit that touched a table of its plan.
//!
//! Equal subscriptions share one run. Each subscriber sees the newest result: one that is slow misses what lay between,
//! never the last.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::watch;
use tracing::Instrument;

use super::{Executed, Prepared, Schema, variables};
use crate::execute::{Database, Session};
use crate::model::Table;
use crate::plan::Variables;

/// The least time between two runs of one live query: what commits in between is seen by the next.
const PAUSE: Duration = Duration::from_millis(20);

/// A result with errors is tried again after this long: no commit tells that a database is back.
const RETRY: Duration = Duration::from_secs(1);

/// What makes two subscriptions the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    database: u64,
    text: String,
    operation: Option<String>,
    variables: String,
}

/// The newest result of a run; none before the first.
type Newest = watch::Sender<Option<Arc<Executed>>>;

/// The live queries that somebody listens to.
#[derive(Clone, Default)]
pub(super) struct Live {
    runs: Arc<Mutex<HashMap<Key, Arc<Newest>>>>,
}

impl Schema {
    /// The results of a subscription: all that its subscriber has time for, the last one always.
    pub(super) fn live(
        &self,
        prepared: Prepared,
        database: &Database,
    ) -> impl Stream<Item = Arc<Executed>> + Send + 'static {
        let key = Key {
            text: prepared.compiled.text.clone(),
            database: database.id(),
            operation: prepared.operation_name().map(str::to_owned),
            variables: serde_json::to_string(&prepared.variables).unwrap_or_default(),
        };
        let mut runs = self.live.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = match runs.get(&key) {
            Some(newest) => newest.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(None);
                let sender = Arc::new(sender);
                runs.insert(key.clone(), sender.clone());
                let run = Run { schema: self.clone(), database: database.clone(), prepared, key, sender };
                // What it logs belongs, as far as can be said, to whoever asked first.
                tokio::spawn(run.keep_going().in_current_span());
                receiver
            }
        };
        drop(runs);
        futures_util::stream::unfold((newest, true), |(mut newest, is_first)| async move {
            // What a run that others listen to has found is the first result of a new subscriber.
            let there = is_first.then(|| newest.borrow_and_update().clone()).flatten();
            if let Some(result) = there {
                return Some((result, (newest, false)));
            }
            newest.changed().await.ok()?;
            let result = newest.borrow_and_update().clone()?;
            Some((result, (newest, false)))
        })
    }
}

/// One live query, for all that are subscribed to it.
struct Run {
    schema: Schema,
    database: Database,
    prepared: Prepared,
    key: Key,
    sender: Arc<Newest>,
}

impl Run {
    /// Runs it until nobody listens any more.
    async fn keep_going(self) {
        tokio::select! {
            () = self.follow() => {}
            () = self.nobody_listens() => {}
        }
    }

    async fn follow(&self) {
        // A commit between the first result and the moment when one begins to listen would be missed.
        let mut listener = self.schema.shared.changes.listen(self.tables().await);
        loop {
            let executed = self.schema.run(self.prepared.again(), &self.database).await;
            let is_refused = executed.is_request_error();
            let failed = !executed.errors.is_empty();
            let is_new = |newest: &Option<Arc<Executed>>| {
                newest.as_ref().is_none_or(|known| !known.answers_the_same(&executed))
            };
            if is_new(&self.sender.borrow()) {
                self.sender.send_replace(Some(Arc::new(executed)));
            }
            if is_refused {
                return;
            }
            tokio::time::sleep(PAUSE).await;
            if failed {
                let _ = tokio::time::timeout(RETRY, listener.changed()).await;
            } else {
                listener.changed().await;
            }
        }
    }

    /// A subscription that cannot be planned reads nothing; its one result says why.
    async fn tables(&self) -> BTreeSet<Table> {
        let plan = async {
            let compiled = &self.prepared.compiled;
            let variables = variables::with_defaults(compiled.operation()?, &self.prepared.variables)?;
            let session = Session::new(self.schema.shared.clone(), self.database.clone())?;
            self.schema.plan_anew(&Arc::new(session), compiled, &variables, Variables::fixed).await
        };
        plan.await.map(|plan| plan.tables(self.schema.model())).unwrap_or_default()
    }

    async fn nobody_listens(&self) {
        loop {
            self.sender.closed().await;
            let mut runs = self.schema.live.runs.lock().unwrap_or_else(PoisonError::into_inner);
            // One may have come since.
            if self.sender.receiver_count() == 0 {
                runs.remove(&self.key);
                return;
            }
        }
    }
}

/// However it ends, by a panic or with its thread too: nobody may go on waiting for it, nor join it.
impl Drop for Run {
    fn drop(&mut self) {
        let mut runs = self.schema.live.runs.lock().unwrap_or_else(PoisonError::into_inner);
        // After the last one left, another run may have taken its place.
        if runs.get(&self.key).is_some_and(|sender| Arc::ptr_eq(sender, &self.sender)) {
            runs.remove(&self.key);
        }
    }
}
