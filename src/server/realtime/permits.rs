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
    pub(in crate::server) init_time: Duration,
    /// Maximum number of sockets and event streams; further ones are refused.
    pub(in crate::server) sockets: usize,
    /// Maximum number of operations at once on a socket; further ones are refused.
    pub(in crate::server) subscriptions: usize,
    /// Maximum size of a client's message, in bytes.
    pub(in crate::server) frame: usize,
}

impl SocketLimits {
    /// Sets the time limit for `connection_init`.
    pub fn init_time(mut self, init_time: Duration) -> Self {
        self.init_time = init_time;
        self
    }

    /// Sets the maximum number of sockets and event streams; further ones are refused.
    pub fn sockets(mut self, sockets: usize) -> Self {
        self.sockets = sockets;
        self
    }

    /// Sets the maximum number of operations at once on a socket; further ones are refused.
    pub fn subscriptions(mut self, subscriptions: usize) -> Self {
        self.subscriptions = subscriptions;
        self
    }

    /// Sets the maximum size of a client's message, in bytes.
    pub fn frame(mut self, frame: usize) -> Self {
        self.frame = frame;
        self
    }
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
