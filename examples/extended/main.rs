//! Example of fields of one's own beside the generated ones: on a type, in mutations, and in subscriptions.
//!
//! ```sh
//! cargo run --example extended -- sqlite://reviews.db?mode=rwc 127.0.0.1:8000
//! ```
//!
//! ```graphql
//! mutation { rateBook(id: 1, stars: 5) { title averageStars reviews { stars } } }
//! subscription { newReviews { stars book { title } } }
//! ```

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use async_graphql::Value;
use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, ResolverContext, SubscriptionField, SubscriptionFieldFuture,
    TypeRef,
};
use crowsfoot::server::{Server, Settings};
use crowsfoot::tables::Table;
use crowsfoot::{
    Database, EntityField, Error, FieldBatch, Registry, Schema, SchemaBuilder, Session, connect, rows,
};
use futures_util::{Stream, stream};
use sea_orm::prelude::*;
use sea_orm::{ActiveValue, QueryOrder, QuerySelect};

type Failure = Box<dyn std::error::Error>;

/// Tables of the example, with three books.
pub const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS books (id INTEGER NOT NULL PRIMARY KEY, title TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS reviews (
        id INTEGER NOT NULL PRIMARY KEY,
        book_id INTEGER NOT NULL REFERENCES books (id),
        stars INTEGER NOT NULL
    );
    INSERT OR IGNORE INTO books VALUES (1, 'Engines'), (2, 'Sets'), (3, 'Roses');";

/// Entity of the example: a book.
mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "books")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        #[sea_orm(has_many)]
        pub reviews: HasMany<super::review::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Entity of the example: a review of a book.
mod review {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reviews")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub book_id: i32,
        pub stars: i32,
        #[sea_orm(belongs_to, from = "book_id", to = "id")]
        pub book: BelongsTo<super::book::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite://reviews.db?mode=rwc".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let database = connect(&url, 4).await?;
    database.execute_unprepared(TABLES).await?;
    let schema = builder(&database)?.finish()?;
    let server = Server::bind(schema, database, &Settings::default().listen(listen).development(true))?;
    println!("GraphiQL is at http://{}/", server.addresses()[0]);
    Ok(server.run().await?)
}

/// Describes the schema, with fields of its own.
pub fn builder(database: &Database) -> Result<SchemaBuilder, Failure> {
    let model = Registry::new().register::<book::Entity>().register::<review::Entity>().model()?;
    Ok(Schema::builder(model)
        .entity_field(average_stars())
        .mutation_field(rate_book())
        .subscription_field(new_reviews(database.clone())))
}

/// Defines `averageStars: Float` on `Book`.
fn average_stars() -> EntityField {
    EntityField::new("averageStars", TypeRef::named(TypeRef::FLOAT), [book::Column::Id], averages)
        .description("Average of the reviews; null without reviews.")
}

/// Returns the averages of all books of a level, by one statement.
async fn averages(books: FieldBatch) -> async_graphql::Result<Vec<Value>> {
    let ids: Vec<i32> = books.column(0)?;
    let sums: Vec<(i32, i64, i64)> = review::Entity::find()
        .select_only()
        .column(review::Column::BookId)
        .column_as(review::Column::Stars.sum(), "sum")
        .column_as(review::Column::Id.count(), "count")
        .filter(review::Column::BookId.is_in(ids.iter().copied()))
        .group_by(review::Column::BookId)
        .into_tuple()
        .all(books.connection())
        .await?;
    let averages: HashMap<i32, f64> =
        sums.into_iter().map(|(id, sum, count)| (id, sum as f64 / count as f64)).collect();
    Ok(ids.iter().map(|id| averages.get(id).copied().map_or(Value::Null, Value::from)).collect())
}

/// Defines `rateBook(id: Int!, stars: Int!): Book!`.
fn rate_book() -> Field {
    Field::new("rateBook", TypeRef::named_nn("Book"), |context| FieldFuture::new(rate(context)))
        .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::INT)))
        .argument(InputValue::new("stars", TypeRef::named_nn(TypeRef::INT)))
        .description("Adds a review of one to five stars.")
}

/// Writes a review in the transaction of the operation: what else the operation writes, it writes with the review or not
/// at all.
async fn rate(context: ResolverContext<'_>) -> async_graphql::Result<Option<FieldValue<'_>>> {
    let id = i32::try_from(context.args.try_get("id")?.i64()?)?;
    let stars = i32::try_from(context.args.try_get("stars")?.i64()?)?;
    if !(1..=5).contains(&stars) {
        return Err(Error::bad_input("stars", stars.into(), "expected one to five stars").into());
    }
    let session = context.data::<Arc<Session>>()?;
    let book = {
        let transaction = session.transaction().await?;
        let review = review::ActiveModel {
            book_id: ActiveValue::Set(id),
            stars: ActiveValue::Set(stars),
            ..Default::default()
        };
        review.insert(&*transaction).await?;
        book::Entity::find_by_id(id).all(&*transaction).await?
    };
    Ok(rows::<book::Entity>(&context, &book).await?.pop())
}

/// Defines `newReviews: Review!`, each review once it is committed.
fn new_reviews(database: Database) -> SubscriptionField {
    SubscriptionField::new("newReviews", TypeRef::named_nn("Review"), move |context| {
        let database = database.clone();
        SubscriptionFieldFuture::new(async move { follow(context, database).await })
    })
    .description("Each review that is added from now on.")
}

async fn follow(
    context: ResolverContext<'_>,
    database: Database,
) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<FieldValue<'_>>>> {
    let reviews = Table { schema: None, name: "reviews".to_owned() };
    let changes = database.changes().subscribe(BTreeSet::from([reviews]));
    let newest = review::Entity::find().order_by_desc(review::Column::Id).one(&*database).await?;
    let start = (context, database, changes, newest.map_or(0, |review| review.id), VecDeque::new());
    Ok(stream::try_unfold(start, |(context, database, mut changes, mut seen, mut waiting)| async move {
        loop {
            if let Some(next) = waiting.pop_front() {
                return Ok(Some((next, (context, database, changes, seen, waiting))));
            }
            changes.changed().await;
            let found = review::Entity::find()
                .filter(review::Column::Id.gt(seen))
                .order_by_asc(review::Column::Id)
                .all(&*database)
                .await?;
            seen = found.last().map_or(seen, |review| review.id);
            waiting.extend(rows::<review::Entity>(&context, &found).await?);
        }
    }))
}
