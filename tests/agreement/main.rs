//! Crowsfoot against a second, naive executor over random rows, and what holds of every list.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod agreement;
mod answer;
mod ask;
mod attacks;
mod bounds;
mod catalog;
mod cell;
mod choices;
mod concurrency;
mod domain;
mod grants;
mod guard;
mod kept_plans;
mod kept_writes;
mod known;
mod live;
mod naive;
mod native;
mod patterns;
mod planted;
mod policies;
mod policy_faults;
mod properties;
mod query;
mod random_query;
mod storage_classes;
mod stored;
#[path = "../support/mod.rs"]
mod support;
mod syntax;
mod tables;
mod unindexed;
mod values;
mod variables;
mod walks;
mod world;
mod writing;
mod writing_law;
