//! Keys of several columns.

pub mod region {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "regions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub country: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::town::Entity")]
        Town,
        #[sea_orm(has_many = "super::depot::Entity")]
        Depot,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key of two columns.
pub mod town {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "towns")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub country: String,
        pub region_code: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::region::Entity",
            from = "(Column::Country, Column::RegionCode)",
            to = "(super::region::Column::Country, super::region::Column::Code)"
        )]
        Region,
    }

    super::super::related!(super::region::Entity => Region);

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key of two columns of which one may be NULL.
pub mod depot {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "depots")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub country: String,
        pub region_code: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::region::Entity",
            from = "(Column::Country, Column::RegionCode)",
            to = "(super::region::Column::Country, super::region::Column::Code)"
        )]
        Region,
    }

    super::super::related!(super::region::Entity => Region);

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod tag {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tags")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction one of whose keys has two columns.
pub mod region_tag {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "region_tags")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub country: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub region_code: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::region::Entity",
            from = "(Column::Country, Column::RegionCode)",
            to = "(super::region::Column::Country, super::region::Column::Code)"
        )]
        Region,
        #[sea_orm(belongs_to = "super::tag::Entity", from = "Column::TagId", to = "super::tag::Column::Id")]
        Tag,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shelf {
    use sea_orm::entity::prelude::*;

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
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::item::Entity")]
        Item,
        #[sea_orm(has_one = "super::label::Entity")]
        Label,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key of three columns.
pub mod item {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "items")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub building: String,
        pub floor: i32,
        pub number: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::shelf::Entity",
            from = "(Column::Building, Column::Floor, Column::Number)",
            to = "(super::shelf::Column::Building, super::shelf::Column::Floor, super::shelf::Column::Number)"
        )]
        Shelf,
    }

    super::super::related!(super::shelf::Entity => Shelf);

    impl ActiveModelBehavior for ActiveModel {}
}

/// A primary key of three columns that is the link.
pub mod label {
    use sea_orm::entity::prelude::*;

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
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::shelf::Entity",
            from = "(Column::Building, Column::Floor, Column::Number)",
            to = "(super::shelf::Column::Building, super::shelf::Column::Floor, super::shelf::Column::Number)"
        )]
        Shelf,
    }

    super::super::related!(super::shelf::Entity => Shelf);

    impl ActiveModelBehavior for ActiveModel {}
}
