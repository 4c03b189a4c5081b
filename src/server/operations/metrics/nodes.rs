//! Metrics of the nodes of a database with replicas, read when the page is written. The label names the address of the node.

use prometheus::{
    GaugeVec, IntCounterVec, IntGaugeVec, Registry, TextEncoder, register_gauge_vec_with_registry,
    register_int_counter_vec_with_registry, register_int_gauge_vec_with_registry,
};

use crate::database::{Database, Replicas};

/// Label of the primary, whichever host that is.
const PRIMARY: &str = "primary";

/// Series by node.
struct NodeSeries {
    registry: Registry,
    reads: IntCounterVec,
    serves: IntGaugeVec,
    bytes_behind: IntGaugeVec,
    seconds_behind: GaugeVec,
    connections: IntGaugeVec,
}

impl NodeSeries {
    fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        Ok(Self {
            reads: register_int_counter_vec_with_registry!(
                "crowsfoot_node_queries_total",
                "Queries, and runs of live queries, by node.",
                &["node"],
                registry
            )?,
            serves: register_int_gauge_vec_with_registry!(
                "crowsfoot_replica_serves",
                "1 for a replica that serves queries, 0 for one that is left out.",
                &["node"],
                registry
            )?,
            bytes_behind: register_int_gauge_vec_with_registry!(
                "crowsfoot_replica_lag_bytes",
                "Bytes of the log of the primary that a replica has not replayed.",
                &["node"],
                registry
            )?,
            seconds_behind: register_gauge_vec_with_registry!(
                "crowsfoot_replica_lag_seconds",
                "Maximum age of the state of a replica, in seconds.",
                &["node"],
                registry
            )?,
            connections: register_int_gauge_vec_with_registry!(
                "crowsfoot_replica_connections",
                "Connections to a replica by state.",
                &["node", "state"],
                registry
            )?,
            registry,
        })
    }
}

/// Writes the metrics of all nodes as text.
pub(super) fn render(replicas: &Replicas<Database>) -> prometheus::Result<String> {
    let series = NodeSeries::new()?;
    series.reads.with_label_values(&[PRIMARY]).inc_by(replicas.reads_of_primary());
    for replica in replicas.status() {
        let node = replica.name.as_str();
        series.reads.with_label_values(&[node]).inc_by(replica.reads);
        series.serves.with_label_values(&[node]).set(i64::from(replica.left_out.is_none()));
        if let Some(bytes) = replica.bytes_behind {
            series.bytes_behind.with_label_values(&[node]).set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        if let Some(behind) = replica.behind {
            series.seconds_behind.with_label_values(&[node]).set(behind.as_secs_f64());
        }
        if let Some(database) = replica.node {
            let pool = database.pool_use();
            for (state, count) in [("idle", pool.idle), ("busy", pool.busy)] {
                series.connections.with_label_values(&[node, state]).set(i64::from(count));
            }
        }
    }
    TextEncoder::new().encode_to_string(&series.registry.gather())
}
