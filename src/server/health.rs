//! Whether the service is there, and whether it can answer.

use actix_web::{HttpResponse, web};

use super::State;
use crate::execute::SqlError;

/// The process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// The database can be reached too, at this moment, and takes writes: a pool may be busy, or hold connections that are broken.
pub(super) async fn ready(state: web::Data<State>) -> HttpResponse {
    let Err(error) = state.database.reach().await else {
        return HttpResponse::Ok().body("ok\n");
    };
    tracing::warn!(%error, "the database cannot be used");
    HttpResponse::ServiceUnavailable().body(match error {
        SqlError::ReadOnly => "the database takes no writes\n",
        _ => "the database cannot be reached\n",
    })
}
