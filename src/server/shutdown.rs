//! The end of the service: a signal from outside, told to everything that would otherwise go on for ever.

use std::io;

use tokio::sync::watch;

/// One for all threads: sockets and streams of events end when it has begun.
#[derive(Clone, Default)]
pub(super) struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Tells everybody.
    pub(super) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it begins; one that comes later does not wait.
    pub(super) fn begun(&self) -> impl Future<Output = ()> + use<> {
        let mut told = self.0.subscribe();
        async move {
            if told.wait_for(|begun| *begun).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Listens for the signals that end a service; what comes back waits for one.
#[cfg(unix)]
pub(super) fn signal() -> io::Result<impl Future<Output = ()>> {
    use actix_web::rt::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Listens for the signal that ends a service; what comes back waits for it.
#[cfg(not(unix))]
pub(super) fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if actix_web::rt::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
