//! What a [`user`](crate::user) tells about themselves: at most one each.

use sea_orm::entity::prelude::*;

/// The public face of one account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "profiles", comment = "Self-description of a user")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The user this profile belongs to, and to no other.
    #[sea_orm(unique, comment = "Owner of this profile")]
    pub user_id: i32,
    /// A few words in the user's own hand; empty when nothing was written.
    #[sea_orm(
        column_type = "Text",
        default_value = "",
        comment = "Short biography in the user's own words; empty if none was written"
    )]
    pub bio: String,
    /// The day of birth, when the user has told it.
    #[sea_orm(comment = "Date of birth; null if unknown")]
    pub birthdate: Option<Date>,
}

/// What a profile is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The user this profile is about.
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
