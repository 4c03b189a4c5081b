//! Tables with few or no columns for clients: an input type has fields and a finite value, or is left out.

use crowsfoot::{Registry, Schema};
use serde_json::json;

use crate::introspection::Types;
use crate::support;

/// Table with only a key.
mod ticket {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tickets")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::stub::Entity")]
        Stub,
    }

    impl Related<super::stub::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Stub.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Table with a key and a foreign key.
mod stub {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stubs")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub ticket_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::ticket::Entity",
            from = "Column::TicketId",
            to = "super::ticket::Column::Id"
        )]
        Ticket,
    }

    impl Related<super::ticket::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Ticket.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Table whose rows each require a row of the other table.
mod hen {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hens")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub egg_id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::egg::Entity", from = "Column::EggId", to = "super::egg::Column::Id")]
        Egg,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod egg {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "eggs")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub hen_id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::hen::Entity", from = "Column::HenId", to = "super::hen::Column::Id")]
        Hen,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Returns the schema, which has passed type system validation.
fn schema(registry: Registry) -> Schema {
    Schema::new(registry.model().unwrap_or_else(|error| panic!("{error}")))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn tickets(hidden: bool) -> Registry {
    if hidden {
        Registry::new()
            .register_with::<ticket::Entity>(|ticket| ticket.hide("id"))
            .register_with::<stub::Entity>(|stub| stub.hide("id").hide("ticket_id"))
    } else {
        Registry::new().register::<ticket::Entity>().register::<stub::Entity>()
    }
}

const TABLES: &str = "CREATE TABLE tickets (id INTEGER PRIMARY KEY);
    CREATE TABLE stubs (id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES tickets (id));";

#[tokio::test]
async fn inputs_without_fields_are_left_out_with_the_fields_that_take_them() {
    let types = Types::of(&schema(tickets(false))).await;
    let input_fields = |name: &str| types.get(name).fields.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(input_fields("TicketCreate"), ["id", "stubs"]);
    assert_eq!(input_fields("TicketUpdate"), ["stubs"]);
    assert_eq!(input_fields("StubUpdate"), ["ticket"]);
    assert_eq!(input_fields("StubCreateWithoutTicket"), ["id"]);
    // A stub has no field to update if its nesting determines the ticket.
    assert!(!types.has("StubUpdateWithoutTicket") && !types.has("TicketStubsUpdateRow"));
    assert!(!types.iter().any(|(_, one)| one.kind == "INPUT_OBJECT" && one.fields.is_empty()));
}

#[tokio::test]
async fn creates_a_row_without_an_input_when_it_has_no_fields() {
    let schema =
        schema(Registry::new().register_with::<ticket::Entity>(|ticket| ticket.hide("id").hide("Stub")));
    let types = Types::of(&schema).await;
    assert!(!types.has("TicketCreate") && !types.has("TicketUpdate") && !types.has("TicketOrder"));
    let database = support::sqlite().await;
    database.run(TABLES).await;
    let mutation = "mutation { a: createTicket { __typename } b: createTicket { __typename } }";
    let data = support::data(&schema, &database, mutation).await;
    assert_eq!(data, json!({ "a": { "__typename": "Ticket" }, "b": { "__typename": "Ticket" } }));
    let data = support::data(&schema, &database, "{ ticketsAggregate { count } }").await;
    assert_eq!(data, json!({ "ticketsAggregate": { "count": 2 } }));
    database.drop().await;
}

#[tokio::test]
async fn rows_that_need_each_other_and_have_no_key_for_clients_cannot_be_created() {
    let hidden = Registry::new()
        .register_with::<hen::Entity>(|hen| hen.hide("id"))
        .register_with::<egg::Entity>(|egg| egg.hide("id"));
    let types = Types::of(&schema(hidden)).await;
    assert!(!types.has("HenCreate") && !types.has("EggCreate") && !types.has("HenLink"));
    assert_eq!(types.get("Mutation").field("createHen"), "");
    assert_eq!(types.get("Mutation").field("updateHens"), "HenUpdateResult!");

    // By a key, each can reference an existing row.
    let keyed = Registry::new().register::<hen::Entity>().register::<egg::Entity>();
    let types = Types::of(&schema(keyed)).await;
    assert_eq!(types.get("HenCreate").field("egg"), "EggLink!");
    assert_eq!(types.get("EggLink").field("create"), "EggCreate");
}
