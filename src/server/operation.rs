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
    let observation = Observation::begin(&prepared);
    if prepared.kind() == OperationKind::Subscription {
        let held = state.metrics.subscription();
        let results = state.schema.subscribe(prepared, &state.connection);
        let state = state.clone();
        let observe = move |executed: Arc<Executed>| {
            let _ = &held;
            observation.of_result(&executed).tell(&state);
            Ok(executed)
        };
        return results.map(observe).boxed();
    }
    // It runs whether somebody asks or not: a transaction must not wait for a slow reader. Dropped, it ends.
    let mut running = JoinSet::new();
    let state = state.clone();
    let run = async move {
        let executed = state.gate.pass(state.schema.run(prepared, &state.connection)).await?;
        observation.of_result(&executed).tell(&state);
        Ok(Arc::new(executed))
    };
    running.spawn(run.in_current_span());
    stream::once(async move {
        match running.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => Err(Error::internal(error)),
            None => Err(Error::internal("an operation ended without a result")),
        }
    })
    .boxed()
}
