//! GraphQL over HTTP: from the request to the response.

use std::pin::pin;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::answer::{self, Answer, Refusal};
use super::negotiation::{self, Media, Wanted};
use super::observation::Observation;
use super::parameters::{Asked, Parameters};
use super::{State, body, events, operation};
use crate::error::Error;
use crate::schema::{Executed, OperationKind};

/// Request header that asks for the statements of a response, in development only.
const EXPLAIN: &str = "Crowsfoot-Explain";

const METHODS: &str = "GET, HEAD, POST, OPTIONS";

/// Serves every request to the GraphQL endpoint.
pub(super) async fn serve(
    http: HttpRequest,
    mut payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    let response = match negotiation::wanted(&http) {
        _ if http.method() == Method::OPTIONS => answer::options(METHODS),
        Wanted::Events => Box::pin(events::serve(&http, &mut payload, &state)).await,
        Wanted::Answer(media) => answer::write(&http, media, answer(&http, &mut payload, &state).await),
        Wanted::Nothing => answer::write(&http, Media::Json, Err(not_acceptable())),
    };
    if response.status().is_success() { response } else { body::end(payload, response) }
}

fn not_acceptable() -> Refusal {
    let message = format!(
        "unsupported Accept header: expected {}, {} or text/event-stream",
        Media::GraphqlResponse.content_type(),
        Media::Json.content_type()
    );
    Refusal::of(StatusCode::NOT_ACCEPTABLE, &Error::bad_request(message))
}

/// Reads the parameters of a request. A batch has at most `largest_batch` requests; 0 refuses batches.
pub(super) async fn read(
    http: &HttpRequest,
    payload: &mut web::Payload,
    state: &State,
    largest_batch: usize,
) -> Result<Asked, Refusal> {
    match *http.method() {
        Method::GET | Method::HEAD => Ok(Asked::One(Parameters::from_query_string(http.query_string())?)),
        Method::POST => {
            let body = body::read(http, payload, state.body).await?;
            Ok(Asked::from_json(&body, largest_batch)?)
        }
        _ => Err(Refusal::of_method(METHODS, "unsupported method: expected GET or POST")),
    }
}

/// Refuses a mutation that was not sent by POST: a link could be followed by accident, or embedded in a
/// foreign page as an image.
pub(super) fn check_method(http: &HttpRequest, kind: OperationKind) -> Result<(), Refusal> {
    if kind == OperationKind::Mutation && http.method() != Method::POST {
        return Err(Refusal::of_method("POST", "a mutation must be sent by POST"));
    }
    Ok(())
}

async fn answer(http: &HttpRequest, payload: &mut web::Payload, state: &State) -> Result<Answer, Refusal> {
    let asked = read(http, payload, state, state.largest_batch).await?;
    let answer = pin!(async {
        match asked {
            Asked::One(parameters) => {
                execute(http, parameters, state).await.map(|executed| Answer::One(Box::new(executed)))
            }
            Asked::Many(batch) => {
                let mut answers = Vec::with_capacity(batch.len());
                // In sequence: each request reads what the earlier ones wrote.
                for parameters in batch {
                    answers.push(execute(http, parameters, state).await);
                }
                Ok(Answer::Many(answers))
            }
        }
    });
    state.gate.pass(answer).await?
}

async fn execute(http: &HttpRequest, parameters: Parameters, state: &State) -> Result<Executed, Refusal> {
    let prepared = operation::prepare(parameters, state)?;
    check_method(http, prepared.kind())?;
    if prepared.kind() == OperationKind::Subscription {
        return Err(
            Error::bad_request("a subscription needs a WebSocket or Accept: text/event-stream").into()
        );
    }
    let observation = Observation::begin(&prepared);
    let mut executed = state.schema.run(prepared, &state.database).await;
    let statements = &executed.statements;
    if state.development && http.headers().get(EXPLAIN).is_some_and(|value| value == "1") {
        let statements: Vec<Json> = statements.iter().map(|statement| statement.to_json()).collect();
        executed.extensions.insert("explain".to_owned(), json!({ "statements": statements }));
    }
    let statements = std::mem::take(&mut executed.statements);
    observation.end(&executed, statements).belongs_to(http);
    Ok(executed)
}
