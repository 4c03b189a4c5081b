//! Shutdown: a signal from the operating system, forwarded to tasks that would otherwise never end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Shutdown notification shared by all threads: sockets and event streams end when it has begun.
#[derive(Clone, Default)]
pub(in crate::server) struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Notifies all tasks.
    pub(in crate::server) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until shutdown begins; returns at once if it has begun.
    pub(in crate::server) fn begun(&self) -> impl Future<Output = ()> + use<> {
        let mut begun = self.0.subscribe();
        async move {
            if begun.wait_for(|begun| *begun).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Time before a shutdown, in which balancers and clients turn to other processes. All requests are still served.
#[derive(Clone, Default)]
pub(in crate::server) struct Drain(Arc<AtomicBool>);

impl Drain {
    /// Begins: the service is not ready any more, and each answer closes its connection.
    pub(in crate::server) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns true once it has begun.
    pub(in crate::server) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Signal that requests shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum ShutdownSignal {
    /// From a supervisor.
    #[cfg_attr(not(unix), expect(dead_code, reason = "other systems have one signal"))]
    Terminate,
    /// From the keyboard.
    Interrupt,
}

/// Shutdown signals of the process. From their creation on, none of them kills it.
pub(in crate::server) struct ShutdownSignals {
    #[cfg(unix)]
    terminate: actix_web::rt::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: actix_web::rt::signal::unix::Signal,
}

impl ShutdownSignals {
    /// Listens for the signals.
    #[cfg(unix)]
    pub(in crate::server) fn listen() -> io::Result<Self> {
        use actix_web::rt::signal::unix::{SignalKind, signal};

        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Listens for the signal.
    #[cfg(not(unix))]
    pub(in crate::server) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    pub(in crate::server) async fn next(&mut self) -> ShutdownSignal {
        #[cfg(unix)]
        return tokio::select! {
            _ = self.terminate.recv() => ShutdownSignal::Terminate,
            _ = self.interrupt.recv() => ShutdownSignal::Interrupt,
        };
        #[cfg(not(unix))]
        {
            if actix_web::rt::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            ShutdownSignal::Interrupt
        }
    }
}
