//! User account with one [`profile`](crate::profile) and a list of [`user_info`](crate::user_info).

use sea_orm::entity::prelude::*;

/// User account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users", comment = "Person with an account")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Sign-in name, unique among all accounts.
    #[sea_orm(unique, comment = "Sign-in name, unique among all users")]
    pub username: String,
}

/// Relations of a user.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Profile of this user, if any.
    #[sea_orm(has_one = "super::profile::Entity")]
    Profile,
    /// Infos of this user: a list, although the unique key permits at most one.
    #[sea_orm(has_many = "super::user_info::Entity")]
    UserInfos,
}

impl Related<super::profile::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Profile.def()
    }
}

impl Related<super::user_info::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::UserInfos.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
