//! Liveness and readiness checks.

use actix_web::{HttpResponse, web};

use super::State;

/// Liveness check: the process responds.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// Readiness check: pings the database now, because a pool may be busy or hold broken connections.
pub(super) async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.database.reach().await {
        Ok(()) => HttpResponse::Ok().body("ok\n"),
        Err(error) => {
            tracing::warn!(%error, "the database cannot be reached");
            HttpResponse::ServiceUnavailable().body("the database cannot be reached\n")
        }
    }
}
