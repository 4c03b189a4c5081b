//! Rate of requests.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// Units of periods, with their seconds.
const UNITS: [(&str, u32); 3] = [("s", 1), ("min", 60), ("h", 3_600)];

/// Number of operations in a period, such as `600/min`. As many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RequestRate {
    count: NonZeroU32,
    /// Seconds of the period.
    seconds: NonZeroU32,
}

impl RequestRate {
    /// Returns the number of operations that may come at once.
    pub fn burst(self) -> NonZeroU32 {
        self.count
    }

    /// Returns the time after which one more operation may come.
    pub fn interval(self) -> Duration {
        Duration::from_secs(self.seconds.get().into()) / self.count.get()
    }
}

/// Orders by operations per time, and equal ones by the number that may come at once.
impl Ord for RequestRate {
    fn cmp(&self, other: &Self) -> Ordering {
        let product =
            |count: NonZeroU32, seconds: NonZeroU32| u64::from(count.get()) * u64::from(seconds.get());
        let by_time = product(self.count, other.seconds).cmp(&product(other.count, self.seconds));
        by_time.then_with(|| self.count.cmp(&other.count))
    }
}

impl PartialOrd for RequestRate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for RequestRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (count, unit) = text.split_once('/')?;
            let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            Some(Self { count: count.parse().ok()?, seconds: NonZeroU32::new(seconds)? })
        };
        read()
            .ok_or_else(|| format!("expected a rate such as 10/s, 600/min or 1000/h, but {text:?} was given"))
    }
}

impl TryFrom<String> for RequestRate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for RequestRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.into_iter().find(|(_, seconds)| *seconds == self.seconds.get());
        write!(formatter, "{}/{}", self.count, unit.map_or("s", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_in_a_period_and_printed_as_it_was_read() {
        for (written, seconds) in [("10/s", 1), ("600/min", 60), ("1/h", 3_600)] {
            let rate: RequestRate = written.parse().unwrap();
            assert_eq!((rate.seconds.get(), rate.to_string()), (seconds, written.to_owned()));
            assert_eq!(rate.interval() * rate.burst().get(), Duration::from_secs(seconds.into()));
        }
        for other in ["", "600", "0/min", "-1/s", "1/day", "/s", "1.5/s"] {
            assert!(other.parse::<RequestRate>().is_err(), "{other}");
        }
    }

    #[test]
    fn rates_are_ordered_by_operations_per_time_whatever_their_units() {
        let rates = ["1/h", "59/min", "3599/h", "1/s", "60/min", "3600/h", "61/min", "2/s"];
        let rates = rates.map(|rate| rate.parse::<RequestRate>().unwrap());
        assert!(rates.is_sorted_by(|one, other| one < other), "{rates:?}");
    }
}
