//! Live queries: a subscription runs at once, and again after every commit that touched a table of its plan.
//!
//! Equal subscriptions share a run. Each subscriber gets the newest result: a slow subscriber misses
//! intermediate results, never the last.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::definition::Schema;
use super::executed::Executed;
use super::live_runs::{LiveKey, Newest};
use super::prepared::{OperationKind, PreparedOperation};
use super::variables;
use crate::database::Database;
use crate::execute::ReadConsistency;
use crate::plan::{PlanReads, Variables};

/// Minimum time between two runs of a live query; the next run sees all commits in between.
const PAUSE: Duration = Duration::from_millis(20);

/// Delay before a result with errors is retried: no commit signals that a database is back.
const RETRY: Duration = Duration::from_secs(1);

impl Schema {
    /// Returns the results of a prepared request as a stream. A query or mutation has a single result. A
    /// subscription has one at once, and another after every commit that changed it; if it cannot be
    /// executed, it ends with its first result.
    pub fn subscribe(
        &self,
        prepared: PreparedOperation,
        database: &Database,
    ) -> BoxStream<'static, Arc<Executed>> {
        if self.subscribes_to_application(&prepared) {
            return self.application_events(prepared, database);
        }
        if prepared.kind() == OperationKind::Subscription {
            return self.live(prepared, database).boxed();
        }
        let (schema, database) = (self.clone(), database.clone());
        stream::once(async move { Arc::new(schema.run(prepared, &database).await) }).boxed()
    }

    /// Returns the results of a subscription. A slow subscriber skips some, but never the last.
    fn live(
        &self,
        prepared: PreparedOperation,
        database: &Database,
    ) -> impl Stream<Item = Arc<Executed>> + Send + 'static {
        let (schema, database) = (self.clone(), database.clone());
        let joined = async move {
            // Without values of the viewer there is nothing that could tell two viewers of a role apart. The database's own
            // policies may take all of the values.
            let takes_some = schema.impersonation.is_none()
                && schema.shared.rules.as_ref().is_some_and(|rules| rules.variables().count() > 0);
            let reads = match takes_some {
                true => schema.reads(&prepared, &database).await,
                false => None,
            };
            let viewer = schema.viewer_key(reads.as_ref());
            schema.join(prepared, &database, viewer, reads)
        };
        futures_util::stream::once(joined).flatten()
    }

    /// Returns what the plan of a subscription reads; `None` if it cannot be planned.
    async fn reads(&self, prepared: &PreparedOperation, database: &Database) -> Option<PlanReads> {
        let compiled = &prepared.compiled;
        let given = prepared.variables.clone();
        let variables = variables::with_defaults(compiled.operation().ok()?, given).ok()?;
        let session = self.session(database, ReadConsistency::Snapshot).await.ok()?;
        let plan = self.plan_anew(&Arc::new(session), compiled, &variables, Variables::fixed).await.ok()?;
        Some(plan.reads(self.model(), self.shared.rules.as_ref()))
    }

    /// Joins the run of equal subscriptions of viewers that no rule tells apart, or begins it.
    fn join(
        &self,
        prepared: PreparedOperation,
        database: &Database,
        viewer: String,
        reads: Option<PlanReads>,
    ) -> impl Stream<Item = Arc<Executed>> + Send + use<> {
        let key = LiveKey {
            text: prepared.compiled.text.clone(),
            database: database.id(),
            operation: prepared.operation_name().map(str::to_owned),
            variables: serde_json::to_string(&prepared.variables).unwrap_or_default(),
            viewer,
        };
        let mut runs = self.live.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = match runs.get(&key) {
            Some(newest) => newest.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(None);
                let sender = Arc::new(sender);
                runs.insert(key.clone(), sender.clone());
                let run =
                    Run { schema: self.clone(), database: database.clone(), prepared, reads, key, sender };
                // Log lines of the run belong to the span of the first subscriber.
                tokio::spawn(run.keep_going().in_current_span());
                receiver
            }
        };
        drop(runs);
        stream::unfold((newest, true), |(mut newest, is_first)| async move {
            // The newest result of a shared run is the first result of a new subscriber.
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

/// Run of a live query, shared by its subscribers.
struct Run {
    schema: Schema,
    database: Database,
    prepared: PreparedOperation,
    /// Tables and values that the plan reads, if the first subscriber's key needed them.
    reads: Option<PlanReads>,
    key: LiveKey,
    sender: Arc<Newest>,
}

impl Run {
    /// Runs until the last subscriber has left.
    async fn keep_going(mut self) {
        let reads = self.reads.take();
        tokio::select! {
            () = self.follow(reads) => {}
            () = self.until_unsubscribed() => {}
        }
    }

    async fn follow(&self, reads: Option<PlanReads>) {
        let reads = match reads {
            Some(reads) => Some(reads),
            None => self.schema.reads(&self.prepared, &self.database).await,
        };
        // Listens before the first run: a commit between both would be missed otherwise.
        let changes = self.database.changes();
        // A subscription that cannot be planned reads no table; its only result has the error.
        let mut listener = match reads.unwrap_or_default().into_tables() {
            Some(tables) => changes.subscribe(tables),
            None => changes.subscribe_to_all(),
        };
        loop {
            let prepared = self.prepared.again_from_now(&self.database).await;
            let executed = self.schema.run(prepared, &self.database).await;
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
            let changed = listener.changed_from(Instant::now() + PAUSE);
            if failed {
                let _ = timeout(RETRY, changed).await;
            } else {
                changed.await;
            }
        }
    }

    /// Waits until no subscriber is left, and removes the run.
    async fn until_unsubscribed(&self) {
        loop {
            self.sender.closed().await;
            let mut runs = self.schema.live.runs.lock().unwrap_or_else(PoisonError::into_inner);
            // A subscriber may have joined since.
            if self.sender.receiver_count() == 0 {
                runs.remove(&self.key);
                return;
            }
        }
    }
}

/// Removes the run however it ends, including by a panic or with its thread: no subscriber may wait for it or
/// join it.
impl Drop for Run {
    fn drop(&mut self) {
        let mut runs = self.schema.live.runs.lock().unwrap_or_else(PoisonError::into_inner);
        // After the last subscriber left, another run may have replaced this one.
        if runs.get(&self.key).is_some_and(|sender| Arc::ptr_eq(sender, &self.sender)) {
            runs.remove(&self.key);
        }
    }
}
