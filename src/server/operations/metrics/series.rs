//! Declarations of the metrics. Labels have few values, all known here: no client input becomes a label.
//! Every series is looked up once, at the start.

use std::time::{Duration, SystemTime};

use actix_web::http::StatusCode;
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, IntCounter, IntGauge, Registry, register_histogram_vec_with_registry,
    register_histogram_with_registry, register_int_counter_vec_with_registry,
    register_int_counter_with_registry, register_int_gauge_vec_with_registry,
    register_int_gauge_with_registry,
};
use sea_orm::Iterable;

use crate::database::PoolUse;
use crate::error::Code;
use crate::schema::OperationKind;
use crate::server::operations::operation_record::{OperationRecord, Outcome};

/// Kinds of operations; `None` for a request whose operation could not be read.
const KINDS: [Option<OperationKind>; 4] =
    [Some(OperationKind::Query), Some(OperationKind::Mutation), Some(OperationKind::Subscription), None];

/// Label of a request whose operation could not be read, and of custom codes of hand-written fields.
const OTHER: &str = "other";

/// Classes of HTTP statuses.
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Histogram bounds of durations, in seconds.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Histogram bounds of statements per request.
const STATEMENTS: &[f64] = &[0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0];

/// Histogram bounds of rows per statement.
const ROWS: &[f64] = &[0.0, 1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0];

/// Metrics of a worker, in a registry of its own.
pub(in crate::server) struct Series {
    registry: Registry,
    /// By kind, then by outcome.
    requests: Vec<Vec<IntCounter>>,
    /// By kind.
    durations: Vec<Histogram>,
    /// By code.
    errors: Vec<IntCounter>,
    /// By status class.
    responses: Vec<IntCounter>,
    statements_per_request: Histogram,
    rows_per_statement: Histogram,
    statement_durations: Histogram,
    rows: IntCounter,
    idle_connections: IntGauge,
    busy_connections: IntGauge,
    sockets: IntGauge,
    subscriptions: IntGauge,
    dropped_log_lines: IntCounter,
}

impl Series {
    /// Declares every metric.
    ///
    /// # Errors
    /// If two metrics have the same name.
    pub(in crate::server) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let requests = register_int_counter_vec_with_registry!(
            "crowsfoot_requests_total",
            "GraphQL requests by operation kind and outcome.",
            &["operation", "outcome"],
            registry
        )?;
        let durations = register_histogram_vec_with_registry!(
            "crowsfoot_request_duration_seconds",
            "Duration of GraphQL requests, in seconds.",
            &["operation"],
            SECONDS.to_vec(),
            registry
        )?;
        let errors = register_int_counter_vec_with_registry!(
            "crowsfoot_errors_total",
            "Errors in responses by extensions.code.",
            &["code"],
            registry
        )?;
        let responses = register_int_counter_vec_with_registry!(
            "crowsfoot_http_responses_total",
            "HTTP responses of all routes by status class.",
            &["status"],
            registry
        )?;
        let connections = register_int_gauge_vec_with_registry!(
            "crowsfoot_pool_connections",
            "Database connections by state.",
            &["state"],
            registry
        )?;
        let series = Self {
            requests: KINDS
                .map(|kind| Outcome::ALL.map(|how| requests.with_label_values(&[label(kind), how.as_str()])))
                .map(Vec::from)
                .into(),
            durations: KINDS.map(|kind| durations.with_label_values(&[label(kind)])).into(),
            errors: Code::iter().map(|code| errors.with_label_values(&[code.as_str()])).collect(),
            responses: STATUSES.map(|status| responses.with_label_values(&[status])).into(),
            statements_per_request: register_histogram_with_registry!(
                "crowsfoot_statements_per_request",
                "SQL statements per GraphQL request.",
                STATEMENTS.to_vec(),
                registry
            )?,
            rows_per_statement: register_histogram_with_registry!(
                "crowsfoot_rows_per_statement",
                "Rows returned per SQL statement.",
                ROWS.to_vec(),
                registry
            )?,
            statement_durations: register_histogram_with_registry!(
                "crowsfoot_statement_duration_seconds",
                "Duration of SQL statements until the last row, in seconds, including the wait for a connection.",
                SECONDS.to_vec(),
                registry
            )?,
            rows: register_int_counter_with_registry!(
                "crowsfoot_rows_total",
                "Rows returned by SQL statements.",
                registry
            )?,
            idle_connections: connections.with_label_values(&["idle"]),
            busy_connections: connections.with_label_values(&["busy"]),
            sockets: register_int_gauge_with_registry!(
                "crowsfoot_sockets",
                "Open WebSockets and event streams.",
                registry
            )?,
            subscriptions: register_int_gauge_with_registry!(
                "crowsfoot_subscriptions",
                "Active subscriptions.",
                registry
            )?,
            dropped_log_lines: register_int_counter_with_registry!(
                "crowsfoot_log_lines_dropped_total",
                "Log lines that were dropped because the log was not written fast enough.",
                registry
            )?,
            registry,
        };
        Ok(series)
    }

    /// Registers and sets the metrics that are constant for the process.
    pub(in crate::server) fn set_process_metrics(&self) -> prometheus::Result<()> {
        let started = register_int_gauge_with_registry!(
            "process_start_time_seconds",
            "Start time of the process, in seconds since the Unix epoch.",
            self.registry
        )?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        started.set(i64::try_from(now.as_secs()).unwrap_or_default());
        let build = register_int_gauge_vec_with_registry!(
            "crowsfoot_build_info",
            "Build information in the labels; always 1.",
            &["version"],
            self.registry
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(())
    }

    /// Counts a finished operation.
    pub(in crate::server) fn observe(&self, operation: &OperationRecord, elapsed: Duration) {
        let kind = operation.kind.map_or(KINDS.len() - 1, |kind| kind as usize);
        self.requests[kind][operation.outcome as usize].inc();
        self.durations[kind].observe(elapsed.as_secs_f64());
        for code in &operation.codes {
            self.errors[*code as usize].inc();
        }
        self.statements_per_request.observe(operation.statements.len() as f64);
        for statement in &operation.statements {
            self.rows_per_statement.observe(statement.rows as f64);
            self.statement_durations.observe(statement.elapsed.as_secs_f64());
        }
        self.rows.inc_by(operation.rows() as u64);
    }

    /// Counts a response of any route.
    pub(in crate::server) fn count_response(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100);
        if let Some(responses) = class.checked_sub(1).and_then(|class| self.responses.get(class)) {
            responses.inc();
        }
    }

    /// Counts a socket as open until the returned guard is dropped.
    pub(in crate::server) fn socket(&self) -> GaugeGuard {
        GaugeGuard::of(&self.sockets)
    }

    /// Counts a subscription as active until the returned guard is dropped.
    pub(in crate::server) fn subscription(&self) -> GaugeGuard {
        GaugeGuard::of(&self.subscriptions)
    }

    /// Sets the current number of connections.
    pub(in crate::server) fn set_connections(&self, pool: PoolUse) {
        self.idle_connections.set(i64::from(pool.idle));
        self.busy_connections.set(i64::from(pool.busy));
    }

    /// Sets the number of log lines that were dropped since the start.
    pub(in crate::server) fn set_dropped_log_lines(&self, lines: u64) {
        self.dropped_log_lines.inc_by(lines.saturating_sub(self.dropped_log_lines.get()));
    }

    /// Collects all metrics at their current values.
    pub(in crate::server) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

/// Guard that counts one in a gauge until dropped.
pub(in crate::server) struct GaugeGuard(IntGauge);

impl GaugeGuard {
    fn of(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn label(kind: Option<OperationKind>) -> &'static str {
    kind.map_or(OTHER, OperationKind::as_str)
}
