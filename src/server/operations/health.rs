//! Liveness and readiness checks.

use actix_web::{HttpResponse, web};

use crate::database::SqlError;
use crate::server::state::ServiceState;

/// Liveness check: the process responds.
pub(in crate::server) async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// Checks that credentials can be verified.
async fn signs_in(state: &ServiceState) -> HttpResponse {
    let Some(authenticator) = &state.authenticator else { return HttpResponse::Ok().body("ok\n") };
    match authenticator.ready().await {
        Ok(()) => HttpResponse::Ok().body("ok\n"),
        Err(error) => {
            tracing::warn!(%error, "credentials cannot be verified");
            HttpResponse::ServiceUnavailable().body("sign-in is not available\n")
        }
    }
}

/// Readiness check: pings the database now, because a pool may be busy or hold broken connections. A database
/// that accepts no writes is not ready.
pub(in crate::server) async fn ready(state: web::Data<ServiceState>) -> HttpResponse {
    let Err(error) = state.database.reach().await else {
        return signs_in(&state).await;
    };
    tracing::warn!(%error, "the database cannot be used");
    HttpResponse::ServiceUnavailable().body(match error {
        SqlError::ReadOnly => "the database accepts no writes\n",
        _ => "the database cannot be reached\n",
    })
}
