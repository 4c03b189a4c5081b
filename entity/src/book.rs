//! A book by one [`author`](crate::author).

use sea_orm::entity::prelude::*;

/// A published book.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "books")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The author who wrote it.
    pub author_id: i32,
    /// The title on the cover.
    pub title: String,
    /// The International Standard Book Number.
    #[sea_orm(comment = "ISBN of thirteen digits without hyphens; not unique")]
    pub isbn: String,
}

/// What a book is related to.
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
