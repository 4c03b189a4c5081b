//! Limits of sockets and event streams, and the permits that keep their number within them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};
use crate::server::operations::metrics::{GaugeGuard, Metrics};

/// Limits of a socket, and of all sockets together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketLimits {
    /// Time limit for `connection_init`.
    pub init_time: Duration,
    /// Maximum number of sockets and event streams; further ones are refused.
    pub sockets: usize,
    /// Maximum number of operations at once on a socket; further ones are refused.
    pub subscriptions: usize,
    /// Maximum size of a client's message, in bytes.
    pub frame: usize,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self { init_time: Duration::from_secs(10), sockets: 1_000, subscriptions: 100, frame: 1 << 20 }
    }
}

/// Permits for sockets and event streams, shared by all threads.
#[derive(Clone)]
pub(in crate::server) struct SocketPermits(Arc<Semaphore>);

/// Permit for a socket or an event stream, released on drop.
pub(super) struct SocketPermit {
    _permit: OwnedSemaphorePermit,
    _counted: GaugeGuard,
}

impl SocketPermits {
    pub(in crate::server) fn new(sockets: usize) -> Self {
        Self(Arc::new(Semaphore::new(sockets.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes a permit, and counts the socket.
    ///
    /// # Errors
    /// If all permits are taken.
    pub(super) fn take(&self, metrics: &Metrics) -> Result<SocketPermit> {
        let permit = self.0.clone().try_acquire_owned().map_err(|_| Error::overloaded())?;
        Ok(SocketPermit { _permit: permit, _counted: metrics.socket() })
    }
}
