//! Default orders and scopes of lists.

use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::{Registry, Schema, TableOptions};
use serde_json::json;

use super::{model, served};
use crate::support::{self, data};

const TABLES: &str = "
    CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL, retired boolean NOT NULL);
    CREATE TABLE books (id integer PRIMARY KEY, title text NOT NULL, year integer NOT NULL, deleted boolean NOT NULL,
        author_id integer NOT NULL REFERENCES authors (id));
    CREATE TABLE reviews (id integer PRIMARY KEY, stars integer NOT NULL,
        book_id integer NOT NULL REFERENCES books (id) ON DELETE CASCADE);
    INSERT INTO authors VALUES (1, 'Woolf', false), (2, 'Austen', true);
    INSERT INTO books VALUES (1, 'Orlando', 1928, false, 1), (2, 'Emma', 1815, false, 2), (3, 'Flush', 1933, true, 1),
        (4, 'The Waves', 1931, false, 1), (5, 'Persuasion', 1817, false, 2);
    INSERT INTO reviews VALUES (1, 5, 3), (2, 4, 1);";

#[tokio::test]
async fn lists_have_the_default_order_unless_one_is_given() {
    let options = TableOptions::new()
        .entity("books", |book| {
            book.rename("year", "published").order_by("[{ author: { name: ASC } }, { published: DESC }]")
        })
        .entity("authors", |author| author.order_by("{ name: ASC }"));
    for (database, schema) in served(TABLES, &options).await {
        let read = data(
            &schema,
            &database,
            "{ books { id } authors { name books { id } }
               given: books(orderBy: [{ published: ASC }]) { id } key: books(orderBy: []) { id }
               null: books(orderBy: null, limit: 2) { id }
               last: booksConnection(last: 2) { nodes { id } } first: booksConnection(first: 2) { edges { cursor node { id } } } }",
        )
        .await;
        let ids = |ids: &[i32]| json!(ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>());
        assert_eq!(read["books"], ids(&[5, 2, 3, 4, 1]));
        assert_eq!(
            read["authors"],
            json!([{ "name": "Austen", "books": ids(&[5, 2]) }, { "name": "Woolf", "books": ids(&[3, 4, 1]) }])
        );
        assert_eq!(read["given"], ids(&[2, 5, 1, 4, 3]));
        assert_eq!(read["key"], ids(&[1, 2, 3, 4, 5]));
        assert_eq!(read["null"], ids(&[5, 2]));
        assert_eq!(read["last"]["nodes"], ids(&[4, 1]));
        // A cursor of the default order continues it.
        let cursor = &read["first"]["edges"][1]["cursor"];
        let next = format!("{{ booksConnection(first: 2, after: {cursor}) {{ nodes {{ id }} }} }}");
        assert_eq!(data(&schema, &database, &next).await["booksConnection"]["nodes"], ids(&[3, 4]));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_scope_holds_for_lists_and_nothing_besides() {
    let options = TableOptions::new().entity("books", |book| book.scope("{ deleted: { eq: false } }"));
    for (database, schema) in served(TABLES, &options).await {
        let read = data(
            &schema,
            &database,
            "{ books { id } recent: books(where: { year: { gt: 1900 } }) { id } booksConnection { totalCount nodes { id } }
               booksAggregate { count } authors { books { id } booksAggregate { count } }
               reviews { book { title } } book(id: 3) { title }
               reviewed: authors(where: { books: { some: { title: { eq: \"Flush\" } } } }) { name } }",
        )
        .await;
        let ids = |ids: &[i32]| json!(ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>());
        assert_eq!(read["books"], ids(&[1, 2, 4, 5]));
        assert_eq!(read["recent"], ids(&[1, 4]));
        assert_eq!(read["booksConnection"], json!({ "totalCount": 4, "nodes": ids(&[1, 2, 4, 5]) }));
        assert_eq!(read["booksAggregate"], json!({ "count": 4 }));
        assert_eq!(
            read["authors"],
            json!([{ "books": ids(&[1, 4]), "booksAggregate": { "count": 2 } },
                { "books": ids(&[2, 5]), "booksAggregate": { "count": 2 } }])
        );
        // A required relation has its row, whatever the scope says.
        assert_eq!(
            read["reviews"],
            json!([{ "book": { "title": "Flush" } }, { "book": { "title": "Orlando" } }])
        );
        assert_eq!(read["book"], json!({ "title": "Flush" }));
        assert_eq!(read["reviewed"], json!([{ "name": "Woolf" }]));
        let deleted = "mutation { deleteBooks(where: { year: { gt: 1930 } }) { affected } }";
        assert_eq!(data(&schema, &database, deleted).await["deleteBooks"]["affected"], json!(2));
        database.drop().await;
    }
}

/// The role reads neither the column and the relation of the scope, nor the first sort key.
#[tokio::test]
async fn a_scope_holds_for_a_role_that_does_not_see_it_and_hidden_sort_keys_are_left_out() {
    let options = TableOptions::new().entity("books", |book| {
        let scope = "{ deleted: { eq: false }, author: { retired: { eq: false } }, reviews: { every: { stars: { lt: 5 } } } }";
        book.scope(scope).order_by("[{ author: { name: ASC } }, { year: ASC }, { title: DESC }]")
    });
    for database in support::databases().await {
        database.run(TABLES).await;
        let model = model(&database, &options).await;
        let policies = Policies::new().role("reader", |role| {
            role.grant("Book", |book| book.read("{ id: { ne: 99 } }").columns(["id", "title"]))
        });
        let schema = Schema::builder(model).policies(policies).finish().unwrap();
        let all = data(&schema, &database, "{ books { title } }").await;
        assert_eq!(all["books"], json!([{ "title": "Orlando" }, { "title": "The Waves" }]));
        let seen = schema.seen_by(&Viewer::new("reader")).unwrap();
        let read =
            data(&seen, &database, "{ books { title } booksAggregate { count } book(id: 3) { title } }")
                .await;
        assert_eq!(read["books"], json!([{ "title": "The Waves" }, { "title": "Orlando" }]));
        assert_eq!(read["booksAggregate"], json!({ "count": 2 }));
        assert_eq!(read["book"], json!({ "title": "Flush" }));
        database.drop().await;
    }
}

#[tokio::test]
async fn orders_and_scopes_that_do_not_fit_are_refused_all_at_once() {
    let database = support::sqlite().await;
    database.run(TABLES).await;
    let options = TableOptions::new()
        .entity("books", |book| {
            book.order_by("[{ titel: ASC }, { year: UP }]").scope("{ deleted: { eq: $now } }")
        })
        .entity("authors", |author| author.order_by("{ name: ASC").scope("{ gone: { eq: true } }"));
    let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &options).model().unwrap();
    let error = Schema::new(model).err().unwrap().to_string();
    for fault in [
        "Book: order_by: argument \"orderBy[0].titel\": Book cannot be sorted by \"titel\"",
        "Book: order_by: argument \"orderBy[1].year\": expected a Direction",
        "Book: scope: expected no variable, but got $now",
        "Author: order_by: ",
        "Author: scope: ",
    ] {
        assert!(error.contains(fault), "{fault}\n{error}");
    }
    database.drop().await;
}
