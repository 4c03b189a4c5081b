//! Invariants of writes: random changes against a model of expected states, concurrent clients, and
//! interruptions.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bulk;
mod change;
#[path = "../agreement/choices.rs"]
#[allow(dead_code, reason = "the other binary uses more of it")]
mod choices;
mod client;
mod concurrency;
mod domain;
mod faults;
mod interruption;
#[path = "../service/process.rs"]
#[allow(dead_code, reason = "the other binary uses more of it")]
mod process;
mod random_change;
mod sequences;
#[path = "../support/mod.rs"]
mod support;
mod world;
