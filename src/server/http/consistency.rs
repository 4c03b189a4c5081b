//! Consistency tokens: a query reads no state before that of the token which its client brings.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;

use super::answer::{CONSISTENCY, HttpRefusal};
use super::parameters::{Extensions, GraphqlRequest};
use crate::database::{ConsistencyToken, TOKEN};
use crate::error::Error;
use crate::server::state::ServiceState;

/// Takes the token of the header, which replaces that of the extensions, and checks that the database has its state. The token of
/// a mutation before in the same batch, `written`, replaces both.
///
/// # Errors
/// If the text is no token, or the database has not had its state: the operation is not executed.
pub(in crate::server) async fn require(
    http: &HttpRequest,
    request: &mut GraphqlRequest,
    written: Option<String>,
    state: &ServiceState,
) -> Result<(), HttpRefusal> {
    let header = http.headers().get(CONSISTENCY);
    let sent = header.map(|token| String::from_utf8_lossy(token.as_bytes()).into_owned());
    if let Some(token) = written.or(sent) {
        request.extensions.consistency = Some(token);
    }
    match (token(&request.extensions, state)?, state.database.replicas()) {
        (Some(token), Some(replicas)) => replicas.check(&token).await.map_err(|error| refusal(&error)),
        _ => Ok(()),
    }
}

/// Reads the token of a request. Without replicas every query reads the newest state, and no token is read.
///
/// # Errors
/// If the text is no token.
pub(super) fn token(
    extensions: &Extensions,
    state: &ServiceState,
) -> Result<Option<ConsistencyToken>, HttpRefusal> {
    let (Some(text), Some(_)) = (&extensions.consistency, state.database.replicas()) else {
        return Ok(None);
    };
    let token = text.parse::<ConsistencyToken>();
    token.map(Some).map_err(|error| refusal(&Error::bad_input(TOKEN, text.as_str().into(), error)))
}

/// Builds a refusal with the same status under both media types, as the token is no part of the document.
fn refusal(error: &Error) -> HttpRefusal {
    HttpRefusal::of(StatusCode::BAD_REQUEST, error)
}
