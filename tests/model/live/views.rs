//! Views, materialized views and foreign tables: keys and relations that options declare.

use std::path::Path;
use std::time::Duration;

use async_graphql::Request;
use crowsfoot::internals::database;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::{Registry, Schema, TableOptions};
use futures_util::StreamExt;
use serde_json::{Value as Json, json};

use super::{model, served};
use crate::support::{self, TestDatabase, data};

const TABLES: &str = "
    CREATE TABLE users (id {key}, name text NOT NULL, active boolean NOT NULL);
    CREATE TABLE posts (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES users (id), title text NOT NULL);
    CREATE VIEW profiles AS SELECT id AS user_id, name AS nick, active FROM users;
    CREATE VIEW headlines AS SELECT id, author_id, title FROM posts;
    CREATE VIEW busy AS SELECT author_id, count(*) AS number FROM posts GROUP BY author_id;
    INSERT INTO users (name, active) VALUES ('Ada', true), ('Bo', false), ('Cy', true);
    INSERT INTO posts VALUES (1, 1, 'A'), (2, 1, 'B'), (3, 3, 'C');";

fn options(database: &TestDatabase) -> TableOptions {
    let options = TableOptions::new()
        .entity("profiles", |view| {
            view.key(["user_id"]).not_null("nick").foreign_key(["user_id"], "users", ["id"])
        })
        .entity("headlines", |view| {
            view.key(["id"]).foreign_key(["author_id"], "users", [""; 0]).foreign_key(
                ["authorId"],
                "profiles",
                ["user_id"],
            )
        });
    options.entity("busy", |view| {
        let view = view.key(["author_id"]).foreign_key(["author_id"], "profiles", [""; 0]).not_null("number");
        match database.dialect {
            Dialect::Sqlite => view.column_type("number", "BigInt"),
            Dialect::Postgres => view,
        }
    })
}

async fn with_keys() -> Vec<(TestDatabase, Schema)> {
    let mut served = Vec::new();
    for database in support::databases().await {
        database.run(&super::tables_for(&database, TABLES)).await;
        let schema = Schema::new(model(&database, &options(&database)).await).unwrap();
        served.push((database, schema));
    }
    served
}

#[tokio::test]
async fn views_are_lists_unless_options_declare_keys() {
    for (database, schema) in served(TABLES, &TableOptions::new()).await {
        let read = data(
            &schema,
            &database,
            "{ profiles(where: { active: { eq: true } }, orderBy: [{ nick: DESC }], limit: 1) { userId nick }
               headlinesAggregate { count } busies { authorId } }",
        )
        .await;
        assert_eq!(read["profiles"], json!([{ "userId": 3, "nick": "Cy" }]));
        assert_eq!(read["headlinesAggregate"], json!({ "count": 3 }));
        assert_eq!(read["busies"], json!([{ "authorId": 1 }, { "authorId": 3 }]));
        let sdl = schema.sdl();
        for part in ["profilesConnection", "createProfile", "HeadlineUpdate"] {
            assert!(!sdl.contains(part), "{part}");
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn declared_keys_make_relations_of_views_in_both_directions() {
    for (database, schema) in with_keys().await {
        let read = data(
            &schema,
            &database,
            "{ users { name profile { nick } headlines(orderBy: [{ title: DESC }]) { title } headlinesAggregate { count } }
               profiles { user { name } busy { number } headlines { title } }
               headlines(where: { authorUser: { name: { eq: \"Ada\" } } }) { title authorUser { name } authorProfile { nick } }
               profile(userId: 2) { nick nodeId }
               page: profilesConnection(first: 2, orderBy: [{ nick: DESC }]) { edges { cursor } nodes { nick } totalCount }
               quiet: users(where: { not: { headlines: { some: {} } } }) { name }
               ordered: profiles(orderBy: [{ headlinesCount: DESC }, { user: { name: DESC } }]) { nick } }",
        )
        .await;
        let user = |name: &str, titles: &[&str]| {
            let list: Vec<Json> = titles.iter().map(|title| json!({ "title": title })).collect();
            json!({ "name": name, "profile": { "nick": name }, "headlines": list, "headlinesAggregate": { "count": list.len() } })
        };
        assert_eq!(read["users"], json!([user("Ada", &["B", "A"]), user("Bo", &[]), user("Cy", &["C"])]));
        assert_eq!(
            read["profiles"][0],
            json!({ "user": { "name": "Ada" }, "busy": { "number": "2" }, "headlines": [{ "title": "A" }, { "title": "B" }] })
        );
        assert_eq!(read["profiles"][1], json!({ "user": { "name": "Bo" }, "busy": null, "headlines": [] }));
        assert_eq!(read["headlines"].as_array().unwrap().len(), 2);
        assert_eq!(
            read["headlines"][0],
            json!({ "title": "A", "authorUser": { "name": "Ada" }, "authorProfile": { "nick": "Ada" } })
        );
        assert_eq!(read["profile"]["nick"], "Bo");
        assert_eq!(read["page"]["nodes"], json!([{ "nick": "Cy" }, { "nick": "Bo" }]));
        assert_eq!(read["page"]["totalCount"], 3);
        assert_eq!(read["quiet"], json!([{ "name": "Bo" }]));
        assert_eq!(read["ordered"], json!([{ "nick": "Ada" }, { "nick": "Cy" }, { "nick": "Bo" }]));
        let cursor = &read["page"]["edges"][1]["cursor"];
        let id = &read["profile"]["nodeId"];
        let query = format!(
            "{{ profilesConnection(after: {cursor}, orderBy: [{{ nick: DESC }}]) {{ nodes {{ nick }} }}
                node(nodeId: {id}) {{ ... on Profile {{ nick }} }} }}"
        );
        let next = data(&schema, &database, &query).await;
        assert_eq!(next["profilesConnection"]["nodes"], json!([{ "nick": "Ada" }]));
        assert_eq!(next["node"], json!({ "nick": "Bo" }));
        let sdl = schema.sdl();
        assert!(sdl.contains("nick: String!") && sdl.contains("userId: Int!"), "{sdl}");
        for part in ["createProfile", "updateHeadline", "ProfileLink"] {
            assert!(!sdl.contains(part), "{part}");
        }
        assert_eq!(
            crowsfoot::verify(&model(&database, &options(&database)).await, &database.connection)
                .await
                .unwrap(),
            []
        );
        database.drop().await;
    }
}

/// SQLite makes joins of a view's `EXISTS`, and would count an author once for each of the posts.
#[tokio::test]
async fn an_offset_skips_rows_of_a_view_and_not_their_partners() {
    let tables = format!(
        "{TABLES} INSERT INTO posts VALUES (4, 3, 'D'), (5, 2, 'E');
         CREATE VIEW writers AS SELECT id, name FROM users u WHERE EXISTS (SELECT 1 FROM posts p WHERE p.author_id = u.id);"
    );
    let options = TableOptions::new().entity("writers", |view| view.key(["id"]));
    for (database, schema) in served(&tables, &options).await {
        let read = data(
            &schema,
            &database,
            "{ writers(offset: 1) { name } two: writers(offset: 1, limit: 1) { name } none: writers(offset: 3) { name }
               last: writers(orderBy: [{ name: DESC }], where: { name: { ne: \"Bo\" } }, offset: 1) { name } }",
        )
        .await;
        let names = |names: &[&str]| Json::from_iter(names.iter().map(|name| json!({ "name": name })));
        assert_eq!(read["writers"], names(&["Bo", "Cy"]));
        assert_eq!(read["two"], names(&["Bo"]));
        assert_eq!(read["none"], names(&[]));
        assert_eq!(read["last"], names(&["Ada"]));
        database.drop().await;
    }
}

/// An expression of a view has no type on SQLite, which then compares a number with text as such.
#[tokio::test]
async fn cursors_of_expressions_neither_lose_nor_repeat_rows() {
    const ROWS: &str = "
        CREATE TABLE prices (id integer PRIMARY KEY, net numeric(12, 3), large bigint, share double precision, name text);
        CREATE VIEW totals AS
            SELECT id, net * 1 AS net, large + 0 AS large, share * 1 AS share, name || '' AS name FROM prices;
        INSERT INTO prices VALUES (1, -1.5, -3, -0.5, 'a'), (2, 0.2, 0, 0.25, 'b'), (3, 10, 9007199254740993, 1e300, 'c'),
            (4, 2, 5, 2, '10'), (5, NULL, NULL, NULL, NULL);";
    for database in support::databases().await {
        database.run(ROWS).await;
        let options = TableOptions::new().entity("totals", |view| {
            let view = view.key(["id"]);
            let types = [("net", "Decimal"), ("large", "BigInt"), ("share", "Float"), ("name", "String")];
            match database.dialect {
                Dialect::Sqlite => types.iter().fold(view, |view, (name, of)| view.column_type(*name, *of)),
                Dialect::Postgres => view,
            }
        });
        let schema = Schema::new(model(&database, &options).await).unwrap();
        for column in ["net", "large", "share", "name"] {
            for direction in ["ASC", "DESC"] {
                let page = async |arguments: &str| {
                    let query = format!(
                        "{{ totalsConnection(orderBy: [{{ {column}: {direction} }}], {arguments}) {{ edges {{ cursor node {{ id }} }} }} }}"
                    );
                    let read = data(&schema, &database, &query).await;
                    read["totalsConnection"]["edges"].as_array().unwrap().clone()
                };
                let ids =
                    |edges: &[Json]| Json::from_iter(edges.iter().map(|edge| edge["node"]["id"].clone()));
                let all = page("first: 5").await;
                assert_eq!(all.len(), 5);
                for (place, edge) in all.iter().enumerate() {
                    let cursor = &edge["cursor"];
                    let (before, after) = (
                        page(&format!("last: 5, before: {cursor}")).await,
                        page(&format!("first: 5, after: {cursor}")).await,
                    );
                    assert_eq!(ids(&before), ids(&all[..place]), "{column} {direction} before {place}");
                    assert_eq!(ids(&after), ids(&all[place + 1..]), "{column} {direction} after {place}");
                }
            }
        }
        database.drop().await;
    }
}

/// Nothing keeps a declared key unique: rows that repeat it never multiply the rows that reference them.
#[tokio::test]
async fn a_broken_promise_multiplies_no_row_and_check_finds_it() {
    let options = TableOptions::new()
        .entity("headlines", |view| {
            view.key(["author_id"]).not_null("title").foreign_key(["author_id"], "users", ["id"])
        })
        .entity("posts", |post| post.foreign_key(["author_id"], "headlines", ["author_id"]));
    let options = options.entity("profiles", |view| view.unique_key(["nick"]).not_null("nick"));
    for (database, schema) in served(TABLES, &options).await {
        database.run("INSERT INTO users (name, active) VALUES ('Ada', true)").await;
        let read = data(
            &schema,
            &database,
            "{ users { id headline { authorId } } posts { id author { id } authorHeadline { authorId } }
               some: posts(where: { authorHeadline: { title: { gt: \"\" } } }) { id }
               ordered: posts(orderBy: [{ authorHeadline: { authorId: DESC } }]) { id } }",
        )
        .await;
        assert_eq!(read["users"].as_array().unwrap().len(), 4, "{read}");
        assert_eq!(read["posts"].as_array().unwrap().len(), 3, "{read}");
        assert_eq!(read["some"].as_array().unwrap().len(), 3, "{read}");
        let model = model(&database, &options).await;
        let broken = database::broken_promises(&model, &database.connection).await.unwrap();
        let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert!(
            broken.iter().any(|line| line.starts_with("rows repeat headlines (author_id)")),
            "{broken:?}"
        );
        assert!(broken.iter().any(|line| line.starts_with("rows repeat profiles (nick)")), "{broken:?}");
        database.drop().await;
    }
}

#[tokio::test]
async fn null_against_a_promise_is_found_and_an_error_of_its_cell() {
    let tables = "CREATE TABLE items (id integer PRIMARY KEY, name text);
        CREATE VIEW names AS SELECT id, name FROM items; INSERT INTO items VALUES (1, NULL), (2, 'b');";
    let options = TableOptions::new().entity("names", |view| view.key(["id"]).not_null("name"));
    for (database, schema) in served(tables, &options).await {
        let answer = support::ask(&schema, &database, "{ names { name } }", Json::Null).await.0;
        assert_eq!(answer["data"], Json::Null, "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["names", 0, "name"]), "{answer}");
        let broken =
            database::broken_promises(&model(&database, &options).await, &database.connection).await.unwrap();
        assert!(broken[0].to_string().starts_with("rows have NULL in names (name)"), "{broken:?}");
        assert_eq!(broken.len(), 1, "{broken:?}");
        database.drop().await;
    }
}

/// A view writes to other tables than its own.
#[tokio::test]
async fn a_writable_view_is_written_and_followed_by_live_queries() {
    let triggers = "
        CREATE TRIGGER profile_update INSTEAD OF UPDATE ON profiles BEGIN
            UPDATE users SET name = NEW.nick, active = NEW.active WHERE id = OLD.user_id; END;
        CREATE TRIGGER profile_insert INSTEAD OF INSERT ON profiles BEGIN
            INSERT INTO users (id, name, active) VALUES (NEW.user_id, NEW.nick, NEW.active); END;
        CREATE TRIGGER profile_delete INSTEAD OF DELETE ON profiles BEGIN DELETE FROM users WHERE id = OLD.user_id; END;";
    for database in support::databases().await {
        database.run(&super::tables_for(&database, TABLES)).await;
        if database.dialect == Dialect::Sqlite {
            database.run(triggers).await;
        }
        let options = TableOptions::new()
            .entity("profiles", |view| view.key(["user_id"]).not_null("nick").writable(true));
        let schema = Schema::new(model(&database, &options).await).unwrap();
        let prepared = schema.prepare(Request::new("subscription { users { name } }")).unwrap();
        let mut of_table = schema.subscribe(prepared, &database.connection);
        let prepared = schema.prepare(Request::new("subscription { profiles { nick } }")).unwrap();
        let mut of_view = schema.subscribe(prepared, &database.connection);
        let mut until = async |field: &str, wanted: &Json| loop {
            let stream = if field == "users" { &mut of_table } else { &mut of_view };
            let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
            if next.unwrap().unwrap().data()[field] == *wanted {
                return;
            }
        };
        let names =
            |key: &str, names: &[&str]| Json::from_iter(names.iter().map(|name| json!({ key: name })));
        until("users", &names("name", &["Ada", "Bo", "Cy"])).await;
        until("profiles", &names("nick", &["Ada", "Bo", "Cy"])).await;
        let written = data(
            &schema,
            &database,
            "mutation { updateProfile(userId: 2, input: { nick: \"Bob\", active: true }) { nick active } }",
        )
        .await;
        assert_eq!(written["updateProfile"], json!({ "nick": "Bob", "active": true }));
        until("users", &names("name", &["Ada", "Bob", "Cy"])).await;
        until("profiles", &names("nick", &["Ada", "Bob", "Cy"])).await;
        // A write of the table behind the view is seen through the view.
        data(&schema, &database, "mutation { updateUser(id: 3, input: { name: \"Cyd\" }) { id } }").await;
        until("profiles", &names("nick", &["Ada", "Bob", "Cyd"])).await;
        let deleted = data(
            &schema,
            &database,
            "mutation { deleteProfiles(where: { nick: { eq: \"Bob\" } }) { affected cascaded { count } } }",
        )
        .await;
        assert_eq!(deleted["deleteProfiles"], json!({ "affected": 1, "cascaded": [] }));
        until("users", &names("name", &["Ada", "Cyd"])).await;
        let create =
            "mutation { createProfile(input: { userId: 9, nick: \"Dee\", active: true }) { userId nick } }";
        let created = data(&schema, &database, create).await;
        assert_eq!(created["createProfile"], json!({ "userId": 9, "nick": "Dee" }));
        until("users", &names("name", &["Ada", "Cyd", "Dee"])).await;
        if database.dialect == Dialect::Postgres {
            // The default of the table behind the view.
            let create = "mutation { createProfile(input: { nick: \"Eve\", active: true }) { userId nick } }";
            let created = data(&schema, &database, create).await;
            assert_eq!(created["createProfile"], json!({ "userId": 4, "nick": "Eve" }));
            data(&schema, &database, "mutation { deleteProfile(userId: 4) { nick } }").await;
        }
        let many = "mutation { updateProfiles(where: {}, all: true, input: { active: false }) { affected } }";
        assert_eq!(data(&schema, &database, many).await["updateProfiles"]["affected"], 3);
        let sdl = schema.sdl();
        assert!(!sdl.contains("upsertProfile") && sdl.contains("createProfile"), "{sdl}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_role_reads_a_view_by_its_rule() {
    for database in support::databases().await {
        database.run(&super::tables_for(&database, TABLES)).await;
        let policies = Policies::new().role("reader", |role| {
            role.grant("Profile", |view| {
                view.read("{ user: { active: { eq: true } } }").columns(["userId", "nick"])
            })
            .grant("User", |user| user.read("true").columns(["id", "name"]))
        });
        let model = model(&database, &options(&database)).await;
        let schema = Schema::builder(model).policies(policies).finish().unwrap();
        let seen = schema.seen_by(&Viewer::new("reader")).unwrap();
        let read = data(
            &seen,
            &database,
            "{ profiles { nick } users { profile { nick } } profile(userId: 2) { nick } }",
        )
        .await;
        assert_eq!(read["profiles"], json!([{ "nick": "Ada" }, { "nick": "Cy" }]));
        assert_eq!(read["users"][1], json!({ "profile": null }));
        assert_eq!(read["profile"], Json::Null);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_materialized_view_and_a_foreign_table_are_served() {
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE TABLE sales (id integer PRIMARY KEY, shop_id integer NOT NULL, amount numeric(10, 2) NOT NULL);
            CREATE TABLE shops (id integer PRIMARY KEY, name text NOT NULL);
            INSERT INTO shops VALUES (1, 'North'), (2, 'South');
            INSERT INTO sales VALUES (1, 1, 10.5), (2, 1, 2), (3, 2, 1);
            CREATE MATERIALIZED VIEW totals AS SELECT shop_id, sum(amount) AS total FROM sales GROUP BY shop_id;
            CREATE UNIQUE INDEX ON totals (shop_id);",
        )
        .await;
    let has_files = sea_orm::ConnectionTrait::execute_unprepared(
        &*database.connection,
        "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE ratings (shop_id integer NOT NULL, stars integer)
            SERVER files OPTIONS (program 'printf \"1,5\\n2,\\n\"', format 'csv');",
    )
    .await
    .is_ok();
    // The index of the materialized view is its key, if its column is never NULL.
    let options = TableOptions::new()
        .entity("totals", |view| view.not_null("shop_id").foreign_key(["shop_id"], "shops", ["id"]));
    let options = match has_files {
        true => options
            .entity("ratings", |table| table.key(["shop_id"]).foreign_key(["shop_id"], "shops", ["id"])),
        false => options,
    };
    let model = model(&database, &options).await;
    assert_eq!(database::broken_promises(&model, &database.connection).await.unwrap(), []);
    let schema = Schema::new(model).unwrap();
    let read = data(
        &schema,
        &database,
        "{ total(shopId: 1) { total shop { name } } shops { total { total } } totalsConnection(first: 1) { totalCount } }",
    )
    .await;
    assert_eq!(read["total"], json!({ "total": "12.50", "shop": { "name": "North" } }));
    assert_eq!(read["shops"][1]["total"], json!({ "total": "1.00" }));
    assert_eq!(read["totalsConnection"]["totalCount"], 2);
    assert!(!schema.sdl().contains("createTotal") && !schema.sdl().contains("createRating"));
    match has_files {
        true => {
            let read = data(
                &schema,
                &database,
                "{ shops { rating { stars } } ratings(where: { stars: { isNull: false } }) { shop { name } } }",
            )
            .await;
            assert_eq!(read["shops"], json!([{ "rating": { "stars": 5 } }, { "rating": { "stars": null } }]));
            assert_eq!(read["ratings"], json!([{ "shop": { "name": "North" } }]));
        }
        false => eprintln!("foreign tables are left out: the server has no file_fdw"),
    }
    database.drop().await;
}

/// Beside a table: a table without a key, a view without one, and one with a declared key. This command updates the file:
///
/// ```text
/// UPDATE_GOLDEN=1 cargo test --test model live::views
/// ```
#[tokio::test]
async fn views_and_tables_without_keys_have_the_schema_of_the_file() {
    let database = support::sqlite().await;
    let more = "CREATE TABLE visits (user_id integer REFERENCES users (id), page text NOT NULL);";
    database.run(&super::tables_for(&database, &format!("{TABLES}{more}"))).await;
    let options = TableOptions::new().exclude("posts").exclude("busy").entity("profiles", |view| {
        view.key(["user_id"]).not_null("nick").foreign_key(["user_id"], "users", ["id"])
    });
    let sdl = Schema::new(model(&database, &options).await).unwrap().sdl();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/live/views.graphql");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &sdl).unwrap();
    }
    assert_eq!(sdl, std::fs::read_to_string(&file).unwrap());
    database.drop().await;
}

#[tokio::test]
async fn options_that_name_nothing_or_no_key_are_refused_all_at_once() {
    let database = support::sqlite().await;
    database.run(&super::tables_for(&database, TABLES)).await;
    let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
    let options = TableOptions::new()
        .entity("profiles", |view| {
            view.key(["user"])
                .not_null("nik")
                .foreign_key(["user_id"], "user", ["id"])
                .foreign_key(["user_id"], "users", ["idd"])
                .foreign_key(["user_id"], "headlines", ["title"])
                .foreign_key(["user_id"], "headlines", ["author_id"])
                .foreign_key(["user_id", "nick"], "users", ["id"])
        })
        .entity("users", |user| user.key(["name"]))
        .entity("headlines", |view| view.unique_key(["id", "id"]).column_type("title", "String"))
        .entity("busy", |view| view.column_type("number", "Number").writable(true));
    let error = Registry::from_tables(&described.tables, &options).model().unwrap_err().to_string();
    for fault in [
        "an option of profiles names \"user\", which does not exist; did you mean \"user_id\"?",
        "an option of profiles names \"nik\", which does not exist; did you mean \"nick\"?",
        "an option of profiles names \"user\", which does not exist; did you mean \"users\"?",
        "an option of users names \"idd\", which does not exist",
        "the option foreign_keys (user_id) of profiles does not fit: user_id and headlines.title have different types",
        "the option foreign_keys (user_id) of profiles does not fit: (author_id) is not a unique key of headlines",
        "the option foreign_keys (user_id, nick) of profiles does not fit: its columns do not match those of users",
        "the option key (name) of users does not fit: the primary key is (id)",
        "the option unique_keys (id, id) of headlines does not fit: it has a column twice",
        "the type String of headlines.title cannot be set: the column has the type TEXT",
        "the type Number of busy.number cannot be set: expected one of Int, BigInt",
        "Busy cannot be writable, because the database accepts no INSERT, UPDATE or DELETE of busy",
    ] {
        assert!(error.contains(fault), "{fault}\n{error}");
    }
    database.drop().await;
}
