//! The HTTP service: routes, and nothing that knows rows or types.

mod graphiql;
mod graphql;
mod health;
mod metrics;
mod operation;
mod request_id;
#[cfg(feature = "opentelemetry")]
pub mod traces;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server as ActixServer;
use actix_web::{App, HttpServer, middleware, web};
use sea_orm::DatabaseConnection;

use crate::schema::Schema;
use metrics::Metrics;

/// How the service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Address and port; port 0 takes any that is free.
    pub listen: String,
    /// Threads that answer requests; by default one per core.
    pub workers: Option<usize>,
    /// Whether clients may ask how an answer came about (`Crowsfoot-Explain`).
    pub development: bool,
    /// Statements that take longer are named in the log.
    pub slow_statement: Option<Duration>,
}

impl Default for Settings {
    /// Production on port 8000 of this host alone.
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            workers: None,
            development: false,
            slow_statement: Some(Duration::from_millis(500)),
        }
    }
}

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
    /// Two metrics have one name.
    #[error("the metrics contradict each other: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The running service met a fault.
    #[error("the service ended: {0}")]
    Run(#[from] io::Error),
}

/// What every route may use.
#[derive(Clone)]
struct State {
    schema: Schema,
    connection: DatabaseConnection,
    development: bool,
    slow_statement: Option<Duration>,
    metrics: Arc<Metrics>,
}

/// A service that listens and is not running yet.
pub struct Server {
    inner: ActixServer,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// [`ServeError::Listen`] when the address cannot be had.
    pub fn bind(
        schema: Schema,
        connection: DatabaseConnection,
        settings: &Settings,
    ) -> Result<Self, ServeError> {
        let state = State {
            schema,
            connection,
            development: settings.development,
            slow_statement: settings.slow_statement,
            metrics: Arc::new(Metrics::new()?),
        };
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(state.clone()))
                .wrap(middleware::Compress::default())
                .wrap(middleware::from_fn(request_id::give))
                .configure(routes)
                .configure(graphiql::configure)
        })
        .shutdown_timeout(SHUTDOWN_SECONDS);
        if let Some(workers) = settings.workers {
            server = server.workers(workers);
        }
        let server = server
            .bind(&settings.listen)
            .map_err(|source| ServeError::Listen { listen: settings.listen.clone(), source })?;
        Ok(Self { addresses: server.addrs(), inner: server.run() })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers requests until it is told to stop (SIGINT or SIGTERM); requests under way are finished.
    ///
    /// # Errors
    /// [`ServeError::Run`] when the system fails it.
    pub async fn run(self) -> Result<(), ServeError> {
        Ok(self.inner.await?)
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/graphql")
                .app_data(graphql::body_limit())
                .route(web::post().to(graphql::post))
                .route(web::get().to(graphql::get)),
        )
        .route("/metrics", web::get().to(metrics::show))
        .route("/healthz", web::get().to(health::alive))
        .route("/readyz", web::get().to(health::ready));
}
