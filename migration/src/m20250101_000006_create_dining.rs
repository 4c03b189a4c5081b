//! Migration of `places`, `restaurants` and `waiters`.

use sea_orm_migration::{prelude::*, schema::*};

/// Creates the tables of dining.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(places()).await?;
        manager.create_table(restaurants()).await?;
        manager.create_table(waiters()).await?;
        manager
            .create_index(
                Index::create()
                    .name("idx_waiters_restaurant_id")
                    .table("waiters")
                    .col("restaurant_id")
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["waiters", "restaurants", "places"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn places() -> TableCreateStatement {
    Table::create().table("places").col(pk_auto("id")).col(string("name")).col(string("address")).take()
}

fn restaurants() -> TableCreateStatement {
    Table::create()
        .table("restaurants")
        .col(integer("place_id").primary_key())
        .col(boolean("serves_hot_dogs").default(false))
        .col(boolean("serves_pizza").default(false))
        .foreign_key(
            ForeignKey::create()
                .name("fk_restaurants_place_id")
                .from("restaurants", "place_id")
                .to("places", "id")
                .on_delete(ForeignKeyAction::Cascade)
                .on_update(ForeignKeyAction::Cascade),
        )
        .take()
}

fn waiters() -> TableCreateStatement {
    Table::create()
        .table("waiters")
        .col(pk_auto("id"))
        .col(integer("restaurant_id"))
        .col(string("name"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_waiters_restaurant_id")
                .from("waiters", "restaurant_id")
                .to("restaurants", "place_id")
                .on_delete(ForeignKeyAction::Cascade)
                .on_update(ForeignKeyAction::Cascade),
        )
        .take()
}
