//! A book by one [`author`](crate::author).

use sea_orm::entity::prelude::*;

/// Published book.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "books")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Author of the book.
    pub author_id: i32,
    /// Title on the cover.
    pub title: String,
    /// International Standard Book Number.
    #[sea_orm(comment = "ISBN of thirteen digits without hyphens; not unique")]
    pub isbn: String,
}

/// Relations of a book.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Author of the book.
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
