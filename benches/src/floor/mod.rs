//! Floor of the measurements: a hand-written handler with its SQL for each workload, as fast as we can. It
//! answers `POST /WORKLOAD?n=…`, with the body of the same request to the service, by the JSON of the service's response.

mod chain;
mod json;
mod live;
mod pipelined;
mod pooled;
mod postgres;
mod sqlite;
pub mod writes;

use std::num::NonZeroUsize;
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use clap::ValueEnum;
use serde::Deserialize;

use crate::Failure;
use crate::database::{Database, Kind};
use json::Json;
pub use live::{LIVE, RENAME};
use postgres::Source;

/// Drivers for PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// sqlx: a few connections per worker, one of them for the duration of a request
    Sqlx,
    /// tokio-postgres: one connection per worker, shared by its requests, pipelined
    TokioPostgres,
}

/// Serves until shutdown; prints the address.
///
/// # Errors
/// If the address cannot be bound.
pub async fn run(database: Database, driver: Driver, workers: NonZeroUsize) -> Result<(), Failure> {
    let last = Data::new(live::LastResult::new());
    // Each worker is a thread that creates an `App`, with connections that no other thread uses.
    let server = HttpServer::new(move || {
        App::new().app_data(last.clone()).configure(|routes| match (database.kind, driver) {
            (Kind::Sqlite, _) => {
                let store = sqlite::Store::new(database.file());
                for path in writes::PATHS {
                    routes.route(path, web::post().to(write_to_sqlite));
                }
                routes.route(LIVE, web::post().to(live::from_sqlite));
                routes.route(RENAME, web::post().to(live::rename_in_sqlite));
                routes.app_data(Data::new(store)).default_service(web::post().to(from_sqlite));
            }
            (Kind::Postgres, Driver::Sqlx) => {
                let source = pooled::Pooled::new(database.url());
                for path in writes::PATHS {
                    routes.route(path, web::post().to(write_to_postgres));
                }
                routes.route(LIVE, web::post().to(live::from_postgres));
                routes.route(RENAME, web::post().to(live::rename_in_postgres));
                routes
                    .app_data(Data::new(source))
                    .default_service(web::post().to(from_postgres::<pooled::Pooled>));
            }
            (Kind::Postgres, Driver::TokioPostgres) => {
                let source = pipelined::Pipelined::new(database.url());
                routes
                    .app_data(Data::new(source))
                    .default_service(web::post().to(from_postgres::<pipelined::Pipelined>));
            }
        })
    })
    .workers(workers.get())
    // As long as the service keeps idle connections: the other server is measured meanwhile.
    .keep_alive(Duration::from_secs(75))
    .bind("127.0.0.1:0")?;
    for address in server.addrs() {
        println!("the floor is at http://{address}/");
    }
    Ok(server.run().await?)
}

/// Body of a request. Handlers read it as those of an API of one's own would; the path already says what is asked.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read for its cost")]
struct Body {
    query: String,
    variables: Option<serde_json::Value>,
}

async fn from_sqlite(
    request: HttpRequest,
    _body: web::Json<Body>,
    store: Data<sqlite::Store>,
) -> actix_web::Result<HttpResponse> {
    let mut json = Json::new();
    store.answer(request.path(), asked(&request), &mut json).map_err(ErrorInternalServerError)?;
    Ok(response(json))
}

async fn from_postgres<S: Source + 'static>(
    request: HttpRequest,
    _body: web::Json<Body>,
    source: Data<S>,
) -> actix_web::Result<HttpResponse> {
    let mut json = Json::new();
    postgres::answer(&**source, request.path(), asked(&request), &mut json)
        .await
        .map_err(ErrorInternalServerError)?;
    Ok(response(json))
}

async fn write_to_sqlite(
    request: HttpRequest,
    body: web::Json<WriteBody>,
    store: Data<sqlite::Store>,
) -> actix_web::Result<HttpResponse> {
    let mut json = Json::new();
    let write =
        |connection: &mut _| writes::to_sqlite(connection, request.path(), &body.variables, &mut json);
    writes::with_writer(|| store.open_to_write(), write).map_err(ErrorInternalServerError)?;
    Ok(response(json))
}

async fn write_to_postgres(
    request: HttpRequest,
    body: web::Json<WriteBody>,
    source: Data<pooled::Pooled>,
) -> actix_web::Result<HttpResponse> {
    let mut json = Json::new();
    let written = async {
        let mut session = source.session().await?;
        writes::to_postgres(&mut session, request.path(), &body.variables, &mut json).await
    };
    written.await.map_err(ErrorInternalServerError)?;
    Ok(response(json))
}

/// Body of a request that writes.
#[derive(Deserialize)]
struct WriteBody {
    variables: writes::Given,
}

fn asked(request: &HttpRequest) -> &str {
    request.query_string().trim_start_matches("n=")
}

fn response(json: Json) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(json.finish())
}
