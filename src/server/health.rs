//! Whether the service is there, and whether it can answer.

use actix_web::{HttpResponse, web};

use super::State;

/// The process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// The database can be reached too, at this moment: a pool may be busy, or hold connections that are broken.
pub(super) async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.database.reach().await {
        Ok(()) => HttpResponse::Ok().body("ok\n"),
        Err(error) => {
            tracing::warn!(%error, "the database cannot be reached");
            HttpResponse::ServiceUnavailable().body("the database cannot be reached\n")
        }
    }
}
