//! GraphQL over HTTP: from the request to the response.

use std::pin::pin;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::answer::{self, HttpOutcome, HttpRefusal};
use super::negotiation::{self, Media, ResponseForm};
use super::operation::AdmittedOperation;
use super::parameters::{GraphqlRequest, RequestBody};
use super::request::{METHODS, check_method, read};
use super::{body, consistency, operation};
use crate::error::Error;
use crate::schema::{Executed, OperationKind};
use crate::server::generation::Admission;
use crate::server::operations::operation_record::{OperationRecord, RequestRecord};
use crate::server::realtime::events;
use crate::server::state::ServiceState;

/// Request header that asks for the statements of a response: in development, and for administrators.
const EXPLAIN: &str = "Crowsfoot-Explain";

/// Serves every request to the GraphQL endpoint.
pub(in crate::server) async fn serve(
    http: HttpRequest,
    mut payload: web::Payload,
    state: web::Data<ServiceState>,
) -> HttpResponse {
    let response = match negotiation::response_form(&http) {
        _ if http.method() == Method::OPTIONS => answer::options(METHODS),
        ResponseForm::Events => Box::pin(events::serve(&http, &mut payload, &state)).await,
        ResponseForm::Single(media) => answer::write(&http, media, answer(&http, &mut payload, &state).await),
        ResponseForm::NotAcceptable => answer::write(&http, Media::Json, Err(not_acceptable())),
    };
    if response.status().is_success() { response } else { body::end(payload, response) }
}

fn not_acceptable() -> HttpRefusal {
    let message = format!(
        "unsupported Accept header: expected {}, {} or text/event-stream; without the header, or with */*, the response is JSON",
        Media::GraphqlResponse.content_type(),
        Media::Json.content_type()
    );
    HttpRefusal::of(StatusCode::NOT_ACCEPTABLE, &Error::bad_request(message))
}

async fn answer(
    http: &HttpRequest,
    payload: &mut web::Payload,
    state: &ServiceState,
) -> Result<HttpOutcome, HttpRefusal> {
    let admission = state.admit(http.head()).await?;
    let body = read(http, payload, state.body, state.largest_batch).await?;
    let answer = pin!(async {
        match body {
            RequestBody::One(request) => execute(http, request, None, state, &admission)
                .await
                .map(|executed| HttpOutcome::One(Box::new(executed))),
            RequestBody::Many(batch) => {
                let mut answers: Vec<Result<Executed, HttpRefusal>> = Vec::with_capacity(batch.len());
                // In sequence: each request reads what the earlier ones wrote.
                for request in batch {
                    let written = answers.iter().flatten().filter_map(answer::token).next_back();
                    let written = written.map(str::to_owned);
                    answers.push(execute(http, request, written, state, &admission).await);
                }
                Ok(HttpOutcome::Many(answers))
            }
        }
    });
    state.concurrency.run(answer).await?
}

async fn execute(
    http: &HttpRequest,
    mut request: GraphqlRequest,
    written: Option<String>,
    state: &ServiceState,
    admission: &Admission,
) -> Result<Executed, HttpRefusal> {
    if state.database.replicas().is_some() {
        // Boxed: requests of a service without replicas would carry the space of it.
        Box::pin(consistency::require(http, &mut request, written, state)).await?;
    }
    let admitted = operation::prepare(request, state, admission, || RequestRecord::id(http))?;
    let AdmittedOperation { prepared, audit } = admitted;
    check_method(http, prepared.kind())?;
    if prepared.kind() == OperationKind::Subscription {
        return Err(
            Error::bad_request("a subscription needs a WebSocket or Accept: text/event-stream").into()
        );
    }
    let record = OperationRecord::begin(&prepared);
    let mut executed = admission.schema().run(prepared, &state.database).await;
    if let Some(audit) = &audit {
        audit.end(&executed).await;
    }
    let statements = &executed.statements;
    if state.insight.allows(&admission.access)
        && http.headers().get(EXPLAIN).is_some_and(|value| value == "1")
    {
        let statements: Vec<Json> = statements.iter().map(|statement| statement.to_json()).collect();
        executed.extensions.insert("explain".to_owned(), json!({ "statements": statements }));
    }
    let statements = std::mem::take(&mut executed.statements);
    record.end(&executed, statements).attach_to(http);
    Ok(executed)
}
