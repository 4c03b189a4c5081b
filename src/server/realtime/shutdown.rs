//! Shutdown: a signal from the operating system, forwarded to tasks that would otherwise never end.

use std::io;

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

/// Listens for the shutdown signals; the returned future waits for one.
#[cfg(unix)]
pub(in crate::server) fn signal() -> io::Result<impl Future<Output = ()>> {
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

/// Listens for the shutdown signal; the returned future waits for it.
#[cfg(not(unix))]
pub(in crate::server) fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if actix_web::rt::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
