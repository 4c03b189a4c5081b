//! Routes of the service, for any actix-web application.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::UPGRADE;
use actix_web::middleware::{Next, from_fn};
use actix_web::{guard, web};

use super::error::ServeError;
use super::generation::{CurrentGeneration, SchemaGeneration};
use super::http::{answer, graphql};
use super::insight::Insight;
use super::operations::metrics::{self, Metrics};
use super::operations::request_scope::RequestScope;
use super::operations::{cors, health};
use super::pages::model;
use super::pages::{graphiql, guide};
use super::realtime::socket;
use super::settings::Settings;
use super::sign_in::{SignIn, SignInRefusal};
use super::state::ServiceState;
use crate::database::Database;
use crate::schema::Schema;

/// GraphQL service that an actix-web application mounts beside its own routes, middleware and state.
///
/// Built once; clones share limits, caches and metrics. [`Server`](super::Server) mounts it at `/` of an
/// application that has nothing else.
#[derive(Clone)]
pub struct GraphqlService {
    state: ServiceState,
    /// Number of applications configured so far: actix-web builds one for each worker.
    configured: Arc<AtomicUsize>,
}

impl GraphqlService {
    /// Builds the service. [`Settings::listen`] has no effect; [`Settings::workers`] is the number of workers
    /// whose metrics are counted apart.
    ///
    /// # Errors
    /// [`ServeError::Origin`] if a configured origin is not an origin, [`ServeError::NoSignIn`] if the schema has
    /// policies and the settings no way to sign in, [`ServeError::NoPolicies`] if it is the other way round.
    pub fn new(
        schema: Schema,
        database: impl Into<Database>,
        settings: &Settings,
    ) -> Result<Self, ServeError> {
        if let Some(other) = settings.cors_origins.iter().find(|origin| !cors::is_origin(origin)) {
            return Err(ServeError::Origin(other.clone()));
        }
        let database = database.into();
        let generation = SchemaGeneration::new(schema, settings.sign_in.clone(), &database)?;
        let generation = CurrentGeneration::new(generation);
        let metrics = Metrics::new(settings.worker_count())?;
        let state = ServiceState::new(generation, database, settings, metrics);
        Ok(Self { state, configured: Arc::default() })
    }

    /// Serves another schema from now on, on all workers at once.
    ///
    /// A request, a batch of requests and an event stream of a query or mutation end with the schema that they began
    /// with. Live queries of the previous schema end so that their clients subscribe again: an event stream without the
    /// event `complete`, a socket with close code 1012 after its running queries and mutations. Everything that is kept
    /// belongs to one schema: plans, live queries, roles. The database and all other settings stay.
    ///
    /// ```no_run
    /// # use crowsfoot::server::{GraphqlService, ServeError, SignIn};
    /// # use crowsfoot::{Model, Schema};
    /// # async fn reload(service: &GraphqlService, model: Model) -> Result<(), Box<dyn std::error::Error>> {
    /// // Without policies there is no sign-in.
    /// service.replace(Schema::new(model)?, SignIn::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`GraphqlService::new`], and [`ServeError::NoKeys`] if credentials cannot be verified. The previous schema is
    /// then served on.
    pub async fn replace(&self, schema: Schema, sign_in: SignIn) -> Result<(), ServeError> {
        let next = SchemaGeneration::new(schema, sign_in, &self.state.database)?;
        if let Some(authenticator) = &next.authenticator {
            authenticator.ready().await.map_err(|error| ServeError::NoKeys(error.to_string()))?;
        }
        // Keys of another shape of the database would answer deletions wrongly.
        self.state.database.renew_catalog().await;
        if let Some(replicas) = self.state.database.replicas() {
            replicas.renew_tables().await;
        }
        self.state.generation.replace(next);
        Ok(())
    }

    /// Returns the schema that requests which begin now are answered with.
    pub fn schema(&self) -> Schema {
        self.state.generation.get().schema.clone()
    }

    /// Returns a function that mounts all routes in an application or a scope of it. It is called in the factory
    /// of the application, once for each worker.
    ///
    /// | path | route |
    /// | --- | --- |
    /// | `/graphql` | GraphQL over HTTP, WebSockets and server-sent events |
    /// | `/` | GraphiQL, with its files below `/graphiql/` |
    /// | `/guide/` | Guide to Crowsfoot, in development |
    /// | `/model` | Entity diagram: of the whole model for administrators, of a role in development |
    /// | `/metrics` | Metrics in Prometheus' text format, for administrators or in development |
    /// | `/healthz`, `/readyz` | Liveness and readiness |
    ///
    /// Each route has the limits, request id, log line and security headers of the service; other routes of the
    /// application are unaffected. Middleware around the scope sees each request first, and can refuse it.
    /// GraphiQL finds the other routes relative to its own address, which ends with a slash: below `/api` it is
    /// `/api/`, and `/api` redirects there. A middleware that trims slashes would redirect without end.
    ///
    /// ```no_run
    /// use actix_web::middleware::DefaultHeaders;
    /// use actix_web::{App, HttpServer, web};
    /// use crowsfoot::server::{GraphqlService, Settings};
    /// use crowsfoot::{Registry, Schema};
    ///
    /// #[actix_web::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let model = Registry::new().register::<entity::user::Entity>().model()?;
    ///     let connection = crowsfoot::connect("sqlite://library.db", 8).await?;
    ///     let service = GraphqlService::new(Schema::new(model)?, connection, &Settings::default())?;
    ///     let server = HttpServer::new(move || {
    ///         App::new()
    ///             .wrap(DefaultHeaders::new().add(("Strict-Transport-Security", "max-age=31536000")))
    ///             .service(web::scope("/api").configure(service.configure()))
    ///             .route("/version", web::get().to(|| async { env!("CARGO_PKG_VERSION") }))
    ///     })
    ///     // Cancels the work for a client that has disconnected.
    ///     .h1_allow_half_closed(false)
    ///     // Sends small frames of a socket at once.
    ///     .tcp_nodelay(true);
    ///     Ok(server.bind("127.0.0.1:8000")?.run().await?)
    /// }
    /// ```
    pub fn configure(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let worker = self.configured.fetch_add(1, Ordering::Relaxed);
        let state = web::Data::new(self.state.of_worker(worker));
        move |config| routes(config, &state)
    }

    /// Returns a function that mounts the routes for operators: `/metrics`, `/model`, `/healthz`, `/readyz`, and `/graphql` with
    /// explanations. They ask for no sign-in, `/graphql` excepted: the application mounts them where only operators come.
    pub fn configure_operations(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let state = web::Data::new(self.state.of_operations());
        move |config| routes(config, &state)
    }

    /// Begins to turn clients away, while all requests are still served: `/readyz` is 503, and each answer closes its
    /// connection. An application calls this some time before its shutdown.
    pub fn drain(&self) {
        self.state.drain.begin();
    }

    /// Closes all sockets with code 1001 and ends all event streams. An application calls this at the beginning
    /// of its shutdown: actix-web waits for open connections otherwise.
    pub fn close_streams(&self) {
        self.state.shutdown.begin();
    }

    /// Returns the middleware of the request scope.
    pub(super) fn scope(&self) -> RequestScope {
        RequestScope::new(self.state.recorder.clone(), self.state.drain.clone())
    }
}

/// Mounts every route inside a request scope of its own. A scope around all of them would take the application's
/// other paths.
fn routes(config: &mut web::ServiceConfig, state: &web::Data<ServiceState>) {
    let scope = RequestScope::new(state.recorder.clone(), state.drain.clone());
    let resource = |path| web::resource(path).app_data(state.clone());
    config
        .service(
            resource("/graphql")
                .route(web::route().guard(guard::fn_guard(asks_for_socket)).to(socket::open))
                .default_service(web::to(graphql::serve))
                .wrap(cors::allow(&state.origins))
                .wrap(scope.clone()),
        )
        .service(resource("/healthz").guard(guard::Get()).to(health::alive).wrap(scope.clone()))
        .service(resource("/readyz").guard(guard::Get()).to(health::ready).wrap(scope.clone()));
    if state.insight != Insight::Elsewhere {
        config.service(resource("/model").guard(guard::Get()).to(model::show).wrap(scope.clone())).service(
            resource("/metrics")
                .guard(guard::Get())
                .to(metrics::page::show)
                .wrap(from_fn(with_insight))
                .wrap(scope.clone()),
        );
    }
    if state.insight != Insight::Everybody {
        for resource in graphiql::resources() {
            config.service(resource.wrap(scope.clone()));
        }
        if state.has_guide {
            for resource in guide::resources() {
                config.service(resource.wrap(scope.clone()));
            }
        }
    }
}

/// Refuses callers without insight.
async fn with_insight(
    state: web::Data<ServiceState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> actix_web::Result<ServiceResponse<BoxBody>> {
    let refusal = match state.insight {
        Insight::Everybody => None,
        insight => match state.admit(request.head()).await {
            Ok(admission) if insight.allows(&admission.access) => None,
            Ok(_) => Some(SignInRefusal::no_insight()),
            Err(refusal) => Some(refusal),
        },
    };
    match refusal {
        None => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Some(refusal) => Ok(request.into_response(answer::refused_page(&refusal))),
    }
}

fn asks_for_socket(request: &guard::GuardContext) -> bool {
    let head = request.head();
    let upgrade = head.headers().get(UPGRADE).filter(|_| head.method == Method::GET);
    upgrade.is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
