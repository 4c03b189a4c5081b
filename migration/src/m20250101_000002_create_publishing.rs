//! Migration of `authors`, `posts` and `books`.

use sea_orm_migration::{prelude::*, schema::*};

/// Creates the tables of publishing.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(authors()).await?;
        manager.create_table(posts()).await?;
        manager.create_table(books()).await?;
        for (index, table) in [("idx_posts_author_id", "posts"), ("idx_books_author_id", "books")] {
            manager.create_index(Index::create().name(index).table(table).col("author_id").take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["books", "posts", "authors"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn authors() -> TableCreateStatement {
    Table::create().table("authors").col(pk_auto("id")).col(string("name")).take()
}

fn posts() -> TableCreateStatement {
    Table::create()
        .table("posts")
        .col(pk_auto("id"))
        .col(integer("author_id"))
        .col(string("title"))
        .col(text("content"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_posts_author_id")
                .from("posts", "author_id")
                .to("authors", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn books() -> TableCreateStatement {
    Table::create()
        .table("books")
        .col(pk_auto("id"))
        .col(integer("author_id"))
        .col(string("title"))
        .col(string("isbn"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_books_author_id")
                .from("books", "author_id")
                .to("authors", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
