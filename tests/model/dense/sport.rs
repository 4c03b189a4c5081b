//! Foreign keys and their reverse sides.

pub mod team {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "teams")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(unique)]
        pub code: String,
        #[sea_orm(has_many)]
        pub players: HasMany<super::player::Entity>,
        #[sea_orm(has_many)]
        pub coaches: HasMany<super::coach::Entity>,
        #[sea_orm(has_many, relation_enum = "HomeFixtures", via_rel = "Home")]
        pub home_fixtures: HasMany<super::fixture::Entity>,
        #[sea_orm(has_many, relation_enum = "AwayFixtures", via_rel = "Away")]
        pub away_fixtures: HasMany<super::fixture::Entity>,
        #[sea_orm(has_one)]
        pub kit: HasOne<super::kit::Entity>,
        #[sea_orm(has_many)]
        pub mascots: HasMany<super::mascot::Entity>,
        #[sea_orm(has_one)]
        pub bus: HasOne<super::bus::Entity>,
        #[sea_orm(has_one)]
        pub stadium: HasOne<super::stadium::Entity>,
        #[sea_orm(has_many)]
        pub fans: HasMany<super::fan::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is NOT NULL; the reverse side is a list.
pub mod player {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "players")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: i32,
        #[sea_orm(belongs_to, from = "team_id", to = "id")]
        pub team: BelongsTo<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key may be NULL.
pub mod coach {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "coaches")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: Option<i32>,
        #[sea_orm(belongs_to, from = "team_id", to = "id")]
        pub team: BelongsTo<Option<super::team::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is NOT NULL, but no constraint enforces it; the team does not declare the reverse side.
pub mod sponsor {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sponsors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: i32,
        #[sea_orm(belongs_to, from = "team_id", to = "id", skip_fk)]
        pub team: BelongsTo<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key may be NULL, and no constraint enforces it.
pub mod scout {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "scouts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_id: Option<i32>,
        #[sea_orm(belongs_to, from = "team_id", to = "id", skip_fk)]
        pub team: BelongsTo<Option<super::team::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Two relations to the same entity.
pub mod fixture {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "fixtures")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub home_id: i32,
        pub away_id: Option<i32>,
        #[sea_orm(belongs_to, relation_enum = "Home", from = "home_id", to = "id")]
        pub home: BelongsTo<super::team::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Away", from = "away_id", to = "id")]
        pub away: BelongsTo<Option<super::team::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is unique and the reverse side is a has_one.
pub mod kit {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "kits")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub colour: String,
        #[sea_orm(unique)]
        pub team_id: i32,
        #[sea_orm(belongs_to, from = "team_id", to = "id")]
        pub team: BelongsTo<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is unique and the reverse side is a has_many: it stays a list.
pub mod mascot {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mascots")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(unique)]
        pub team_id: i32,
        #[sea_orm(belongs_to, from = "team_id", to = "id")]
        pub team: BelongsTo<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key is unique and may be NULL; the reverse side is a has_one.
pub mod bus {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "buses")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub plate: String,
        #[sea_orm(unique)]
        pub team_id: Option<i32>,
        #[sea_orm(belongs_to, from = "team_id", to = "id")]
        pub team: BelongsTo<Option<super::team::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The primary key is the link.
pub mod stadium {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stadiums")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: i32,
        pub name: String,
        #[sea_orm(belongs_to, from = "team_id", to = "id")]
        pub team: BelongsTo<super::team::Entity>,
        #[sea_orm(has_many)]
        pub stands: HasMany<super::stand::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Points at a primary key that is itself a link.
pub mod stand {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stands")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub stadium_id: i32,
        #[sea_orm(belongs_to, from = "stadium_id", to = "team_id")]
        pub stadium: BelongsTo<super::stadium::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Points at a unique column that is not the primary key.
pub mod fan {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "fans")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub team_code: String,
        #[sea_orm(belongs_to, from = "team_code", to = "code")]
        pub team: BelongsTo<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
