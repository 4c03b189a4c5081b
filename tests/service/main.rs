//! Program: commands, life cycle and responses over HTTP; and the import rules between its parts.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod attack_numbers;
mod attacks;
mod audit;
mod batches;
mod caches;
mod changed;
mod checked;
mod client;
mod cluster;
mod commands;
mod concurrency_limit;
mod cors;
mod documents;
mod events;
mod failover;
mod faults;
mod file;
mod foreign;
mod generate;
mod guide;
mod headers;
mod impersonation;
mod impersonation_faults;
mod left;
mod life;
mod live;
mod metrics;
mod negotiation;
mod operations;
mod opposed;
mod outage;
mod page;
mod parameters;
mod partition;
mod pgpool;
mod pool;
mod pooler;
mod process;
mod processes;
mod production;
mod protocol;
mod readme;
mod redis;
mod refusing;
mod reload;
mod replicas;
mod roles;
mod rolling;
mod sign_in;
mod snapshot;
mod socket_client;
mod sockets;
mod starting;
#[path = "../support/mod.rs"]
mod support;
mod tenants;
mod told;
#[cfg(feature = "opentelemetry")]
mod traces;
mod two_tenants;
mod wording;
