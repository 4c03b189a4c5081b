//! Concurrency limit of requests, and the time limit of each.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use crate::error::{Error, Result};

/// Limit shared by all threads. It has no queue: a growing queue answers no client in time.
#[derive(Clone)]
pub(in crate::server) struct ConcurrencyLimit {
    most: usize,
    taken: Arc<AtomicUsize>,
    time: Duration,
}

/// Permit that is held until dropped.
struct Permit<'a>(&'a AtomicUsize);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ConcurrencyLimit {
    pub(in crate::server) fn new(most: usize, time: Duration) -> Self {
        Self { most, taken: Arc::default(), time }
    }

    /// Runs a request within the limits. On timeout the future is dropped, and its transaction with it.
    ///
    /// # Errors
    /// If all permits are taken, or the time limit has passed.
    pub(in crate::server) async fn run<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        let _permit = self.permit()?;
        let mut answer = pin!(answer);
        // Fast path: no timer if the future is ready on first poll.
        if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
            return Ok(answer);
        }
        timeout(self.time, answer).await.map_err(|_| Error::out_of_time(self.time.as_secs()))
    }

    fn permit(&self) -> Result<Permit<'_>> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(&self.taken);
        if taken < self.most { Ok(permit) } else { Err(Error::overloaded()) }
    }
}
