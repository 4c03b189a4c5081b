//! The program itself: its commands, its life from start to end, and its answers over HTTP; and how its parts may
//! lean on each other.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod attacks;
mod commands;
mod faults;
mod life;
mod process;
mod protocol;
mod readme;
#[path = "../support/mod.rs"]
mod support;
