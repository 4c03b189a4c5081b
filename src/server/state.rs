//! State shared by all routes.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use super::http::body::BodyLimits;
use super::http::documents::DocumentSource;
use super::operations::concurrency_limit::ConcurrencyLimit;
use super::operations::metrics::Metrics;
use super::operations::recorder::Recorder;
use super::realtime::permits::{SocketLimits, SocketPermits};
use super::realtime::shutdown::Shutdown;
use super::settings::Settings;
use super::sign_in::{Access, Authenticator, SignInRefusal};
use crate::database::Database;
use crate::schema::Schema;

/// State of a worker. Workers share all of it but the recorder, which counts into a worker's own metrics.
#[derive(Clone)]
pub(super) struct ServiceState {
    pub schema: Schema,
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
    /// `None` without policies: then every caller may do everything.
    pub authenticator: Option<Arc<Authenticator>>,
}

impl ServiceState {
    pub(super) fn new(schema: Schema, database: Database, settings: &Settings, metrics: Metrics) -> Self {
        let authenticator = schema
            .policies()
            .map(|policies| Arc::new(Authenticator::new(settings.sign_in.clone(), policies)));
        Self {
            schema,
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
            authenticator,
        }
    }

    /// Returns the access of a caller with these headers.
    ///
    /// # Errors
    /// If the credentials prove no identity, or not the requested one.
    pub(super) async fn access(&self, headers: &HeaderMap) -> Result<Access, SignInRefusal> {
        match &self.authenticator {
            None => Ok(Access::UNRESTRICTED),
            // Boxed: requests of a service without policies would carry the space of it.
            Some(authenticator) => Box::pin(authenticator.access(headers, &self.schema)).await,
        }
    }

    /// Returns the state of another worker.
    pub(super) fn of_worker(&self, worker: usize) -> Self {
        let metrics = self.recorder.metrics.of_worker(worker);
        Self { recorder: Recorder { metrics, ..self.recorder }, ..self.clone() }
    }
}
