//! Page of all metrics at their current values.

use actix_web::{HttpResponse, web};

use super::nodes;
use crate::server::settings::DroppedLogLines;
use crate::server::state::ServiceState;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the metrics of all workers.
pub(in crate::server) async fn show(state: web::Data<ServiceState>) -> HttpResponse {
    let dropped = state.dropped_log_lines.as_ref().map_or(0, DroppedLogLines::count);
    let text = state.recorder.metrics.render(state.database.pool_use(), dropped).and_then(|text| {
        let replicas = state.database.replicas().map(nodes::render).transpose()?;
        Ok(text + replicas.as_deref().unwrap_or_default())
    });
    match text {
        Ok(text) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be encoded");
            HttpResponse::InternalServerError().finish()
        }
    }
}
