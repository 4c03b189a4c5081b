//! Door badge, worn by one [`employee`](crate::employee) or unassigned.

use sea_orm::entity::prelude::*;

/// Door badge.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "badges", comment = "Badge that opens doors; worn by at most one employee")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Printed code, unique among all badges.
    #[sea_orm(unique, comment = "Printed code, unique among all badges")]
    pub code: String,
}

/// Relations of a badge.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Employee who wears the badge, if any.
    #[sea_orm(has_one = "super::employee::Entity")]
    Employee,
}

impl Related<super::employee::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Employee.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
