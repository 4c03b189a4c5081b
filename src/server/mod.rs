//! The HTTP service: routes, and nothing that knows rows or types.

mod graphiql;
mod graphql;
mod health;
mod request_id;

use std::io;
use std::net::SocketAddr;

use actix_web::dev::Server as ActixServer;
use actix_web::{App, HttpServer, middleware, web};

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
    /// The running service met a fault.
    #[error("the service ended: {0}")]
    Run(#[from] io::Error),
}

/// What every route may use.
#[derive(Clone)]
struct State {
    schema: Schema,
    database: Database,
    development: bool,
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
    pub fn bind(schema: Schema, database: Database, settings: &Settings) -> Result<Self, ServeError> {
        let state = State { schema, database, development: settings.development };
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
        .route("/healthz", web::get().to(health::alive))
        .route("/readyz", web::get().to(health::ready));
}
