//! Employee, who wears one [`badge`](crate::badge) and has a position in the reporting tree.

use sea_orm::entity::prelude::*;

/// Employee.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "employees", comment = "Member of staff")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Full name.
    pub name: String,
    /// Badge of this employee, unique among all employees.
    #[sea_orm(unique, comment = "Badge of this employee; unique")]
    pub badge_id: i32,
    /// Manager of this employee.
    #[sea_orm(comment = "Manager of this employee; null at the top")]
    pub manager_id: Option<i32>,
}

/// Relations of an employee.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Badge of this employee.
    #[sea_orm(
        belongs_to = "super::badge::Entity",
        from = "Column::BadgeId",
        to = "super::badge::Column::Id",
        on_delete = "Cascade"
    )]
    Badge,
    /// Manager of this employee.
    #[sea_orm(belongs_to = "Entity", from = "Column::ManagerId", to = "Column::Id", on_delete = "SetNull")]
    Manager,
    /// Employees who report to this one. `via_rel` names the relation of which this is the reverse: an entity
    /// can be `Related` to itself only once, so the column must be given.
    #[sea_orm(has_many = "Entity", via_rel = "Relation::Manager")]
    Reports,
}

impl Related<super::badge::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Badge.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
