//! Many-to-many relations.

pub mod pupil {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pupils")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "pupil_subject")]
        pub subjects: HasMany<super::subject::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod subject {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "subjects")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "pupil_subject")]
        pub pupils: HasMany<super::pupil::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction that is not registered: its ends say that they are linked through it.
pub mod pupil_subject {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pupil_subjects")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub pupil_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject_id: i32,
        #[sea_orm(belongs_to, from = "pupil_id", to = "id")]
        pub pupil: BelongsTo<super::pupil::Entity>,
        #[sea_orm(belongs_to, from = "subject_id", to = "id")]
        pub subject: BelongsTo<super::subject::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod film {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "films")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub film_actors: HasMany<super::film_actor::Entity>,
        #[sea_orm(has_many, via = "film_actor")]
        pub actors: HasMany<super::actor::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod actor {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "actors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction with a compound primary key. A film declares its reverse side as well, which leads to no type.
pub mod film_actor {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "film_actors")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub film_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub actor_id: i32,
        #[sea_orm(belongs_to, from = "film_id", to = "id")]
        pub film: BelongsTo<super::film::Entity>,
        #[sea_orm(belongs_to, from = "actor_id", to = "id")]
        pub actor: BelongsTo<super::actor::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod reader {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "readers")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod magazine {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "magazines")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction with a key of its own; the pair is unique.
pub mod subscription {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "subscriptions")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique_key = "reader_magazine")]
        pub reader_id: i32,
        #[sea_orm(unique_key = "reader_magazine")]
        pub magazine_id: i32,
        #[sea_orm(belongs_to, from = "reader_id", to = "id")]
        pub reader: BelongsTo<super::reader::Entity>,
        #[sea_orm(belongs_to, from = "magazine_id", to = "id")]
        pub magazine: BelongsTo<super::magazine::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod person {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub memberships: HasMany<super::membership::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod club {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "clubs")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub memberships: HasMany<super::membership::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A junction with columns of its own.
pub mod membership {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub club_id: i32,
        pub role: String,
        pub since: Option<i32>,
        #[sea_orm(belongs_to, from = "person_id", to = "id")]
        pub person: BelongsTo<super::person::Entity>,
        #[sea_orm(belongs_to, from = "club_id", to = "id")]
        pub club: BelongsTo<super::club::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod guest {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "guests")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod room {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rooms")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod agent {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "agents")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub bookings: HasMany<super::booking::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Three foreign keys of which one pair is unique: guests and rooms are linked, agents are not.
pub mod booking {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
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
        #[sea_orm(belongs_to, from = "guest_id", to = "id")]
        pub guest: BelongsTo<super::guest::Entity>,
        #[sea_orm(belongs_to, from = "room_id", to = "id")]
        pub room: BelongsTo<super::room::Entity>,
        #[sea_orm(belongs_to, from = "agent_id", to = "id")]
        pub agent: BelongsTo<super::agent::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shop {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shops")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "sale")]
        pub products: HasMany<super::product::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod product {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "products")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Two foreign keys that may repeat as a pair: only `via` says that shops and products are linked.
pub mod sale {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sales")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub shop_id: i32,
        pub product_id: i32,
        #[sea_orm(belongs_to, from = "shop_id", to = "id")]
        pub shop: BelongsTo<super::shop::Entity>,
        #[sea_orm(belongs_to, from = "product_id", to = "id")]
        pub product: BelongsTo<super::product::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
