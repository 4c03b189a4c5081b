//! Probes of the server by new connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::fault::Fault;
use crate::database::settings::POSTGRES_CONNECT_TIMEOUT;

/// Validity of a probe's result, for all connections.
const PROBE_HOLDS: Duration = Duration::from_secs(2);

/// Probe of the server by new connections.
#[derive(Debug, Default)]
pub(super) struct Probe {
    last: Mutex<Option<(Instant, bool)>>,
    losses: AtomicU64,
}

impl Probe {
    /// Returns the number of server losses: connections older than the last loss are not reused.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    /// Records that the server cannot be reached.
    pub fn note_loss(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns true if the server answers a new connection, which `open` opens, even with a refusal.
    pub async fn answers<T>(&self, open: impl Future<Output = Result<T, Fault>>) -> bool {
        let mut last = self.last.lock().await;
        if let Some((asked, answered)) = *last
            && asked.elapsed() < PROBE_HOLDS
        {
            return answered;
        }
        let opened = timeout(POSTGRES_CONNECT_TIMEOUT, open).await;
        let answers = matches!(opened, Ok(Ok(_) | Err(Fault::Server(_))));
        if !answers {
            self.note_loss();
        }
        *last = Some((Instant::now(), answers));
        answers
    }
}
