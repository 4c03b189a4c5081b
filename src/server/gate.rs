//! The gate: how many requests are answered at once, and how long each may take.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::{Error, Result};

/// One for all threads. Waiting for a place is not offered: a queue that grows answers nobody in time.
#[derive(Clone)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    time: Duration,
}

impl Gate {
    pub(super) fn new(places: usize, time: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))), time }
    }

    /// Lets a request through and waits for what comes of it; given up, it is dropped, and with it its transaction.
    ///
    /// # Errors
    /// When all places are taken, or the time is over.
    pub(super) async fn pass<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        let _place = self.places.try_acquire().map_err(|_| Error::overloaded())?;
        timeout(self.time, answer).await.map_err(|_| Error::out_of_time(self.time.as_secs()))
    }
}
