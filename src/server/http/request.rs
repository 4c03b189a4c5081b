//! GraphQL requests as HTTP carries them: parameters, and the methods that may carry them.

use actix_web::http::Method;
use actix_web::{HttpRequest, web};

use super::answer::HttpRefusal;
use super::body::{self, BodyLimits};
use super::parameters::{GraphqlRequest, RequestBody};
use crate::schema::OperationKind;

/// Methods of the GraphQL endpoint.
pub(super) const METHODS: &str = "GET, HEAD, POST, OPTIONS";

/// Reads the parameters of a request. A batch has at most `largest_batch` requests; 0 refuses batches.
pub(in crate::server) async fn read(
    http: &HttpRequest,
    payload: &mut web::Payload,
    limits: BodyLimits,
    largest_batch: usize,
) -> Result<RequestBody, HttpRefusal> {
    match *http.method() {
        Method::GET | Method::HEAD => {
            Ok(RequestBody::One(GraphqlRequest::from_query_string(http.query_string())?))
        }
        Method::POST => {
            let body = body::read(http, payload, limits).await?;
            Ok(RequestBody::from_json(&body, largest_batch)?)
        }
        _ => Err(HttpRefusal::of_method(
            METHODS,
            "unsupported method: expected GET or POST; send a document by POST, as JSON such as {\"query\": \"{ __typename }\"}",
        )),
    }
}

/// Refuses a mutation that was not sent by POST: a link could be followed by accident, or embedded in a
/// foreign page as an image.
pub(in crate::server) fn check_method(http: &HttpRequest, kind: OperationKind) -> Result<(), HttpRefusal> {
    if kind == OperationKind::Mutation && http.method() != Method::POST {
        return Err(HttpRefusal::of_method(
            "POST",
            "a mutation must be sent by POST, as JSON such as {\"query\": \"mutation { … }\"}",
        ));
    }
    Ok(())
}
