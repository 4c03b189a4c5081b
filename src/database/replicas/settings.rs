//! Settings of replicas.

use std::time::Duration;

/// Settings of replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSettings {
    pub(in crate::database) max_lag: Duration,
    pub(in crate::database) wait: Duration,
    pub(in crate::database) direct_url: Option<String>,
}

impl Default for ReplicaSettings {
    fn default() -> Self {
        Self { max_lag: Duration::from_secs(30), wait: Duration::from_millis(200), direct_url: None }
    }
}

impl ReplicaSettings {
    /// Sets the age of the state that a query may read: a replica that is further behind serves none.
    pub fn max_lag(mut self, max_lag: Duration) -> Self {
        self.max_lag = max_lag;
        self
    }

    /// Sets the time for which a query waits until a replica has the state of its token. The query then runs on the primary.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets the URL of the primary itself, if the database is reached through a pooler.
    pub fn direct_url(mut self, direct_url: Option<String>) -> Self {
        self.direct_url = direct_url;
        self
    }
}
