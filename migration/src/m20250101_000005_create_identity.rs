//! Migration of `persons` and `passports`.

use sea_orm_migration::{prelude::*, schema::*};

/// Creates the tables of identity.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(persons()).await?;
        manager.create_table(passports()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["passports", "persons"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn persons() -> TableCreateStatement {
    Table::create().table("persons").col(pk_auto("id")).col(string("name")).take()
}

fn passports() -> TableCreateStatement {
    Table::create()
        .table("passports")
        .col(integer("person_id").primary_key())
        .col(string_uniq("number"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_passports_person_id")
                .from("passports", "person_id")
                .to("persons", "id")
                .on_delete(ForeignKeyAction::Cascade)
                .on_update(ForeignKeyAction::Cascade),
        )
        .take()
}
