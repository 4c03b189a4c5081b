//! Settings of the HTTP service.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::http::documents::TrustedDocuments;
use super::operations::audit::AuditLog;
use super::operations::request_log::RequestLog;
use super::realtime::permits::SocketLimits;
use super::sign_in::SignIn;
use crate::policy::RequestRate;

/// Settings of the HTTP service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address and port; port 0 takes any free port.
    pub(super) listen: String,
    /// Address and port of the routes for operators.
    pub(super) listen_operations: Option<String>,
    /// Audit log.
    pub(super) audit: Option<AuditLog>,
    /// Threads that handle requests; by default one per core.
    pub(super) workers: Option<usize>,
    /// True if callers whom no policy restricts have insight into the service: `/metrics`, the whole `/model`, and explanations
    /// of their responses (`Crowsfoot-Explain`). Administrators always have it.
    pub(super) development: bool,
    /// Origins whose pages may send requests and open sockets, such as `https://shop.example`. If empty, no
    /// foreign page may.
    pub(super) cors_origins: Vec<String>,
    /// Documents that the service runs; `None` allows every document.
    pub(super) trusted_documents: Option<TrustedDocuments>,
    /// Maximum number of requests in a batch; 0 refuses batches.
    pub(super) largest_batch: usize,
    /// Maximum size of a request body, in bytes.
    pub(super) largest_body: usize,
    /// Maximum number of concurrent requests; further ones are refused.
    pub(super) most_concurrent: usize,
    /// Maximum number of operations of each viewer; `None` for no limit.
    pub(super) viewer_rate: Option<RequestRate>,
    /// Time limit for receiving a request, and again for answering it.
    pub(super) time_limit: Duration,
    /// Time between a shutdown signal and the end of the address.
    pub(super) drain_time: Duration,
    /// Limits of sockets and event streams.
    pub(super) sockets: SocketLimits,
    /// Writer of the lines of requests; `None` sends them as events of `tracing`.
    pub(super) request_log: Option<Arc<dyn RequestLog>>,
    /// Statements that take at least this long are logged; `None` logs no statement.
    pub(super) slow_statement: Option<Duration>,
    /// Counter of the log lines that the application's log has dropped.
    pub(super) dropped_log_lines: Option<DroppedLogLines>,
    /// Ways of sign-in. A schema with policies needs one, and a schema without policies admits none: everybody would see
    /// everything.
    pub(super) sign_in: SignIn,
}

/// Counter of dropped log lines.
#[derive(Clone)]
pub(super) struct DroppedLogLines(Arc<dyn Fn() -> u64 + Send + Sync>);

impl DroppedLogLines {
    /// Returns the number of dropped lines since the start.
    pub(super) fn count(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for DroppedLogLines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DroppedLogLines").field(&self.count()).finish()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            listen_operations: None,
            audit: None,
            workers: None,
            development: false,
            cors_origins: Vec::new(),
            trusted_documents: None,
            largest_batch: 0,
            largest_body: 1 << 20,
            most_concurrent: 1_000,
            viewer_rate: None,
            time_limit: Duration::from_secs(30),
            drain_time: Duration::ZERO,
            sockets: SocketLimits::default(),
            request_log: None,
            slow_statement: Some(Duration::from_millis(500)),
            dropped_log_lines: None,
            sign_in: SignIn::default(),
        }
    }
}

impl Settings {
    /// Sets the address and port; port 0 takes any free port.
    pub fn listen(mut self, listen: impl Into<String>) -> Self {
        self.listen = listen.into();
        self
    }

    /// Sets an address and port of its own for operators: `/metrics`, `/model`, `/healthz`, `/readyz`, and `/graphql` with
    /// explanations (`Crowsfoot-Explain`). Whoever reaches it has insight into the service without sign-in; operations on
    /// `/graphql` need sign-in there too. `/metrics`, `/model` and explanations then leave the other address.
    pub fn listen_operations(mut self, listen_operations: Option<String>) -> Self {
        self.listen_operations = listen_operations;
        self
    }

    /// Sets the audit log.
    pub fn audit(mut self, audit: Option<AuditLog>) -> Self {
        self.audit = audit;
        self
    }

    /// Sets the number of threads that handle requests; by default one per core.
    pub fn workers(mut self, workers: Option<usize>) -> Self {
        self.workers = workers;
        self
    }

    /// Gives insight into the service to callers whom no policy restricts: `/metrics`, the whole `/model`, and explanations of
    /// their responses (`Crowsfoot-Explain`). Administrators always have it. Serves the guide at `/guide/`.
    pub fn development(mut self, development: bool) -> Self {
        self.development = development;
        self
    }

    /// Sets the origins whose pages may send requests and open sockets, such as `https://shop.example`. If
    /// empty, no foreign page may.
    pub fn cors_origins(mut self, cors_origins: Vec<String>) -> Self {
        self.cors_origins = cors_origins;
        self
    }

    /// Sets the documents that the service runs; `None` allows every document.
    pub fn trusted_documents(mut self, trusted_documents: Option<TrustedDocuments>) -> Self {
        self.trusted_documents = trusted_documents;
        self
    }

    /// Sets the maximum number of requests in a batch; 0 refuses batches.
    pub fn largest_batch(mut self, largest_batch: usize) -> Self {
        self.largest_batch = largest_batch;
        self
    }

    /// Sets the maximum size of a request body, in bytes.
    pub fn largest_body(mut self, largest_body: usize) -> Self {
        self.largest_body = largest_body;
        self
    }

    /// Sets the maximum number of concurrent requests; further ones are refused.
    pub fn most_concurrent(mut self, most_concurrent: usize) -> Self {
        self.most_concurrent = most_concurrent;
        self
    }

    /// Sets the maximum number of operations of each viewer, beside that of the viewer's role; further ones are refused until the rate allows the next. Viewers
    /// without values are counted by their network, and administrators are not counted. `None` sets no limit.
    pub fn viewer_rate(mut self, viewer_rate: Option<RequestRate>) -> Self {
        self.viewer_rate = viewer_rate;
        self
    }

    /// Sets the time limit for receiving a request, and again for answering it.
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Sets the time between SIGTERM and the end of the address, in which all requests are still served. `/readyz` is 503 from
    /// the signal on, and answers close their connections, so that balancers and clients turn to other processes. By default
    /// there is none.
    pub fn drain_time(mut self, drain_time: Duration) -> Self {
        self.drain_time = drain_time;
        self
    }

    /// Sets the limits of sockets and event streams.
    pub fn sockets(mut self, sockets: SocketLimits) -> Self {
        self.sockets = sockets;
        self
    }

    /// Sets the writer of the lines of requests; `None` sends them as events of `tracing`, the default.
    pub fn request_log(mut self, request_log: Option<Arc<dyn RequestLog>>) -> Self {
        self.request_log = request_log;
        self
    }

    /// Sets the duration from which a statement is logged; `None` logs no statement.
    pub fn slow_statement(mut self, slow_statement: Option<Duration>) -> Self {
        self.slow_statement = slow_statement;
        self
    }

    /// Sets the function that returns the number of log lines that were dropped since the start, for the metric
    /// `crowsfoot_log_lines_dropped_total`. The log belongs to the application; the default is a log that drops none.
    pub fn dropped_log_lines(mut self, count: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.dropped_log_lines = Some(DroppedLogLines(Arc::new(count)));
        self
    }

    /// Sets the ways of sign-in.
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = sign_in;
        self
    }

    /// Returns the number of threads that handle requests.
    pub(super) fn worker_count(&self) -> usize {
        self.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
    }
}
