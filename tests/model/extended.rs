//! Example `extended`: fields of the application on a type, in mutations and in subscriptions.

use async_graphql::Request;
use crowsfoot::Schema;
use crowsfoot::policy::{Policies, Viewer};
use futures_util::StreamExt;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

use crate::support::{self, TestDatabase};

#[allow(dead_code, reason = "the program's main is not called")]
#[path = "../../examples/extended/main.rs"]
mod reviews;

async fn open() -> (TestDatabase, Schema) {
    let database = support::sqlite().await;
    database.run(reviews::TABLES).await;
    let schema = reviews::builder(&database.connection).unwrap().finish().unwrap();
    (database, schema)
}

async fn count(database: &TestDatabase) -> i64 {
    let sql = sea_orm::Statement::from_string(
        database.connection.get_database_backend(),
        "SELECT count(*) FROM reviews",
    );
    database.connection.query_one_raw(sql).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn a_field_of_a_type_is_resolved_wherever_the_type_is_selected() {
    let (database, schema) = open().await;
    database.run("INSERT INTO reviews VALUES (1, 1, 5), (2, 1, 2), (3, 2, 4)").await;
    let query = "{ books { title averageStars again: averageStars }
        reviewsConnection(first: 2) { nodes { book { averageStars reviews { book { averageStars } } } } }
        book(id: 2) { averageStars } }";
    let one = json!({ "averageStars": 3.5 });
    let reviews = json!([{ "book": one }, { "book": one }]);
    let expected = json!({
        "books": [
            { "title": "Engines", "averageStars": 3.5, "again": 3.5 },
            { "title": "Sets", "averageStars": 4.0, "again": 4.0 },
            { "title": "Roses", "averageStars": null, "again": null },
        ],
        "reviewsConnection": { "nodes": [
            { "book": { "averageStars": 3.5, "reviews": reviews } },
            { "book": { "averageStars": 3.5, "reviews": reviews } },
        ] },
        "book": { "averageStars": 4.0 },
    });
    assert_eq!(support::data(&schema, &database, query).await, expected);
    database.drop().await;
}

#[tokio::test]
async fn a_field_of_mutations_writes_in_the_transaction_of_the_generated_ones() {
    let (database, schema) = open().await;
    let ask = async |query: &str| support::ask(&schema, &database, query, Json::Null).await.0;
    let answer = ask(r#"mutation ($extra: Boolean = true) { createBook(input: { title: "Leaves" }) { id }
            ...rated ... on Mutation { rateBook(id: 4, stars: 5) @include(if: $extra) { id } } __typename }
        fragment rated on Mutation { rateBook(id: 4, stars: 5) { title reviews { stars } } }"#)
    .await;
    let rated = json!({ "title": "Leaves", "reviews": [{ "stars": 5 }], "id": 4 });
    let expected = json!({ "createBook": { "id": 4 }, "rateBook": rated, "__typename": "Mutation" });
    assert_eq!(answer, json!({ "data": expected }));
    // An error of any field rolls back all.
    for (query, path, code) in [
        (
            "mutation { rateBook(id: 1, stars: 1) { id } deleteBook(id: 99) { id } }",
            "deleteBook",
            "NOT_FOUND",
        ),
        (
            r#"mutation { createBook(input: { title: "Lost" }) { id } rateBook(id: 1, stars: 9) { id } }"#,
            "rateBook",
            "BAD_USER_INPUT",
        ),
        ("mutation { rateBook(id: 1, stars: 1) { id } late: rateBook(id: 99, stars: 1) { id } }", "late", ""),
    ] {
        let answer = ask(query).await;
        assert_eq!(answer["data"], Json::Null, "{answer}");
        let error = &answer["errors"][0];
        assert_eq!(error["path"], json!([path]), "{answer}");
        assert!(code.is_empty() || error["extensions"]["code"] == code, "{answer}");
        assert_eq!(count(&database).await, 1);
    }
    assert_eq!(
        support::data(&schema, &database, "{ booksAggregate { count } }").await["booksAggregate"]["count"],
        4
    );
    database.drop().await;
}

#[tokio::test]
async fn a_field_of_subscriptions_sends_each_event_with_the_clients_selection() {
    let (database, schema) = open().await;
    let subscribe = |query: &str| {
        let prepared = schema.prepare(Request::new(query)).unwrap();
        schema.subscribe(prepared, &database.connection)
    };
    let mut reviews = subscribe("subscription { new: newReviews { stars book { title averageStars } } }");
    let mut live = subscribe("subscription { reviewsAggregate { count } }");
    let live_count = async |live: &mut futures_util::stream::BoxStream<'static, _>| {
        let executed: std::sync::Arc<crowsfoot::Executed> = live.next().await.unwrap();
        executed.data()["reviewsAggregate"]["count"].clone()
    };
    assert_eq!(live_count(&mut live).await, 0);
    let write = async {
        // The subscription begins at its first poll.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        for stars in [4, 2] {
            let rate = format!("mutation {{ rateBook(id: 1, stars: {stars}) {{ id }} }}");
            support::data(&schema, &database, &rate).await;
        }
    };
    let read = async { [reviews.next().await.unwrap(), reviews.next().await.unwrap()] };
    let ([first, second], ()) = futures_util::future::join(read, write).await;
    assert_eq!((&first.errors, &second.errors), (&vec![], &vec![]));
    assert_eq!(first.data()["new"]["stars"], 4);
    assert_eq!(
        second.data()["new"],
        json!({ "stars": 2, "book": { "title": "Engines", "averageStars": 3.0 } })
    );
    // The generated live queries see what the application wrote.
    while live_count(&mut live).await != 2 {}
    let mut refused = subscribe("subscription { newReviews { stars } books { id } }");
    let refused = refused.next().await.unwrap();
    assert!(refused.is_request_error(), "{refused:?}");
    database.drop().await;
}

#[tokio::test]
async fn a_role_has_none_of_the_applications_fields_and_an_administrator_all() {
    let database = support::sqlite().await;
    database.run(reviews::TABLES).await;
    let policies =
        Policies::new().role("reader", |role| role.grant("Book", |grant| grant.read("true").columns(["*"])));
    let schema = reviews::builder(&database.connection).unwrap().policies(policies).finish().unwrap();
    let reader = schema.seen_by(&Viewer::new("reader")).unwrap();
    for field in ["averageStars", "rateBook", "newReviews"] {
        assert!(schema.sdl().contains(field), "{field}");
        assert!(!reader.sdl().contains(field), "{field}");
    }
    let query = "{ books { title } }";
    assert_eq!(
        support::data(&reader, &database, query).await,
        support::data(&schema, &database, query).await
    );
    database.drop().await;
}
