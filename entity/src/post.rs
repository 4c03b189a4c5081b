//! A short text by one [`author`](crate::author).

use sea_orm::entity::prelude::*;

/// A short text, published by itself.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "posts", comment = "Short text, published on its own")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The author who wrote it.
    pub author_id: i32,
    /// The headline.
    pub title: String,
    /// The text itself.
    #[sea_orm(column_type = "Text", comment = "Full text without the title")]
    pub content: String,
}

/// What a post is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Who wrote it.
    #[sea_orm(
        belongs_to = "super::author::Entity",
        from = "Column::AuthorId",
        to = "super::author::Column::Id",
        on_delete = "Cascade"
    )]
    Author,
}

impl Related<super::author::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Author.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
