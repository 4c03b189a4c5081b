//! Limit of operations by viewer.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use lru::LruCache;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::policy::Viewer;

/// Maximum number of senders whose counts are kept. The least recent ones begin anew.
const MOST_SENDERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// Number of operations in a period, such as `600/min`. As many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRate {
    count: NonZeroU32,
    period: Duration,
}

impl FromStr for RequestRate {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let read = || {
            let (count, unit) = text.split_once('/')?;
            let seconds = match unit {
                "s" => 1,
                "min" => 60,
                "h" => 3_600,
                _ => return None,
            };
            Some(Self { count: count.parse().ok()?, period: Duration::from_secs(seconds) })
        };
        read()
            .ok_or_else(|| format!("expected a rate such as 10/s, 600/min or 1000/h, but {text:?} was given"))
    }
}

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

/// Limit of the operations of each sender, shared by all threads.
pub(in crate::server) struct SenderLimit {
    quota: Quota,
    clock: DefaultClock,
    senders: Mutex<LruCache<SenderKey, DefaultDirectRateLimiter>>,
}

impl SenderLimit {
    /// Creates a limit of this rate.
    pub(in crate::server) fn new(rate: RequestRate) -> Self {
        let quota =
            Quota::with_period(rate.period / rate.count.get()).unwrap_or(Quota::per_second(rate.count));
        Self {
            quota: quota.allow_burst(rate.count),
            clock: DefaultClock::default(),
            senders: Mutex::new(LruCache::new(MOST_SENDERS)),
        }
    }

    /// Counts an operation of a sender.
    ///
    /// # Errors
    /// If the sender has used up its operations; with the seconds until the next one.
    pub(in crate::server) fn count(&self, sender: SenderKey) -> Result<()> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter =
            senders.get_or_insert(sender, || RateLimiter::direct_with_clock(self.quota, self.clock.clone()));
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
    fn a_rate_is_a_number_in_a_period() {
        let rate = |count, seconds| {
            Ok(RequestRate { count: NonZeroU32::new(count).unwrap(), period: Duration::from_secs(seconds) })
        };
        assert_eq!("10/s".parse(), rate(10, 1));
        assert_eq!("600/min".parse(), rate(600, 60));
        assert_eq!("1/h".parse(), rate(1, 3_600));
        for other in ["", "600", "0/min", "-1/s", "1/day", "/s", "1.5/s"] {
            assert!(other.parse::<RequestRate>().is_err(), "{other}");
        }
    }

    #[test]
    fn each_sender_has_its_own_count() {
        let limit = SenderLimit::new("2/h".parse().unwrap());
        let key = |user: u32| SenderKey::of(Some(&Viewer::new("user").with("userId", user)), None);
        assert!(limit.count(key(1)).is_ok() && limit.count(key(1)).is_ok());
        let refused = limit.count(key(1)).unwrap_err();
        assert_eq!(refused.code(), Code::TooManyRequests);
        let wait = refused.extensions()["retryAfter"].as_u64().unwrap();
        assert!((1_700..=1_801).contains(&wait), "{wait}");
        assert!(limit.count(key(2)).is_ok());
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
