//! The HTTP service: routes, and nothing that knows rows or types.

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

use crate::error::Error;
use crate::execute::Database;
use crate::schema::Schema;

/// How the service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Address and port; port 0 takes any that is free.
    pub listen: String,
    /// Threads that answer requests; by default one per core.
    pub workers: Option<usize>,
    /// Whether clients may ask how an answer came about (`Crowsfoot-Explain`).
    pub development: bool,
    /// The origins whose pages may ask and open sockets, such as `https://shop.example`; without any no foreign page
    /// may.
    pub cors_origins: Vec<String>,
    /// The documents that are run; without a list, whatever is asked.
    pub trusted_documents: Option<TrustedDocuments>,
    /// The most requests in one list of them; with 0 lists are refused.
    pub largest_batch: usize,
    /// The most bytes of a request's body.
    pub largest_body: usize,
    /// The most requests that are answered at once; further ones are refused.
    pub most_concurrent: usize,
    /// How long a request may take to be sent, and then again to be answered.
    pub time_limit: Duration,
    /// What sockets and streams of events may take up.
    pub sockets: SocketLimits,
    /// Statements that take as long or longer are named in the log; without it none is.
    pub slow_statement: Option<Duration>,
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

/// How long the first head of a connection may take, where a whole request may take longer.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a connection is kept without a request: longer than balancers keep theirs, which would otherwise send
/// one into a connection that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Seconds that requests under way have left when the service is told to stop.
const SHUTDOWN_SECONDS: u64 = 10;

/// The service could not start or was ended by a fault.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, not ours, or no address.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// The address as it was given.
        listen: String,
        /// What the system says.
        source: io::Error,
    },
    /// What should be an origin is none.
    #[error("\"{0}\" is not an origin; expected an origin such as https://shop.example")]
    Origin(String),
    /// Two metrics have one name.
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The running service met a fault.
    #[error("the service failed: {0}")]
    Run(#[from] io::Error),
}

/// What every route may use.
#[derive(Clone)]
struct State {
    schema: Schema,
    database: Database,
    development: bool,
    documents: Arc<Documents>,
    gate: Gate,
    body: BodyLimits,
    largest_batch: usize,
    /// The origins whose pages may open sockets.
    origins: Arc<[String]>,
    /// The places for sockets and streams of events.
    sockets: Arc<Semaphore>,
    socket_limits: SocketLimits,
    shutdown: Shutdown,
    slow_statement: Option<Duration>,
    metrics: Metrics,
}

/// One of the places for sockets and streams of events, free again when it is dropped.
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

/// A service that listens and is not running yet.
pub struct Server {
    inner: ActixServer,
    addresses: Vec<SocketAddr>,
    shutdown: Shutdown,
    /// Ends when a signal says that the service has to stop.
    told: LocalBoxFuture<'static, ()>,
}

impl Server {
    /// Takes the address. From here on a signal that ends the service is waited for, and kills it no more.
    ///
    /// # Errors
    /// [`ServeError::Listen`] when the address cannot be had, [`ServeError::Origin`] when an origin is none.
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
        // Else the second of two small frames waits for the client's word that the first has come, which it may hold back
        // for 40 milliseconds (RFC 1122, section 4.2.3.2).
        .tcp_nodelay(true)
        // One who closes is gone: what runs for it ends, and a stream of events does not wait for its next comment.
        .h1_allow_half_closed(false)
        // Sockets and streams of events are told before: they would hold up the end.
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .workers(workers);
        let server = server
            .bind(&settings.listen)
            .map_err(|source| ServeError::Listen { listen: settings.listen.clone(), source })?;
        let told = shutdown::signal()?.boxed_local();
        Ok(Self { addresses: server.addrs(), inner: server.run(), shutdown, told })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers requests until it is told to stop (SIGINT or SIGTERM); requests under way are finished, sockets and
    /// streams of events are closed.
    ///
    /// # Errors
    /// [`ServeError::Run`] when the system fails it.
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
