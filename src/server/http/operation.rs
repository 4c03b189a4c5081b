//! Operations over transports that may carry several results.

use std::sync::Arc;

use actix_web::web;
use async_graphql::Request;
use futures_util::stream::{self, BoxStream, FuturesUnordered};
use futures_util::{FutureExt, StreamExt};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::answer::HttpRefusal;
use super::consistency;
use super::parameters::GraphqlRequest;
use crate::error::{Error, Result};
use crate::schema::{Executed, OperationKind, PreparedOperation};
use crate::server::generation::Admission;
use crate::server::operations::audit::AuditEntry;
use crate::server::operations::operation_record::OperationRecord;
use crate::server::state::ServiceState;

/// Operation of an admitted sender.
pub(in crate::server) struct AdmittedOperation {
    pub prepared: PreparedOperation,
    /// `None` if the audit log leaves the operation out.
    pub audit: Option<Arc<AuditEntry>>,
}

/// Looks the document up and prepares its operation. `request` returns the request id.
pub(in crate::server) fn prepare(
    mut sent: GraphqlRequest,
    state: &ServiceState,
    admission: &Admission,
    request: impl FnOnce() -> Option<String>,
) -> Result<AdmittedOperation, HttpRefusal> {
    state.count_operation(admission)?;
    let text = state.documents.text(&mut sent)?;
    let audited = state.audit.as_ref().map(|audit| (audit, text.clone()));
    let mut sent_request = Request::new(text).variables(sent.variables);
    sent_request.operation_name = sent.operation_name;
    if let Some(token) = consistency::token(&sent.extensions, state)? {
        sent_request = sent_request.data(token);
    }
    let prepared = admission.schema().prepare(sent_request).map_err(HttpRefusal::of_document)?;
    let Some((audit, text)) = audited else { return Ok(AdmittedOperation { prepared, audit: None }) };
    let entry = audit.begin(&admission.access, request(), &text, &prepared)?;
    let prepared = match &entry {
        Some(entry) => prepared.on_commit(entry.commit_hook()),
        None => prepared,
    };
    Ok(AdmittedOperation { prepared, audit: entry })
}

/// Ends the events of a live query when another generation takes over, or the service stops. The last event, which says that nothing more will
/// come, is left out: the client is to subscribe anew.
pub(in crate::server) fn until_superseded<E: Send + 'static>(
    events: BoxStream<'static, E>,
    kind: OperationKind,
    state: &ServiceState,
    admission: &Admission,
) -> BoxStream<'static, E> {
    match kind {
        OperationKind::Subscription => {
            let (superseded, stopping) = (admission.generation.superseded.begun(), state.shutdown.begun());
            let ended = async {
                tokio::select! {
                    () = superseded => {}
                    () = stopping => {}
                }
            };
            // Polled only when it is woken, and not with each event.
            let ended = FuturesUnordered::from_iter([ended.boxed()]);
            events.take_until(ended.into_future()).boxed()
        }
        OperationKind::Query | OperationKind::Mutation => events,
    }
}

/// Returns the results of an operation as a stream. No result is queued: a slow subscriber of a subscription
/// misses those in between.
pub(in crate::server) fn results(
    operation: AdmittedOperation,
    state: &web::Data<ServiceState>,
    admission: &Admission,
) -> BoxStream<'static, Result<Arc<Executed>>> {
    let state = state.clone();
    let AdmittedOperation { prepared, audit } = operation;
    let record = OperationRecord::begin(&prepared);
    if prepared.kind() == OperationKind::Subscription {
        let active = state.recorder.metrics.subscription();
        let mut record = Some(record);
        let results = admission.schema().subscribe(prepared, &state.database);
        let recorded = results.map(move |executed| {
            let _counted = &active;
            // The statements belong to a run that several subscribers may share.
            if let Some(record) = record.take() {
                if let Some(audit) = &audit {
                    audit.end_later(&executed);
                }
                state.recorder.record(&record.end(&executed, Vec::new()));
            }
            Ok(executed)
        });
        return recorded.boxed();
    }
    // Runs without being polled: a transaction must not wait for a slow reader. Dropping the set cancels the
    // run.
    let mut running = JoinSet::new();
    let schema = admission.schema().clone();
    let run = async move {
        let running = schema.run(prepared, &state.database);
        let mut executed = state.concurrency.run(running).await?;
        if let Some(audit) = &audit {
            audit.end(&executed).await;
        }
        let statements = std::mem::take(&mut executed.statements);
        state.recorder.record(&record.end(&executed, statements));
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
