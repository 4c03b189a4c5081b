//! State shared by all routes.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::RequestHead;
use actix_web::http::header::HeaderMap;

use super::generation::{Admission, CurrentGeneration, GenerationRef};
use super::http::body::BodyLimits;
use super::http::documents::DocumentSource;
use super::insight::Insight;
use super::operations::audit::AuditLog;
use super::operations::concurrency_limit::ConcurrencyLimit;
use super::operations::metrics::Metrics;
use super::operations::recorder::Recorder;
use super::operations::request_rate::{LimitedSender, SenderCounts};
use super::realtime::permits::{SocketLimits, SocketPermits};
use super::realtime::shutdown::{Drain, Shutdown};
use super::settings::{DroppedLogLines, Settings};
use super::sign_in::{Access, SignInRefusal};
use crate::database::Database;
use crate::error::Result;
use crate::policy::RequestRate;

/// State of a worker. Workers share all of it but the recorder, which counts into a worker's own metrics.
#[derive(Clone)]
pub(super) struct ServiceState {
    pub generation: CurrentGeneration,
    pub database: Database,
    pub insight: Insight,
    /// True if the guide is served beside GraphiQL.
    pub has_guide: bool,
    pub audit: Option<AuditLog>,
    pub documents: Arc<DocumentSource>,
    pub concurrency: ConcurrencyLimit,
    /// Maximum number of operations of each viewer, whatever the role.
    pub viewer_rate: Option<RequestRate>,
    pub sender_counts: Arc<SenderCounts>,
    pub body: BodyLimits,
    pub largest_batch: usize,
    /// Origins whose pages may open sockets.
    pub origins: Arc<[String]>,
    pub sockets: SocketPermits,
    pub socket_limits: SocketLimits,
    pub shutdown: Shutdown,
    pub drain: Drain,
    pub recorder: Recorder,
    pub dropped_log_lines: Option<DroppedLogLines>,
}

impl ServiceState {
    pub(super) fn new(
        generation: CurrentGeneration,
        database: Database,
        settings: &Settings,
        metrics: Metrics,
    ) -> Self {
        Self {
            generation,
            database,
            insight: match (&settings.listen_operations, settings.development) {
                (Some(_), _) => Insight::Elsewhere,
                (None, true) => Insight::Development,
                (None, false) => Insight::Administrators,
            },
            has_guide: settings.development,
            audit: settings.audit.clone(),
            documents: Arc::new(DocumentSource::new(settings.trusted_documents.clone())),
            concurrency: ConcurrencyLimit::new(settings.most_concurrent, settings.time_limit),
            viewer_rate: settings.viewer_rate,
            sender_counts: Arc::default(),
            body: BodyLimits { bytes: settings.largest_body, time: settings.time_limit },
            largest_batch: settings.largest_batch,
            origins: settings.cors_origins.as_slice().into(),
            sockets: SocketPermits::new(settings.sockets.sockets),
            socket_limits: settings.sockets.clone(),
            shutdown: Shutdown::default(),
            drain: Drain::default(),
            recorder: Recorder {
                metrics,
                request_log: settings.request_log.clone(),
                slow_statement: settings.slow_statement,
            },
            dropped_log_lines: settings.dropped_log_lines.clone(),
        }
    }

    /// Admits the sender of a request to the current generation.
    ///
    /// # Errors
    /// If the credentials prove no identity, or not the requested one.
    pub(super) async fn admit(&self, head: &RequestHead) -> Result<Admission, SignInRefusal> {
        self.admit_with(head.headers(), head.peer_addr.map(|address| address.ip())).await
    }

    /// Admits a sender with these headers, from this address, to the current generation.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub(super) async fn admit_with(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Admission, SignInRefusal> {
        let generation = self.generation.get();
        let access = match &generation.authenticator {
            None => Access::UNRESTRICTED,
            // Boxed: requests of a service without policies would carry the space of it.
            Some(authenticator) => Box::pin(authenticator.access(headers, &generation.schema)).await?,
        };
        Ok(self.admission(generation, access, address))
    }

    /// Returns the admission of a sender with this access.
    pub(super) fn admission(
        &self,
        generation: GenerationRef,
        access: Access,
        address: Option<IpAddr>,
    ) -> Admission {
        let rates = [self.viewer_rate, access.schema(&generation.schema).request_rate()];
        let sender = match access.is_administrator() {
            true => None,
            false => LimitedSender::new(rates, access.viewer(), address),
        };
        Admission { generation, access, sender }
    }

    /// Counts an operation of an admitted sender.
    ///
    /// # Errors
    /// If the sender has used up its operations.
    pub(super) fn count_operation(&self, admission: &Admission) -> Result<()> {
        admission.sender.map_or(Ok(()), |sender| self.sender_counts.count(sender))
    }

    /// Returns the state of an address for operators.
    pub(super) fn of_operations(&self) -> Self {
        Self { insight: Insight::Everybody, ..self.clone() }
    }

    /// Returns the state of another worker.
    pub(super) fn of_worker(&self, worker: usize) -> Self {
        let metrics = self.recorder.metrics.of_worker(worker);
        Self { recorder: Recorder { metrics, ..self.recorder.clone() }, ..self.clone() }
    }
}
