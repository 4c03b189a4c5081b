//! Change notification: commits publish the tables that they touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio::time::{Instant, sleep_until};

use crate::model::Table;

/// Publisher of the tables that commits touch. Clones share one channel.
///
/// Mutations of the schema publish their changes. Other writers of this process may [`notify`](Self::notify) too; what
/// other processes report comes by [`notify_received`](Self::notify_received).
#[derive(Clone, Debug)]
pub struct ChangeNotifier(Sender<PublishedChange>);

/// Published change.
#[derive(Clone, Debug)]
struct PublishedChange {
    touched: Touched,
    /// True if this process made the change.
    is_own: bool,
}

/// Tables that commits touched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Touched {
    /// These tables.
    Tables(Arc<BTreeSet<Table>>),
    /// Unknown tables: each may be among them.
    Any,
}

/// Source of the changes that other processes make.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeSource {
    /// Reports of the other processes by NOTIFY, after their commits. Other writers, such as psql, are not heard.
    Notify,
    /// Logical decoding, which hears every writer. The server needs `wal_level = logical`, and the user the attribute
    /// REPLICATION.
    Replication {
        /// Publication of the tables; see `CREATE PUBLICATION`.
        publication: String,
    },
}

/// Number of commits kept for a slow subscriber; a subscriber that missed commits treats that as a change. A carrier to other
/// processes takes them 50 times a second.
const COMMITS_KEPT: usize = 1_024;

impl Default for ChangeNotifier {
    fn default() -> Self {
        Self(Sender::new(COMMITS_KEPT))
    }
}

impl ChangeNotifier {
    /// Notifies all subscribers that this process touched these tables.
    pub fn notify(&self, tables: BTreeSet<Table>) {
        if !tables.is_empty() {
            self.publish(Touched::Tables(Arc::new(tables)), true);
        }
    }

    /// Notifies all subscribers of a change by another process.
    pub fn notify_received(&self, touched: Touched) {
        self.publish(touched, false);
    }

    fn publish(&self, touched: Touched, is_own: bool) {
        // The channel may have no subscriber.
        let _ = self.0.send(PublishedChange { touched, is_own });
    }

    /// Subscribes to changes of these tables, from now on.
    pub fn subscribe(&self, tables: BTreeSet<Table>) -> Listener {
        Listener { tables: Some(tables), changes: self.0.subscribe() }
    }

    /// Subscribes to changes of all tables, from now on: for a reader of tables that are not known, as those of a view.
    pub fn subscribe_to_all(&self) -> Listener {
        Listener { tables: None, changes: self.0.subscribe() }
    }

    /// Subscribes to the changes that this process makes, from now on: for a carrier to other processes.
    pub fn own_changes(&self) -> OwnChanges {
        OwnChanges(self.0.subscribe())
    }
}

/// Subscription to changes of some tables.
#[derive(Debug)]
pub struct Listener {
    /// Tables of the subscription; `None` for all.
    tables: Option<BTreeSet<Table>>,
    changes: Receiver<PublishedChange>,
}

impl Listener {
    /// Waits until a commit touched one of the tables since the last call. Changes are not counted: any
    /// number of changes completes one call.
    pub async fn changed(&mut self) {
        self.touched().await;
        self.catch_up();
    }

    /// Waits for a change as [`Self::changed`] does, and at least until `earliest`; changes until then complete the same call. A
    /// call that is dropped may have seen a change.
    pub(crate) async fn changed_from(&mut self, earliest: Instant) {
        self.touched().await;
        // A timer wakes a thread, even one whose time is over.
        if Instant::now() < earliest {
            sleep_until(earliest).await;
        }
        self.catch_up();
    }

    async fn touched(&mut self) {
        loop {
            match self.changes.recv().await {
                Ok(PublishedChange { touched: Touched::Tables(touched), .. })
                    if self.tables.as_ref().is_some_and(|tables| touched.is_disjoint(tables)) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                // All publishers are gone.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Skips pending commits, which belong to the same change: the subscriber reads after this.
    fn catch_up(&mut self) {
        self.changes = self.changes.resubscribe();
    }
}

/// Subscription to the changes that this process makes.
#[derive(Debug)]
pub struct OwnChanges(Receiver<PublishedChange>);

impl OwnChanges {
    /// Waits for the next change. Cancel safe: a dropped call loses no change.
    pub async fn next(&mut self) -> Touched {
        loop {
            match self.0.recv().await {
                Ok(PublishedChange { touched, is_own: true }) => return touched,
                Ok(PublishedChange { is_own: false, .. }) => {}
                Err(RecvError::Lagged(_)) => return Touched::Any,
                // All publishers are gone.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn tables<const N: usize>(names: [&str; N]) -> BTreeSet<Table> {
        names.map(|name| Table { schema: None, name: name.to_owned() }).into()
    }

    #[test]
    fn subscriber_to_all_tables_sees_every_change() {
        let changes = ChangeNotifier::default();
        let mut listener = changes.subscribe_to_all();
        assert_eq!(listener.changed().now_or_never(), None);
        changes.notify(tables(["users"]));
        assert_eq!(listener.changed().now_or_never(), Some(()));
        assert_eq!(listener.changed().now_or_never(), None);
    }

    #[test]
    fn subscriber_sees_only_its_tables_and_merges_changes() {
        let changes = ChangeNotifier::default();
        let mut listener = changes.subscribe(tables(["posts", "authors"]));
        assert_eq!(listener.changed().now_or_never(), None);
        changes.notify(tables(["users"]));
        assert_eq!(listener.changed().now_or_never(), None);
        changes.notify(tables(["posts"]));
        changes.notify(tables(["authors", "users"]));
        assert_eq!(listener.changed().now_or_never(), Some(()));
        assert_eq!(listener.changed().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_change_before_the_earliest_time_waits_for_it() {
        let changes = ChangeNotifier::default();
        let mut listener = changes.subscribe(tables(["posts"]));
        changes.notify(tables(["posts"]));
        let in_an_hour = Instant::now() + std::time::Duration::from_secs(3_600);
        assert_eq!(listener.changed_from(in_an_hour).now_or_never(), None);
    }

    #[test]
    fn missed_commits_count_as_a_change() {
        let changes = ChangeNotifier::default();
        let mut listener = changes.subscribe(tables(["posts"]));
        (0..=COMMITS_KEPT).for_each(|_| changes.notify(tables(["users"])));
        assert_eq!(listener.changed().now_or_never(), Some(()));
    }

    #[test]
    fn changes_of_other_processes_reach_subscribers_and_no_carrier() {
        let changes = ChangeNotifier::default();
        let mut listener = changes.subscribe(tables(["posts"]));
        let mut own = changes.own_changes();
        let received = |names| Touched::Tables(Arc::new(tables(names)));
        changes.notify_received(received(["users"]));
        assert_eq!(listener.changed().now_or_never(), None);
        changes.notify_received(received(["posts"]));
        assert_eq!(listener.changed().now_or_never(), Some(()));
        changes.notify_received(Touched::Any);
        assert_eq!(listener.changed().now_or_never(), Some(()));
        assert_eq!(own.next().now_or_never(), None);
        changes.notify(tables(["posts"]));
        assert_eq!(own.next().now_or_never(), Some(received(["posts"])));
    }

    #[test]
    fn a_carrier_that_missed_commits_carries_a_change_of_any_table() {
        let changes = ChangeNotifier::default();
        let mut own = changes.own_changes();
        (0..=COMMITS_KEPT).for_each(|_| changes.notify(tables(["users"])));
        assert_eq!(own.next().now_or_never(), Some(Touched::Any));
    }
}
