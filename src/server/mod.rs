//! HTTP service: routes, without knowledge of rows or types.

mod answer;
mod body;
mod cors;
mod documents;
mod envelope;
mod events;
mod gate;
mod graphiql;
mod graphql;
mod headers;
mod health;
mod metrics;
mod model;
mod negotiation;
mod observation;
mod operation;
mod origin;
mod parameters;
mod pieces;
mod request_id;
mod shutdown;
mod socket;
#[cfg(feature = "opentelemetry")]
pub mod traces;
mod variables;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use actix_web::dev::Server as ActixServer;
use actix_web::http::Method;
use actix_web::http::header::UPGRADE;
use actix_web::{App, HttpServer, guard, rt, web};
use body::BodyLimits;
use documents::Documents;
pub use documents::{TrustedDocuments, TrustedDocumentsError};
use envelope::Envelope;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use gate::Gate;
use metrics::{Held, Metrics};
use shutdown::Shutdown;
pub use socket::SocketLimits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::database::Database;
use crate::error::Error;
use crate::schema::Schema;

/// Settings of the HTTP service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    listen: String,
    workers: Option<usize>,
    development: bool,
    cors_origins: Vec<String>,
    trusted_documents: Option<TrustedDocuments>,
    largest_batch: usize,
    largest_body: usize,
    most_concurrent: usize,
    time_limit: Duration,
    sockets: SocketLimits,
    slow_statement: Option<Duration>,
}

impl Settings {
    /// Sets the address and port; port 0 takes any free port.
    pub fn listen(mut self, listen: impl Into<String>) -> Self {
        self.listen = listen.into();
        self
    }

    /// Sets the number of threads that handle requests; by default one per core.
    pub fn workers(mut self, workers: Option<usize>) -> Self {
        self.workers = workers;
        self
    }

    /// Allows clients to request an explanation of their response (`Crowsfoot-Explain`).
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

    /// Sets the time limit for receiving a request, and again for answering it.
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Sets the limits of sockets and event streams.
    pub fn sockets(mut self, sockets: SocketLimits) -> Self {
        self.sockets = sockets;
        self
    }

    /// Sets the duration from which a statement is logged; `None` logs no statement.
    pub fn slow_statement(mut self, slow_statement: Option<Duration>) -> Self {
        self.slow_statement = slow_statement;
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            workers: None,
            development: false,
            cors_origins: Vec::new(),
            trusted_documents: None,
            largest_batch: 0,
            largest_body: 1 << 20,
            most_concurrent: 1_000,
            time_limit: Duration::from_secs(30),
            sockets: SocketLimits::default(),
            slow_statement: Some(Duration::from_millis(500)),
        }
    }
}

/// Time limit for the head of a connection's first request. A whole request may take longer.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Time for which an idle connection is kept. It is longer than load balancers keep theirs: otherwise a
/// balancer sends a request into a connection that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Seconds that running requests have left after a shutdown signal.
const SHUTDOWN_SECONDS: u64 = 10;

/// Error that prevents the service from starting, or ends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is in use, not available on this host, or not an address.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// Address as given.
        listen: String,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A configured origin is not an origin.
    #[error("\"{0}\" is not an origin; expected an origin such as https://shop.example")]
    Origin(String),
    /// Two metrics have the same name.
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The running service failed.
    #[error("the service failed: {0}")]
    Run(#[from] io::Error),
}

/// State shared by all routes.
#[derive(Clone)]
struct State {
    schema: Schema,
    database: Database,
    development: bool,
    documents: Arc<Documents>,
    gate: Gate,
    body: BodyLimits,
    largest_batch: usize,
    /// Origins whose pages may open sockets.
    origins: Arc<[String]>,
    /// Permits for sockets and event streams.
    sockets: Arc<Semaphore>,
    socket_limits: SocketLimits,
    shutdown: Shutdown,
    slow_statement: Option<Duration>,
    metrics: Metrics,
}

/// Permit for a socket or an event stream, released on drop.
struct Place {
    _permit: OwnedSemaphorePermit,
    _counted: Held,
}

impl State {
    fn place(&self) -> Result<Place, Error> {
        let permit = self.sockets.clone().try_acquire_owned().map_err(|_| Error::overloaded())?;
        Ok(Place { _permit: permit, _counted: self.metrics.socket() })
    }
}

/// Bound service that is not running yet.
pub struct Server {
    inner: ActixServer,
    addresses: Vec<SocketAddr>,
    shutdown: Shutdown,
    /// Resolves when a signal requests shutdown.
    told: LocalBoxFuture<'static, ()>,
}

impl Server {
    /// Binds the address. From here on, shutdown signals no longer kill the process; [`Server::run`] handles
    /// them.
    ///
    /// # Errors
    /// [`ServeError::Listen`] if the address cannot be bound, [`ServeError::Origin`] if a configured origin
    /// is not an origin.
    pub fn bind(
        schema: Schema,
        database: impl Into<Database>,
        settings: &Settings,
    ) -> Result<Self, ServeError> {
        if let Some(other) = settings.cors_origins.iter().find(|origin| !cors::is_origin(origin)) {
            return Err(ServeError::Origin(other.clone()));
        }
        let drawings = web::Data::new(model::Drawings::of(schema.model().clone()));
        let origins = settings.cors_origins.clone();
        let shutdown = Shutdown::default();
        let workers = settings.workers.unwrap_or_else(cores);
        let state = State {
            schema,
            database: database.into(),
            development: settings.development,
            documents: Arc::new(Documents::new(settings.trusted_documents.clone())),
            gate: Gate::new(settings.most_concurrent, settings.time_limit),
            body: BodyLimits { bytes: settings.largest_body, time: settings.time_limit },
            largest_batch: settings.largest_batch,
            origins: settings.cors_origins.as_slice().into(),
            sockets: Arc::new(Semaphore::new(settings.sockets.sockets.min(Semaphore::MAX_PERMITS))),
            socket_limits: settings.sockets.clone(),
            shutdown: shutdown.clone(),
            slow_statement: settings.slow_statement,
            metrics: Metrics::new(workers)?,
        };
        let started = Arc::new(AtomicUsize::new(0));
        let server = HttpServer::new(move || {
            let worker = started.fetch_add(1, Ordering::Relaxed);
            let metrics = state.metrics.of_worker(worker);
            let state = web::Data::new(State { metrics, ..state.clone() });
            App::new()
                .app_data(state.clone())
                .app_data(drawings.clone())
                .wrap(Envelope(state))
                .configure(|config| routes(config, &origins))
                .configure(graphiql::configure)
        })
        .client_request_timeout(HEAD_TIME.min(settings.time_limit))
        .keep_alive(KEEP_ALIVE)
        // Without this, the second of two small frames waits for the client's delayed ACK of the first, up to
        // 40 ms (RFC 1122, section 4.2.3.2).
        .tcp_nodelay(true)
        // Treats half-close as disconnect: cancels running work, and an event stream does not wait for its
        // next comment.
        .h1_allow_half_closed(false)
        // Sockets and event streams are notified first; they would delay the shutdown.
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .workers(workers);
        let server = server
            .bind(&settings.listen)
            .map_err(|source| ServeError::Listen { listen: settings.listen.clone(), source })?;
        let told = shutdown::signal()?.boxed_local();
        Ok(Self { addresses: server.addrs(), inner: server.run(), shutdown, told })
    }

    /// Returns the addresses that the service listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves requests until shutdown (SIGINT or SIGTERM). Running requests are finished; sockets and event
    /// streams are closed.
    ///
    /// # Errors
    /// [`ServeError::Run`] if the operating system reports an error.
    pub async fn run(self) -> Result<(), ServeError> {
        let Self { inner, shutdown, told, .. } = self;
        let handle = inner.handle();
        let stopping = rt::spawn(async move {
            told.await;
            shutdown.begin();
            handle.stop(true).await;
        });
        let ended = inner.await;
        stopping.abort();
        Ok(ended?)
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn routes(config: &mut web::ServiceConfig, origins: &[String]) {
    config
        .service(
            web::resource("/graphql")
                .wrap(cors::allow(origins))
                .route(web::route().guard(guard::fn_guard(asks_for_socket)).to(socket::open))
                .default_service(web::to(graphql::serve)),
        )
        .route("/model", web::get().to(model::show))
        .route("/metrics", web::get().to(metrics::show))
        .route("/healthz", web::get().to(health::alive))
        .route("/readyz", web::get().to(health::ready));
}

fn asks_for_socket(request: &guard::GuardContext) -> bool {
    let head = request.head();
    let upgrade = head.headers().get(UPGRADE).filter(|_| head.method == Method::GET);
    upgrade.is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
