//! How to reach a [`user`](crate::user): a foreign key that is unique, and still read as a list by the user.

use sea_orm::entity::prelude::*;

/// Contact details of one account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_infos", comment = "Contact details of a user")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The user these details belong to; no user has two.
    #[sea_orm(unique, comment = "User of these contact details; unique, so each user has at most one set")]
    pub user_id: i32,
    /// In international form, with the leading plus.
    #[sea_orm(comment = "Phone number in international form, with the leading plus")]
    pub phone_number: String,
}

/// What these details are related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The user to reach.
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::UserId",
        to = "super::user::Column::Id",
        on_delete = "Cascade"
    )]
    User,
}

impl Related<super::user::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::User.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
