//! Timer that detects a server that stopped answering.
//!
//! The path to a server may fail silently: nothing arrives, and TCP alone takes minutes to notice. A
//! statement may also be silent because the server works on it. A second connection therefore probes the
//! server. An idle connection requests an echo ahead of a statement.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::time::Sleep;

use super::fault::Fault;
use super::startup::{self, PgConfig};

/// Time for which a statement may be silent before any reaction.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Time after the statement's own time limit for the server to report the cancellation.
const GRACE: Duration = Duration::from_secs(5);

/// Monitor of a connection's oldest statement.
pub(super) struct Watch {
    place: Arc<PgConfig>,
    /// True for a connection with short statements only: a silent one is abandoned.
    pub is_shared: bool,
    /// True if a requested echo has not arrived.
    awaits_echo: bool,
    timer: Pin<Box<Sleep>>,
    is_armed: bool,
    /// True if bytes arrived since the timer was armed.
    has_heard: bool,
    probe: Option<BoxFuture<'static, bool>>,
}

impl Watch {
    pub fn new(place: Arc<PgConfig>, is_shared: bool) -> Self {
        let timer = Box::pin(tokio::time::sleep(TICK));
        Self { place, is_shared, awaits_echo: false, timer, is_armed: false, has_heard: false, probe: None }
    }

    /// Records that bytes arrived.
    pub fn hear(&mut self) {
        self.has_heard = true;
        self.awaits_echo = false;
        self.probe = None;
    }

    /// Records that an echo was requested.
    pub fn await_echo(&mut self) {
        self.awaits_echo = true;
    }

    /// Checks the timer; `oldest` is the start of the oldest pending statement.
    ///
    /// # Errors
    /// [`Fault::Silent`] or [`Fault::Lost`], if the connection must be abandoned.
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
        // The timer, polled once, wakes the task.
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
                Box::pin(async move { place.probe.answers(startup::open(&place)).await });
            if probe.as_mut().poll(context).is_pending() {
                self.probe = Some(probe);
            }
        }
        self.arm(context)
    }

    /// Arms the timer, at most once per tick: short statements cost nothing.
    fn arm(&mut self, context: &mut Context<'_>) -> Result<(), Fault> {
        self.has_heard = false;
        self.is_armed = true;
        self.timer.as_mut().reset(tokio::time::Instant::now() + TICK);
        // Polled once, so that it wakes the task.
        let _ = self.timer.as_mut().poll(context);
        Ok(())
    }
}
