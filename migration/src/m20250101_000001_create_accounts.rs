//! Migration of `users`, `profiles` and `user_infos`.

use sea_orm_migration::{prelude::*, schema::*};

/// Creates the tables of accounts.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(users()).await?;
        manager.create_table(profiles()).await?;
        manager.create_table(user_infos()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["user_infos", "profiles", "users"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn users() -> TableCreateStatement {
    Table::create().table("users").col(pk_auto("id")).col(string_uniq("username")).take()
}

fn profiles() -> TableCreateStatement {
    Table::create()
        .table("profiles")
        .col(pk_auto("id"))
        .col(integer_uniq("user_id"))
        // An expression, because MySQL refuses a plain literal as the default of a TEXT column. Its
        // parentheses are valid on the other databases too.
        .col(text("bio").default(Expr::cust("''")))
        .col(date_null("birthdate"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_profiles_user_id")
                .from("profiles", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn user_infos() -> TableCreateStatement {
    Table::create()
        .table("user_infos")
        .col(pk_auto("id"))
        .col(integer_uniq("user_id"))
        .col(string("phone_number"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_user_infos_user_id")
                .from("user_infos", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
