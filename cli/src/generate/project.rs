//! Files of the project beside its entities.

use super::{Target, literal};

/// The program: connects, completes the entities by what the database alone knows, and serves.
const MAIN: &str = r#"//! Serves the database.
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
    let described = describe(&database, &SCHEMAS).await?;
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
"#;

/// Writes the program, for the tables of these schemas.
pub fn program(schemas: &[String]) -> String {
    let schemas: Vec<String> =
        schemas.iter().map(|schema| format!("{}.to_owned()", literal(schema))).collect();
    MAIN.replace("SCHEMAS", &format!("[{}]", schemas.join(", ")))
}

/// Writes the manifest. Without the path of the library, its version is that of this program.
pub fn manifest(target: &Target) -> String {
    let name: String = target
        .folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect();
    let name = match name.chars().next() {
        Some(first) if first.is_ascii_lowercase() => name,
        _ => format!("service-{name}"),
    };
    let library = match target.library {
        Some(path) => format!("path = {}", literal(&path.display().to_string())),
        None => format!("version = {}", literal(env!("CARGO_PKG_VERSION"))),
    };
    format!(
        "[package]\nname = {}\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n\
         actix-web = {{ version = \"4\", default-features = false, features = [\"macros\"] }}\n\
         crowsfoot = {{ {library}, features = [\"server\"] }}\n\
         sea-orm = {{ version = \"2\", default-features = false, features = [\n    \"macros\", \"postgres-array\", \
         \"with-chrono\", \"with-json\", \"with-rust_decimal\", \"with-uuid\",\n] }}\nserde_json = \"1\"\n\n\
         # A package of its own, whatever folder it lies in.\n[workspace]\n",
        literal(&name)
    )
}
