//! An operation from its parameters to its results, for those ways on which there may be many of them.

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
use crate::schema::{Executed, OperationKind, Prepared};

/// Finds the document that is meant, and reads it.
pub(super) fn prepare(mut parameters: Parameters, state: &State) -> Result<Prepared, Refusal> {
    let text = state.documents.text(&mut parameters)?;
    let mut request = Request::new(text).variables(parameters.variables);
    request.operation_name = parameters.operation_name;
    state.schema.prepare(request).map_err(Refusal::of_document)
}

/// The results of an operation, as they come. Nothing is kept for one who does not ask for the next: of a subscription
/// it misses what lies between.
pub(super) fn results(
    prepared: Prepared,
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
            // Its statements are those of a run that others may share.
            if let Some(first) = observation.take() {
                first.end(&executed, Vec::new()).tell(&state);
            }
            Ok(executed)
        });
        return observed.boxed();
    }
    // It runs whether somebody asks or not: a transaction must not wait for a slow reader. Dropped, it ends.
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
