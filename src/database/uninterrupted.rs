//! A future that runs to its end whether or not its caller waits for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

/// Future that a spawned task completes if it is dropped early.
///
/// Costs one allocation. A task from the start would also cost a wake-up of the caller.
pub(super) struct Uninterrupted<T: Send + 'static> {
    /// `None` once completed.
    future: Option<BoxFuture<'static, T>>,
    runtime: Option<Handle>,
}

impl<T: Send + 'static> Uninterrupted<T> {
    pub fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Some(Box::pin(future)), runtime: Handle::try_current().ok() }
    }
}

impl<T: Send + 'static> Future for Uninterrupted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let polled = future.as_mut().poll(context);
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Uninterrupted<T> {
    fn drop(&mut self) {
        if let (Some(future), Some(runtime)) = (self.future.take(), &self.runtime) {
            runtime.spawn(future);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn dropped_future_is_completed_in_the_background() {
        let (release, released) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let mut future = Uninterrupted::new(async move {
            let value: i32 = released.await.unwrap();
            done.send(value).unwrap();
        });
        assert_eq!((&mut future).now_or_never(), None);
        drop(future);
        release.send(7).unwrap();
        assert_eq!(is_done.await, Ok(7));
    }
}
