//! What opens the doors: worn by one [`employee`](crate::employee), or still in the drawer.

use sea_orm::entity::prelude::*;

/// A door badge.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "badges", comment = "Badge that opens doors; worn by at most one employee")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// What is printed on it; no two badges share it.
    #[sea_orm(unique, comment = "Printed code, unique among all badges")]
    pub code: String,
}

/// What a badge is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Who wears it, if anybody does.
    #[sea_orm(has_one = "super::employee::Entity")]
    Employee,
}

impl Related<super::employee::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Employee.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
