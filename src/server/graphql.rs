//! GraphQL over HTTP: a request in, an answer out.

use actix_web::http::header::{ACCEPT, ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use async_graphql::{ErrorExtensionValues, Request, ServerError, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::State;
use super::request_id::RequestId;
use crate::error::{Code, Error};
use crate::schema::{Executed, OperationKind};

/// The largest request that is read, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// The header by which a client asks, in development, which statements its answer took.
const EXPLAIN: &str = "Crowsfoot-Explain";

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// Refuses larger bodies while they come in.
pub(super) fn body_limit() -> web::PayloadConfig {
    web::PayloadConfig::new(LARGEST_BODY)
}

/// A request as the GraphQL-over-HTTP specification has it, in a body or in a query string.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: String,
    operation_name: Option<String>,
    /// An object, in a query string as JSON text.
    variables: Option<Json>,
}

impl Parameters {
    fn into_request(self) -> Result<Request, Error> {
        let variables = match self.variables.unwrap_or(Json::Null) {
            Json::String(text) => {
                serde_json::from_str(&text).map_err(|_| Error::validation("variables are not JSON"))?
            }
            other => other,
        };
        if !variables.is_object() && !variables.is_null() {
            return Err(Error::validation("variables are not an object"));
        }
        let mut request = Request::new(self.query);
        if let Some(name) = self.operation_name {
            request = request.operation_name(name);
        }
        Ok(request.variables(async_graphql::Variables::from_json(variables)))
    }
}

/// A query or mutation in a JSON body.
pub(super) async fn post(
    http: HttpRequest,
    body: actix_web::Result<web::Bytes>,
    state: web::Data<State>,
) -> HttpResponse {
    // Only JSON: no form of a foreign page can send it without asking first.
    if !http.content_type().eq_ignore_ascii_case(JSON) {
        let error = Error::validation(format!("expected a body of type {JSON}"));
        return refuse(&http, StatusCode::UNSUPPORTED_MEDIA_TYPE, &error);
    }
    let body = match body {
        Ok(body) => body,
        // Such as one that is too large.
        Err(error) => {
            let status = error.as_response_error().status_code();
            return refuse(&http, status, &Error::validation(format!("the body cannot be read: {error}")));
        }
    };
    // Serde would take a list for the fields in their order.
    let parameters = if body.trim_ascii_start().starts_with(b"{") {
        serde_json::from_slice::<Parameters>(&body)
            .map_err(|error| Error::validation(format!("not a GraphQL request: {error}")))
    } else {
        Err(Error::validation("not a GraphQL request: expected a JSON object"))
    };
    answer(&http, parameters, &state).await
}

/// A query in the query string.
pub(super) async fn get(http: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let parameters = web::Query::<Parameters>::from_query(http.query_string()).map(web::Query::into_inner);
    let parameters = parameters.map_err(|error| Error::validation(format!("not a GraphQL request: {error}")));
    answer(&http, parameters, &state).await
}

async fn answer(http: &HttpRequest, parameters: Result<Parameters, Error>, state: &State) -> HttpResponse {
    let request = match parameters.and_then(Parameters::into_request) {
        Ok(request) => request,
        Err(error) => return refuse(http, StatusCode::BAD_REQUEST, &error),
    };
    let prepared = match state.schema.prepare(request) {
        Ok(prepared) => prepared,
        Err(error) => return respond(http, Executed::refused(error)),
    };
    if http.method() == Method::GET && prepared.kind() == OperationKind::Mutation {
        // A link could be followed by accident, or put into a foreign page as a picture.
        let mut response =
            refuse(http, StatusCode::METHOD_NOT_ALLOWED, &Error::validation("a mutation is sent by POST"));
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let mut executed = state.schema.run(prepared, &state.database).await;
    tracing::info!(
        statements = executed.statements.len(),
        rows = executed.statements.iter().map(|statement| statement.rows).sum::<usize>(),
        errors = executed.errors.len(),
        "executed"
    );
    if state.development && http.headers().get(EXPLAIN).is_some_and(|value| value == "1") {
        let statements: Vec<Json> = executed.statements.iter().map(|statement| statement.to_json()).collect();
        executed.extensions.insert("explain".to_owned(), serde_json::json!({ "statements": statements }));
    }
    respond(http, executed)
}

fn refuse(http: &HttpRequest, status: StatusCode, error: &Error) -> HttpResponse {
    let error =
        ServerError { locations: Vec::new(), ..error.to_server_error(Default::default(), Vec::new()) };
    HttpResponse::build(status).content_type(media_type(http)).body(body(http, Executed::refused(error)))
}

fn respond(http: &HttpRequest, executed: Executed) -> HttpResponse {
    // Section 6.4 of the specification: under its own media type a request that could not be executed is a 400.
    let media_type = media_type(http);
    let failed = executed.is_request_error() && media_type == GRAPHQL_RESPONSE;
    let status = if failed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    HttpResponse::build(status).content_type(media_type).body(body(http, executed))
}

fn media_type(http: &HttpRequest) -> &'static str {
    let accept = http.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains(GRAPHQL_RESPONSE) { GRAPHQL_RESPONSE } else { JSON }
}

fn body(http: &HttpRequest, mut executed: Executed) -> Vec<u8> {
    let id = http.extensions().get::<RequestId>().map(|id| id.0.clone());
    executed.errors.iter_mut().for_each(|error| name_request(error, id.as_deref()));
    executed.to_json()
}

/// An error that only the log explains carries the id to look for there; one without a code is such an error.
fn name_request(error: &mut ServerError, id: Option<&str>) {
    let internal = Value::from(Code::Internal.as_str());
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        tracing::error!(message = error.message, "a hand-written field failed");
        extensions.set("code", internal.clone());
    }
    if let Some(id) = id.filter(|_| extensions.get("code") == Some(&internal)) {
        extensions.set("requestId", id);
    }
}
