//! Foreign keys and their reverse sides.

pub mod team {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "teams")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(unique)]
        pub code: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::player::Entity")]
        Player,
        #[sea_orm(has_many = "super::coach::Entity")]
        Coach,
        #[sea_orm(has_many = "super::fixture::Entity", via_rel = "Relation::Home")]
        HomeFixtures,
        #[sea_orm(has_many = "super::fixture::Entity", via_rel = "Relation::Away")]
        AwayFixtures,
        #[sea_orm(has_one = "super::kit::Entity")]
        Kit,
        #[sea_orm(has_many = "super::mascot::Entity")]
        Mascot,
        #[sea_orm(has_one = "super::bus::Entity")]
        Bus,
        #[sea_orm(has_one = "super::stadium::Entity")]
        Stadium,
        #[sea_orm(has_many = "super::fan::Entity")]
        Fan,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is NOT NULL; the reverse side is a list.
pub mod player {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "players")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id"
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key may be NULL.
pub mod coach {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "coaches")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id"
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is NOT NULL, but no constraint enforces it; the team does not declare the reverse side.
pub mod sponsor {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sponsors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id",
            skip_fk
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key may be NULL, and no constraint enforces it.
pub mod scout {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "scouts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id",
            skip_fk
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// Two relations to the same entity.
pub mod fixture {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "fixtures")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub home_id: i32,
        pub away_id: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::HomeId",
            to = "super::team::Column::Id"
        )]
        Home,
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::AwayId",
            to = "super::team::Column::Id"
        )]
        Away,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is unique and the reverse side is a has_one.
pub mod kit {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "kits")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub colour: String,
        #[sea_orm(unique)]
        pub team_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id"
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is unique and the reverse side is a has_many: it stays a list.
pub mod mascot {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mascots")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(unique)]
        pub team_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id"
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is unique and may be NULL; the reverse side is a has_one.
pub mod bus {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "buses")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub plate: String,
        #[sea_orm(unique)]
        pub team_id: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id"
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// The primary key is the link.
pub mod stadium {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stadiums")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamId",
            to = "super::team::Column::Id"
        )]
        Team,
        #[sea_orm(has_many = "super::stand::Entity")]
        Stand,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}

/// Points at a primary key that is itself a link.
pub mod stand {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stands")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub stadium_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::stadium::Entity",
            from = "Column::StadiumId",
            to = "super::stadium::Column::TeamId"
        )]
        Stadium,
    }

    super::super::related!(super::stadium::Entity => Stadium);

    impl ActiveModelBehavior for ActiveModel {}
}

/// Points at a unique column that is not the primary key.
pub mod fan {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "fans")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_code: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::team::Entity",
            from = "Column::TeamCode",
            to = "super::team::Column::Code"
        )]
        Team,
    }

    super::super::related!(super::team::Entity => Team);

    impl ActiveModelBehavior for ActiveModel {}
}
