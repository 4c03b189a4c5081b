//! Change notification: commits publish the tables that they touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use crate::model::Table;

/// Publisher of the tables that commits touch. Clones share one channel.
///
/// Mutations of the schema publish their changes. Other writers, in this process or another, may
/// [`notify`](Self::notify) too.
#[derive(Clone, Debug)]
pub struct ChangeNotifier(Sender<Arc<BTreeSet<Table>>>);

/// Number of commits kept for a slow subscriber; a subscriber that missed commits treats that as a change.
const COMMITS_KEPT: usize = 256;

impl Default for ChangeNotifier {
    fn default() -> Self {
        Self(Sender::new(COMMITS_KEPT))
    }
}

impl ChangeNotifier {
    /// Notifies all subscribers of these tables.
    pub fn notify(&self, tables: BTreeSet<Table>) {
        if !tables.is_empty() {
            // The channel may have no subscriber.
            let _ = self.0.send(Arc::new(tables));
        }
    }

    /// Subscribes to changes of these tables, from now on.
    pub fn subscribe(&self, tables: BTreeSet<Table>) -> Listener {
        Listener { tables, commits: self.0.subscribe() }
    }
}

/// Subscription to changes of some tables.
#[derive(Debug)]
pub struct Listener {
    tables: BTreeSet<Table>,
    commits: Receiver<Arc<BTreeSet<Table>>>,
}

impl Listener {
    /// Waits until a commit touched one of the tables since the last call. Changes are not counted: any
    /// number of changes completes one call.
    pub async fn changed(&mut self) {
        loop {
            match self.commits.recv().await {
                Ok(touched) if touched.is_disjoint(&self.tables) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                // All publishers are gone.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
        // Pending commits belong to the same change: the subscriber reads after this.
        self.commits = self.commits.resubscribe();
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

    #[test]
    fn missed_commits_count_as_a_change() {
        let changes = ChangeNotifier::default();
        let mut listener = changes.subscribe(tables(["posts"]));
        (0..=COMMITS_KEPT).for_each(|_| changes.notify(tables(["users"])));
        assert_eq!(listener.changed().now_or_never(), Some(()));
    }
}
