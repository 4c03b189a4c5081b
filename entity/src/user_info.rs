//! Contact details of a [`user`](crate::user): the foreign key is unique, and still a list from the user's
//! side.

use sea_orm::entity::prelude::*;

/// Contact details of an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_infos", comment = "Contact details of a user")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// User of these details, unique among all details.
    #[sea_orm(unique, comment = "User of these contact details; unique, so each user has at most one set")]
    pub user_id: i32,
    /// Phone number in international form, with the leading plus.
    #[sea_orm(comment = "Phone number in international form, with the leading plus")]
    pub phone_number: String,
}

/// Relations of contact details.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// User of these details.
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
