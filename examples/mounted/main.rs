//! Example of the service inside an actix-web application with a middleware, a route and state of its own.
//!
//! ```sh
//! cargo run --example mounted -- sqlite://authors.db?mode=rwc 127.0.0.1:8000
//! ```

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpServer, rt, web};
use crowsfoot::server::{GraphqlService, Settings};
use crowsfoot::{Registry, Schema, connect};
use sea_orm::ConnectionTrait;

type Failure = Box<dyn std::error::Error>;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS authors (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    mentor_id INTEGER REFERENCES authors (id) ON DELETE SET NULL
)";

/// Entity of the example: an author, who may have a mentor.
mod author {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "authors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_type = "Text")]
        pub name: String,
        pub mentor_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "Mentor",
            from = "mentor_id",
            to = "id",
            on_update = "NoAction",
            on_delete = "SetNull"
        )]
        pub mentor: BelongsTo<Option<Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// State of the application: number of requests, whatever their route.
#[derive(Default)]
struct Visits(AtomicUsize);

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite://authors.db?mode=rwc".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let (server, address) = application(&url, &listen).await?;
    println!(
        "GraphiQL is at http://{address}/api/, and the application's own page at http://{address}/visits"
    );
    Ok(server.await?)
}

/// Binds the application on a database; creates a missing table.
pub async fn application(url: &str, listen: &str) -> Result<(Server, SocketAddr), Failure> {
    let connection = connect(url, 4).await?;
    connection.execute_unprepared(TABLE).await?;
    let model = Registry::new().register::<author::Entity>().model()?;
    let service = GraphqlService::new(Schema::new(model)?, connection, &Settings::default())?;
    let visits = web::Data::new(Visits::default());
    let mounted = service.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(visits.clone())
            .wrap(from_fn(count))
            .service(web::scope("/api").configure(mounted.configure()))
            // An application serves these where only its operators come.
            .service(web::scope("/operations").configure(mounted.configure_operations()))
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
