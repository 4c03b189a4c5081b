//! Serves the database.
//!
//! ```sh
//! cargo run -- postgres://user@host/name 127.0.0.1:8000
//! ```

pub mod entities;

use crowsfoot::server::{Server, Settings};
use crowsfoot::{Schema, connect, describe};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("expected the URL of the database")?;
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let database = connect(&url, 4).await?;
    // Defaults, computed columns, unique keys and types without a name in SeaORM.
    let described = describe(&database, &[]).await?;
    let model = entities::registry().merge(&described.tables).model()?;
    let schema = Schema::builder(model).finish()?;
    if listen == "schema" {
        print!("{}", schema.sdl());
        return Ok(());
    }
    let server = Server::bind(schema, database, &Settings::default().listen(listen).development(true))?;
    println!("GraphiQL is at http://{}/", server.addresses()[0]);
    Ok(server.run().await?)
}
