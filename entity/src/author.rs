//! Somebody who writes [`post`](crate::post)s and [`book`](crate::book)s.

use sea_orm::entity::prelude::*;

/// A writer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authors", comment = "Author of posts and books")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The name as it is printed.
    #[sea_orm(comment = "Name as printed; not unique")]
    pub name: String,
}

/// What an author is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Everything this author has posted.
    #[sea_orm(has_many = "super::post::Entity")]
    Posts,
    /// Every book by this author.
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
