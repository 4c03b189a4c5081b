//! Entities as `sea-orm-cli generate entity` wrote them, in both formats, from `tables.sql` on PostgreSQL: tables in
//! the plural, relations numbered or called `SelfRef`, reserved words. They are left as they were generated.

mod compact;
mod dense;
mod project;

use std::collections::BTreeMap;

use crowsfoot::{Registry, Schema};
use serde_json::json;

use crate::introspection::Types;
use crate::support;

macro_rules! registry {
    ($format:ident) => {
        Registry::new()
            .register::<$format::users::Entity>()
            .register::<$format::addresses::Entity>()
            .register::<$format::categories::Entity>()
            .register::<$format::people::Entity>()
            .register::<$format::transfers::Entity>()
            .register::<$format::friendships::Entity>()
            .register::<$format::buses::Entity>()
            .register::<$format::staff_buses::Entity>()
            .register_with::<$format::news::Entity>(|news| news.plural("allNews"))
            .register::<$format::news_categories::Entity>()
            .register::<$format::r#type::Entity>()
    };
}

fn formats() -> [(&'static str, Schema); 2] {
    [("compact", registry!(compact)), ("dense", registry!(dense))].map(|(format, registry)| {
        let model = registry.model().unwrap_or_else(|error| panic!("{format}: {error}"));
        (format, Schema::new(model).unwrap())
    })
}

/// Every field of every type, but the forms of lists.
const FIELDS: &[(&str, &[&str])] = &[
    ("Address", &["id: BigInt!", "line1: String!", "line2: String", "user: User!", "userId: Int!"]),
    ("Bus", &["id: Int!", "notes: JSON", "status: UserStatus", "users: [User!]!"]),
    ("Category", &["id: Int!", "news: [News!]!", "parent: Category", "parentId: Int"]),
    ("News", &["authorId: Int!", "categories: [Category!]!", "id: Int!", "type: String!", "user: User!"]),
    ("Person", &["father: Person", "fatherId: UUID", "id: UUID!", "mother: Person", "motherId: UUID"]),
    (
        "Transfer",
        &[
            "amount: Decimal!",
            "at: DateTime!",
            "fromUser: User!",
            "fromUserId: Int!",
            "id: Int!",
            "toUser: User",
            "toUserId: Int",
        ],
    ),
    ("Type", &["id: Int!", "match: Boolean!"]),
    (
        "User",
        &[
            "address: Address",
            "buses: [Bus!]!",
            "friends: [User!]!",
            "id: Int!",
            "name: String!",
            "news: [News!]!",
            "referrer: User",
            "referrerId: Int",
            "status: UserStatus!",
            "users: [User!]!",
        ],
    ),
];

#[tokio::test]
async fn generated_names_give_sensible_fields() {
    for (format, schema) in formats() {
        let types = Types::of(&schema).await;
        let found: BTreeMap<&str, Vec<String>> = types
            .nodes()
            .into_iter()
            .map(|name| {
                let fields = types.get(name).fields.iter();
                let is_form = |field: &str| field.ends_with("Connection") || field.ends_with("Aggregate");
                let fields = fields.filter(|(field, _)| !is_form(field) && *field != "nodeId");
                (name, fields.map(|(field, of)| format!("{field}: {of}")).collect())
            })
            .collect();
        let expected =
            FIELDS.iter().map(|(name, fields)| (*name, fields.iter().map(ToString::to_string).collect()));
        assert_eq!(found, expected.collect(), "{format}");
        let query = types.get("Query");
        for (root, of) in [
            ("user", "User"),
            ("users", "[User!]!"),
            ("userByName", "User"),
            ("addressByUserId", "Address"),
            ("addresses", "[Address!]!"),
            ("buses", "[Bus!]!"),
            ("categoriesConnection", "CategoryConnection!"),
            ("people", "[Person!]!"),
            ("peopleAggregate", "PersonAggregate!"),
            ("news", "News"),
            ("allNews", "[News!]!"),
            ("type", "Type"),
            ("types", "[Type!]!"),
        ] {
            assert_eq!(query.field(root), of, "{format} {root}");
        }
    }
}

#[test]
fn both_formats_have_the_same_types() {
    let [(_, compact), (_, dense)] = formats();
    // The order of an entity's relations is that of its variants, which the formats write differently.
    let sorted = |schema: Schema| {
        let mut lines: Vec<String> = schema.sdl().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(compact), sorted(dense));
}

const ROWS: &str = "
    INSERT INTO users OVERRIDING SYSTEM VALUE VALUES (1, 'Ada', 'active', NULL), (2, 'Ben', 'on leave', 1), (3, 'Cleo', '2nd chance', 1);
    INSERT INTO addresses OVERRIDING SYSTEM VALUE VALUES (9007199254740993, 2, 'Main St', NULL);
    INSERT INTO categories VALUES (1, NULL), (2, 1);
    INSERT INTO people VALUES ('00000000-0000-0000-0000-00000000000a', NULL, NULL),
        ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000a', NULL);
    INSERT INTO transfers VALUES (1, 1, 2, 12.50, '2025-01-01T00:00:00Z'), (2, 2, NULL, 3.00, '2025-01-02T00:00:00Z');
    INSERT INTO friendships VALUES (1, 2), (1, 3), (2, 3);
    INSERT INTO buses VALUES (1, 'active', '{\"doors\": 2}'), (2, NULL, NULL);
    INSERT INTO staff_buses VALUES (1, 1, 2), (2, 1, 3);
    INSERT INTO news VALUES (1, 2, 'gossip');
    INSERT INTO news_categories VALUES (1, 1), (1, 2);
    INSERT INTO type VALUES (1, TRUE);";

#[tokio::test]
async fn generated_entities_read_their_own_database() {
    for database in support::databases().await {
        // The tables are PostgreSQL's: identities, enums, UUIDs.
        if database.dialect != crowsfoot::internals::dialect::Dialect::Postgres {
            database.drop().await;
            continue;
        }
        database.run(include_str!("tables.sql")).await;
        database.run(ROWS).await;
        for (format, schema) in formats() {
            let data = support::data(
                &schema,
                &database,
                r#"{
                    users {
                        name status address { id line1 } news { type } referrer { name } friends { name } users { name }
                        buses { id status notes }
                    }
                    people { mother { id } father { id } }
                    transfers(orderBy: [{ toUser: { name: ASC } }]) { amount at fromUser { name } toUser { name } }
                    allNews { user { name } categories { id parent { id } } }
                    types { match }
                    late: users(where: { status: { in: [_2ND_CHANCE, ON_LEAVE] } }) { id }
                }"#,
            )
            .await;
            let expected = json!({
                "users": [
                    { "name": "Ada", "status": "ACTIVE", "address": null, "news": [], "referrer": null,
                        "friends": [{ "name": "Ben" }, { "name": "Cleo" }], "users": [], "buses": [] },
                    { "name": "Ben", "status": "ON_LEAVE", "address": { "id": "9007199254740993", "line1": "Main St" },
                        "news": [{ "type": "gossip" }], "referrer": { "name": "Ada" },
                        "friends": [{ "name": "Cleo" }], "users": [{ "name": "Ada" }],
                        "buses": [{ "id": 1, "status": "ACTIVE", "notes": { "doors": 2 } }] },
                    { "name": "Cleo", "status": "_2ND_CHANCE", "address": null, "news": [], "referrer": { "name": "Ada" },
                        "friends": [], "users": [{ "name": "Ada" }, { "name": "Ben" }],
                        "buses": [{ "id": 1, "status": "ACTIVE", "notes": { "doors": 2 } }] },
                ],
                "people": [
                    { "mother": null, "father": null },
                    { "mother": { "id": "00000000-0000-0000-0000-00000000000a" }, "father": null },
                ],
                "transfers": [
                    { "amount": "12.50", "at": "2025-01-01T00:00:00Z", "fromUser": { "name": "Ada" }, "toUser": { "name": "Ben" } },
                    { "amount": "3.00", "at": "2025-01-02T00:00:00Z", "fromUser": { "name": "Ben" }, "toUser": null },
                ],
                "allNews": [{ "user": { "name": "Ben" }, "categories": [
                    { "id": 1, "parent": null }, { "id": 2, "parent": { "id": 1 } },
                ] }],
                "types": [{ "match": true }],
                "late": [{ "id": 2 }, { "id": 3 }],
            });
            assert_eq!(data, expected, "{format}");
        }
        database.drop().await;
    }
}
