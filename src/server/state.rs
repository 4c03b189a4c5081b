//! State shared by all routes.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use super::generation::{Admission, CurrentGeneration};
use super::http::body::BodyLimits;
use super::http::documents::DocumentSource;
use super::operations::concurrency_limit::ConcurrencyLimit;
use super::operations::metrics::Metrics;
use super::operations::recorder::Recorder;
use super::realtime::permits::{SocketLimits, SocketPermits};
use super::realtime::shutdown::Shutdown;
use super::settings::Settings;
use super::sign_in::{Access, SignInRefusal};
use crate::database::Database;

/// State of a worker. Workers share all of it but the recorder, which counts into a worker's own metrics.
#[derive(Clone)]
pub(super) struct ServiceState {
    pub generation: CurrentGeneration,
    pub database: Database,
    pub development: bool,
    pub documents: Arc<DocumentSource>,
    pub concurrency: ConcurrencyLimit,
    pub body: BodyLimits,
    pub largest_batch: usize,
    /// Origins whose pages may open sockets.
    pub origins: Arc<[String]>,
    pub sockets: SocketPermits,
    pub socket_limits: SocketLimits,
    pub shutdown: Shutdown,
    pub recorder: Recorder,
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
            development: settings.development,
            documents: Arc::new(DocumentSource::new(settings.trusted_documents.clone())),
            concurrency: ConcurrencyLimit::new(settings.most_concurrent, settings.time_limit),
            body: BodyLimits { bytes: settings.largest_body, time: settings.time_limit },
            largest_batch: settings.largest_batch,
            origins: settings.cors_origins.as_slice().into(),
            sockets: SocketPermits::new(settings.sockets.sockets),
            socket_limits: settings.sockets.clone(),
            shutdown: Shutdown::default(),
            recorder: Recorder { metrics, slow_statement: settings.slow_statement },
        }
    }

    /// Admits a caller with these headers to the current generation.
    ///
    /// # Errors
    /// If the credentials prove no identity, or not the requested one.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<Admission, SignInRefusal> {
        let generation = self.generation.get();
        let access = match &generation.authenticator {
            None => Access::UNRESTRICTED,
            // Boxed: requests of a service without policies would carry the space of it.
            Some(authenticator) => Box::pin(authenticator.access(headers, &generation.schema)).await?,
        };
        Ok(Admission { generation, access })
    }

    /// Returns the state of another worker.
    pub(super) fn of_worker(&self, worker: usize) -> Self {
        let metrics = self.recorder.metrics.of_worker(worker);
        Self { recorder: Recorder { metrics, ..self.recorder }, ..self.clone() }
    }
}
