//! Migration of `badges` and `employees`.

use sea_orm_migration::{prelude::*, schema::*};

/// Creates the tables of the staff.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(badges()).await?;
        manager.create_table(employees()).await?;
        manager
            .create_index(
                Index::create().name("idx_employees_manager_id").table("employees").col("manager_id").take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["employees", "badges"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn badges() -> TableCreateStatement {
    Table::create().table("badges").col(pk_auto("id")).col(string_uniq("code")).take()
}

fn employees() -> TableCreateStatement {
    Table::create()
        .table("employees")
        .col(pk_auto("id"))
        .col(string("name"))
        .col(integer_uniq("badge_id"))
        .col(integer_null("manager_id"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_employees_badge_id")
                .from("employees", "badge_id")
                .to("badges", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .name("fk_employees_manager_id")
                .from("employees", "manager_id")
                .to("employees", "id")
                .on_delete(ForeignKeyAction::SetNull),
        )
        .take()
}
