//! Limit of operations by viewer.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use lru::LruCache;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::policy::{RequestRate, Viewer};

/// Maximum number of counts that are kept. The least recent ones begin anew.
const MOST_COUNTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// Hash of the sender whose operations are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::server) struct SenderKey([u8; 32]);

impl SenderKey {
    /// Returns the key of a viewer; of a network for viewers without values, who are all one viewer.
    pub(in crate::server) fn of(viewer: Option<&Viewer>, address: Option<IpAddr>) -> Self {
        let mut hash = Sha256::new();
        match viewer.filter(|viewer| !viewer.values.is_empty()) {
            Some(viewer) => {
                hash.update([0]);
                hash.update(viewer.role.len().to_be_bytes());
                hash.update(&viewer.role);
                hash.update(Json::Object(viewer.values.clone()).to_string());
            }
            None => {
                hash.update([1]);
                match address {
                    Some(IpAddr::V4(address)) => hash.update(address.octets()),
                    // A household has 2⁶⁴ addresses.
                    Some(IpAddr::V6(address)) => hash.update(&address.octets()[..8]),
                    None => {}
                }
            }
        }
        Self(hash.finalize().into())
    }
}

/// Sender with the rates that limit its operations: those of the service and of its role.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct LimitedSender {
    key: SenderKey,
    rates: [Option<RequestRate>; 2],
}

impl LimitedSender {
    /// Returns the sender with these rates; `None` without any.
    pub(in crate::server) fn new(
        rates: [Option<RequestRate>; 2],
        viewer: Option<&Viewer>,
        address: Option<IpAddr>,
    ) -> Option<Self> {
        let is_limited = rates.iter().any(Option::is_some);
        is_limited.then(|| Self { key: SenderKey::of(viewer, address), rates })
    }
}

/// Counts of the operations of each sender, shared by all threads.
pub(in crate::server) struct SenderCounts {
    clock: DefaultClock,
    /// Kept by rate too: another rate begins anew.
    senders: Mutex<LruCache<(SenderKey, RequestRate), DefaultDirectRateLimiter>>,
}

impl Default for SenderCounts {
    fn default() -> Self {
        // A cache that is created with its size takes the space of it, and most services have no rate.
        let mut senders = LruCache::unbounded();
        senders.resize(MOST_COUNTS);
        Self { clock: DefaultClock::default(), senders: Mutex::new(senders) }
    }
}

impl SenderCounts {
    /// Counts an operation of a sender.
    ///
    /// # Errors
    /// If the sender has used up its operations; with the seconds until the next one.
    pub(in crate::server) fn count(&self, sender: LimitedSender) -> Result<()> {
        sender.rates.into_iter().flatten().try_for_each(|rate| self.count_at(rate, sender.key))
    }

    fn count_at(&self, rate: RequestRate, sender: SenderKey) -> Result<()> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = senders.get_or_insert((sender, rate), || {
            let quota = Quota::with_period(rate.interval()).unwrap_or(Quota::per_second(rate.burst()));
            RateLimiter::direct_with_clock(quota.allow_burst(rate.burst()), self.clock.clone())
        });
        limiter.check().map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            Error::too_many_requests(wait.as_secs().saturating_add(1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn each_sender_has_its_own_count() {
        let counts = SenderCounts::default();
        let count = |user: u32, rates: [Option<&str>; 2]| {
            let rates = rates.map(|rate| rate.map(|rate| rate.parse().unwrap()));
            let viewer = Viewer::new("user").with("userId", user);
            counts.count(LimitedSender::new(rates, Some(&viewer), None).unwrap())
        };
        let of_service = [Some("2/h"), None];
        assert!(count(1, of_service).is_ok() && count(1, of_service).is_ok());
        let refused = count(1, of_service).unwrap_err();
        assert_eq!(refused.code(), Code::TooManyRequests);
        let wait = refused.extensions()["retryAfter"].as_u64().unwrap();
        assert!((1_700..=1_801).contains(&wait), "{wait}");
        assert!(count(2, of_service).is_ok());
        // Both rates hold, and a rate that is new begins anew.
        assert!(count(3, [Some("9/h"), Some("1/h")]).is_ok());
        assert!(count(3, [Some("9/h"), Some("1/h")]).is_err());
        assert!(count(3, [Some("9/h"), Some("1/min")]).is_ok());
        assert!(count(1, [Some("2/h"), Some("9/h")]).is_err());
        assert!(LimitedSender::new([None, None], None, None).is_none());
    }

    #[test]
    fn viewers_without_values_are_told_apart_by_their_network() {
        let anonymous = Viewer::new("anonymous");
        let key = |address: &str| SenderKey::of(Some(&anonymous), Some(address.parse().unwrap()));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        let user = Viewer::new("user").with("userId", 1);
        let of = |address: &str| SenderKey::of(Some(&user), Some(address.parse().unwrap()));
        assert_eq!(of("192.0.2.1"), of("192.0.2.2"));
        assert_ne!(
            of("192.0.2.1"),
            SenderKey::of(Some(&Viewer { role: "a".to_owned(), ..user.clone() }), None)
        );
    }
}
