//! Author of [`post`](crate::post)s and [`book`](crate::book)s.

use sea_orm::entity::prelude::*;

/// Author.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authors", comment = "Author of posts and books")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Name as printed.
    #[sea_orm(comment = "Name as printed; not unique")]
    pub name: String,
}

/// Relations of an author.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Posts by this author.
    #[sea_orm(has_many = "super::post::Entity")]
    Posts,
    /// Books by this author.
    #[sea_orm(has_many = "super::book::Entity")]
    Books,
}

impl Related<super::post::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Posts.def()
    }
}

impl Related<super::book::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Books.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
