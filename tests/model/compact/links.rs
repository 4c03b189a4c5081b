//! Many-to-many relations.

pub mod pupil {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pupils")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl Related<super::subject::Entity> for Entity {
        fn to() -> RelationDef {
            super::pupil_subject::Relation::Subject.def()
        }

        fn via() -> Option<RelationDef> {
            Some(super::pupil_subject::Relation::Pupil.def().rev())
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod subject {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "subjects")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl Related<super::pupil::Entity> for Entity {
        fn to() -> RelationDef {
            super::pupil_subject::Relation::Pupil.def()
        }

        fn via() -> Option<RelationDef> {
            Some(super::pupil_subject::Relation::Subject.def().rev())
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction that is not registered: its ends say that they are linked through it.
pub mod pupil_subject {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pupil_subjects")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub pupil_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::pupil::Entity",
            from = "Column::PupilId",
            to = "super::pupil::Column::Id"
        )]
        Pupil,
        #[sea_orm(
            belongs_to = "super::subject::Entity",
            from = "Column::SubjectId",
            to = "super::subject::Column::Id"
        )]
        Subject,
    }

    super::super::related!(super::pupil::Entity => Pupil, super::subject::Entity => Subject);

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod film {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "films")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::film_actor::Entity")]
        FilmActor,
    }

    impl Related<super::actor::Entity> for Entity {
        fn to() -> RelationDef {
            super::film_actor::Relation::Actor.def()
        }

        fn via() -> Option<RelationDef> {
            Some(super::film_actor::Relation::Film.def().rev())
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod actor {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "actors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction with a compound primary key. A film declares its reverse side as well, which leads to no type.
pub mod film_actor {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "film_actors")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub film_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub actor_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::film::Entity",
            from = "Column::FilmId",
            to = "super::film::Column::Id"
        )]
        Film,
        #[sea_orm(
            belongs_to = "super::actor::Entity",
            from = "Column::ActorId",
            to = "super::actor::Column::Id"
        )]
        Actor,
    }

    super::super::related!(super::film::Entity => Film);

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod reader {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "readers")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod magazine {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "magazines")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction with a key of its own; the pair is unique.
pub mod subscription {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "subscriptions")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique_key = "reader_magazine")]
        pub reader_id: i32,
        #[sea_orm(unique_key = "reader_magazine")]
        pub magazine_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::reader::Entity",
            from = "Column::ReaderId",
            to = "super::reader::Column::Id"
        )]
        Reader,
        #[sea_orm(
            belongs_to = "super::magazine::Entity",
            from = "Column::MagazineId",
            to = "super::magazine::Column::Id"
        )]
        Magazine,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod person {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::membership::Entity")]
        Membership,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod club {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "clubs")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::membership::Entity")]
        Membership,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction with columns of its own.
pub mod membership {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub club_id: i32,
        pub role: String,
        pub since: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::person::Entity",
            from = "Column::PersonId",
            to = "super::person::Column::Id"
        )]
        Person,
        #[sea_orm(
            belongs_to = "super::club::Entity",
            from = "Column::ClubId",
            to = "super::club::Column::Id"
        )]
        Club,
    }

    super::super::related!(super::person::Entity => Person, super::club::Entity => Club);

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod guest {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "guests")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod room {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rooms")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod agent {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "agents")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::booking::Entity")]
        Booking,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Three foreign keys of which one pair is unique: guests and rooms are linked, agents are not.
pub mod booking {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "bookings")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique_key = "guest_room")]
        pub guest_id: i32,
        #[sea_orm(unique_key = "guest_room")]
        pub room_id: i32,
        pub agent_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::guest::Entity",
            from = "Column::GuestId",
            to = "super::guest::Column::Id"
        )]
        Guest,
        #[sea_orm(
            belongs_to = "super::room::Entity",
            from = "Column::RoomId",
            to = "super::room::Column::Id"
        )]
        Room,
        #[sea_orm(
            belongs_to = "super::agent::Entity",
            from = "Column::AgentId",
            to = "super::agent::Column::Id"
        )]
        Agent,
    }

    super::super::related!(super::agent::Entity => Agent);

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shop {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shops")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl Related<super::product::Entity> for Entity {
        fn to() -> RelationDef {
            super::sale::Relation::Product.def()
        }

        fn via() -> Option<RelationDef> {
            Some(super::sale::Relation::Shop.def().rev())
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod product {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "products")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Two foreign keys that may repeat as a pair: only `via` says that shops and products are linked.
pub mod sale {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sales")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub shop_id: i32,
        pub product_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::shop::Entity",
            from = "Column::ShopId",
            to = "super::shop::Column::Id"
        )]
        Shop,
        #[sea_orm(
            belongs_to = "super::product::Entity",
            from = "Column::ProductId",
            to = "super::product::Column::Id"
        )]
        Product,
    }

    super::super::related!(super::shop::Entity => Shop);

    impl ActiveModelBehavior for ActiveModel {}
}
