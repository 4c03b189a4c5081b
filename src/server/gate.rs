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
pub(super) struct Gate {
    places: usize,
    taken: Arc<AtomicUsize>,
    time: Duration,
}

/// Permit that is held until dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(super) fn new(places: usize, time: Duration) -> Self {
        Self { places, taken: Arc::default(), time }
    }

    /// Runs a request within the limits. On timeout the future is dropped, and its transaction with it.
    ///
    /// # Errors
    /// If all permits are taken, or the time limit has passed.
    pub(super) async fn pass<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        let _place = self.place()?;
        let mut answer = pin!(answer);
        // Fast path: no timer if the future is ready on first poll.
        if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
            return Ok(answer);
        }
        timeout(self.time, answer).await.map_err(|_| Error::out_of_time(self.time.as_secs()))
    }

    fn place(&self) -> Result<Place<'_>> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.taken);
        if taken < self.places { Ok(place) } else { Err(Error::overloaded()) }
    }
}
