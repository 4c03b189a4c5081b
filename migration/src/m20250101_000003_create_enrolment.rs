//! Migration of `students`, `courses` and their junction `course_students`.

use sea_orm_migration::{prelude::*, schema::*};

/// Creates the tables of enrolment.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(students()).await?;
        manager.create_table(courses()).await?;
        manager.create_table(course_students()).await?;
        // The unique pair begins with `course_id` and indexes it; the other foreign key needs its own index.
        manager
            .create_index(
                Index::create()
                    .name("idx_course_students_student_id")
                    .table("course_students")
                    .col("student_id")
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["course_students", "courses", "students"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn students() -> TableCreateStatement {
    Table::create().table("students").col(pk_auto("id")).col(string("name")).take()
}

fn courses() -> TableCreateStatement {
    Table::create().table("courses").col(pk_auto("id")).col(string("title")).take()
}

fn course_students() -> TableCreateStatement {
    Table::create()
        .table("course_students")
        .col(pk_auto("id"))
        .col(integer("course_id"))
        .col(integer("student_id"))
        .index(
            Index::create()
                .unique()
                .name("uq_course_students_course_id_student_id")
                .col("course_id")
                .col("student_id"),
        )
        .foreign_key(
            ForeignKey::create()
                .name("fk_course_students_course_id")
                .from("course_students", "course_id")
                .to("courses", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .name("fk_course_students_student_id")
                .from("course_students", "student_id")
                .to("students", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
