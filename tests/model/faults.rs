//! Every way in which entities fail to make a model, and its message. Faults are values: a schema requires a
//! model, so no service starts on a faulty one.

use std::collections::BTreeSet;

use crowsfoot::tables::{AcceptedWrites, TableDescription};
use crowsfoot::{EntityOptions, ModelFault, OnDelete, Registry, Spelling, TableOptions};

use crate::compact::links::{pupil, subject};
use crate::entity::entity;
use crate::from_tables::describe::table;

/// Entities that fit each other.
mod sound {
    use super::entity;

    entity! {
        author in "authors" {
            #[sea_orm(primary_key)] id: i32,
            name: String,
        }
        #[sea_orm(has_many = "super::post::Entity")] Posts,
    }
    entity! {
        post in "posts" {
            #[sea_orm(primary_key)] id: i32,
            author_id: i32,
        }
        #[sea_orm(belongs_to = "super::author::Entity", from = "Column::AuthorId", to = "super::author::Column::Id")] Author
        => author by Author
    }
}

/// Foreign keys that are NOT NULL and have no default.
mod ruled {
    use super::entity;

    entity! {
        entry in "entries" {
            #[sea_orm(primary_key)] id: i32,
            author_id: i32,
            editor_id: i32,
        }
        #[sea_orm(belongs_to = "super::super::sound::author::Entity", from = "Column::AuthorId", to = "super::super::sound::author::Column::Id")] Author,
        #[sea_orm(belongs_to = "super::super::sound::author::Entity", from = "Column::EditorId", to = "super::super::sound::author::Column::Id")] Editor,
    }
}

/// Entity without its primary key.
mod keyless {
    use sea_orm::entity::prelude::*;

    pub mod entry {
        use super::*;

        #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
        pub struct Entity;

        impl EntityName for Entity {
            fn table_name(&self) -> &'static str {
                "entries"
            }
        }

        #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel)]
        pub struct Model {
            pub line: String,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
        pub enum Column {
            Line,
        }

        impl ColumnTrait for Column {
            type EntityName = Entity;

            fn def(&self) -> ColumnDef {
                ColumnType::Text.def()
            }
        }

        #[derive(Copy, Clone, Debug, EnumIter)]
        pub enum PrimaryKey {}

        impl PrimaryKeyTrait for PrimaryKey {
            type ValueType = String;

            fn auto_increment() -> bool {
                false
            }
        }

        impl PrimaryKeyToColumn for PrimaryKey {
            type Column = Column;

            fn into_column(self) -> Column {
                match self {}
            }

            fn from_column(_: Column) -> Option<Self> {
                None
            }
        }

        impl sea_orm::IdenStatic for PrimaryKey {
            fn as_str(&self) -> &'static str {
                match *self {}
            }
        }

        impl sea_orm::Iden for PrimaryKey {
            fn unquoted(&self) -> &str {
                match *self {}
            }
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    }
}

/// Two entities of one table; the registered one lacks the column that a relation names.
mod partial {
    use super::entity;

    entity! {
        whole in "authors" {
            #[sea_orm(primary_key)] id: i32,
            code: String,
        }
    }
    entity! {
        author in "authors" {
            #[sea_orm(primary_key)] id: i32,
        }
    }
    entity! {
        post in "posts" {
            #[sea_orm(primary_key)] id: i32,
            author_code: String,
        }
        #[sea_orm(belongs_to = "super::whole::Entity", from = "Column::AuthorCode", to = "super::whole::Column::Code")] Author,
    }
}

/// Definitions whose sides cannot match: different numbers of columns, a repeated column, types that no
/// database compares.
mod unpaired {
    use super::entity;

    entity! {
        house in "houses" {
            #[sea_orm(primary_key, auto_increment = false)] street: i32,
            #[sea_orm(primary_key, auto_increment = false)] number: i32,
            #[sea_orm(primary_key, auto_increment = false)] stair: i32,
            #[sea_orm(primary_key, auto_increment = false)] door: i32,
        }
        #[sea_orm(has_many = "super::letter::Entity", from = "(Column::Street, Column::Number, Column::Stair, Column::Door)", to = "(super::letter::Column::Street, super::letter::Column::Number)")] Letters,
    }
    entity! {
        letter in "letters" {
            #[sea_orm(primary_key)] id: i32,
            street: i32,
            number: i32,
        }
        #[sea_orm(belongs_to = "super::house::Entity", from = "(Column::Street, Column::Number)", to = "(super::house::Column::Street, super::house::Column::Number, super::house::Column::Stair, super::house::Column::Door)")] House,
        #[sea_orm(belongs_to = "super::house::Entity", from = "(Column::Street, Column::Number, Column::Number, Column::Id)", to = "(super::house::Column::Street, super::house::Column::Number, super::house::Column::Stair, super::house::Column::Door)")] Twice
        => house by House
    }
    entity! {
        tenant in "tenants" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(unique)] mail: String,
            #[sea_orm(unique)] since: DateTime,
        }
    }
    entity! {
        contract in "contracts" {
            #[sea_orm(primary_key)] id: i32,
            tenant_id: i64,
            tenant_mail: i32,
            tenant_since: DateTimeUtc,
        }
        #[sea_orm(belongs_to = "super::tenant::Entity", from = "Column::TenantId", to = "super::tenant::Column::Id")] Tenant,
        #[sea_orm(belongs_to = "super::tenant::Entity", from = "Column::TenantMail", to = "super::tenant::Column::Mail")] ByMail,
        #[sea_orm(belongs_to = "super::tenant::Entity", from = "Column::TenantSince", to = "super::tenant::Column::Since")] BySince,
    }
    // Junction with a foreign key that has fewer columns than the referenced key.
    entity! {
        lease in "leases" {
            #[sea_orm(primary_key, auto_increment = false)] tenant_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] street: i32,
            #[sea_orm(primary_key, auto_increment = false)] number: i32,
        }
        #[sea_orm(belongs_to = "super::tenant::Entity", from = "Column::TenantId", to = "super::tenant::Column::Id")] Tenant,
        #[sea_orm(belongs_to = "super::house::Entity", from = "(Column::Street, Column::Number)", to = "(super::house::Column::Street, super::house::Column::Number, super::house::Column::Stair, super::house::Column::Door)")] House,
    }

    impl sea_orm::Related<house::Entity> for tenant::Entity {
        fn to() -> sea_orm::RelationDef {
            use sea_orm::RelationTrait;
            lease::Relation::House.def()
        }

        fn via() -> Option<sea_orm::RelationDef> {
            use sea_orm::RelationTrait;
            Some(lease::Relation::Tenant.def().rev())
        }
    }
}

/// Hand-written definitions that SeaORM accepts: no columns, another entity's table, one column for two
/// fields.
mod by_hand {
    use sea_orm::{EntityTrait, Identity, Related, RelationDef, RelationTrait};

    use super::entity;

    entity! {
        tree in "trees" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(column_name = "height")] height: i32,
            #[sea_orm(column_name = "height")] size: i32,
        }
    }
    entity! {
        bird in "birds" {
            #[sea_orm(primary_key)] id: i32,
        }
    }
    entity! {
        perch in "perches" {
            #[sea_orm(primary_key, auto_increment = false)] tree_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] bird_id: i32,
        }
        #[sea_orm(belongs_to = "super::tree::Entity", from = "Column::TreeId", to = "super::tree::Column::Id")] Tree,
        #[sea_orm(belongs_to = "super::bird::Entity", from = "Column::BirdId", to = "super::bird::Column::Id")] Bird,
    }

    /// `Related::via` without `rev`: it starts at the junction.
    impl Related<bird::Entity> for tree::Entity {
        fn to() -> RelationDef {
            perch::Relation::Bird.def()
        }

        fn via() -> Option<RelationDef> {
            Some(perch::Relation::Tree.def())
        }
    }

    /// Path that enters the junction, and continues from another table.
    impl Related<tree::Entity> for bird::Entity {
        fn to() -> RelationDef {
            nest::Entity::belongs_to(tree::Entity).from(nest::Column::TreeId).to(tree::Column::Id).into()
        }

        fn via() -> Option<RelationDef> {
            Some(perch::Relation::Bird.def().rev())
        }
    }

    /// Entity whose relations are not derived.
    pub mod nest {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
        #[sea_orm(table_name = "nests")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub tree_id: i32,
        }

        #[derive(Copy, Clone, Debug, EnumIter)]
        pub enum Relation {
            Nowhere,
            Elsewhere,
        }

        impl RelationTrait for Relation {
            fn def(&self) -> RelationDef {
                match self {
                    Self::Nowhere => {
                        let tree = super::tree::Entity;
                        let tree = Entity::belongs_to(tree).from(Column::TreeId).to(super::tree::Column::Id);
                        let nothing = super::Identity::Many(Vec::new());
                        RelationDef { from_col: nothing.clone(), to_col: nothing, ..tree.into() }
                    }
                    Self::Elsewhere => super::perch::Relation::Bird.def(),
                }
            }
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

/// A has_one to a key that may repeat, and a belongs_to without a constraint to a column that may.
mod repeating {
    use super::entity;

    entity! {
        user in "users" {
            #[sea_orm(primary_key)] id: i32,
            name: String,
        }
        #[sea_orm(has_one = "super::profile::Entity")] Profile,
    }
    entity! {
        profile in "profiles" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(unique_key = "part")] user_id: i32,
            #[sea_orm(unique_key = "part")] language: String,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")] User
        => user by User
    }
    entity! {
        nickname in "nicknames" {
            #[sea_orm(primary_key)] id: i32,
            user_name: String,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserName", to = "super::user::Column::Name", skip_fk)] User,
    }
}

/// Reverse sides whose forward side the other entity does not declare.
mod one_sided {
    use super::entity;

    entity! {
        user in "users" {
            #[sea_orm(primary_key)] id: i32,
        }
        #[sea_orm(has_many = "super::post::Entity")] Posts,
        #[sea_orm(has_one = "super::profile::Entity")] Profile,
    }
    entity! {
        post in "posts" {
            #[sea_orm(primary_key)] id: i32,
            user_id: i32,
            editor_id: i32,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::EditorId", to = "super::user::Column::Id")] Editor,
    }
    entity! {
        profile in "profiles" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(unique)] user_id: i32,
        }
    }

    impl sea_orm::Related<user::Entity> for post::Entity {
        fn to() -> sea_orm::RelationDef {
            use sea_orm::EntityTrait;
            Self::belongs_to(user::Entity).from(post::Column::UserId).to(user::Column::Id).into()
        }
    }

    impl sea_orm::Related<user::Entity> for profile::Entity {
        fn to() -> sea_orm::RelationDef {
            use sea_orm::EntityTrait;
            Self::belongs_to(user::Entity).from(profile::Column::UserId).to(user::Column::Id).into()
        }
    }
}

/// Relations with a condition beside their columns.
mod conditional {
    use super::entity;

    entity! {
        user in "users" {
            #[sea_orm(primary_key)] id: i32,
        }
        #[sea_orm(has_many = "super::post::Entity")] Posts,
        #[sea_orm(has_many = "super::post::Entity", on_condition = "super::post::Column::Draft.eq(true)")] Drafts,
    }
    entity! {
        post in "posts" {
            #[sea_orm(primary_key)] id: i32,
            user_id: i32,
            draft: bool,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")] User
        => user by User
    }
    entity! {
        tag in "tags" {
            #[sea_orm(primary_key)] id: i32,
        }
    }
    entity! {
        post_tag in "post_tags" {
            #[sea_orm(primary_key, auto_increment = false)] post_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] tag_id: i32,
            shown: bool,
        }
        #[sea_orm(belongs_to = "super::post::Entity", from = "Column::PostId", to = "super::post::Column::Id", on_condition = "Column::Shown.eq(true)")] Post,
        #[sea_orm(belongs_to = "super::tag::Entity", from = "Column::TagId", to = "super::tag::Column::Id")] Tag,
    }

    impl sea_orm::Related<tag::Entity> for post::Entity {
        fn to() -> sea_orm::RelationDef {
            use sea_orm::RelationTrait;
            post_tag::Relation::Tag.def()
        }

        fn via() -> Option<sea_orm::RelationDef> {
            use sea_orm::RelationTrait;
            Some(post_tag::Relation::Post.def().rev())
        }
    }
}

/// Names that two fields would share.
mod clashing_fields {
    use super::entity;

    entity! {
        user in "users" {
            #[sea_orm(primary_key)] id: i32,
            /// Conflicts with the aggregate of the relation.
            posts_count: i32,
            /// Conflicts with the id of every node.
            node_id: i32,
            /// Conflicts with the filter's logical operators.
            not: bool,
        }
        #[sea_orm(has_many = "super::post::Entity")] Post,
        #[sea_orm(has_many = "super::post::Entity", from = "Column::Id", to = "super::post::Column::EditorId")] Posts,
    }
    entity! {
        post in "posts" {
            #[sea_orm(primary_key)] id: i32,
            author: String,
            author_id: i32,
            editor_id: i32,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::AuthorId", to = "super::user::Column::Id")] Author,
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::EditorId", to = "super::user::Column::Id")] Editor
        => user by Author
    }
}

/// Junction whose columns are named like fields of every edge.
mod clashing_edges {
    use super::entity;

    entity! {
        film in "films" {
            #[sea_orm(primary_key)] id: i32,
        }
    }
    entity! {
        actor in "actors" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(unique)] licence: i32,
        }
    }
    entity! {
        casting in "castings" {
            #[sea_orm(primary_key, auto_increment = false)] film_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] actor_id: i32,
            node: String,
            cursor: i32,
            /// Conflicts with the key that may identify the actor.
            licence: i32,
        }
        #[sea_orm(belongs_to = "super::film::Entity", from = "Column::FilmId", to = "super::film::Column::Id")] Film,
        #[sea_orm(belongs_to = "super::actor::Entity", from = "Column::ActorId", to = "super::actor::Column::Id")] Actor,
    }
}

/// Columns that are called as lists through a junction, registered or declared by `Related::via`.
mod clashing_lists {
    use super::entity;
    use sea_orm::entity::prelude::*;

    entity! { shelf in "shelves" { #[sea_orm(primary_key)] id: i32, books: i32 } }
    entity! { book in "books" { #[sea_orm(primary_key)] id: i32, shelves: String } }
    entity! {
        placing in "placings" {
            #[sea_orm(primary_key, auto_increment = false)] shelf_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] book_id: i32,
        }
        #[sea_orm(belongs_to = "super::shelf::Entity", from = "Column::ShelfId", to = "super::shelf::Column::Id")] Shelf,
        #[sea_orm(belongs_to = "super::book::Entity", from = "Column::BookId", to = "super::book::Column::Id")] Book,
    }

    impl Related<book::Entity> for shelf::Entity {
        fn to() -> RelationDef {
            placing::Relation::Book.def()
        }

        fn via() -> Option<RelationDef> {
            Some(placing::Relation::Shelf.def().rev())
        }
    }
}

/// Names that two types, or two root fields, would share.
mod clashing_types {
    use super::entity;
    use sea_orm::entity::prelude::*;

    entity! { user in "user" { #[sea_orm(primary_key)] id: i32, #[sea_orm(unique)] name: String } }
    entity! { users in "users" { #[sea_orm(primary_key)] id: i32 } }
    entity! { user_filter in "user_filters" { #[sea_orm(primary_key)] id: i32 } }
    entity! { user_by_name in "user_by_names" { #[sea_orm(primary_key)] id: i32 } }
    entity! { date in "dates" { #[sea_orm(primary_key)] id: i32 } }
    entity! { node in "nodes" { #[sea_orm(primary_key)] id: i32 } }
    entity! { query in "queries" { #[sea_orm(primary_key)] id: i32 } }
    entity! { status in "statuses" { #[sea_orm(primary_key)] id: i32 } }
    entity! { lamp in "lamps" { #[sea_orm(primary_key)] id: i32, status: super::State } }

    #[derive(Clone, Debug, PartialEq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "status")]
    pub enum State {
        #[sea_orm(string_value = "on")]
        On,
    }
}

/// Columns whose types have no scalar.
mod opaque {
    use super::entity;

    entity! {
        host in "hosts" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(column_type = "LTree")] address: String,
            #[sea_orm(column_type = "Year", nullable)] network: Option<String>,
        }
    }
    entity! {
        lease in "leases" {
            #[sea_orm(primary_key, auto_increment = false, column_type = "LTree")] device: String,
        }
    }
}

/// Names that are invalid in GraphQL.
mod unspeakable {
    use super::entity;

    entity! {
        shoe in "shoes" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(unique)] größe: i32,
            #[sea_orm(unique_key = "pair")] länge: i32,
            #[sea_orm(unique_key = "pair")] width: i32,
        }
    }
    entity! { élan in "élans" { #[sea_orm(primary_key)] id: i32 } }
}

/// Database enums whose values make no names, or equal names.
mod values {
    use super::entity;
    use sea_orm::entity::prelude::*;

    entity! { exam in "exams" { #[sea_orm(primary_key)] id: i32, grade: super::Grade } }
    entity! { paper in "papers" { #[sea_orm(primary_key)] id: i32, grade: super::OtherGrade } }

    #[derive(Clone, Debug, PartialEq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "grade")]
    pub enum Grade {
        #[sea_orm(string_value = "on hold")]
        OnHold,
        #[sea_orm(string_value = "on-hold")]
        AlsoOnHold,
        #[sea_orm(string_value = "+")]
        Plus,
        #[sea_orm(string_value = "1st")]
        First,
    }

    /// The database enum of this name, with other values.
    #[derive(Clone, Debug, PartialEq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "grade")]
    pub enum OtherGrade {
        #[sea_orm(string_value = "good")]
        Good,
    }
}

/// Words whose plural equals the singular.
mod uncountable {
    use super::entity;

    entity! { news in "news" { #[sea_orm(primary_key)] id: i32 } }
    entity! { tv_series in "tv_series" { #[sea_orm(primary_key)] id: i32 } }
    entity! { sheep in "sheep" { #[sea_orm(primary_key)] id: i32 } }
    entity! { species in "species" { #[sea_orm(primary_key)] id: i32 } }
    entity! { staff in "staff" { #[sea_orm(primary_key)] id: i32 } }
}

/// Case: its name, the registry, and all messages.
type Case = (&'static str, fn() -> Registry, &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "an entity registered twice",
        || sound().register::<sound::author::Entity>(),
        &["the entity of table authors is registered twice"],
    ),
    (
        "no primary key",
        || Registry::new().register::<keyless::entry::Entity>(),
        &["Entry has no primary key"],
    ),
    (
        "a relation to an entity that is not registered",
        || Registry::new().register::<sound::author::Entity>(),
        &[
            "Author.Posts references table posts, whose entity is not registered; register it or hide the relation",
        ],
    ),
    (
        "a tenant column that no table has",
        || sound().tenant_column("author"),
        &["the tenant column author does not exist in any table"],
    ),
    (
        "many-to-many to an entity that is not registered",
        || {
            Registry::new()
                .register::<pupil::Entity>()
                .many_to_many::<pupil::Entity, subject::Entity>("subjects")
        },
        &[
            "pupils to subjects references table subjects, whose entity is not registered; register it or hide the relation",
        ],
    ),
    (
        "a column that the table does not have",
        || Registry::new().register::<partial::author::Entity>().register::<partial::post::Entity>(),
        &["Post.Author uses column authors.code, which does not exist"],
    ),
    (
        "single sides without a unique key",
        || {
            Registry::new()
                .register::<repeating::user::Entity>()
                .register::<repeating::profile::Entity>()
                .register::<repeating::nickname::Entity>()
        },
        &[
            "User.profile is a has_one, but profiles (user_id) is not unique; make it unique or declare a has_many",
            "Nickname.user is a belongs_to without a constraint, but users (name) is not unique; make it unique",
        ],
    ),
    (
        "sides that cannot meet",
        || {
            Registry::new()
                .register::<unpaired::house::Entity>()
                .register::<unpaired::letter::Entity>()
                .register::<unpaired::tenant::Entity>()
                .register::<unpaired::contract::Entity>()
        },
        &[
            "House.Letters joins houses (street, number, stair, door) with letters (street, number); expected the same number of columns on both sides, at least one",
            "Letter.House joins letters (street, number) with houses (street, number, stair, door); expected the same number of columns on both sides, at least one",
            "Letter.Twice uses column letters.number more than once",
            "Contract.ByMail joins contracts.tenant_mail (Int) with tenants.mail (Text); expected columns of the same type",
            "Contract.BySince joins contracts.tenant_since (Timestamp) with tenants.since (DateTime); expected columns of the same type",
        ],
    ),
    (
        "a junction whose key is shorter than what it points at",
        || {
            Registry::new()
                .register_with::<unpaired::house::Entity>(|house| house.hide("Letters"))
                .register::<unpaired::tenant::Entity>()
                .register::<unpaired::lease::Entity>()
                .many_to_many::<unpaired::tenant::Entity, unpaired::house::Entity>("houses")
        },
        &[
            "Lease.House joins leases (street, number) with houses (street, number, stair, door); expected the same number of columns on both sides, at least one",
            "tenants to houses joins leases (street, number) with houses (street, number, stair, door); expected the same number of columns on both sides, at least one",
        ],
    ),
    (
        "definitions without columns, of another entity, and fields of one column",
        || {
            Registry::new()
                .register::<by_hand::tree::Entity>()
                .register::<by_hand::bird::Entity>()
                .register::<by_hand::perch::Entity>()
                .register::<by_hand::nest::Entity>()
                .many_to_many::<by_hand::tree::Entity, by_hand::bird::Entity>("birds")
                .many_to_many::<by_hand::bird::Entity, by_hand::tree::Entity>("trees")
        },
        &[
            "Nest.Nowhere joins nests () with trees (); expected the same number of columns on both sides, at least one",
            "the definition of Nest.Elsewhere starts at table perches; expected nests, see RelationDef::rev",
            "the definition of trees to birds starts at table perches; expected trees, see RelationDef::rev",
            "the definition of birds to trees starts at table nests; expected perches, see RelationDef::rev",
            "Tree has more than one field for column trees.height; remove all but one",
        ],
    ),
    (
        "reverse sides without a forward side",
        || {
            Registry::new()
                .register::<one_sided::user::Entity>()
                .register::<one_sided::post::Entity>()
                .register::<one_sided::profile::Entity>()
        },
        &[
            "User.Posts has no inverse relation; expected a belongs_to from posts (user_id) to users (id)",
            "User.Profile has no inverse relation; expected a belongs_to from profiles (user_id) to users (id)",
        ],
    ),
    (
        "conditions beside the columns",
        || Registry::new().register::<conditional::user::Entity>().register::<conditional::post::Entity>(),
        &["User.Drafts has an on_condition, which is not supported; hide the relation and filter instead"],
    ),
    (
        "a junction with a condition",
        || {
            Registry::new()
                .register_with::<conditional::post::Entity>(|post| post.hide("User"))
                .register::<conditional::tag::Entity>()
                .register::<conditional::post_tag::Entity>()
                .many_to_many::<conditional::post::Entity, conditional::tag::Entity>("tags")
        },
        &[
            "PostTag.Post has an on_condition, which is not supported; hide the relation and filter instead",
            "posts to tags has an on_condition, which is not supported; hide the relation and filter instead",
        ],
    ),
    (
        "many-to-many without a junction",
        || sound().many_to_many::<sound::post::Entity, sound::author::Entity>("authors"),
        &["posts to authors is registered as many-to-many, but has no junction; name it in Related::via"],
    ),
    (
        "fields that would be two things",
        || {
            Registry::new()
                .register::<clashing_fields::user::Entity>()
                .register::<clashing_fields::post::Entity>()
        },
        &[
            "User.nodeId would be both the node id and column node_id; rename or hide \"nodeId\" of User",
            "User.not would be both the filter's not and column not; rename or hide \"not\" of User",
            "User.postsCount would be both column posts_count and a field derived from the relation from posts (author_id); rename or hide \"postsCount\" of User, or rename or hide \"Post\" of User",
            "User.posts would be both the relation from posts (author_id) and the relation from posts (editor_id); rename or hide \"Post\" of User, or rename or hide \"Posts\" of User",
            "Post.author would be both column author and the relation by author_id to users; rename or hide \"author\" of Post, or rename or hide \"Author\" of Post",
        ],
    ),
    (
        "a junction's columns called like what every edge has",
        || {
            Registry::new()
                .register::<clashing_edges::film::Entity>()
                .register::<clashing_edges::actor::Entity>()
                .register::<clashing_edges::casting::Entity>()
        },
        &[
            "FilmActorsEdge.node would be both the node of every edge and column castings.node; rename or hide \"node\" of Casting",
            "FilmActorsEdge.cursor would be both the cursor of every edge and column castings.cursor; rename or hide \"cursor\" of Casting",
            "FilmActorsConnectLink.licence would be both the unique key actors (licence) and column castings.licence; rename or hide \"licence\" of Actor, or rename or hide \"licence\" of Casting",
            "ActorFilmsEdge.node would be both the node of every edge and column castings.node; rename or hide \"node\" of Casting",
            "ActorFilmsEdge.cursor would be both the cursor of every edge and column castings.cursor; rename or hide \"cursor\" of Casting",
        ],
    ),
    (
        "columns called like lists through a junction",
        || {
            Registry::new()
                .register::<clashing_lists::shelf::Entity>()
                .register::<clashing_lists::book::Entity>()
                .register::<clashing_lists::placing::Entity>()
        },
        &[
            "Shelf.books would be both column books and the list through placings (book_id); rename or hide \"books\" of Shelf, or set another field by many_to_many(\"shelf\", \"book\") of Placing",
            "Book.shelves would be both column shelves and the list through placings (shelf_id); rename or hide \"shelves\" of Book, or set another field by many_to_many(\"book\", \"shelf\") of Placing",
        ],
    ),
    (
        "a column called like a list of Related::via",
        || {
            Registry::new()
                .register::<clashing_lists::shelf::Entity>()
                .register::<clashing_lists::book::Entity>()
                .many_to_many::<clashing_lists::shelf::Entity, clashing_lists::book::Entity>("books")
        },
        &[
            "Shelf.books would be both column books and the list through placings (book_id); rename or hide \"books\" of Shelf, or set another field by Registry::many_to_many::<Shelf, Book>",
        ],
    ),
    (
        "types that would be two things",
        || {
            Registry::new()
                .register::<clashing_types::user::Entity>()
                .register::<clashing_types::users::Entity>()
                .register::<clashing_types::user_filter::Entity>()
                .register::<clashing_types::date::Entity>()
                .register::<clashing_types::query::Entity>()
                .register::<clashing_types::lamp::Entity>()
                .register::<clashing_types::status::Entity>()
        },
        &[
            "type User would be both the entity of table user and the entity of table users; set another name of the entity of table user, or set another name of the entity of table users",
            "type UserFilter would be both a type of the entity of table user and the entity of table user_filters; set another name of the entity of table user, or set another name of the entity of table user_filters",
            "type Date would be both a scalar and the entity of table dates; set another name of the entity of table dates",
            "type Query would be both a type of every schema and the entity of table queries; set another name of the entity of table queries",
            "type Status would be both database enum status and the entity of table statuses; set another name of the entity of table statuses",
        ],
    ),
    (
        "root fields that would be two things",
        || {
            Registry::new()
                .register::<clashing_types::user::Entity>()
                .register::<clashing_types::user_by_name::Entity>()
                .register_with::<clashing_types::node::Entity>(|node| node.name("Vertex").plural("nodes"))
        },
        &[
            "Query.userByName would be both the look-up of User and the look-up of UserByName; rename or hide \"name\" of User, or set another name of the entity of table user_by_names",
            "Query.nodes would be both the look-up of nodes and the list of Vertex; set another plural of Vertex",
        ],
    ),
    (
        "types without a scalar",
        || Registry::new().register::<opaque::host::Entity>(),
        &[
            "Host.address is of type LTree, which has no scalar; hide the column",
            "Host.network is of type Year, which has no scalar; hide the column",
        ],
    ),
    (
        "a key without a scalar, hidden or not",
        || Registry::new().register_with::<opaque::lease::Entity>(|lease| lease.hide("device")),
        &[
            "Lease.device is of type LTree, which has no scalar; it cannot be hidden because it is part of a key",
        ],
    ),
    (
        "names that GraphQL does not take",
        || {
            Registry::new()
                .register::<unspeakable::shoe::Entity>()
                .register::<unspeakable::élan::Entity>()
                .register_with::<sound::author::Entity>(|author| {
                author.hide("Posts").rename("name", "pen name").rename("id", "__id").plural("2")
            })
        },
        &[
            "\"größe\" is not a valid GraphQL name for column größe; rename it",
            "\"länge\" is not a valid GraphQL name for column länge; rename it",
            "\"__id\" is not a valid GraphQL name for column id; rename it",
            "\"pen name\" is not a valid GraphQL name for column name; rename it",
            "\"Élan\" is not a valid GraphQL name for the entity of table élans; rename it",
            "\"2\" is not a valid GraphQL name for the list of Author; rename it",
        ],
    ),
    (
        "values of enums that are no names, or the same",
        || Registry::new().register::<values::exam::Entity>(),
        &[
            "Grade.ON_HOLD would be both \"on hold\" and \"on-hold\"; rename one of them with Registry::enum_value",
            "\"\" is not a valid GraphQL name for value \"+\" of database enum grade; rename it",
        ],
    ),
    (
        "two enums with one name",
        || {
            Registry::new()
                .register::<values::exam::Entity>()
                .register::<values::paper::Entity>()
                .enum_value("grade", "+", "PLUS")
                .enum_value("grade", "on-hold", "HELD")
        },
        &[
            "type Grade would be both database enum grade and database enum grade; rename one of them in the database",
        ],
    ),
    (
        "words that have one form only",
        || {
            Registry::new()
                .register::<uncountable::news::Entity>()
                .register::<uncountable::tv_series::Entity>()
                .register::<uncountable::sheep::Entity>()
                .register::<uncountable::species::Entity>()
                .register::<uncountable::staff::Entity>()
        },
        &[
            "News has no distinct plural: Query.news would be both one and many; set another plural, such as plural(\"allNews\")",
            "TvSeries has no distinct plural: Query.tvSeries would be both one and many; set another plural, such as plural(\"allTvSeries\")",
            "Sheep has no distinct plural: Query.sheep would be both one and many; set another plural, such as plural(\"allSheep\")",
            "Species has no distinct plural: Query.species would be both one and many; set another plural, such as plural(\"allSpecies\")",
            "Staff has no distinct plural: Query.staff would be both one and many; set another plural, such as plural(\"allStaff\")",
        ],
    ),
    (
        "options that speak of nothing",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| {
                    author.rename("nmae", "name").hide("pots").list_through("Posts", "texts")
                })
                .register::<sound::post::Entity>()
                .register::<values::paper::Entity>()
                .enum_value("grade", "bad", "BAD")
                .enum_value("level", "good", "GOOD")
        },
        &[
            "an option of Author names \"Posts\", which does not exist; did you mean \"posts\"?",
            "an option of Author names \"nmae\", which does not exist; did you mean \"name\"?",
            "an option of Author names \"pots\", which does not exist; did you mean \"posts\"?",
            "an option of grade names \"bad\", which does not exist",
            "an option of level names \"good\", which does not exist",
        ],
    ),
    (
        "several faults at once",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| author.name("Query").hide("books"))
                .register::<repeating::user::Entity>()
                .register::<repeating::profile::Entity>()
                .register::<opaque::host::Entity>()
        },
        &[
            "Host.address is of type LTree, which has no scalar; hide the column",
            "Host.network is of type Year, which has no scalar; hide the column",
            "Query.Posts references table posts, whose entity is not registered; register it or hide the relation",
            "an option of Query names \"books\", which does not exist",
            "User.profile is a has_one, but profiles (user_id) is not unique; make it unique or declare a has_many",
            "type Query would be both a type of every schema and the entity of table authors; set another name of the entity of table authors",
        ],
    ),
    (
        "rules for deletions that name nothing, or that a key cannot follow, from both of its sides",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| {
                    author
                        .on_delete("posts", OnDelete::Protect)
                        .on_delete("books", OnDelete::Cascade)
                        .on_delete("name", OnDelete::Cascade)
                })
                .register_with::<sound::post::Entity>(|post| post.on_delete("author", OnDelete::Cascade))
                .register_with::<ruled::entry::Entity>(|entry| {
                    entry.on_delete("Author", OnDelete::SetNull).on_delete("editor", OnDelete::SetDefault)
                })
        },
        &[
            "an option of Author names \"books\", which does not exist",
            "an option of Author names \"name\", which does not exist",
            "Post.author has the deletion rule CASCADE, but PROTECT is declared as well",
            "Entry.author has the deletion rule SET NULL, but no column of its key may be NULL",
            "Entry.editor has the deletion rule SET DEFAULT, but editor_id may not be NULL, and its entity \
             declares no default_value",
        ],
    ),
    (
        "lists of a junction that has no such keys, or not to one table",
        || {
            sound().register_with::<ruled::entry::Entity>(|entry| {
                entry
                    .many_to_many("Author", "reader", "entries")
                    .symmetrical("friends")
                    .hide("Author")
                    .hide("Editor")
            })
        },
        &["an option of Entry names \"reader\", which does not exist"],
    ),
    (
        "a symmetrical list of a table that has one key",
        || {
            Registry::new()
                .register::<sound::author::Entity>()
                .register_with::<sound::post::Entity>(|post| post.symmetrical("friends"))
        },
        &[
            "Post cannot have the symmetrical list \"friends\": expected exactly two keys to the same columns of one table, \
             or a many_to_many of this field",
        ],
    ),
    (
        "a default that does not fit its column",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| author.default_value("name", 1.into()))
                .register::<sound::post::Entity>()
        },
        &["the default of Author.name is 1: expected String"],
    ),
    (
        "a spelling of a column that is no text",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| author.spelling("id", Spelling::Hex))
                .register::<sound::post::Entity>()
        },
        &["authors.id cannot hold UUIDs spelled hex: its type is Integer; expected text"],
    ),
    (
        "choices of a column whose values are UUIDs",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| {
                    author.spelling("name", Spelling::Hex).choices("name", [("ANN", "ann".into())])
                })
                .register::<sound::post::Entity>()
        },
        &["Author.name cannot have choices: its type is UUID; expected text or an integer"],
    ),
    (
        "a choice that does not fit its column",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| author.choices("name", [("ONE", 1.into())]))
                .register::<sound::post::Entity>()
        },
        &["a choice of Author.name is 1: expected String"],
    ),
    (
        "two choices with one value",
        || {
            let choices = || [("ANN", "ann".into()), ("ANNA", "ann".into())];
            Registry::new()
                .register_with::<sound::author::Entity>(|author| author.choices("name", choices()))
                .register::<sound::post::Entity>()
        },
        &["the choices ANN and ANNA of Author.name have the same value \"ann\""],
    ),
    (
        "keys of an entity in its options",
        || {
            Registry::new()
                .register_with::<sound::author::Entity>(|author| author.key(["id"]).not_null("name"))
                .register::<sound::post::Entity>()
        },
        &[
            "the option key (id) of authors does not fit: an entity declares it itself",
            "the option not_null (name) of authors does not fit: an entity declares it itself",
        ],
    ),
    (
        "a writable table without a key",
        || without_key(|log| log.writable(true)),
        &["Log cannot be writable, because it has no key; name one with the option key"],
    ),
    (
        "a writable view that the database does not write",
        || {
            let view = TableDescription { writes: AcceptedWrites::NONE, ..table("totals", &["id"]) };
            Registry::from_tables(
                &[view],
                &TableOptions::new().entity("totals", |total| total.writable(true)),
            )
        },
        &[
            "Total cannot be writable, because the database accepts no INSERT, UPDATE or DELETE of totals; create INSTEAD OF \
           triggers, or leave the option out",
        ],
    ),
    (
        "a table without a key whose columns are hidden",
        || without_key(|log| log.hide("line")),
        &["Log has no field: all its columns are hidden; show a column or exclude the table"],
    ),
    (
        "a type for a column that has one",
        || without_key(|log| log.column_type("line", "BigInt")),
        &["the type BigInt of logs.line cannot be set: the column has the type integer"],
    ),
];

fn without_key(options: impl FnOnce(EntityOptions) -> EntityOptions) -> Registry {
    let logs = TableDescription { primary_key: Vec::new(), ..table("logs", &["line"]) };
    Registry::from_tables(&[logs], &TableOptions::new().entity("logs", options))
}

fn sound() -> Registry {
    Registry::new().register::<sound::author::Entity>().register::<sound::post::Entity>()
}

#[test]
fn reports_each_fault_once_with_its_subject() {
    for (case, registry, messages) in CASES {
        let error = registry().model().expect_err(case);
        let told: Vec<String> = error.faults.iter().map(ToString::to_string).collect();
        assert_eq!(told, *messages, "{case}");
        let list: String = messages.iter().map(|message| format!("\n  - {message}")).collect();
        let whole = format!("the entities are not a valid model ({} found):{list}", messages.len());
        assert_eq!(error.to_string(), whole, "{case}");
    }
}

/// A `main` that returns the error prints its debug form.
#[test]
fn debug_form_of_the_error_lists_the_faults_line_by_line() {
    let registry = sound().register::<sound::author::Entity>().register::<sound::post::Entity>();
    let error: Box<dyn std::error::Error> = registry.model().unwrap_err().into();
    let expected = "the entities are not a valid model (2 found):\
                    \n  - the entity of table authors is registered twice\
                    \n  - the entity of table posts is registered twice";
    assert_eq!(format!("{error:?}"), expected);
}

#[test]
fn every_kind_of_fault_is_provoked() {
    let provoked: BTreeSet<usize> = CASES
        .iter()
        .flat_map(|(case, registry, _)| registry().model().expect_err(case).faults)
        .map(|fault| kind(&fault))
        .collect();
    assert_eq!(provoked, (0..KINDS).collect());
}

const KINDS: usize = 33;

/// Index of a fault's kind. A new kind does not compile here, and then fails above until a case provokes it.
fn kind(fault: &ModelFault) -> usize {
    match fault {
        ModelFault::RegisteredTwice { .. } => 0,
        ModelFault::NoPrimaryKey { .. } => 1,
        ModelFault::NotRegistered { .. } => 2,
        ModelFault::NoSuchColumn { .. } => 3,
        ModelFault::NotUnique { .. } => 4,
        ModelFault::NoForwardSide { .. } => 5,
        ModelFault::NotManyToMany { .. } => 6,
        ModelFault::Conditional { .. } => 7,
        ModelFault::FieldClash { .. } => 8,
        ModelFault::TypeClash { .. } => 9,
        ModelFault::ValueClash { .. } => 10,
        ModelFault::NoPlural { .. } => 11,
        ModelFault::NoScalar { .. } => 12,
        ModelFault::InvalidName { .. } => 13,
        ModelFault::UnknownOption { .. } => 14,
        ModelFault::ColumnCounts { .. } => 15,
        ModelFault::RepeatedColumn { .. } => 16,
        ModelFault::ColumnTypes { .. } => 17,
        ModelFault::WrongStart { .. } => 18,
        ModelFault::ColumnTwice { .. } => 19,
        ModelFault::OnDelete { .. } => 20,
        ModelFault::NotSymmetrical { .. } => 21,
        ModelFault::DefaultValue { .. } => 22,
        ModelFault::Spelling { .. } => 23,
        ModelFault::ChoicesOfType { .. } => 24,
        ModelFault::ChoiceValue { .. } => 25,
        ModelFault::ChoiceTwice { .. } => 26,
        ModelFault::WritableWithoutKey { .. } => 27,
        ModelFault::NoField { .. } => 28,
        ModelFault::DeclaredKey { .. } => 29,
        ModelFault::DeclaredType { .. } => 30,
        ModelFault::NotWritable { .. } => 31,
        ModelFault::TenantColumn { .. } => 32,
    }
}

/// Without the fault, the same entities make a model: each message suggests a remedy that works.
#[test]
fn suggested_remedies_make_a_valid_model() {
    let ways: [fn() -> Registry; 11] = [
        sound,
        || Registry::new().register_with::<sound::author::Entity>(|author| author.hide("Posts")),
        || Registry::new().register_with::<sound::author::Entity>(|author| author.hide("posts")),
        || {
            Registry::new()
                .register_with::<conditional::user::Entity>(|user| user.hide("Drafts"))
                .register::<conditional::post::Entity>()
        },
        || {
            Registry::new()
                .register_with::<clashing_fields::user::Entity>(|user| {
                    user.rename("nodeId", "serverId").hide("not").rename("Posts", "edited").hide("postsCount")
                })
                .register_with::<clashing_fields::post::Entity>(|post| post.rename("Author", "writer"))
        },
        || {
            Registry::new()
                .register::<clashing_edges::film::Entity>()
                .register::<clashing_edges::actor::Entity>()
                .register_with::<clashing_edges::casting::Entity>(|casting| {
                    casting.rename("node", "part").hide("cursor").hide("licence")
                })
        },
        || {
            Registry::new()
                .register::<clashing_lists::shelf::Entity>()
                .register_with::<clashing_lists::book::Entity>(|book| book.hide("shelves"))
                .register_with::<clashing_lists::placing::Entity>(|placing| {
                    placing.many_to_many("shelf", "book", "volumes")
                })
        },
        || {
            Registry::new()
                .register::<clashing_lists::shelf::Entity>()
                .register::<clashing_lists::book::Entity>()
                .many_to_many::<clashing_lists::shelf::Entity, clashing_lists::book::Entity>("volumes")
        },
        || Registry::new().register_with::<opaque::host::Entity>(|host| host.hide("address").hide("Network")),
        || {
            Registry::new()
                .register::<values::exam::Entity>()
                .enum_value("grade", "+", "PLUS")
                .enum_value("grade", "on-hold", "HELD")
        },
        || {
            Registry::new()
                .register_with::<uncountable::news::Entity>(|news| news.plural("allNews"))
                .register_with::<values::exam::Entity>(|exam| exam.hide("grade"))
        },
    ];
    for (index, registry) in ways.into_iter().enumerate() {
        let model = registry().model().unwrap_or_else(|error| panic!("{index}: {error}"));
        crowsfoot::Schema::new(model).unwrap_or_else(|error| panic!("{index}: {error}"));
    }
}

/// A plural that equals the singular is no remedy.
#[test]
fn refuses_a_plural_that_equals_the_singular() {
    let registry = Registry::new()
        .register_with::<sound::author::Entity>(|author| author.hide("Posts").plural("author"));
    let error = registry.model().unwrap_err();
    assert_eq!(error.faults, [ModelFault::NoPlural { entity: "Author".into(), field: "author".into() }]);
}
