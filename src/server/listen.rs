//! Service on an address of its own.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server as ActixServer;
use actix_web::{App, HttpResponse, HttpServer, rt, web};
use tokio::time::timeout;

use super::error::ServeError;
use super::realtime::shutdown::{ShutdownSignal, ShutdownSignals};
use super::service::GraphqlService;
use super::settings::Settings;
use crate::database::Database;
use crate::schema::Schema;

/// Time limit for the head of a connection's first request. A whole request may take longer.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Time for which an idle connection is kept. It is longer than load balancers keep theirs: otherwise a
/// balancer sends a request into a connection that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Minimum time that running requests have left once the address is closed.
const SHUTDOWN_TIME: Duration = Duration::from_secs(10);

/// Bound service that is not running yet.
pub struct Server {
    inner: ActixServer,
    /// Server of the address for operators.
    operations: Option<ActixServer>,
    addresses: Vec<SocketAddr>,
    operations_addresses: Vec<SocketAddr>,
    service: GraphqlService,
    signals: ShutdownSignals,
    drain_time: Duration,
}

impl Server {
    /// Binds the address. From here on, shutdown signals no longer kill the process; [`Server::run`] handles
    /// them.
    ///
    /// # Errors
    /// [`ServeError::Listen`] if the address cannot be bound, [`ServeError::Origin`] if a configured origin
    /// is not an origin, [`ServeError::NoSignIn`] if policies have no way to sign in, [`ServeError::NoPolicies`] if a way to
    /// sign in has no policies.
    pub fn bind(
        schema: Schema,
        database: impl Into<Database>,
        settings: &Settings,
    ) -> Result<Self, ServeError> {
        let service = GraphqlService::new(schema, database, settings)?;
        let (inner, addresses) = bound(settings, &settings.listen, Audience::Clients, &service)?;
        let operations = settings.listen_operations.as_ref();
        let operations = operations.map(|listen| bound(settings, listen, Audience::Operators, &service));
        let (operations, operations_addresses) = match operations.transpose()? {
            Some((server, addresses)) => (Some(server), addresses),
            None => (None, Vec::new()),
        };
        let (signals, drain_time) = (ShutdownSignals::listen()?, settings.drain_time);
        Ok(Self { inner, operations, addresses, operations_addresses, service, signals, drain_time })
    }

    /// Returns the addresses that the service listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the addresses of the routes for operators, if they have their own.
    pub fn operations_addresses(&self) -> &[SocketAddr] {
        &self.operations_addresses
    }

    /// Returns the service, whose schema can be replaced while the server runs.
    pub fn service(&self) -> &GraphqlService {
        &self.service
    }

    /// Serves requests until shutdown (SIGINT or SIGTERM). Running requests are finished; sockets and event
    /// streams are closed. After SIGTERM the [drain time](Settings::drain_time) passes before; a second signal ends it.
    ///
    /// # Errors
    /// [`ServeError::Run`] if the operating system reports an error.
    pub async fn run(self) -> Result<(), ServeError> {
        let Self { inner, operations, service, mut signals, drain_time, .. } = self;
        let handle = inner.handle();
        let operations = operations.map(|operations| (operations.handle(), rt::spawn(operations)));
        let stopping = rt::spawn(async move {
            let signal = signals.next().await;
            service.drain();
            if signal == ShutdownSignal::Terminate {
                // A second signal ends the wait.
                let _ = timeout(drain_time, signals.next()).await;
            }
            service.close_streams();
            handle.stop(true).await;
        });
        let ended = inner.await;
        stopping.abort();
        // Last: operators watch the end of the requests.
        if let Some((handle, running)) = operations {
            handle.stop(true).await;
            // A fault of this server does not concern the requests.
            let _ = running.await;
        }
        Ok(ended?)
    }
}

/// Users of an address.
#[derive(Clone, Copy)]
enum Audience {
    Clients,
    Operators,
}

/// Binds a server to an address.
fn bound(
    settings: &Settings,
    listen: &str,
    audience: Audience,
    service: &GraphqlService,
) -> Result<(ActixServer, Vec<SocketAddr>), ServeError> {
    let mounted = service.clone();
    let server = HttpServer::new(move || {
        let application = match audience {
            Audience::Clients => App::new().configure(mounted.configure()),
            Audience::Operators => App::new().configure(mounted.configure_operations()),
        };
        application.default_service(web::to(HttpResponse::NotFound).wrap(mounted.scope()))
    });
    let workers = match audience {
        Audience::Clients => settings.worker_count(),
        Audience::Operators => 1,
    };
    let server = server
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
        .shutdown_timeout(SHUTDOWN_TIME.max(settings.time_limit).as_secs())
        .workers(workers)
        .bind(listen)
        .map_err(|source| ServeError::Listen { listen: listen.to_owned(), source })?;
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}
