//! Schema-qualified tables, and table names with a meaning to the database.

use crowsfoot::{Registry, Schema};
use serde_json::json;

use crate::entity::entity;
use crate::support;

/// Names that are reserved words of SQL, Rust and GraphQL.
mod reserved {
    use super::entity;

    entity! {
        order in "order" {
            #[sea_orm(primary_key)] id: i32,
            select: String,
            r#type: Option<String>,
            #[sea_orm(column_name = "Group By")] group: i32,
        }
        #[sea_orm(has_many = "super::r#where::Entity")] Where,
    }
    entity! {
        r#where in "where" {
            #[sea_orm(primary_key)] from: i32,
            #[sea_orm(column_name = "order")] order_id: i32,
        }
        #[sea_orm(belongs_to = "super::order::Entity", from = "Column::OrderId", to = "super::order::Column::Id")] Order
        => order by Order
    }
}

#[tokio::test]
async fn reserved_words_are_names_like_others() {
    let registry =
        Registry::new().register::<reserved::order::Entity>().register::<reserved::r#where::Entity>();
    let schema = Schema::new(registry.model().unwrap()).unwrap();
    for database in support::databases().await {
        database
            .run(
                r#"CREATE TABLE "order" (id INTEGER PRIMARY KEY, "select" TEXT NOT NULL, type TEXT, "Group By" INTEGER NOT NULL);
                CREATE TABLE "where" ("from" INTEGER PRIMARY KEY, "order" INTEGER NOT NULL REFERENCES "order" (id));
                INSERT INTO "order" VALUES (1, 'a', 'x', 7), (2, 'b', NULL, 8); INSERT INTO "where" VALUES (5, 2);"#,
            )
            .await;
        let query = r#"{
            orders(where: { wheres: { some: { from: { eq: 5 } } } }, orderBy: [{ select: DESC }, { wheresCount: ASC }]) {
                id select type group wheres { from orderId order { group } } wheresAggregate { max { from } }
            }
            where(from: 5) { order { select } }
        }"#;
        let data = support::data(&schema, &database, query).await;
        let expected = json!({
            "orders": [{ "id": 2, "select": "b", "type": null, "group": 8,
                "wheres": [{ "from": 5, "orderId": 2, "order": { "group": 8 } }],
                "wheresAggregate": { "max": { "from": 5 } } }],
            "where": { "order": { "select": "b" } },
        });
        assert_eq!(data, expected, "{:?}", database.dialect);
        database.drop().await;
    }
}

/// Tables of several database schemas, two of them with the same name.
mod schemas {
    use super::entity;

    entity! {
        customer in "customers" of "crm" {
            #[sea_orm(primary_key)] id: i32,
            name: String,
        }
        #[sea_orm(has_many = "super::order::Entity")] Order,
    }
    entity! {
        order in "orders" of "shop" {
            #[sea_orm(primary_key)] id: i32,
            customer_id: i32,
        }
        #[sea_orm(belongs_to = "super::customer::Entity", from = "Column::CustomerId", to = "super::customer::Column::Id")] Customer
        => customer by Customer
    }
    entity! {
        article in "articles" of "shop" {
            #[sea_orm(primary_key)] id: i32,
            name: String,
        }
    }
    entity! {
        position in "positions" of "shop" {
            #[sea_orm(primary_key, auto_increment = false)] order_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] article_id: i32,
        }
        #[sea_orm(belongs_to = "super::order::Entity", from = "Column::OrderId", to = "super::order::Column::Id")] Order,
        #[sea_orm(belongs_to = "super::article::Entity", from = "Column::ArticleId", to = "super::article::Column::Id")] Article,
    }
    // The other table of this name: no row references it.
    entity! {
        old_order in "orders" {
            #[sea_orm(primary_key)] id: i32,
            note: String,
        }
    }
}

#[tokio::test]
async fn relations_lead_from_one_database_schema_to_another() {
    let registry = Registry::new()
        .register::<schemas::old_order::Entity>()
        .register::<schemas::customer::Entity>()
        .register::<schemas::order::Entity>()
        .register::<schemas::article::Entity>()
        .register::<schemas::position::Entity>();
    let schema = Schema::new(registry.model().unwrap()).unwrap();
    // SQLite has no schemas.
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE SCHEMA crm; CREATE SCHEMA shop;
            CREATE TABLE crm.customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
            CREATE TABLE shop.orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES crm.customers (id));
            CREATE TABLE shop.articles (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
            CREATE TABLE shop.positions (order_id INTEGER REFERENCES shop.orders (id),
                article_id INTEGER REFERENCES shop.articles (id), PRIMARY KEY (order_id, article_id));
            CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
            INSERT INTO crm.customers VALUES (1, 'Ada'), (2, 'Ben'); INSERT INTO shop.orders VALUES (1, 2), (2, 2);
            INSERT INTO shop.articles VALUES (1, 'ink'); INSERT INTO shop.positions VALUES (2, 1);
            INSERT INTO orders VALUES (9, 'of old');",
        )
        .await;
    let query = r#"{
        customers { name orders { id articles { name orders { customer { name } } } } ordersAggregate { count } }
        oldOrders { id note }
        articles(where: { orders: { some: { customer: { name: { eq: "Ben" } } } } }) { name }
    }"#;
    let data = support::data(&schema, &database, query).await;
    let expected = json!({
        "customers": [
            { "name": "Ada", "orders": [], "ordersAggregate": { "count": 0 } },
            { "name": "Ben", "orders": [
                { "id": 1, "articles": [] },
                { "id": 2, "articles": [{ "name": "ink", "orders": [{ "customer": { "name": "Ben" } }] }] },
            ], "ordersAggregate": { "count": 2 } },
        ],
        "oldOrders": [{ "id": 9, "note": "of old" }],
        "articles": [{ "name": "ink" }],
    });
    assert_eq!(data, expected);
    database.drop().await;
}
