//! Post by one [`author`](crate::author).

use sea_orm::entity::prelude::*;

/// Short text, published on its own.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "posts", comment = "Short text, published on its own")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Author of the post.
    pub author_id: i32,
    /// Headline.
    pub title: String,
    /// Text of the post.
    #[sea_orm(column_type = "Text", comment = "Full text without the title")]
    pub content: String,
}

/// Relations of a post.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Author of the post.
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
