//! Example service for a small library: generated entities, and a hand-written root field.
//!
//! ```sh
//! cargo run --example library -- sqlite://library.db?mode=rwc 127.0.0.1:8000
//! ```

mod entities;

use std::sync::Arc;

use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, ResolverContext, TypeRef};
use crowsfoot::server::{Server, Settings};
use crowsfoot::{Error, Registry, Schema, Session, connect, rows};
use entities::{authors, biographies, book_subjects, books, reviews, subjects};
use sea_orm::prelude::*;
use sea_orm::{JoinType, QueryOrder, QuerySelect};

type Failure = Box<dyn std::error::Error>;

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite://library.db?mode=rwc".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let server = server(&url, listen).await?;
    println!("GraphiQL is at http://{}/", server.addresses()[0]);
    Ok(server.run().await?)
}

/// Creates the service on a database; creates missing tables.
pub async fn server(url: &str, listen: String) -> Result<Server, Failure> {
    let connection = connect(url, 4).await?;
    connection.execute_unprepared(include_str!("schema.sql")).await?;
    let model = Registry::new()
        .register::<authors::Entity>()
        .register::<biographies::Entity>()
        .register::<books::Entity>()
        .register::<reviews::Entity>()
        .register::<subjects::Entity>()
        .register::<book_subjects::Entity>()
        .model()?;
    let schema = Schema::builder(model).query_field(top_authors()).finish()?;
    let settings = Settings::default().listen(listen).development(true);
    Ok(Server::bind(schema, connection, &settings)?)
}

/// Defines `topAuthors(limit: Int): [Author!]!`, authors with the most books first.
fn top_authors() -> Field {
    let of = TypeRef::named_nn_list_nn("Author");
    Field::new("topAuthors", of, |context| FieldFuture::new(most_books(context)))
        .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
        .description("Those who wrote the most books; three unless limited.")
}

async fn most_books(context: ResolverContext<'_>) -> async_graphql::Result<Option<FieldValue<'_>>> {
    let limit = match context.args.get("limit") {
        Some(limit) if !limit.is_null() => limit.i64()?,
        _ => 3,
    };
    let limit = u64::try_from(limit)
        .map_err(|_| Error::bad_input("limit", limit.into(), "expected a number that is not negative"))?;
    let authors = authors::Entity::find()
        .join(JoinType::LeftJoin, books::Relation::Authors.def().rev())
        .group_by(authors::Column::Id)
        .order_by_desc(books::Column::Id.count())
        .order_by_asc(authors::Column::Id)
        .limit(limit)
        .all(context.data::<Arc<Session>>()?.connection())
        .await?;
    // The client's selection on the authors is loaded in batches, like all others.
    Ok(Some(FieldValue::list(rows::<authors::Entity>(&context, &authors).await?)))
}
