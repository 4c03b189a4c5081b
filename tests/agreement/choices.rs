//! Randomness that shrinks: all random decisions are drawn from a list of numbers that proptest generates.
//! Zero is the simplest choice, and an exhausted list yields zeros. So a failure shrinks automatically:
//! shorter lists and smaller numbers mean simpler rows and queries.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

/// Consumed list of choices.
pub struct Choices<'a> {
    rest: std::slice::Iter<'a, u16>,
}

impl<'a> Choices<'a> {
    pub fn new(numbers: &'a [u16]) -> Self {
        Self { rest: numbers.iter() }
    }

    /// Returns a number less than `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.rest.next().copied().unwrap_or(0)) % bound
    }

    /// Returns true once in `whole` times.
    pub fn once_in(&mut self, whole: usize) -> bool {
        self.below(whole) == whole - 1
    }

    pub fn pick<'b, T>(&mut self, items: &'b [T]) -> &'b T {
        &items[self.below(items.len())]
    }

    /// Returns up to `most` different numbers less than `bound`, in any order.
    pub fn some_below(&mut self, bound: usize, most: usize) -> Vec<usize> {
        let mut left: Vec<usize> = (0..bound).collect();
        let count = self.below(most.min(bound) + 1);
        (0..count).map(|_| left.remove(self.below(left.len()))).collect()
    }
}

/// Generates lists of up to `length` choices.
pub fn choices(length: usize) -> impl Strategy<Value = Vec<u16>> {
    vec(any::<u16>(), length / 2..=length)
}

/// Returns the choices of a test with a single case.
pub fn fixed(length: usize) -> Vec<u16> {
    choices(length).new_tree(&mut TestRunner::new(config(1))).unwrap().current()
}

/// Panics with the reason of the smallest failing case.
pub fn expect<T>(result: Result<(), TestError<T>>) {
    if let Err(reason) = fault(result) {
        panic!("{reason}");
    }
}

/// Returns the reason of the smallest failing case.
pub fn fault<T>(result: Result<(), TestError<T>>) -> Result<(), String> {
    result.map_err(|error| match error {
        TestError::Fail(reason, _) | TestError::Abort(reason) => reason.to_string(),
    })
}

/// Returns the configuration of a test that is to fail: its cases are not made smaller.
pub fn failing(cases: u32) -> Config {
    Config { max_shrink_iters: 0, ..config(cases) }
}

/// Returns the configuration: the same `cases` cases in every run, and limited shrinking, unless the
/// environment overrides it (`PROPTEST_CASES`, `PROPTEST_RNG_SEED` and others).
pub fn config(cases: u32) -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    let is_set = |name| std::env::var_os(name).is_some();
    if !is_set("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !is_set("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(0);
    }
    if !is_set("PROPTEST_MAX_SHRINK_ITERS") {
        config.max_shrink_iters = 4_000;
    }
    if !is_set("PROPTEST_MAX_SHRINK_TIME") {
        config.max_shrink_time = 20_000;
    }
    config
}
