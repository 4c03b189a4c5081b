//! A clock that notices when a server has stopped answering.
//!
//! The path to a server may go away without a word: nothing arrives then, and TCP alone takes minutes to notice. A statement
//! may as well be silent because the server works on it. So a second connection asks whether the server is there, and one that
//! has lain idle is asked for a sign of life before the statement.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Sleep, timeout};

use super::CONNECT_TIMEOUT;
use super::fault::Fault;
use super::startup::{self, Place};

/// How long a statement may be silent before anything is done about it.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// How long the answer of one probe holds, for all connections.
const PROBE_HOLDS: Duration = Duration::from_secs(2);

/// How long after the statement's own time limit the server may still say that it has ended it.
const GRACE: Duration = Duration::from_secs(5);

/// Finds out whether a server lets new connections in.
#[derive(Debug, Default)]
pub(super) struct Probe {
    last: Mutex<Option<(Instant, bool)>>,
    losses: AtomicU64,
}

impl Probe {
    /// How often the server was lost: connections that are older than the last loss are not used again.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    /// The server cannot be reached.
    pub fn note_loss(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the server answers at all, be it with a refusal.
    async fn answers(&self, place: &Place) -> bool {
        let mut last = self.last.lock().await;
        if let Some((asked, answered)) = *last
            && asked.elapsed() < PROBE_HOLDS
        {
            return answered;
        }
        let opened = timeout(CONNECT_TIMEOUT, startup::open(place)).await;
        let answers = matches!(opened, Ok(Ok(_) | Err(Fault::Server(_))));
        if !answers {
            self.note_loss();
        }
        *last = Some((Instant::now(), answers));
        answers
    }
}

/// Watches over the oldest statement of a connection.
pub(super) struct Watch {
    place: Arc<Place>,
    /// Whether the statements are known to be short: a silent one is then not waited for.
    pub is_shared: bool,
    /// Whether the server was asked for a sign of life that has not come.
    awaits_echo: bool,
    timer: Pin<Box<Sleep>>,
    is_armed: bool,
    /// Whether anything arrived since the timer was armed.
    has_heard: bool,
    probe: Option<BoxFuture<'static, bool>>,
}

impl Watch {
    pub fn new(place: Arc<Place>, is_shared: bool) -> Self {
        let timer = Box::pin(tokio::time::sleep(TICK));
        Self { place, is_shared, awaits_echo: false, timer, is_armed: false, has_heard: false, probe: None }
    }

    /// Something has arrived.
    pub fn hear(&mut self) {
        self.has_heard = true;
        self.awaits_echo = false;
        self.probe = None;
    }

    /// The server was asked for a sign of life.
    pub fn await_echo(&mut self) {
        self.awaits_echo = true;
    }

    /// Looks at the clock; `oldest` says since when the oldest statement is under way.
    ///
    /// # Errors
    /// When the connection is to be given up: [`Fault::Silent`] or [`Fault::Lost`].
    pub fn look(&mut self, oldest: Option<Instant>, context: &mut Context<'_>) -> Result<(), Fault> {
        if let Some(probe) = &mut self.probe {
            match probe.as_mut().poll(context) {
                Poll::Ready(true) => self.probe = None,
                Poll::Ready(false) => return Err(Fault::Lost),
                Poll::Pending => {}
            }
        }
        let Some(oldest) = oldest else {
            self.probe = None;
            return Ok(());
        };
        if !self.is_armed {
            return self.arm(context);
        }
        // The task was told by the timer, which it has polled once.
        if !self.timer.is_elapsed() {
            return Ok(());
        }
        let is_silent = !self.has_heard && oldest.elapsed() >= TICK;
        if is_silent && (self.is_shared || self.awaits_echo) {
            return Err(Fault::Silent);
        }
        let is_overdue = |limit: Duration| oldest.elapsed() > limit + GRACE;
        if is_silent && self.place.statement_timeout().is_some_and(is_overdue) {
            return Err(Fault::Lost);
        }
        if is_silent && self.probe.is_none() {
            let place = self.place.clone();
            let mut probe: BoxFuture<'static, bool> =
                Box::pin(async move { place.probe.answers(&place).await });
            if probe.as_mut().poll(context).is_pending() {
                self.probe = Some(probe);
            }
        }
        self.arm(context)
    }

    /// Sets the timer, at most once a tick: short statements cost nothing.
    fn arm(&mut self, context: &mut Context<'_>) -> Result<(), Fault> {
        self.has_heard = false;
        self.is_armed = true;
        self.timer.as_mut().reset(tokio::time::Instant::now() + TICK);
        // Polled once, so that it wakes the task.
        let _ = self.timer.as_mut().poll(context);
        Ok(())
    }
}
