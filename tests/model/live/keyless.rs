//! Tables without a key: lists that are read, and rows that deletions take along.

use std::time::Duration;

use async_graphql::Request;
use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::{Registry, Schema, TableOptions};
use futures_util::StreamExt;
use serde_json::{Value as Json, json};

use super::{model, served};
use crate::support::{self, data};

const TABLES: &str = "
    CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE visits (user_id integer REFERENCES users (id) ON DELETE CASCADE, page text, seconds integer NOT NULL,
        details json);
    CREATE TABLE holds (user_id integer NOT NULL REFERENCES users (id), reason text NOT NULL);
    INSERT INTO users VALUES (1, 'Ada'), (2, 'Bo'), (3, 'Cy');
    INSERT INTO visits VALUES (2, 'b', 5, '{\"x\": 2}'), (1, 'a', 3, NULL), (1, 'a', 3, NULL), (2, 'b', 5, '{\"x\": 1}'),
        (1, 'c', 1, NULL), (NULL, 'd', 9, NULL), (2, NULL, 7, NULL);
    INSERT INTO holds VALUES (2, 'unpaid'), (2, 'unpaid');";

fn visits(read: &Json) -> Vec<String> {
    let visit = |visit: &Json| format!("{}{}", visit["page"].as_str().unwrap_or("-"), visit["seconds"]);
    read.as_array().unwrap().iter().map(visit).collect()
}

#[tokio::test]
async fn a_table_without_a_key_is_a_list_in_the_order_of_its_columns() {
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        let read = data(
            &schema,
            &database,
            "{ visits { page seconds details user { name } }
               longest: visits(orderBy: [{ seconds: DESC }], limit: 3) { page seconds }
               byUser: visits(orderBy: [{ user: { name: DESC } }], offset: 5) { page seconds }
               some: visits(where: { page: { in: [\"a\", \"c\"] }, user: { name: { eq: \"Ada\" } } }) { page seconds }
               visitsAggregate(where: { userId: { isNull: false } }) { count sum { seconds } countDistinct { page } }
               users { name visits(limit: 2) { page seconds } visitsAggregate { count } }
               most: users(orderBy: [{ visitsCount: DESC }, { name: ASC }]) { name }
               visitors: users(where: { visits: { some: { seconds: { gt: 4 } } } }) { name } }",
        )
        .await;
        assert_eq!(visits(&read["visits"]), ["a3", "a3", "c1", "b5", "b5", "-7", "d9"]);
        // Values without an order are compared as text.
        assert_eq!(read["visits"][3]["details"], json!({ "x": 1 }));
        assert_eq!(
            read["visits"][4],
            json!({ "page": "b", "seconds": 5, "details": { "x": 2 }, "user": { "name": "Bo" } })
        );
        assert_eq!(read["visits"][6]["user"], Json::Null);
        assert_eq!(visits(&read["longest"]), ["d9", "-7", "b5"]);
        assert_eq!(visits(&read["byUser"]), ["a3", "c1"]);
        assert_eq!(visits(&read["some"]), ["a3", "a3", "c1"]);
        assert_eq!(
            read["visitsAggregate"],
            json!({ "count": 6, "sum": { "seconds": "24" }, "countDistinct": { "page": 3 } })
        );
        let of_users = read["users"].as_array().unwrap();
        let of_users: Vec<_> = of_users.iter().map(|user| visits(&user["visits"])).collect();
        assert_eq!(of_users, [vec!["a3", "a3"], vec!["b5", "b5"], vec![]]);
        assert_eq!(read["users"][1]["visitsAggregate"], json!({ "count": 3 }));
        assert_eq!(read["most"], json!([{ "name": "Ada" }, { "name": "Bo" }, { "name": "Cy" }]));
        assert_eq!(read["visitors"], json!([{ "name": "Bo" }]));
        database.drop().await;
    }
}

/// Pages of every size put together are the whole list, whatever the rows have in common.
#[tokio::test]
async fn pages_have_each_row_of_a_table_without_a_key_once() {
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        for order in ["", ", orderBy: [{ page: DESC_NULLS_LAST }]", ", orderBy: [{ user: { name: ASC } }]"] {
            let list = |arguments: &str| {
                format!("{{ visits({arguments}{order}) {{ userId page seconds details }} }}")
            };
            let whole = data(&schema, &database, &list("limit: 100")).await["visits"].clone();
            for size in 1..=3 {
                let mut pages = Vec::new();
                for offset in (0..7).step_by(size) {
                    let page =
                        data(&schema, &database, &list(&format!("limit: {size}, offset: {offset}"))).await;
                    pages.extend(page["visits"].as_array().unwrap().clone());
                }
                assert_eq!(Json::from(pages), whole, "{order} {size}");
            }
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn what_needs_a_key_is_not_in_the_schema() {
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        let sdl = schema.sdl();
        assert!(sdl.contains("type Visit {\n\tuserId") || sdl.contains("type Visit {\n  userId"), "{sdl}");
        for part in [
            "visitsConnection",
            "VisitConnection",
            "VisitEdge",
            "createVisit",
            "VisitCreate",
            "deleteVisits",
            "visit(",
        ] {
            assert!(!sdl.contains(part), "{part}\n{sdl}");
        }
        assert!(sdl.contains("the columns in their order break ties"), "{sdl}");
        let id = data(&schema, &database, "{ user(id: 1) { nodeId } }").await["user"]["nodeId"].clone();
        let read =
            data(&schema, &database, &format!("{{ node(nodeId: {id}) {{ ... on User {{ name }} }} }}")).await;
        assert_eq!(read["node"], json!({ "name": "Ada" }));
        // The id of a type without a key, as base64 of `["Visit"]`.
        let query = "{ node(nodeId: \"WyJWaXNpdCJd\") { nodeId } }";
        let (refused, _) = support::ask(&schema, &database, query, Json::Null).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_database_without_any_key_has_no_nodes() {
    let tables = "CREATE TABLE notes (text text); INSERT INTO notes VALUES ('b'), ('a');";
    for (database, schema) in served(tables, &TableOptions::new()).await {
        assert!(!schema.sdl().contains("Node") && !schema.sdl().contains("Mutation"), "{}", schema.sdl());
        let read = data(&schema, &database, "{ notes { text } notesAggregate { count } }").await;
        assert_eq!(
            read,
            json!({ "notes": [{ "text": "a" }, { "text": "b" }], "notesAggregate": { "count": 2 } })
        );
        database.drop().await;
    }
}

#[tokio::test]
async fn deletions_count_and_name_rows_without_a_key() {
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        let refused =
            support::ask(&schema, &database, "mutation { deleteUser(id: 2) { id } }", Json::Null).await.0;
        let error = &refused["errors"][0]["extensions"];
        assert_eq!(error["code"], "DELETE_RESTRICTED", "{refused}");
        assert!(error.to_string().contains("Hold.user") && error.to_string().contains('2'), "{refused}");
        let deletion =
            "mutation { deleteUsers(where: { id: { in: [1, 3] } }) { affected cascaded { entity count } } }";
        let deleted = data(&schema, &database, deletion).await;
        let cascaded = json!([{ "entity": "Visit", "count": 3 }]);
        assert_eq!(deleted["deleteUsers"], json!({ "affected": 2, "cascaded": cascaded }));
        let left = data(&schema, &database, "{ visits { page seconds } }").await;
        assert_eq!(visits(&left["visits"]), ["b5", "b5", "-7", "d9"]);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_live_query_of_rows_without_a_key_follows_deletions() {
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        let prepared = schema.prepare(Request::new("subscription { visitsAggregate { count } }")).unwrap();
        let mut live = schema.subscribe(prepared, &database.connection);
        let count = async |live: &mut futures_util::stream::BoxStream<
            'static,
            std::sync::Arc<crowsfoot::Executed>,
        >| {
            let next = tokio::time::timeout(Duration::from_secs(20), live.next()).await;
            next.unwrap().unwrap().data()["visitsAggregate"]["count"].clone()
        };
        assert_eq!(count(&mut live).await, 7);
        data(&schema, &database, "mutation { deleteUser(id: 1) { id } }").await;
        assert_eq!(count(&mut live).await, 4);
        drop(live);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_role_sees_the_granted_rows_and_columns_of_a_table_without_a_key() {
    let policies = Policies::new().role("reader", |role| {
        role.grant("Visit", |visit| visit.read("{ seconds: { lt: 9 } }").columns(["page"]))
            .grant("User", |user| user.read("{ id: { lt: 3 } }").columns(["id"]))
    });
    for database in support::databases().await {
        database.run(TABLES).await;
        let model = model(&database, &TableOptions::new()).await;
        let schema = Schema::builder(model.clone()).policies(policies.clone()).finish().unwrap();
        let seen = schema.seen_by(&Viewer::new("reader")).unwrap();
        let read = data(
            &seen,
            &database,
            "{ visits(limit: 4, offset: 1) { page } visitsAggregate { count } users { id visits { page } } }",
        )
        .await;
        let pages =
            |pages: &[Option<&str>]| Json::from_iter(pages.iter().map(|page| json!({ "page": page })));
        assert_eq!(read["visits"], pages(&[Some("a"), Some("c"), Some("b"), Some("b")]));
        assert_eq!(read["visitsAggregate"], json!({ "count": 6 }));
        assert_eq!(read["users"][1]["visits"], pages(&[Some("b"), Some("b"), None]));
        let hidden = support::ask(&seen, &database, "{ visits { seconds } }", Json::Null).await.0;
        assert!(hidden["errors"].to_string().contains("seconds"), "{hidden}");
        for (policies, fault) in [
            (
                Policies::new().role("writer", |role| {
                    role.grant("Visit", |visit| visit.read("true").columns(["*"]).delete("true"))
                }),
                "create, update and delete cannot be granted: the entity is read-only",
            ),
            (
                Policies::new().role("blind", |role| role.grant("Visit", |visit| visit.read("true"))),
                "a column must be granted",
            ),
        ] {
            let error = Schema::builder(model.clone()).policies(policies).finish().err().unwrap().to_string();
            assert!(error.contains(fault), "{error}");
        }
        database.drop().await;
    }
}

/// A junction that may repeat a link and has no key itself is a list through it, and none with cursors.
#[tokio::test]
async fn a_junction_without_a_key_is_read_through_and_not_written() {
    let tables = "
        CREATE TABLE tracks (id integer PRIMARY KEY, name text NOT NULL);
        CREATE TABLE mixes (id integer PRIMARY KEY, name text NOT NULL);
        CREATE TABLE plays (mix_id integer NOT NULL REFERENCES mixes (id), track_id integer NOT NULL REFERENCES tracks (id));
        INSERT INTO tracks VALUES (1, 'One'), (2, 'Two');
        INSERT INTO mixes VALUES (1, 'Late');
        INSERT INTO plays VALUES (1, 2), (1, 1), (1, 2);";
    let options = TableOptions::new().entity("plays", |play| play.many_to_many("mix", "track", "tracks"));
    for (database, schema) in served(tables, &options).await {
        let read = data(
            &schema,
            &database,
            "{ mixes { tracks { name } tracksAggregate { count } plays { track { id } } } }",
        )
        .await;
        let expected = json!({ "tracks": [{ "name": "One" }, { "name": "Two" }, { "name": "Two" }],
            "tracksAggregate": { "count": 3 }, "plays": [{ "track": { "id": 1 } }, { "track": { "id": 2 } }, { "track": { "id": 2 } }] });
        assert_eq!(read["mixes"][0], expected);
        let sdl = schema.sdl();
        assert!(sdl.contains("tracksConnection") && !sdl.contains("MixTracks"), "{sdl}");
        database.drop().await;
    }
}

#[tokio::test]
async fn an_unusable_table_is_left_out_and_an_option_without_a_key_is_refused() {
    let database = support::sqlite().await;
    database
        .run("CREATE TABLE blank (anything); CREATE TABLE notes (text text); CREATE TABLE more (text text);")
        .await;
    let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    let notes: Vec<String> = model.notes.iter().map(ToString::to_string).collect();
    assert!(
        notes.iter().any(|note| note.contains("table blank is left out: it has no column with a scalar")),
        "{notes:?}"
    );
    assert!(notes.iter().any(|note| note.starts_with("notes is a read-only list")), "{notes:?}");
    let options = TableOptions::new()
        .entity("notes", |note| note.writable(true))
        .entity("more", |note| note.hide("text"));
    let error = Registry::from_tables(&described.tables, &options).model().unwrap_err().to_string();
    assert!(error.contains("Note cannot be writable, because it has no key"), "{error}");
    assert!(error.contains("More has no field: all its columns are hidden"), "{error}");
    database.drop().await;
}
