//! Metrics, and the page that shows them: `GET /metrics`, in Prometheus' text format 0.0.4.
//!
//! Each service has registries of its own, so two services in one process do not mix. Each worker has its own
//! registry, because shared counters would cause cache-line contention on every request. The page adds them
//! up.

mod nodes;
pub(in crate::server) mod page;
mod series;

use std::ops::Deref;
use std::sync::Arc;

use prometheus::TextEncoder;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, Metric, MetricFamily, MetricType};
pub(in crate::server) use series::GaugeGuard;
use series::Series;

use crate::database::PoolUse;

/// Metrics of a service, as seen by one worker: counts go to the worker's own series.
#[derive(Clone)]
pub(in crate::server) struct Metrics {
    own: usize,
    all: Arc<[Series]>,
}

impl Metrics {
    /// Creates the series of all workers and returns the first worker's view.
    pub(in crate::server) fn new(workers: usize) -> prometheus::Result<Self> {
        let first = Series::new()?;
        first.set_process_metrics()?;
        let others = (1..workers).map(|_| Series::new());
        let all: prometheus::Result<Vec<_>> = std::iter::once(Ok(first)).chain(others).collect();
        Ok(Self { own: 0, all: all?.into() })
    }

    /// Returns another worker's view; workers beyond the declared number share series.
    pub(in crate::server) fn of_worker(&self, worker: usize) -> Self {
        Self { own: worker % self.all.len(), all: self.all.clone() }
    }

    /// Sums the metrics of all workers as text.
    fn render(&self, pool: PoolUse, dropped_log_lines: u64) -> prometheus::Result<String> {
        self.all[0].set_connections(pool);
        self.all[0].set_dropped_log_lines(dropped_log_lines);
        let mut sums = self.all[0].gather();
        for series in &self.all[1..] {
            for family in series.gather() {
                if let Some(sum) = sums.iter_mut().find(|sum| sum.name() == family.name()) {
                    add(sum, &family);
                }
            }
        }
        TextEncoder::new().encode_to_string(&sums)
    }
}

impl Deref for Metrics {
    type Target = Series;

    fn deref(&self) -> &Series {
        &self.all[self.own]
    }
}

/// Adds the counts of another worker. All workers declare the same metrics, so positions match.
fn add(sum: &mut MetricFamily, family: &MetricFamily) {
    let kind = family.get_field_type();
    for (sum, metric) in sum.mut_metric().iter_mut().zip(family.get_metric()) {
        match kind {
            MetricType::COUNTER => {
                let mut counter = Counter::default();
                counter.set_value(sum.get_counter().get_value() + metric.get_counter().get_value());
                sum.set_counter(counter);
            }
            MetricType::GAUGE => {
                let mut gauge = Gauge::default();
                gauge.set_value(sum.get_gauge().get_value() + metric.get_gauge().get_value());
                sum.set_gauge(gauge);
            }
            MetricType::HISTOGRAM => add_histogram(sum, metric.get_histogram()),
            // No metric of another type is declared.
            MetricType::SUMMARY | MetricType::UNTYPED => {}
        }
    }
}

fn add_histogram(sum: &mut Metric, more: &Histogram) {
    let before = sum.get_histogram();
    let bucket = |(before, more): (&Bucket, &Bucket)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(before.upper_bound());
        bucket.set_cumulative_count(before.cumulative_count() + more.cumulative_count());
        bucket
    };
    let mut histogram = Histogram::default();
    histogram.set_bucket(before.get_bucket().iter().zip(more.get_bucket()).map(bucket).collect());
    histogram.set_sample_count(before.get_sample_count() + more.get_sample_count());
    histogram.set_sample_sum(before.get_sample_sum() + more.get_sample_sum());
    sum.set_histogram(histogram);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::http::StatusCode;

    use super::*;
    use crate::server::operations::operation_record::OperationRecord;

    #[test]
    fn the_page_shows_the_sums_of_all_workers() {
        let first = Metrics::new(2).unwrap();
        let second = first.of_worker(1);
        let (_one, _two) = (first.socket(), second.socket());
        drop(second.socket());
        for (metrics, status, elapsed) in [
            (&first, StatusCode::OK, 0.002),
            (&second, StatusCode::OK, 0.2),
            (&second, StatusCode::FOUND, 0.3),
        ] {
            metrics.count_response(status);
            metrics.observe(&OperationRecord::refused(&[]), Duration::from_secs_f64(elapsed));
        }
        let pool = PoolUse { idle: 3, busy: 1, room: 4 };
        let page = second.render(pool, 7).unwrap();
        for line in [
            "crowsfoot_sockets 2",
            "crowsfoot_http_responses_total{status=\"2xx\"} 2",
            "crowsfoot_http_responses_total{status=\"3xx\"} 1",
            "crowsfoot_requests_total{operation=\"other\",outcome=\"refused\"} 3",
            "crowsfoot_request_duration_seconds_bucket{operation=\"other\",le=\"0.0025\"} 1",
            "crowsfoot_request_duration_seconds_bucket{operation=\"other\",le=\"0.25\"} 2",
            "crowsfoot_request_duration_seconds_count{operation=\"other\"} 3",
            "crowsfoot_request_duration_seconds_sum{operation=\"other\"} 0.502",
            "crowsfoot_pool_connections{state=\"idle\"} 3",
            "crowsfoot_log_lines_dropped_total 7",
            concat!("crowsfoot_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
