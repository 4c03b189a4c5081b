//! Relations of an entity to itself.

/// The parent may be missing.
pub mod category {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "categories")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub parent_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            relation_reverse = "Children",
            from = "parent_id",
            to = "id"
        )]
        pub parent: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Parent")]
        pub children: HasMany<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The parent is required: a root is its own.
pub mod folder {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "folders")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub parent_id: i32,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            relation_reverse = "Folders",
            from = "parent_id",
            to = "id"
        )]
        pub parent: BelongsTo<Entity>,
        #[sea_orm(self_ref, relation_enum = "Folders", relation_reverse = "Parent")]
        pub folders: HasMany<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Relation one to one with itself, in a chain.
pub mod page {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pages")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        #[sea_orm(unique)]
        pub next_id: Option<i32>,
        #[sea_orm(self_ref, relation_enum = "Next", from = "next_id", to = "id")]
        pub next: BelongsTo<Option<Entity>>,
        #[sea_orm(has_one, relation_enum = "Previous")]
        pub previous: HasOne<Entity>,
    }

    impl Related<Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Next.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod member {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "members")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Followers: many-to-many of an entity with itself.
pub mod follow {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "follows")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub follower_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub followed_id: i32,
        #[sea_orm(belongs_to, relation_enum = "Follower", from = "follower_id", to = "id")]
        pub follower: BelongsTo<super::member::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Followed", from = "followed_id", to = "id")]
        pub followed: BelongsTo<super::member::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
