//! Somebody on the staff: wears one [`badge`](crate::badge), and stands somewhere in the tree of who reports to whom.

use sea_orm::entity::prelude::*;

/// Somebody on the staff.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "employees", comment = "Member of staff")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The full name.
    pub name: String,
    /// The badge this employee wears, and nobody else.
    #[sea_orm(unique, comment = "Badge of this employee; unique")]
    pub badge_id: i32,
    /// Whom this employee reports to.
    #[sea_orm(comment = "Manager of this employee; null at the top")]
    pub manager_id: Option<i32>,
}

/// What an employee is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The badge this employee wears.
    #[sea_orm(
        belongs_to = "super::badge::Entity",
        from = "Column::BadgeId",
        to = "super::badge::Column::Id",
        on_delete = "Cascade"
    )]
    Badge,
    /// Whom this employee reports to.
    #[sea_orm(belongs_to = "Entity", from = "Column::ManagerId", to = "Column::Id", on_delete = "SetNull")]
    Manager,
    /// Who reports to this employee. `via_rel` names the relation this one is the reverse of: an entity can be
    /// `Related` to itself once only, so which of its columns is meant has to be said.
    #[sea_orm(has_many = "Entity", via_rel = "Relation::Manager")]
    Reports,
}

impl Related<super::badge::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Badge.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
