//! Student, who takes any number of [`course`](crate::course)s.

use sea_orm::entity::prelude::*;

/// Student.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "students", comment = "Person who takes courses")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Full name.
    pub name: String,
}

/// No direct relations: courses are reached through the junction, see [`Related`] below.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl Related<super::course::Entity> for Entity {
    fn to() -> RelationDef {
        super::course_student::Relation::Course.def()
    }

    fn via() -> Option<RelationDef> {
        Some(super::course_student::Relation::Student.def().rev())
    }
}

impl ActiveModelBehavior for ActiveModel {}
