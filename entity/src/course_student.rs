//! Junction of [`course`](crate::course) and [`student`](crate::student): two foreign keys, unique as a pair,
//! and a primary key of its own.

use sea_orm::entity::prelude::*;

/// Enrolment of a student in a course.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(
    table_name = "course_students",
    comment = "Enrolment of a student in a course, at most once per pair"
)]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Course.
    #[sea_orm(unique_key = "course_student")]
    pub course_id: i32,
    /// Enrolled student.
    #[sea_orm(unique_key = "course_student")]
    pub student_id: i32,
}

/// Relations of an enrolment: its two ends.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Course of the enrolment.
    #[sea_orm(
        belongs_to = "super::course::Entity",
        from = "Column::CourseId",
        to = "super::course::Column::Id",
        on_delete = "Cascade"
    )]
    Course,
    /// Student of the enrolment.
    #[sea_orm(
        belongs_to = "super::student::Entity",
        from = "Column::StudentId",
        to = "super::student::Column::Id",
        on_delete = "Cascade"
    )]
    Student,
}

impl Related<super::course::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Course.def()
    }
}

impl Related<super::student::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Student.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
