//! Options of an entity, for cases that the defaults do not fit.

use crowsfoot::{EntityOptions, Registry, Schema};
use serde_json::{Value as Json, json};

use crate::compact::{links, sport, trees};
use crate::entity::entity;
use crate::introspection::Types;
use crate::support;

fn schema(registry: Registry) -> Schema {
    let model = registry.model().unwrap_or_else(|error| panic!("{error}"));
    Schema::new(model).unwrap()
}

/// Returns the fields of a type that begin with any of `starts`.
fn beginning<'a>(types: &'a Types, name: &str, starts: &[&str]) -> Vec<&'a str> {
    let fields = types.get(name).fields.keys().map(String::as_str);
    fields.filter(|field| starts.iter().any(|start| field.starts_with(start))).collect()
}

fn teams(team: impl FnOnce(EntityOptions) -> EntityOptions) -> Registry {
    Registry::new().register_with::<sport::team::Entity>(|options| {
        let options = ["Player", "HomeFixtures", "AwayFixtures", "Kit", "Mascot", "Bus", "Stadium"]
            .into_iter()
            .fold(options, EntityOptions::hide);
        team(options)
    })
}

#[tokio::test]
async fn a_hidden_relation_leaves_its_other_side_alone() {
    // By the variant, by its field, and by the variant in field form.
    for name in ["Coach", "coaches", "coach"] {
        let registry = teams(|team| team.hide(name).hide("Fan")).register::<sport::coach::Entity>();
        let types = Types::of(&schema(registry)).await;
        for input in ["Team", "TeamFilter", "TeamOrder"] {
            assert_eq!(beginning(&types, input, &["coach"]), Vec::<&str>::new(), "{name} {input}");
        }
        assert_eq!(types.get("Coach").field("team"), "Team");
    }
    for name in ["Team", "team"] {
        let registry =
            teams(|team| team.hide("Fan")).register_with::<sport::coach::Entity>(|coach| coach.hide(name));
        let types = Types::of(&schema(registry)).await;
        assert_eq!(types.get("Coach").field("team"), "");
        assert_eq!(types.get("Coach").field("teamId"), "Int");
        assert_eq!(types.get("Team").field("coaches"), "[Coach!]!");
    }
}

#[tokio::test]
async fn a_renamed_relation_has_all_its_forms_under_the_new_name() {
    for name in ["Fan", "fans", "fan"] {
        let registry =
            teams(|team| team.hide("Coach").rename(name, "supporters")).register::<sport::fan::Entity>();
        let schema = schema(registry);
        let types = Types::of(&schema).await;
        assert_eq!(
            beginning(&types, "Team", &["fan", "supporters"]),
            ["supporters", "supportersAggregate", "supportersConnection"],
            "{name}"
        );
        assert_eq!(beginning(&types, "TeamFilter", &["fan", "supporters"]), ["supporters"]);
        assert_eq!(beginning(&types, "TeamOrder", &["fan", "supporters"]), ["supportersCount"]);
        let database = support::sqlite().await;
        database.run(include_str!("tables.sql")).await;
        database
            .run("INSERT INTO teams VALUES (1, 'Ajax', 'AJX'); INSERT INTO fans VALUES (1, 'Max', 'AJX')")
            .await;
        let data = support::data(
            &schema,
            &database,
            "{ teams(where: { supporters: { some: {} } }, orderBy: [{ supportersCount: ASC }]) {
                supporters { name team { id } } supportersAggregate { count } } }",
        )
        .await;
        let expected = json!([{ "supporters": [{ "name": "Max", "team": { "id": 1 } }], "supportersAggregate": { "count": 1 } }]);
        assert_eq!(data["teams"], expected);
        database.drop().await;
    }
}

#[tokio::test]
async fn lists_through_a_junction_are_named_by_the_relation_that_leads_out() {
    let follows = |options: fn(EntityOptions) -> EntityOptions| {
        Registry::new().register::<trees::member::Entity>().register_with::<trees::follow::Entity>(options)
    };
    let lists = async |registry: Registry| {
        let types = Types::of(&schema(registry)).await;
        let fields = types.get("Member").fields.clone();
        fields.into_iter().filter(|(_, of)| of == "[Member!]!").map(|(field, _)| field).collect::<Vec<_>>()
    };
    assert_eq!(lists(follows(|follow| follow)).await, ["followeds", "followers"]);
    assert_eq!(
        lists(follows(|follow| follow.list_through("followed", "idols"))).await,
        ["followers", "idols"]
    );
    // An unwanted list is hidden on its own entity.
    let hidden = Registry::new()
        .register_with::<trees::member::Entity>(|member| member.hide("followeds"))
        .register::<trees::follow::Entity>();
    assert_eq!(lists(hidden).await, ["followers"]);
}

/// Column and relation with the same name, one in the schema and one in the entity.
mod namesakes {
    use super::entity;

    entity! {
        person in "people" {
            #[sea_orm(primary_key)] id: i32,
        }
    }
    entity! {
        post in "posts" {
            #[sea_orm(primary_key)] id: i32,
            /// Printed author.
            author: String,
            author_id: i32,
        }
        #[sea_orm(belongs_to = "super::person::Entity", from = "Column::AuthorId", to = "super::person::Column::Id")] Author,
    }
}

#[tokio::test]
async fn the_field_means_the_column_and_the_variant_the_relation() {
    type Case = (fn(EntityOptions) -> EntityOptions, [(&'static str, &'static str); 2]);
    let cases: [Case; 4] = [
        (|post| post.rename("author", "byline"), [("author", "Person!"), ("byline", "String!")]),
        (|post| post.rename("Author", "writer"), [("author", "String!"), ("writer", "Person!")]),
        (|post| post.hide("author"), [("author", "Person!"), ("byline", "")]),
        (|post| post.hide("Author"), [("author", "String!"), ("writer", "")]),
    ];
    for (options, fields) in cases {
        let registry = Registry::new()
            .register::<namesakes::person::Entity>()
            .register_with::<namesakes::post::Entity>(options);
        let types = Types::of(&schema(registry)).await;
        for (field, of) in fields {
            assert_eq!(types.get("Post").field(field), of);
        }
    }
}

mod account {
    use super::entity;
    use sea_orm::entity::prelude::*;

    entity! {
        account in "accounts" {
            #[sea_orm(primary_key)] id: i32,
            name: String,
            full_name: Option<String>,
            state: super::State,
            other_state: Option<super::State>,
        }
        #[sea_orm(has_many = "super::entry::Entity")] Entries,
    }
    entity! {
        entry in "entries" {
            #[sea_orm(primary_key)] id: i32,
            account_id: i32,
        }
        #[sea_orm(belongs_to = "super::account::Entity", from = "Column::AccountId", to = "super::account::Column::Id")] Account
        => account by Account
    }

    #[derive(Clone, Debug, PartialEq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "account_state")]
    pub enum State {
        #[sea_orm(string_value = "open")]
        Open,
        #[sea_orm(string_value = "on hold")]
        OnHold,
        #[sea_orm(string_value = "~")]
        Unknown,
    }
}

const ACCOUNTS: &str = "
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, full_name TEXT, state account_state NOT NULL, other_state account_state);
    CREATE TABLE entries (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id));
    INSERT INTO accounts VALUES (1, 'ada', 'Ada L.', '~', 'open'), (2, 'ben', NULL, 'on hold', NULL);
    INSERT INTO entries VALUES (1, 2), (2, 2);";

async fn accounts(schema: &Schema, query: &str) -> Vec<Json> {
    let mut answers = Vec::new();
    for database in support::databases().await {
        // SQLite stores text in columns of any type.
        if database.dialect == crowsfoot::internals::dialect::Dialect::Postgres {
            database.run("CREATE TYPE account_state AS ENUM ('open', 'on hold', '~')").await;
        }
        database.run(ACCOUNTS).await;
        answers.push(support::data(schema, &database, query).await);
        database.drop().await;
    }
    answers
}

#[tokio::test]
async fn values_of_enums_have_the_names_they_are_given() {
    let registry = Registry::new()
        .register::<account::account::Entity>()
        .register::<account::entry::Entity>()
        .enum_value("account_state", "~", "UNKNOWN")
        .enum_value("account_state", "on hold", "paused");
    let query = "{ accounts { state otherState } unknown: accounts(where: { state: { eq: UNKNOWN } }) { id }
        some: accounts(where: { state: { in: [paused] } }) { id } }";
    for data in accounts(&schema(registry), query).await {
        let expected = json!({
            "accounts": [{ "state": "UNKNOWN", "otherState": "OPEN" }, { "state": "paused", "otherState": null }],
            "unknown": [{ "id": 1 }],
            "some": [{ "id": 2 }],
        });
        assert_eq!(data, expected);
    }
}

#[tokio::test]
async fn hidden_columns_are_nowhere_and_keys_work_all_the_same() {
    let registry = Registry::new()
        .register_with::<account::account::Entity>(|account| {
            // The name of a hidden column is free for another.
            account.hide("id").hide("state").hide("OtherState").hide("name").rename("fullName", "name")
        })
        .register_with::<account::entry::Entity>(|entry| entry.hide("accountId").hide("id"));
    let schema = schema(registry);
    let types = Types::of(&schema).await;
    let fields: Vec<&String> = types.get("Account").fields.keys().collect();
    assert_eq!(fields, ["entries", "entriesAggregate", "entriesConnection", "name", "nodeId"]);
    assert_eq!(types.get("AccountFilter").fields.len(), 5, "name, entries and what joins conditions");
    assert_eq!(types.get("AccountOrder").fields.len(), 2, "name and the number of entries");
    assert_eq!(types.get("AccountCountDistinct").fields.keys().collect::<Vec<_>>(), ["name"]);
    assert_eq!(types.get("Query").field("account"), "", "its key is hidden");
    assert!(!types.has("AccountState"), "no visible column has this type");
    let query =
        "{ accounts { name entries { account { name } } } accountsConnection(first: 1) { nodes { name } } }";
    for data in accounts(&schema, query).await {
        let entry = json!({ "account": { "name": null } });
        let expected = json!({
            "accounts": [{ "name": "Ada L.", "entries": [] }, { "name": null, "entries": [entry, entry] }],
            "accountsConnection": { "nodes": [{ "name": "Ada L." }] },
        });
        assert_eq!(data, expected);
    }
}

#[tokio::test]
async fn only_changes_that_can_succeed_are_offered_where_columns_are_hidden() {
    let registry = || Registry::new().register::<account::entry::Entity>();
    let hide_state = |account: EntityOptions| account.hide("state").hide("OtherState");
    let keyed = schema(registry().register_with::<account::account::Entity>(hide_state));
    let types = Types::of(&keyed).await;
    let mutation = types.get("Mutation");
    assert_eq!(mutation.field("createAccount"), "", "its state needs a value that nobody can give");
    assert_eq!(mutation.field("updateAccount"), "Account!");
    assert!(types.get("AccountLink").fields.contains_key("id"), "an entry may point at one that is there");
    assert!(!types.get("AccountLink").fields.contains_key("create"));
    let keyless =
        registry().register_with::<account::account::Entity>(|account| hide_state(account).hide("id"));
    let types = Types::of(&schema(keyless)).await;
    let mutation = types.get("Mutation");
    assert_eq!(mutation.field("updateAccount"), "", "its key is hidden");
    assert_eq!(mutation.field("updateAccounts"), "AccountUpdateResult!");
    assert!(!types.has("AccountKey") && !types.has("AccountUniqueKey") && !types.has("AccountLink"));
}

#[tokio::test]
async fn an_enum_is_a_type_as_long_as_one_column_shows_it() {
    for (hidden, shown) in [("state", "otherState"), ("otherState", "state")] {
        let registry = Registry::new()
            .register_with::<account::account::Entity>(|account| account.hide(hidden))
            .register::<account::entry::Entity>()
            .enum_value("account_state", "~", "UNKNOWN");
        let types = Types::of(&schema(registry)).await;
        assert_eq!(types.get("Account").field(shown).trim_end_matches('!'), "AccountState");
        assert_eq!(types.get("Account").field(hidden), "");
        assert_eq!(types.get("AccountState").kind, "ENUM");
    }
}

#[tokio::test]
async fn keeps_a_type_that_has_only_a_key() {
    let registry =
        Registry::new().register_with::<links::actor::Entity>(|actor| actor.hide("id").hide("name"));
    let schema = schema(registry);
    let database = support::sqlite().await;
    database.run("CREATE TABLE actors (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO actors VALUES (1, 'Hurt')").await;
    let data = support::data(&schema, &database, "{ actors { __typename } actorsAggregate { count } }").await;
    assert_eq!(data, json!({ "actors": [{ "__typename": "Actor" }], "actorsAggregate": { "count": 1 } }));
    database.drop().await;
}

/// Reverse sides that list their columns in another order than the forward side.
mod turned {
    use super::entity;

    entity! {
        seat in "seats" {
            #[sea_orm(primary_key, auto_increment = false)] hall: i32,
            #[sea_orm(primary_key, auto_increment = false)] number: i32,
        }
        #[sea_orm(
            has_many = "super::ticket::Entity",
            from = "(Column::Number, Column::Hall)",
            to = "(super::ticket::Column::Number, super::ticket::Column::Hall)"
        )] Ticket,
    }
    entity! {
        ticket in "tickets" {
            #[sea_orm(primary_key)] id: i32,
            hall: i32,
            number: i32,
        }
        #[sea_orm(
            belongs_to = "super::seat::Entity",
            from = "(Column::Hall, Column::Number)",
            to = "(super::seat::Column::Hall, super::seat::Column::Number)"
        )] Seat
        => seat by Seat
    }
}

#[tokio::test]
async fn the_order_of_a_keys_columns_is_of_no_consequence() {
    let registry = Registry::new().register::<turned::seat::Entity>().register::<turned::ticket::Entity>();
    let schema = schema(registry);
    for database in support::databases().await {
        database
            .run(
                "CREATE TABLE seats (hall INTEGER, number INTEGER, PRIMARY KEY (hall, number));
                CREATE TABLE tickets (id INTEGER PRIMARY KEY, hall INTEGER NOT NULL, number INTEGER NOT NULL,
                    FOREIGN KEY (hall, number) REFERENCES seats (hall, number));
                INSERT INTO seats VALUES (1, 2), (2, 1); INSERT INTO tickets VALUES (1, 1, 2), (2, 2, 1);",
            )
            .await;
        let data = support::data(&schema, &database, "{ seats { hall tickets { id seat { hall } } } }").await;
        let expected = json!({ "seats": [
            { "hall": 1, "tickets": [{ "id": 1, "seat": { "hall": 1 } }] },
            { "hall": 2, "tickets": [{ "id": 2, "seat": { "hall": 2 } }] },
        ] });
        assert_eq!(data, expected);
        database.drop().await;
    }
}
