//! Example of the service inside an actix-web application with a middleware, a route and state of its own.
//!
//! ```sh
//! cargo run --example mounted -- sqlite://library.db?mode=rwc 127.0.0.1:8000
//! ```

#[path = "../library/entities/mod.rs"]
mod entities;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpServer, rt, web};
use crowsfoot::database::connect;
use crowsfoot::server::{GraphqlService, Settings};
use crowsfoot::{Registry, Schema};
use entities::{authors, biographies, book_subjects, books, reviews, subjects};
use sea_orm::ConnectionTrait;

type Failure = Box<dyn std::error::Error>;

/// State of the application: number of requests, whatever their route.
#[derive(Default)]
struct Visits(AtomicUsize);

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite://library.db?mode=rwc".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let (server, address) = application(&url, &listen).await?;
    println!(
        "GraphiQL is at http://{address}/api/, and the application's own page at http://{address}/visits"
    );
    Ok(server.await?)
}

/// Binds the application on a database; creates missing tables.
pub async fn application(url: &str, listen: &str) -> Result<(Server, SocketAddr), Failure> {
    let connection = connect(url, 4).await?;
    connection.execute_unprepared(include_str!("../library/schema.sql")).await?;
    let model = Registry::new()
        .register::<authors::Entity>()
        .register::<biographies::Entity>()
        .register::<books::Entity>()
        .register::<reviews::Entity>()
        .register::<subjects::Entity>()
        .register::<book_subjects::Entity>()
        .model()?;
    let service = GraphqlService::new(Schema::new(model)?, connection, &Settings::default())?;
    let visits = web::Data::new(Visits::default());
    let mounted = service.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(visits.clone())
            .wrap(from_fn(count))
            .service(web::scope("/api").configure(mounted.configure()))
            .route("/visits", web::get().to(show))
    })
    // Cancels the work for a client that has disconnected.
    .h1_allow_half_closed(false)
    // Sends small frames of a socket at once.
    .tcp_nodelay(true)
    .bind(listen)?;
    let address = server.addrs()[0];
    // actix-web finishes requests after this signal, and would wait for sockets.
    rt::spawn(async move {
        if rt::signal::ctrl_c().await.is_ok() {
            service.close_streams();
        }
    });
    Ok((server.run(), address))
}

/// Middleware of the application: counts a request, and numbers its response.
async fn count(
    visits: web::Data<Visits>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let number = visits.0.fetch_add(1, Ordering::Relaxed) + 1;
    let mut response = next.call(request).await?;
    response.headers_mut().insert(HeaderName::from_static("x-visit"), HeaderValue::from(number));
    Ok(response)
}

/// Route of the application.
async fn show(visits: web::Data<Visits>) -> String {
    format!("{} visits\n", visits.0.load(Ordering::Relaxed))
}
