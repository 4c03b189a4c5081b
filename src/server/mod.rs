//! HTTP service: routes, without knowledge of rows or types.
//!
//! Four rooms: GraphQL over [`http`], results that follow in [`realtime`], the [`operations`] of a service,
//! and [`pages`] for people.

mod http;
mod operations;
mod pages;
mod realtime;
mod settings;
mod state;

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
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
pub use http::documents::{TrustedDocuments, TrustedDocumentsError};
use http::graphql;
use operations::metrics::{self, Metrics};
use operations::request_scope::RequestScope;
#[cfg(feature = "opentelemetry")]
pub use operations::traces;
use operations::{cors, health};
use pages::{graphiql, model};
pub use realtime::permits::SocketLimits;
use realtime::shutdown::{self, Shutdown};
use realtime::socket;
pub use settings::Settings;
use state::State;

use crate::database::Database;
use crate::schema::Schema;

/// Time limit for the head of a connection's first request. A whole request may take longer.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Time for which an idle connection is kept. It is longer than load balancers keep theirs: otherwise a
/// balancer sends a request into a connection that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Seconds that running requests have left after a shutdown signal.
const SHUTDOWN_SECONDS: u64 = 10;

/// Error that prevents the service from starting, or ends it.
#[derive(Debug, thiserror::Error)]
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

/// Bound service that is not running yet.
pub struct Server {
    inner: ActixServer,
    addresses: Vec<SocketAddr>,
    shutdown: Shutdown,
    /// Resolves when a signal requests shutdown.
    signal: LocalBoxFuture<'static, ()>,
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
        let workers = settings.workers.unwrap_or_else(cores);
        let state = State::new(schema, database.into(), settings, Metrics::new(workers)?);
        let shutdown = state.shutdown.clone();
        let started = Arc::new(AtomicUsize::new(0));
        let server = HttpServer::new(move || {
            let worker = started.fetch_add(1, Ordering::Relaxed);
            let state = web::Data::new(state.of_worker(worker));
            App::new()
                .app_data(state.clone())
                .app_data(drawings.clone())
                .wrap(RequestScope(state.recorder.clone()))
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
        let signal = shutdown::signal()?.boxed_local();
        Ok(Self { addresses: server.addrs(), inner: server.run(), shutdown, signal })
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
        let Self { inner, shutdown, signal, .. } = self;
        let handle = inner.handle();
        let stopping = rt::spawn(async move {
            signal.await;
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
        .route("/metrics", web::get().to(metrics::page::show))
        .route("/healthz", web::get().to(health::alive))
        .route("/readyz", web::get().to(health::ready));
}

fn asks_for_socket(request: &guard::GuardContext) -> bool {
    let head = request.head();
    let upgrade = head.headers().get(UPGRADE).filter(|_| head.method == Method::GET);
    upgrade.is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
