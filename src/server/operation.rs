//! Operations over transports that may carry several results.

use std::sync::Arc;

use actix_web::web;
use async_graphql::Request;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::State;
use super::answer::Refusal;
use super::observation::Observation;
use super::parameters::Parameters;
use crate::error::{Error, Result};
use crate::schema::{Executed, OperationKind, PreparedOperation};

/// Looks the document up and prepares its operation.
pub(super) fn prepare(mut parameters: Parameters, state: &State) -> Result<PreparedOperation, Refusal> {
    let text = state.documents.text(&mut parameters)?;
    let mut request = Request::new(text).variables(parameters.variables);
    request.operation_name = parameters.operation_name;
    state.schema.prepare(request).map_err(Refusal::of_document)
}

/// Returns the results of an operation as a stream. No result is queued: a slow subscriber of a subscription
/// misses those in between.
pub(super) fn results(
    prepared: PreparedOperation,
    state: &web::Data<State>,
) -> BoxStream<'static, Result<Arc<Executed>>> {
    let state = state.clone();
    let observation = Observation::begin(&prepared);
    if prepared.kind() == OperationKind::Subscription {
        let listens = state.metrics.subscription();
        let mut observation = Some(observation);
        let results = state.schema.subscribe(prepared, &state.database);
        let observed = results.map(move |executed| {
            let _counted = &listens;
            // The statements belong to a run that several subscribers may share.
            if let Some(first) = observation.take() {
                first.end(&executed, Vec::new()).tell(&state);
            }
            Ok(executed)
        });
        return observed.boxed();
    }
    // Runs without being polled: a transaction must not wait for a slow reader. Dropping the set cancels the
    // run.
    let mut running = JoinSet::new();
    let run = async move {
        let mut executed = state.gate.pass(state.schema.run(prepared, &state.database)).await?;
        let statements = std::mem::take(&mut executed.statements);
        observation.end(&executed, statements).tell(&state);
        Ok(Arc::new(executed))
    };
    running.spawn(run.in_current_span());
    stream::once(async move {
        match running.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => Err(Error::internal(error)),
            None => Err(Error::internal("the operation ended without a result")),
        }
    })
    .boxed()
}
