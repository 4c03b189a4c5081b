//! The domain of these tests, as SeaORM entities: every type of column, and every way in which rows can be related.
//!
//! | entity | purpose |
//! | --- | --- |
//! | [`person`] | a tree (`manager`), a many-to-many with itself ([`follow`]), two lists of one entity (`sent`, `received`) |
//! | [`locker`] | a one-to-one whose unique key may be missing, and a primary key of text |
//! | [`curator`] | a primary key that is the link, with others that point at it in turn |
//! | [`permit`] | a list of at most one, by a foreign key wider than what it points at |
//! | [`shelf`], [`shelf_keeper`] | a primary key of two columns, and a junction of three |
//! | [`exhibit`] | every type of column, and a foreign key of two columns of which one may be missing |
//! | [`topic`], [`exhibit_topic`] | a junction with a key of its own and a column wider than what it points at, and a unique column that others point at |
//! | [`message`] | several relations to one entity, and a tree by bytes |
//! | [`team`], [`membership`] | a junction with columns of its own |
//! | [`slot`], [`booking`] | a key of as many types as a key can have |

use crowsfoot::Registry;
use sea_orm::sea_query::{Alias, ColumnType, Index};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, IdenStatic, Iterable,
    RelationTrait, Schema,
};

/// State of preservation. The stored values sort differently from the declaration.
pub mod grade {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "grade")]
    pub enum Grade {
        #[sea_orm(string_value = "low")]
        Low,
        #[sea_orm(string_value = "mid-way")]
        MidWay,
        #[sea_orm(string_value = "HIGH")]
        High,
    }
}

pub mod person {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
        pub nick: Option<String>,
        pub manager_id: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "Entity", from = "Column::ManagerId", to = "Column::Id")]
        Manager,
        #[sea_orm(has_many = "Entity", via_rel = "Relation::Manager")]
        Reports,
        #[sea_orm(has_one = "super::locker::Entity")]
        Locker,
        #[sea_orm(has_one = "super::curator::Entity")]
        Curator,
        #[sea_orm(has_many = "super::message::Entity", via_rel = "Relation::Sender")]
        Sent,
        #[sea_orm(has_many = "super::message::Entity", via_rel = "Relation::Recipient")]
        Received,
        #[sea_orm(has_many = "super::membership::Entity")]
        Memberships,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod follow {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "follows")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub follower_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub followed_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::FollowerId",
            to = "super::person::Column::Id"
        )]
        Follower,
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::FollowedId",
            to = "super::person::Column::Id"
        )]
        Followed,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod locker {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "lockers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        #[sea_orm(unique)]
        pub person_id: Option<i32>,
        pub floor: i16,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::PersonId",
            to = "super::person::Column::Id"
        )]
        Person,
    }

    impl Related<super::person::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Person.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod curator {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "curators")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: i32,
        pub title: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::PersonId",
            to = "super::person::Column::Id"
        )]
        Person,
        #[sea_orm(has_many = "super::permit::Entity")]
        Permits,
        #[sea_orm(has_many = "super::exhibit::Entity")]
        Exhibits,
    }

    impl Related<super::person::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Person.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod permit {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "permits")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        #[sea_orm(unique)]
        pub curator_id: i64,
        pub valid: Option<Date>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::curator::Entity",
            from = "Column::CuratorId",
            to = "super::curator::Column::PersonId"
        )]
        Curator,
    }

    impl Related<super::curator::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Curator.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shelf {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelves")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i16,
        pub width: Option<f64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::exhibit::Entity")]
        Exhibits,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shelf_keeper {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelf_keepers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i16,
        #[sea_orm(primary_key, auto_increment = false)]
        pub keeper_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::shelf::Entity",
            from = "(Column::Room, Column::Number)",
            to = "(super::shelf::Column::Room, super::shelf::Column::Number)"
        )]
        Shelf,
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::KeeperId",
            to = "super::person::Column::Id"
        )]
        Keeper,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod exhibit {
    use sea_orm::entity::prelude::*;

    use super::grade::Grade;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "exhibits")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub flag: bool,
        pub maybe_flag: Option<bool>,
        pub small: i16,
        pub maybe_small: Option<i16>,
        pub medium: i32,
        pub maybe_medium: Option<i32>,
        pub big: i64,
        pub maybe_big: Option<i64>,
        pub ratio: f64,
        pub maybe_ratio: Option<f64>,
        pub price: Decimal,
        pub maybe_price: Option<Decimal>,
        pub label: String,
        pub maybe_label: Option<String>,
        pub code: Uuid,
        pub maybe_code: Option<Uuid>,
        pub found: Date,
        pub maybe_found: Option<Date>,
        pub at: Time,
        pub maybe_at: Option<Time>,
        pub logged: DateTime,
        pub maybe_logged: Option<DateTime>,
        pub sent: DateTimeWithTimeZone,
        pub maybe_sent: Option<DateTimeWithTimeZone>,
        pub extra: Json,
        #[sea_orm(column_type = "JsonBinary", nullable)]
        pub maybe_extra: Option<Json>,
        pub raw: Vec<u8>,
        pub maybe_raw: Option<Vec<u8>>,
        pub grade: Grade,
        pub maybe_grade: Option<Grade>,
        pub shelf_room: Option<String>,
        pub shelf_number: i16,
        pub curator_id: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::shelf::Entity",
            from = "(Column::ShelfRoom, Column::ShelfNumber)",
            to = "(super::shelf::Column::Room, super::shelf::Column::Number)"
        )]
        Shelf,
        #[sea_orm(
            belongs_to = "super::curator::Entity",
            from = "Column::CuratorId",
            to = "super::curator::Column::PersonId"
        )]
        Curator,
    }

    impl Related<super::shelf::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Shelf.def()
        }
    }

    impl Related<super::curator::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Curator.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod topic {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "topics")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        #[sea_orm(unique)]
        pub code: String,
        pub label: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::message::Entity")]
        Messages,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod exhibit_topic {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "exhibit_topics")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique_key = "pair")]
        pub exhibit_id: i64,
        #[sea_orm(unique_key = "pair")]
        pub topic_id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::exhibit::Entity",
            from = "Column::ExhibitId",
            to = "super::exhibit::Column::Id"
        )]
        Exhibit,
        #[sea_orm(
            belongs_to = "super::topic::Entity",
            from = "Column::TopicId",
            to = "super::topic::Column::Id"
        )]
        Topic,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod message {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "messages")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub digest: Vec<u8>,
        pub body: String,
        pub sent: DateTimeWithTimeZone,
        pub sender_id: i32,
        pub recipient_id: Option<i32>,
        pub topic_code: Option<String>,
        pub reply_to: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::SenderId",
            to = "super::person::Column::Id"
        )]
        Sender,
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::RecipientId",
            to = "super::person::Column::Id"
        )]
        Recipient,
        #[sea_orm(
            belongs_to = "super::topic::Entity",
            from = "Column::TopicCode",
            to = "super::topic::Column::Code"
        )]
        Topic,
        #[sea_orm(belongs_to = "Entity", from = "Column::ReplyTo", to = "Column::Digest")]
        Original,
        #[sea_orm(has_many = "Entity", via_rel = "Relation::Original")]
        Replies,
    }

    impl Related<super::topic::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Topic.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod team {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "teams")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::membership::Entity")]
        Memberships,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod membership {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: i32,
        pub since: Date,
        pub role: Option<String>,
        pub level: i16,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id"
        )]
        Team,
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::PersonId",
            to = "super::person::Column::Id"
        )]
        Member,
    }

    impl Related<super::team::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Team.def()
        }
    }

    impl Related<super::person::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Member.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod slot {
    use sea_orm::entity::prelude::*;

    use super::grade::Grade;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "slots")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub open: bool,
        #[sea_orm(primary_key, auto_increment = false)]
        pub count: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub weight: Decimal,
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: Date,
        #[sea_orm(primary_key, auto_increment = false)]
        pub at: Time,
        #[sea_orm(primary_key, auto_increment = false)]
        pub logged: DateTime,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sent: DateTimeWithTimeZone,
        #[sea_orm(primary_key, auto_increment = false)]
        pub raw: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub grade: Grade,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::booking::Entity")]
        Bookings,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod booking {
    use sea_orm::entity::prelude::*;

    use super::grade::Grade;
    use super::slot;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "bookings")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub note: Option<String>,
        pub slot_open: bool,
        pub slot_count: i64,
        pub slot_weight: Decimal,
        pub slot_code: Uuid,
        pub slot_day: Date,
        pub slot_at: Time,
        pub slot_logged: DateTime,
        pub slot_sent: DateTimeWithTimeZone,
        pub slot_raw: Option<Vec<u8>>,
        pub slot_grade: Grade,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::slot::Entity",
            from = "(Column::SlotOpen, Column::SlotCount, Column::SlotWeight, Column::SlotCode, Column::SlotDay, Column::SlotAt, Column::SlotLogged, Column::SlotSent, Column::SlotRaw, Column::SlotGrade)",
            to = "(slot::Column::Open, slot::Column::Count, slot::Column::Weight, slot::Column::Code, slot::Column::Day, slot::Column::At, slot::Column::Logged, slot::Column::Sent, slot::Column::Raw, slot::Column::Grade)"
        )]
        Slot,
    }

    impl Related<super::slot::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Slot.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Registers all entities, as the schema shows them.
pub fn registry() -> Registry {
    Registry::new()
        // Lists are named in the plural, which these words do not have.
        .register_with::<person::Entity>(|person| {
            person.rename("Sent", "sent").rename("Received", "received")
        })
        .register_with::<follow::Entity>(|follow| {
            follow.list_through("follower", "fans").list_through("followed", "idols")
        })
        .register::<locker::Entity>()
        .register::<curator::Entity>()
        .register::<permit::Entity>()
        .register::<shelf::Entity>()
        .register::<shelf_keeper::Entity>()
        .register::<exhibit::Entity>()
        .register::<topic::Entity>()
        .register::<exhibit_topic::Entity>()
        .register::<message::Entity>()
        .register::<team::Entity>()
        .register::<membership::Entity>()
        .register::<slot::Entity>()
        .register::<booking::Entity>()
}

/// Makes the tables with their constraints, each after those that it points at.
pub async fn create_tables(connection: &DatabaseConnection) {
    if connection.get_database_backend() == DbBackend::Postgres {
        let create = Schema::new(DbBackend::Postgres).create_enum_from_active_enum::<grade::Grade>();
        connection.execute(&create.unwrap()).await.unwrap();
    }
    create_table(connection, person::Entity).await;
    create_table(connection, follow::Entity).await;
    create_table(connection, locker::Entity).await;
    create_table(connection, curator::Entity).await;
    create_table(connection, permit::Entity).await;
    create_table(connection, shelf::Entity).await;
    create_table(connection, shelf_keeper::Entity).await;
    create_table(connection, exhibit::Entity).await;
    create_table(connection, topic::Entity).await;
    create_table(connection, exhibit_topic::Entity).await;
    create_table(connection, message::Entity).await;
    create_table(connection, team::Entity).await;
    create_table(connection, membership::Entity).await;
    create_table(connection, slot::Entity).await;
    create_table(connection, booking::Entity).await;
}

async fn create_table<E: EntityTrait>(connection: &DatabaseConnection, entity: E) {
    let schema = Schema::new(connection.get_database_backend());
    connection.execute(&schema.create_table_from_entity(entity)).await.unwrap();
    for index in schema.create_index_from_entity(entity) {
        connection.execute(&index).await.unwrap();
    }
    // Every second foreign key of one column has indexes that give each order of the list, too; others have none.
    let keys = E::Relation::iter().map(|relation| relation.def()).filter(|relation| !relation.is_owner);
    let keys: Vec<Vec<String>> =
        keys.map(|relation| relation.from_col.iter().map(|key| key.to_string()).collect()).collect();
    for key in keys.iter().filter(|key| key.len() == 1).rev().step_by(2).flatten() {
        for column in E::Column::iter().filter(|column| !is_json(column.def().get_column_type())) {
            let column = column.as_str();
            let mut index = Index::create();
            index.name(format!("{}_{key}_{column}", entity.table_name())).table(entity).col(Alias::new(key));
            if column != key {
                index.col(Alias::new(column));
            }
            connection.execute(&index).await.unwrap();
        }
    }
}

/// Returns true for JSON, which PostgreSQL cannot order.
fn is_json(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Json | ColumnType::JsonBinary)
}
