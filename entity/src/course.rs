//! Course with any number of [`student`](crate::student)s.

use sea_orm::entity::prelude::*;

/// Course.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "courses", comment = "Subject taught to students")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Title in the timetable.
    pub title: String,
}

/// No direct relations: students are reached through the junction, see [`Related`] below.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl Related<super::student::Entity> for Entity {
    fn to() -> RelationDef {
        super::course_student::Relation::Student.def()
    }

    fn via() -> Option<RelationDef> {
        Some(super::course_student::Relation::Course.def().rev())
    }
}

impl ActiveModelBehavior for ActiveModel {}
