//! Example `library`: generated entities, a hand-written root field, and the service, tested over HTTP.

use std::thread::JoinHandle;

use serde_json::{Value as Json, json};
use tokio::sync::oneshot;

use crate::support::{self, TestDatabase};

#[path = "../../examples/library/main.rs"]
mod library;

/// Running example, on a database of its own.
struct Library {
    database: TestDatabase,
    address: String,
    client: reqwest::Client,
    stop: oneshot::Sender<()>,
    service: JoinHandle<()>,
}

const ROWS: &str = "
    INSERT INTO authors VALUES (1, 'Ada', NULL), (2, 'Ben', 1), (3, 'Cleo', 1), (4, 'Dora', NULL);
    INSERT INTO biographies VALUES (1, 1, 'A long life.');
    INSERT INTO books VALUES (1, 2, 'Logic', '2001-01-01'), (2, 2, 'Sets', NULL), (3, 1, 'Engines', NULL),
        (4, 3, 'Roses', NULL), (5, 3, 'Thorns', NULL), (6, 3, 'Leaves', '1999-12-31');
    INSERT INTO reviews VALUES (1, 1, 5), (2, 1, 3), (3, 6, 1);
    INSERT INTO subjects VALUES (1, 'Mathematics'), (2, 'Gardening');
    INSERT INTO book_subjects VALUES (1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 1), (6, 2);";

impl Library {
    async fn open() -> Self {
        let database = support::sqlite().await;
        let url = database.url.clone();
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let service = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = library::server(&url, "127.0.0.1:0".to_owned()).await.unwrap();
                tell.send(server.addresses()[0]).unwrap();
                tokio::select! {
                    ended = server.run() => ended.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let address = format!("http://{}/graphql", told.await.unwrap());
        database.run(ROWS).await;
        Self { database, address, client: reqwest::Client::new(), stop, service }
    }

    /// Returns the response as sent over HTTP, and the statements that the service reports.
    async fn ask(&self, query: &str, variables: Json) -> (Json, Vec<String>) {
        let mut answer: Json = serde_json::from_str(&self.text(query, variables).await).unwrap();
        let explained = answer.as_object_mut().unwrap().remove("extensions").unwrap();
        let statements = explained["explain"]["statements"].as_array().unwrap();
        (answer, statements.iter().map(|statement| statement["sql"].as_str().unwrap().to_owned()).collect())
    }

    async fn text(&self, query: &str, variables: Json) -> String {
        let body = json!({ "query": query, "variables": variables });
        let request = self.client.post(&self.address).header("Crowsfoot-Explain", "1").json(&body);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Returns the data of a response without errors; checks its number of statements.
    async fn data(&self, statements: usize, query: &str) -> Json {
        let (mut answer, sent) = self.ask(query, Json::Null).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        assert_eq!(sent.len(), statements, "{query}\n{sent:#?}");
        answer["data"].take()
    }

    async fn close(self) {
        self.stop.send(()).unwrap();
        self.service.join().unwrap();
        self.database.drop().await;
    }
}

#[tokio::test]
async fn generated_relations_are_served() {
    let library = Library::open().await;
    let data = library
        .data(
            4,
            "{ authors { name mentor { name } biography { text author { id } }
                books { title published subjects { name } reviews { stars } } } }",
        )
        .await;
    let book = |title: &str, published: Option<&str>, subjects: &[&str], stars: &[i32]| {
        let subjects: Vec<Json> = subjects.iter().map(|name| json!({ "name": name })).collect();
        let reviews: Vec<Json> = stars.iter().map(|stars| json!({ "stars": stars })).collect();
        json!({ "title": title, "published": published, "subjects": subjects, "reviews": reviews })
    };
    let (maths, garden) = ("Mathematics", "Gardening");
    let expected = json!({ "authors": [
        { "name": "Ada", "mentor": null, "biography": { "text": "A long life.", "author": { "id": 1 } },
            "books": [book("Engines", None, &[maths], &[])] },
        { "name": "Ben", "mentor": { "name": "Ada" }, "biography": null,
            "books": [book("Logic", Some("2001-01-01"), &[maths], &[5, 3]), book("Sets", None, &[maths], &[])] },
        { "name": "Cleo", "mentor": { "name": "Ada" }, "biography": null,
            "books": [book("Roses", None, &[garden], &[]), book("Thorns", None, &[garden], &[]),
                book("Leaves", Some("1999-12-31"), &[maths, garden], &[1])] },
        { "name": "Dora", "mentor": null, "biography": null, "books": [] },
    ] });
    assert_eq!(data, expected);
    // From the far side of the junction, filtered, ordered, paged.
    let data = library
        .data(
            2,
            r#"{ subjects(where: { books: { some: { author: { name: { eq: "Ada" } } } } }) {
                name booksConnection(first: 2, orderBy: [{ title: ASC }]) { nodes { title } pageInfo { hasNextPage } } } }"#,
        )
        .await;
    let expected = json!({ "subjects": [{ "name": "Mathematics", "booksConnection": {
        "nodes": [{ "title": "Engines" }, { "title": "Leaves" }], "pageInfo": { "hasNextPage": true } } }] });
    assert_eq!(data, expected);
    library.close().await;
}

#[tokio::test]
async fn a_field_of_the_users_own_has_batched_relations_below_it() {
    let library = Library::open().await;
    // Any number of rows: one statement per nested relation field. The root field's own query does not pass
    // through the service.
    let below = "{ name mentor { name } books(orderBy: [{ title: ASC }], limit: 1) { title reviewsAggregate { count } } }";
    let one = json!([{ "name": "Cleo", "mentor": { "name": "Ada" },
        "books": [{ "title": "Leaves", "reviewsAggregate": { "count": 1 } }] }]);
    let data = library.data(3, &format!("{{ topAuthors(limit: 1) {below} }}")).await;
    assert_eq!(data, json!({ "topAuthors": one }));
    let data = library.data(3, &format!("{{ topAuthors(limit: 4) {below} }}")).await;
    let four = json!({ "topAuthors": [
        one[0],
        { "name": "Ben", "mentor": { "name": "Ada" }, "books": [{ "title": "Logic", "reviewsAggregate": { "count": 2 } }] },
        { "name": "Ada", "mentor": null, "books": [{ "title": "Engines", "reviewsAggregate": { "count": 0 } }] },
        { "name": "Dora", "mentor": null, "books": [] },
    ] });
    assert_eq!(data, four);
    // Without rows, and without relations, the service sends no statement.
    assert_eq!(
        library.data(0, &format!("{{ topAuthors(limit: 0) {below} }}")).await,
        json!({ "topAuthors": [] })
    );
    let data = library.data(0, "{ topAuthors { id } }").await;
    assert_eq!(data, json!({ "topAuthors": [{ "id": 3 }, { "id": 2 }, { "id": 1 }] }));
    // All columns of the model are present, and the node id leads back to the row.
    let data = library.data(0, "{ topAuthors(limit: 2) { nodeId mentorId } }").await;
    let id = data["topAuthors"][1]["nodeId"].as_str().unwrap();
    assert_eq!(data["topAuthors"][1]["mentorId"], 1);
    let data = library.data(1, &format!("{{ node(nodeId: {id:?}) {{ ... on Author {{ name }} }} }}")).await;
    assert_eq!(data, json!({ "node": { "name": "Ben" } }));
    library.close().await;
}

#[tokio::test]
async fn one_operation_mixes_all_of_them() {
    let library = Library::open().await;
    let query = r#"query Mixed($n: Int!, $no: Boolean!) {
            __typename
            best: topAuthors(limit: $n) { ...who __typename ... on Node { nodeId } }
            authors(limit: 1) { name }
            first: topAuthors(limit: 1) { id booksAggregate { count } }
            __schema { queryType { name } }
            topAuthors @include(if: $no) { id }
            author(id: 2) { ...who }
            first: topAuthors(limit: 1) { name }
            __type(name: "Author") { kind }
            total: booksAggregate { count }
        }
        fragment who on Author { name books { title } }"#;
    let variables = json!({ "n": 2, "no": false });
    let (answer, sent) = library.ask(query, variables.clone()).await;
    let books = |titles: &[&str]| titles.iter().map(|title| json!({ "title": title })).collect::<Vec<_>>();
    let best = &answer["data"]["best"];
    let expected = json!({ "data": {
        "__typename": "Query",
        "best": [
            { "name": "Cleo", "books": books(&["Roses", "Thorns", "Leaves"]), "__typename": "Author", "nodeId": best[0]["nodeId"] },
            { "name": "Ben", "books": books(&["Logic", "Sets"]), "__typename": "Author", "nodeId": best[1]["nodeId"] },
        ],
        "authors": [{ "name": "Ada" }],
        "first": [{ "id": 3, "booksAggregate": { "count": 3 }, "name": "Cleo" }],
        "__schema": { "queryType": { "name": "Query" } },
        "author": { "name": "Ben", "books": books(&["Logic", "Sets"]) },
        "__type": { "kind": "OBJECT" },
        "total": { "count": 6 },
    } });
    assert_eq!(answer, expected);
    assert!(best[0]["nodeId"].is_string() && best[0]["nodeId"] != best[1]["nodeId"]);
    // Below the hand-written field: books, an aggregate. The model's own: authors, author and its books, an
    // aggregate.
    assert_eq!(sent.len(), 6, "{sent:#?}");
    // Response fields are in the order of the selection.
    let text = library.text(query, variables).await;
    let keys = ["__typename", "best", "authors", "first", "__schema", "author", "__type", "total"];
    let data = text.find(r#"{"__typename""#).unwrap();
    let places: Vec<usize> =
        keys.iter().map(|key| data + text[data..].find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    library.close().await;
}

#[tokio::test]
async fn errors_of_the_users_own_field_have_codes_and_tell_no_sql() {
    let library = Library::open().await;
    let refused = async |query: &str| {
        let (answer, _) = library.ask(query, Json::Null).await;
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        assert_eq!(errors.len(), 1, "{query}: {answer}");
        (
            answer["data"].clone(),
            errors[0]["path"].clone(),
            errors[0]["extensions"].clone(),
            errors[0]["message"].clone(),
        )
    };
    // Refusal by the hand-written field, made with an error of the service: nulls the parent of a non-null
    // field.
    let (data, path, extensions, message) = refused("{ authors { id } topAuthors(limit: -1) { id } }").await;
    assert_eq!((data, path), (Json::Null, json!(["topAuthors"])));
    assert_eq!(extensions, json!({ "code": "BAD_USER_INPUT", "argument": "limit", "value": -1 }));
    assert_eq!(message, "argument \"limit\": expected a number that is not negative, but -1 was given");
    // Fault below the field, in the part that the service planned.
    let (data, path, extensions, _) = refused("{ top: topAuthors { books(limit: -1) { id } } }").await;
    assert_eq!((data, path), (Json::Null, json!(["top", "books"])));
    assert_eq!(extensions["code"], "BAD_USER_INPUT");
    // Validation refuses unknown fields earlier.
    let (_, _, extensions, _) = refused("{ topAuthors { pages } }").await;
    assert_eq!(extensions["code"], "GRAPHQL_VALIDATION_FAILED");
    let (_, _, extensions, _) = refused("{ topAuthors(limit: \"three\") { id } }").await;
    assert_eq!(extensions["code"], "GRAPHQL_VALIDATION_FAILED");
    // The database fails the hand-written field's own statement; the model's own fields beside it have their
    // own errors.
    library.database.run("ALTER TABLE books RENAME TO volumes").await;
    let (data, path, extensions, message) = refused("{ topAuthors { id } }").await;
    assert_eq!((data, path), (Json::Null, json!(["topAuthors"])));
    assert_eq!(extensions["code"], "INTERNAL_SERVER_ERROR");
    assert!(extensions["requestId"].is_string());
    assert_eq!(message, "internal server error");
    library.close().await;
}
