//! Operation of the service: request scope, limits, records, metrics, traces, health checks, and headers.

pub(super) mod audit;
pub(super) mod concurrency_limit;
pub(super) mod cors;
mod headers;
pub(super) mod health;
pub(super) mod metrics;
pub(super) mod operation_record;
pub(super) mod recorder;
mod request_id;
pub(super) mod request_log;
pub(super) mod request_rate;
pub(super) mod request_scope;
#[cfg(feature = "opentelemetry")]
pub mod traces;
