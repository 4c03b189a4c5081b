//! Keys of several columns.

pub mod region {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "regions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub country: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub name: String,
        #[sea_orm(has_many)]
        pub towns: HasMany<super::town::Entity>,
        #[sea_orm(has_many)]
        pub depots: HasMany<super::depot::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key of two columns.
pub mod town {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "towns")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub country: String,
        pub region_code: String,
        #[sea_orm(belongs_to, from = "(country, region_code)", to = "(country, code)")]
        pub region: BelongsTo<super::region::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key of two columns of which one may be NULL.
pub mod depot {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "depots")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub country: String,
        pub region_code: Option<String>,
        #[sea_orm(belongs_to, from = "(country, region_code)", to = "(country, code)")]
        pub region: BelongsTo<Option<super::region::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod tag {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tags")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction one of whose keys has two columns.
pub mod region_tag {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "region_tags")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub country: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub region_code: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i32,
        #[sea_orm(belongs_to, from = "(country, region_code)", to = "(country, code)")]
        pub region: BelongsTo<super::region::Entity>,
        #[sea_orm(belongs_to, from = "tag_id", to = "id")]
        pub tag: BelongsTo<super::tag::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelves")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub building: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub floor: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub colour: String,
        #[sea_orm(has_many)]
        pub items: HasMany<super::item::Entity>,
        #[sea_orm(has_one)]
        pub label: HasOne<super::label::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key of three columns.
pub mod item {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "items")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub building: String,
        pub floor: i32,
        pub number: i32,
        #[sea_orm(belongs_to, from = "(building, floor, number)", to = "(building, floor, number)")]
        pub shelf: BelongsTo<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A primary key of three columns that is the link.
pub mod label {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "labels")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub building: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub floor: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub text: String,
        #[sea_orm(belongs_to, from = "(building, floor, number)", to = "(building, floor, number)")]
        pub shelf: BelongsTo<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
