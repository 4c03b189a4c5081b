//! Somebody who takes [`course`](crate::course)s, any number of them.

use sea_orm::entity::prelude::*;

/// A student.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "students", comment = "Person who takes courses")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The full name.
    pub name: String,
}

/// Nothing is related to a student directly: the way to its courses leads over the junction, see [`Related`] below.
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
