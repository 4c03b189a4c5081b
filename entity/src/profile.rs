//! Public profile of a [`user`](crate::user): at most one each.

use sea_orm::entity::prelude::*;

/// Public profile of an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "profiles", comment = "Self-description of a user")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// User of the profile, unique among all profiles.
    #[sea_orm(unique, comment = "Owner of this profile")]
    pub user_id: i32,
    /// Self-description of the user; empty by default.
    #[sea_orm(
        column_type = "Text",
        default_value = "",
        comment = "Short biography in the user's own words; empty if none was written"
    )]
    pub bio: String,
    /// Day of birth, if the user has given it.
    #[sea_orm(comment = "Date of birth; null if unknown")]
    pub birthdate: Option<Date>,
}

/// Relations of a profile.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// User of the profile.
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
