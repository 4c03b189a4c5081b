//! The gate: how many requests are answered at once, and how long each may take.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use crate::error::{Error, Result};

/// One for all threads. Waiting for a place is not offered: a queue that grows answers nobody in time.
#[derive(Clone)]
pub(super) struct Gate {
    places: usize,
    taken: Arc<AtomicUsize>,
    time: Duration,
}

/// A place that is taken until this is dropped.
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

    /// Lets a request through and waits for what comes of it; given up, it is dropped, and with it its transaction.
    ///
    /// # Errors
    /// When all places are taken, or the time is over.
    pub(super) async fn pass<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        let _place = self.place()?;
        let mut answer = pin!(answer);
        // What does not wait for anything needs no clock.
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
