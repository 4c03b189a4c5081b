//! Liveness and readiness checks.

use actix_web::{HttpResponse, web};

use crate::database::SqlError;
use crate::server::state::ServiceState;

/// Liveness check: the process responds.
pub(in crate::server) async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// Readiness check: pings the database now, because a pool may be busy or hold broken connections. A database
/// that accepts no writes is not ready.
pub(in crate::server) async fn ready(state: web::Data<ServiceState>) -> HttpResponse {
    let Err(error) = state.database.reach().await else {
        return HttpResponse::Ok().body("ok\n");
    };
    tracing::warn!(%error, "the database cannot be used");
    HttpResponse::ServiceUnavailable().body(match error {
        SqlError::ReadOnly => "the database accepts no writes\n",
        _ => "the database cannot be reached\n",
    })
}
