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

/// Says in the log what an answer took.
pub(super) fn log(executed: &Executed) {
    let statements = &executed.statements;
    tracing::info!(
        statements = statements.len(),
        rows = statements.iter().map(|statement| statement.rows).sum::<usize>(),
        errors = executed.errors.len(),
        "executed"
    );
}

/// The results of an operation, as they come. Nothing is kept for one who does not ask for the next: of a subscription
/// it misses what lies between.
pub(super) fn results(
    prepared: Prepared,
    state: &web::Data<State>,
) -> BoxStream<'static, Result<Arc<Executed>>> {
    if prepared.kind() == OperationKind::Subscription {
        return state.schema.subscribe(prepared, &state.connection).map(Ok).boxed();
    }
    // It runs whether somebody asks or not: a transaction must not wait for a slow reader. Dropped, it ends.
    let mut running = JoinSet::new();
    let state = state.clone();
    let run =
        async move { state.gate.pass(state.schema.run(prepared, &state.connection)).await.map(Arc::new) };
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
