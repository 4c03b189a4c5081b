//! Example of a schema behind an axum handler, with a request-scoped value for a resolver.
//!
//! ```sh
//! cargo run -p axum-example -- sqlite://notes.db?mode=rwc 127.0.0.1:8000
//! ```

use async_graphql::Request;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, TypeRef};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use crowsfoot::{Database, Registry, Schema, connect};
use sea_orm::ConnectionTrait;
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error>;

/// Entity of the example.
mod note {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "notes")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// State of the application.
#[derive(Clone)]
struct Application {
    schema: Schema,
    database: Database,
}

/// Name of the client, as the header `x-reader` of its request has it.
struct Reader(String);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite://notes.db?mode=rwc".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("GraphQL is at http://{}/graphql", listener.local_addr()?);
    Ok(axum::serve(listener, application(&url).await?).await?)
}

/// Builds the application on a database; creates a missing table.
async fn application(url: &str) -> Result<Router, Failure> {
    let database = connect(url, 4).await?;
    database
        .execute_unprepared("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        .await?;
    let model = Registry::new().register::<note::Entity>().model()?;
    let schema = Schema::builder(model).query_field(reader()).finish()?;
    Ok(Router::new().route("/graphql", post(graphql)).with_state(Application { schema, database }))
}

/// Defines `reader: String`, the name of the client.
fn reader() -> Field {
    Field::new("reader", TypeRef::named(TypeRef::STRING), |context| {
        FieldFuture::new(async move {
            Ok(context.data_opt::<Reader>().map(|reader| FieldValue::value(reader.0.as_str())))
        })
    })
}

/// Executes a request; its resolvers can read the client's name.
async fn graphql(
    State(application): State<Application>,
    headers: HeaderMap,
    Json(mut request): Json<Request>,
) -> impl IntoResponse {
    if let Some(name) = headers.get("x-reader").and_then(|name| name.to_str().ok()) {
        request = request.data(Reader(name.to_owned()));
    }
    let executed = application.schema.execute(request, &application.database).await;
    for error in &executed.errors {
        error.log(None);
    }
    let status = if executed.is_request_error() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    (status, [(CONTENT_TYPE, "application/graphql-response+json; charset=utf-8")], executed.into_json())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn the_handler_executes_requests_with_a_value_of_their_own() {
        let file = std::env::temp_dir().join(format!("crowsfoot-axum-{}.db", std::process::id()));
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/graphql", listener.local_addr().unwrap());
        let application = application(&url).await.unwrap();
        let serving = tokio::spawn(async { axum::serve(listener, application).await });
        let client = reqwest::Client::new();
        let ask = async |query: &str, reader: Option<&str>| {
            let request = client.post(&address).json(&json!({ "query": query }));
            let request = reader.into_iter().fold(request, |request, name| request.header("x-reader", name));
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json::<Value>().await.unwrap())
        };
        let created =
            ask(r#"mutation { createNote(input: { text: "Hello" }) { id text } }"#, Some("Ada")).await;
        assert_eq!(created, (200, json!({ "data": { "createNote": { "id": 1, "text": "Hello" } } })));
        let expected = json!({ "data": { "reader": "Ada", "notes": [{ "text": "Hello" }] } });
        assert_eq!(ask("{ reader notes { text } }", Some("Ada")).await, (200, expected));
        assert_eq!(ask("{ reader }", None).await, (200, json!({ "data": { "reader": null } })));
        let (status, refused) = ask("{ writer }", None).await;
        assert_eq!(
            (status, &refused["errors"][0]["extensions"]["code"]),
            (400, &json!("GRAPHQL_VALIDATION_FAILED"))
        );
        serving.abort();
        std::fs::remove_file(file).unwrap();
    }
}
