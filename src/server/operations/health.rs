//! Liveness and readiness checks.

use actix_web::{HttpResponse, web};

use super::audit::AuditLog;
use crate::database::{ReplicaStatus, SqlError};
use crate::server::state::ServiceState;

/// Liveness check: the process responds.
pub(in crate::server) async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// Readiness check: pings the database now, because a pool may be busy or hold broken connections. A database
/// that accepts no writes is not ready, nor is a sign-in without keys, nor an audit log that cannot be written, nor a process
/// that is about to end.
pub(in crate::server) async fn ready(state: web::Data<ServiceState>) -> HttpResponse {
    if state.drain.has_begun() {
        return HttpResponse::ServiceUnavailable().body("the service is shutting down\n");
    }
    if let Err(error) = state.database.reach().await {
        tracing::warn!(%error, "the database cannot be used");
        return HttpResponse::ServiceUnavailable().body(match error {
            SqlError::ReadOnly => "the database accepts no writes\n",
            _ => "the database cannot be reached\n",
        });
    }
    if state.audit.as_ref().is_some_and(AuditLog::is_failing) {
        return HttpResponse::ServiceUnavailable().body("the audit log cannot be written\n");
    }
    if let Some(authenticator) = &state.generation.get().authenticator
        && let Err(error) = authenticator.ready().await
    {
        tracing::warn!(%error, "credentials cannot be verified");
        return HttpResponse::ServiceUnavailable().body("sign-in is not available\n");
    }
    match state.database.replicas() {
        None => alive().await,
        Some(replicas) => HttpResponse::Ok().body(format!("ok\n{}", lines(&replicas.status()))),
    }
}

/// Describes the replicas by their numbers in the settings: the primary serves for those that are left out.
fn lines<N>(replicas: &[ReplicaStatus<N>]) -> String {
    let line = |(number, replica): (usize, &ReplicaStatus<N>)| {
        let number = number + 1;
        match (replica.left_out, replica.bytes_behind, replica.behind) {
            (None, Some(bytes), Some(behind)) => {
                format!("replica {number}: {bytes} bytes and {:.1} s behind\n", behind.as_secs_f64())
            }
            (reason, ..) => format!("replica {number}: left out, {}\n", reason.unwrap_or("unknown")),
        }
    };
    replicas.iter().enumerate().map(line).collect()
}
