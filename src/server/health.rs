//! Whether the service is there, and whether it can answer.

use actix_web::{HttpResponse, web};

use super::State;

/// The process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// The database answers too.
pub(super) async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.database.ping().await {
        Ok(()) => HttpResponse::Ok().body("ok\n"),
        Err(error) => {
            tracing::warn!(%error, "the database is away");
            HttpResponse::ServiceUnavailable().body("the database cannot be reached\n")
        }
    }
}
