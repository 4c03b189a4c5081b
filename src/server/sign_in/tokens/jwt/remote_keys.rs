//! Key set of a provider, fetched over HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as Flight, OwnedMutexGuard};
use tokio::task;
use ureq::Agent;

use super::key_set::{KeySet, read_set};
use crate::server::sign_in::tokens::fault::SignInFault;
use crate::server::sign_in::tokens::remote::{agent, is_safe};

/// Time limit of a fetch.
const FETCH_TIME: Duration = Duration::from_secs(5);

/// Maximum size of a key set, in bytes.
const LARGEST: u64 = 256 << 10;

/// Bounds of the time for which a set counts as fresh, by the provider's `Cache-Control`.
const FRESH: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(24 * 60 * 60)];

/// Time for which a set counts as fresh if the provider says nothing.
const FRESH_BY_DEFAULT: Duration = Duration::from_secs(10 * 60);

/// Time for which the last good set serves while the provider is away.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Pause after a failed fetch while a set is kept, and between fetches for keys that no set has.
const PAUSE: Duration = Duration::from_secs(30);

/// Pause after a failed fetch while no set is kept.
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// Key set at a URL, with the last good one kept.
pub(super) struct RemoteKeys {
    url: String,
    agent: Agent,
    state: Mutex<FetchState>,
    /// Held during a fetch: no two run at once.
    flight: Arc<Flight<()>>,
}

#[derive(Default)]
struct FetchState {
    last: Option<FetchedSet>,
    /// Last fetch, whatever its result.
    tried: Option<Instant>,
    /// Last fetch for a key that no set has.
    searched: Option<Instant>,
}

struct FetchedSet {
    set: Arc<KeySet>,
    at: Instant,
    fresh: Duration,
}

impl FetchState {
    fn fresh(&self) -> Option<Arc<KeySet>> {
        self.last.as_ref().filter(|last| last.at.elapsed() < last.fresh).map(|last| last.set.clone())
    }

    fn usable(&self) -> Option<Arc<KeySet>> {
        self.last.as_ref().filter(|last| last.at.elapsed() < KEPT).map(|last| last.set.clone())
    }

    fn rests(&self, pause: Duration) -> bool {
        self.tried.is_some_and(|tried| tried.elapsed() < pause)
    }

    fn number(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.set.number)
    }
}

impl RemoteKeys {
    /// Prepares fetches from `url`.
    pub(super) fn new(url: &str) -> Result<Self, SignInFault> {
        if !is_safe(url) {
            let message = "keys: expected a URL with https, or with http on this host's loopback address";
            return Err(SignInFault(message.to_owned()));
        }
        Ok(Self {
            url: url.to_owned(),
            agent: agent(FETCH_TIME),
            state: Mutex::default(),
            flight: Arc::default(),
        })
    }

    /// Returns the current set. A stale one serves while a newer one is fetched.
    pub(super) async fn current(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        let (usable, rests) = {
            let state = self.state();
            if let Some(fresh) = state.fresh() {
                return Some(fresh);
            }
            (state.usable(), state.rests(PAUSE))
        };
        if usable.is_some() {
            if !rests && let Ok(flight) = self.flight.clone().try_lock_owned() {
                drop(self.fetch(flight));
            }
            return usable;
        }
        let flight = self.flight.clone().lock_owned().await;
        // Another request may have fetched it meanwhile, or failed to.
        let (usable, rests) = {
            let state = self.state();
            (state.usable(), state.rests(SHORT_PAUSE))
        };
        if usable.is_none() && !rests {
            let _ = self.fetch(flight).await;
        }
        self.state().usable()
    }

    /// Returns a set with another number than `known`, which lacks a key. Fetches at most once in 30 seconds, whatever keys
    /// tokens name.
    pub(super) async fn newer_than(self: &Arc<Self>, known: u64) -> Option<Arc<KeySet>> {
        let flight = self.flight.clone().lock_owned().await;
        let fetches = {
            let mut state = self.state();
            let rests = state.searched.is_some_and(|searched| searched.elapsed() < PAUSE);
            let fetches = state.number() == known && !rests;
            if fetches {
                state.searched = Some(Instant::now());
            }
            fetches
        };
        if fetches {
            let _ = self.fetch(flight).await;
        }
        self.state().usable().filter(|set| set.number != known)
    }

    fn state(&self) -> MutexGuard<'_, FetchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches on a thread that may block, to the end even if the request is dropped.
    fn fetch(self: &Arc<Self>, flight: OwnedMutexGuard<()>) -> task::JoinHandle<()> {
        let this = self.clone();
        task::spawn_blocking(move || {
            let fetched = this.get();
            let mut state = this.state();
            let now = Instant::now();
            state.tried = Some(now);
            match fetched {
                Ok((keys, fresh)) => {
                    let set = Arc::new(KeySet::new(state.number() + 1, keys));
                    state.last = Some(FetchedSet { set, at: now, fresh });
                }
                Err(error) => tracing::warn!(url = this.url, error, "the key set cannot be fetched"),
            }
            drop(state);
            drop(flight);
        })
    }

    fn get(&self) -> Result<(Vec<super::key_set::VerificationKey>, Duration), String> {
        let mut response = self.agent.get(&self.url).call().map_err(|error| error.to_string())?;
        if response.status() != 200 {
            return Err(format!("the provider answered with status {}", response.status()));
        }
        let control = response.headers().get("cache-control").and_then(|control| control.to_str().ok());
        let fresh = control.and_then(max_age).unwrap_or(FRESH_BY_DEFAULT).clamp(FRESH[0], FRESH[1]);
        let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        Ok((read_set(&body.map_err(|error| error.to_string())?)?, fresh))
    }
}

/// Returns the time of the directive `max-age`; none if the response must not be kept.
fn max_age(control: &str) -> Option<Duration> {
    let mut directives = control.split(',').map(str::trim);
    if directives.clone().any(|directive| directive == "no-store" || directive == "no-cache") {
        return Some(Duration::ZERO);
    }
    let seconds = directives.find_map(|directive| directive.strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_beside_other_directives() {
        assert_eq!(max_age("public, max-age=600, must-revalidate"), Some(Duration::from_secs(600)));
        assert_eq!(max_age("no-store"), Some(Duration::ZERO));
        assert_eq!(max_age("public"), None);
        assert_eq!(max_age("max-age=x"), None);
    }
}
